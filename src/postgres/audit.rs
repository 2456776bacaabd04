//! An audit: any copy searched for the people of its source, whenever that is. Both are only read.

use std::sync::Arc;

use anyhow::{Context as _, Result};

use super::attempt;
use super::post_data::verify;
use super::preflight::catalog::Relations;
use super::preflight::treated;
use super::rows::format::CopyFormat;
use super::rows::relation::Relation;
use super::rows::work_list::TableRange;
use super::session::endpoint::Endpoint;
use super::session::fault::classified;
use super::session::source_session::SourceSession;
use crate::copying::audit::AuditReport;
use crate::copying::note::CopyNote;
use crate::copying::treatment::DatabaseMasking;
use crate::copying::watchdog::Watchdog;
use crate::masking::Masking;
use crate::masking::nets::Nets;
use crate::masking::nets::people::{Gatherer, PeopleDigest};
use crate::masking::residue::{Places, Proof};

/// In which encoding both are read.
const ENCODING: &str = "UTF8";

/// Searches the copy for whoever the source knows now, and for whatever has the form of an identifier. What is decided on
/// the places of the copy is laid over its tables anew.
///
/// # Errors
/// When an end cannot be reached or read; invalid input when a rule does not fit it.
pub async fn audit(source: &Endpoint, copy: &Endpoint, masking: &Masking) -> Result<AuditReport> {
    let read = async {
        let (source_session, copy_session) =
            (SourceSession::open(source, None).await?, SourceSession::open(copy, None).await?);
        let mut report = AuditReport::of(copied(&copy_session).await?);
        let then = report.people_digest();
        let nets = whom_it_knows(&source_session, masking, then).await.context("read the source")?;
        source_session.close().await;
        report.people_changed = then.map(|then| nets.people_counts().digest != Some(then));
        report.database.clone_from(&copy.database);
        report.proof = search(&copy_session, masking, &nets).await.context("read the copy")?;
        copy_session.close().await;
        Ok(report)
    };
    read.await.map_err(classified)
}

/// Everybody whom the source knows, as they can be compared with whom it knew `then`.
async fn whom_it_knows(source: &SourceSession, masking: &Masking, then: Option<PeopleDigest>) -> Result<Arc<Nets>> {
    let (tables, masked) = laid_over(source, masking).await?;
    let gatherer = then.map_or_else(|| Gatherer::new(&masking.key), |then| Gatherer::under(then.seed));
    attempt::meet(&masked, source, &tables, gatherer).await?;
    Ok(masked.nets().clone())
}

async fn laid_over(session: &SourceSession, masking: &Masking) -> Result<(Relations, DatabaseMasking)> {
    let mut tables = Relations::read(session, &[]).await?;
    let (_, masked) = treated::laid_over(session, &mut tables, false, &[], Some(masking)).await?;
    Ok((tables, masked?.context("lay the masks over the tables")?))
}

async fn search(copy: &SourceSession, masking: &Masking, nets: &Arc<Nets>) -> Result<Proof> {
    let (tables, _) = laid_over(copy, masking).await?;
    let mut proof = Proof::of(nets.people_counts());
    for relation in &tables.all {
        let is_emptied = relation.table.excluded_by.is_some();
        let places =
            relation.places.as_ref().map(|places| Places { nets: nets.clone(), is_emptied, ..(**places).clone() });
        let relation = Arc::new(Relation { places: places.map(Arc::new), in_binary: false, ..relation.clone() });
        for range in TableRange::all_of(&relation) {
            let range = range.with_format(CopyFormat::Text);
            let found = read(copy, &range).await.with_context(|| format!("read {}", range.label()))?;
            proof.add(&relation.table, &found);
        }
    }
    Ok(proof)
}

async fn read(copy: &SourceSession, range: &TableRange) -> Result<crate::masking::residue::ResidueCounts> {
    let mut from = copy.copy_out(&range.copy_out(ENCODING)).await?;
    let there = verify::rows(&mut from, range, &Watchdog::default()).await?;
    from.until_ready(&mut Vec::new()).await?;
    from.give_back();
    Ok(there.residue)
}

/// What the copy says of itself, if a copy of ours made it.
async fn copied(copy: &SourceSession) -> Result<Option<CopyNote>> {
    let rows = copy.rows(COMMENT, &[]).await.context("read the copy's note about itself")?;
    let comment: Option<String> = rows.first().and_then(|row| row.get(0));
    Ok(comment.and_then(|comment| CopyNote::read(&comment)))
}

const COMMENT: &str = "
    SELECT pg_catalog.shobj_description(d.oid, 'pg_database') FROM pg_catalog.pg_database AS d
     WHERE d.datname = pg_catalog.current_database()";
