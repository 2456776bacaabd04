//! Rows on their way: out of the source, through the transform, into the new table. One that is not changed is only spelled
//! anew.

use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::BytesMut;

use super::load_text::RowWriter;
use super::relation::Relation;
use super::row_transform::RowTransform;
use super::wire::Wire;
use crate::copying::meter::Meter;
use crate::copying::transform::{self, Transform, TransformCounts};
use crate::data::digest::{ContentDigest, RowHash};
use crate::error::Failure;
use crate::mysql::session::connect::Session;
use crate::mysql::session::fault::Fault;
use crate::mysql::session::line::Packet;
use crate::mysql::session::load_data::LoadData;
use crate::mysql::session::row_stream::RowStream;
use crate::mysql::session::source_session::SourceSession;
use crate::rewriting::Rewriter;

/// Bytes that have moved are told when there are so many of them.
const TOLD_BYTES: usize = 64 << 10;

/// Rows that were sent to a table, and taken.
#[derive(Default)]
pub(crate) struct SentRows {
    pub(crate) digest: ContentDigest,
    pub(crate) counts: TransformCounts,
    pub(crate) seconds: f64,
}

/// What is done to the rows of every table of one copy.
pub(crate) struct RowConversion {
    pub(crate) rewriter: Rewriter,
    pub(crate) rewrites_guid: bool,
}

impl RowConversion {
    /// Whether the rows of a table are looked into.
    pub(crate) fn looks_into(&self, relation: &Relation) -> bool {
        transform::is_needed(&relation.table, relation.mask.as_ref(), &self.rewriter)
    }

    /// What is done to the rows of a table; nothing where they pass as they are.
    pub(crate) fn transform<'a>(&'a self, relation: &'a Relation) -> Option<RowTransform<'a>> {
        let Relation { table, mask, .. } = relation;
        let transform = Transform::of(table, mask.as_ref(), &self.rewriter, self.rewrites_guid, Wire);
        transform.map(|transform| RowTransform::of(relation, transform))
    }
}

/// Sends the rows of a table; they count when the LOAD is finished.
pub(crate) async fn send_table(
    source: &mut SourceSession,
    target: Session,
    new_database: &str,
    relation: &Relation,
    conversion: &RowConversion,
    meter: &Meter<'_>,
) -> Result<(LoadData, SentRows)> {
    let began = Instant::now();
    let is_looked_into = conversion.looks_into(relation);
    let select = relation.select(source.database(), source.family(), is_looked_into);
    let loading = target.load_data(|file| relation.load(new_database, is_looked_into, file));
    let mut load = loading.await.context("write it")?;
    load.takes_no_members(relation.enums());
    let mut transform = conversion.transform(relation);
    let mut from = source.start_rows(&select).await.context("read it")?;
    let mut copying = Copying {
        writer: RowWriter::new(relation.table.columns.len()),
        changed: BytesMut::new(),
        sent: ContentDigest::default(),
        untold: 0,
        meter,
    };
    loop {
        match from.next().await.context("read it")? {
            Some(Packet::Whole(row)) => copying.whole(row, transform.as_mut(), &mut load).context("read it")?,
            Some(Packet::Long) => copying.long(&mut from, transform.as_ref(), &mut load).await?,
            None => break,
        }
        copying.told().await;
        load.send_some().await.context("write it")?;
    }
    let warnings = from.warnings().unwrap_or_default();
    ensure!(
        warnings == 0,
        Fault::of_answer(&format!("the source warns of {warnings} values that it could not give as they are"))
    );
    let counts = transform.map(RowTransform::into_counts).unwrap_or_default();
    Ok((load, SentRows { digest: copying.sent, counts, seconds: began.elapsed().as_secs_f64() }))
}

/// What rows pass through.
struct Copying<'a> {
    writer: RowWriter,
    /// A row that may have been changed.
    changed: BytesMut,
    sent: ContentDigest,
    /// Bytes that nobody was told of.
    untold: usize,
    meter: &'a Meter<'a>,
}

impl Copying<'_> {
    fn whole(
        &mut self,
        row: &[u8],
        transform: Option<&mut RowTransform<'_>>,
        load: &mut LoadData,
    ) -> Result<(), Fault> {
        self.untold += row.len();
        let row = match transform {
            None => row,
            Some(transform) => {
                self.changed.clear();
                if !transform.apply(row, &mut self.changed)? {
                    return Ok(());
                }
                &self.changed
            }
        };
        self.sent.add(row);
        self.writer.row(row, load.buffer())
    }

    /// Passes a row on in pieces. Nothing of it can be changed on the way, so it is refused when something would have to be.
    async fn long(
        &mut self,
        from: &mut RowStream<'_>,
        transform: Option<&RowTransform<'_>>,
        load: &mut LoadData,
    ) -> Result<()> {
        let mut hash = RowHash::default();
        let overlap = transform.map_or(0, RowTransform::longest_needle);
        // The end of what was looked at before: what is looked for may begin there.
        let mut seen = Vec::new();
        while let Some(piece) = from.piece().await.context("read it")? {
            hash.update(piece);
            self.untold += piece.len();
            if let Some(transform) = transform {
                seen.extend_from_slice(piece);
                if transform.may_change(&seen) {
                    bail!(
                        Failure::invalid("a row has more than 16 MiB, and something in it is to be changed")
                            .hint("leave the table's data out, or copy it as it is")
                    );
                }
                seen.drain(..seen.len().saturating_sub(overlap));
            }
            self.writer.piece(piece, load.buffer()).context("read it")?;
            load.send_some().await.context("write it")?;
            self.told().await;
        }
        self.writer.end(load.buffer()).context("read it")?;
        self.sent.add_hashed(&hash);
        Ok(())
    }

    /// Tells what has moved, when that is much.
    async fn told(&mut self) {
        if self.untold >= TOLD_BYTES {
            self.meter.moved(std::mem::take(&mut self.untold)).await;
        }
    }
}
