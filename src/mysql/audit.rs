//! An audit: any copy searched for the people of its source, whenever that is. Both are only read.

use std::sync::Arc;

use anyhow::{Context as _, Result};

use super::catalog::NOTE_TABLE;
use super::inspect::relations;
use super::preflight::treated;
use super::rows::relation::Relation;
use super::rows::row_transform::TableSearch;
use super::session::endpoint::Endpoint;
use super::session::fault::classified;
use super::session::line::Packet;
use super::session::source_session::SourceSession;
use super::session::sql;
use crate::copying::audit::AuditReport;
use crate::copying::note::CopyNote;
use crate::copying::treatment::DatabaseMasking;
use crate::masking::Masking;
use crate::masking::nets::Nets;
use crate::masking::nets::people::{Gatherer, PeopleDigest};
use crate::masking::residue::{Places, Proof, ResidueCounts};

/// Searches the copy for whoever the source knows now, and for whatever has the form of an identifier. What is decided on
/// the places of the copy is laid over its tables anew.
///
/// # Errors
/// When an end cannot be reached or read; invalid input when a rule does not fit it.
pub(crate) async fn audit(source: &Endpoint, copy: &Endpoint, masking: &Masking) -> Result<AuditReport> {
    let read = async {
        let mut session = SourceSession::open_to_look(copy).await?;
        let mut report = AuditReport::of(copied(&mut session).await?);
        let then = report.people_digest();
        let nets = whom_it_knows(source, masking, then).await.context("read the source")?;
        report.people_changed = then.map(|then| nets.people_counts().digest != Some(then));
        report.database.clone_from(&copy.database);
        report.proof = search(copy, &mut session, masking, &nets).await.context("read the copy")?;
        session.close().await;
        anyhow::Ok(report)
    };
    read.await.map_err(classified)
}

/// Everybody whom the source knows, as they can be compared with whom it knew `then`.
async fn whom_it_knows(source: &Endpoint, masking: &Masking, then: Option<PeopleDigest>) -> Result<Arc<Nets>> {
    let mut session = SourceSession::open_to_look(source).await?;
    let (relations, masked) = laid_over(source, &mut session, masking).await?;
    let gatherer = then.map_or_else(|| Gatherer::new(&masking.key), |then| Gatherer::under(then.seed));
    for session in treated::meet(&masked, vec![session], &relations, gatherer).await? {
        session.close().await;
    }
    Ok(masked.nets().clone())
}

async fn laid_over(
    endpoint: &Endpoint,
    session: &mut SourceSession,
    masking: &Masking,
) -> Result<(Vec<Relation>, DatabaseMasking)> {
    let mut relations = relations(endpoint, &[]).await?;
    let (_, masked) = treated::laid_over(session, &mut relations, false, &[], Some(masking)).await?;
    Ok((relations, masked?.context("lay the masks over the tables")?))
}

async fn search(copy: &Endpoint, session: &mut SourceSession, masking: &Masking, nets: &Arc<Nets>) -> Result<Proof> {
    let (relations, _) = laid_over(copy, session, masking).await?;
    let mut proof = Proof::of(nets.people_counts());
    for mut relation in relations {
        let is_emptied = relation.table.excluded_by.is_some();
        let places = |places: Arc<Places>| Arc::new(Places { nets: nets.clone(), is_emptied, ..(*places).clone() });
        relation.places = relation.places.take().map(places);
        let found = read(session, &relation).await.with_context(|| format!("read {}", relation.label()))?;
        proof.add(&relation.table, &found);
    }
    Ok(proof)
}

async fn read(session: &mut SourceSession, relation: &Relation) -> Result<ResidueCounts> {
    let Some(mut search) = TableSearch::of(relation) else { return Ok(ResidueCounts::default()) };
    let select = relation.select(session.database(), session.family(), true, None);
    let mut rows = session.start_rows(&select).await?;
    loop {
        match rows.next().await? {
            Some(Packet::Whole(row)) => search.row(row),
            Some(Packet::Long) => {
                while rows.piece().await?.is_some() {}
                search.skip();
            }
            None => break,
        }
    }
    Ok(search.into_counts())
}

/// What the copy says of itself, if a copy of ours made it.
async fn copied(copy: &mut SourceSession) -> Result<Option<CopyNote>> {
    let table = sql::qualified(copy.database(), NOTE_TABLE);
    match copy.rows(&format!("SELECT note FROM {table} LIMIT 1")).await {
        Ok(rows) => Ok(rows.first().and_then(|row| CopyNote::read(&row.text(0)))),
        Err(fault) if matches!(fault.number, Some(1146 | 1054)) => Ok(None),
        Err(fault) => Err(anyhow::Error::from(fault).context("read the copy's note about itself")),
    }
}
