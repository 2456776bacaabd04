//! Rows on their way: out of the source, through the transform, into the new table. One that is not changed is only spelled
//! anew.

use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::BytesMut;

use super::load_text::RowWriter;
use super::relation::Relation;
use super::row_transform::RowTransform;
use super::wire::Wire;
use super::work_list::{TableRange, WorkItem};
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
/// A row is written in pieces of so many bytes.
const PIECE_BYTES: usize = 256 << 10;

/// Rows that were sent to a table.
#[derive(Default)]
pub(crate) struct SentRows {
    pub(crate) digest: ContentDigest,
    pub(crate) counts: TransformCounts,
    pub(crate) seconds: f64,
}

impl SentRows {
    /// Adds those of another range of the table.
    pub(crate) fn add(&mut self, more: Self) {
        self.digest.merge(more.digest);
        self.counts.add(more.counts);
        self.seconds += more.seconds;
    }
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

/// Sends the rows of an item's tables; they count when the LOAD is finished.
pub(crate) async fn send(
    source: &mut SourceSession,
    target: Session,
    new_database: &str,
    item: &WorkItem,
    conversion: &RowConversion,
    meter: &Meter<'_>,
) -> Result<(LoadData, Vec<SentRows>)> {
    let (database, family) = (source.database().to_owned(), source.family());
    let select = |range: &TableRange| range.select(&database, family, conversion.looks_into(&range.relation));
    let mut reading = source.read_tables(item.ranges.iter().map(select).collect());
    let mut load = target.load_data();
    let mut all = Vec::with_capacity(item.ranges.len());
    for range in &item.ranges {
        let relation = &*range.relation;
        let what = || format!("copy {}", range.label());
        load.begin(relation.enums(), |file| relation.load(new_database, conversion.looks_into(relation), file));
        // Of many small ones nobody waits for the way there and back.
        if item.ranges.len() == 1 {
            load.when_asked_for().await.context("write it").with_context(what)?;
        }
        let from = reading.rows().await.context("read it").with_context(what)?;
        let sent = send_rows(from, &mut load, relation, conversion, meter).await.with_context(what)?;
        load.end(sent.digest.rows);
        all.push(sent);
        reading.done().await.context("let go of the source's table").with_context(what)?;
    }
    Ok((load, all))
}

async fn send_rows(
    mut from: RowStream<'_>,
    load: &mut LoadData,
    relation: &Relation,
    conversion: &RowConversion,
    meter: &Meter<'_>,
) -> Result<SentRows> {
    let began = Instant::now();
    let mut transform = conversion.transform(relation);
    let mut copying = Copying {
        writer: RowWriter::new(relation.table.columns.len()),
        changed: BytesMut::new(),
        sent: ContentDigest::default(),
        untold: 0,
        meter,
    };
    loop {
        while load.has_room() {
            let Some(row) = from.ready().context("read it")? else { break };
            copying.short(row, transform.as_mut(), load).context("read it")?;
        }
        copying.told().await;
        load.send_some().await.context("write it")?;
        match from.next().await.context("read it")? {
            Some(Packet::Whole(row)) => copying.whole(row, transform.as_mut(), load).await?,
            Some(Packet::Long) => copying.long(&mut from, transform.as_ref(), load).await?,
            None => break,
        }
    }
    let warnings = from.warnings().unwrap_or_default();
    ensure!(
        warnings == 0,
        Fault::of_answer(&format!("the source warns of {warnings} values that it could not give as they are"))
    );
    copying.told_all().await;
    let counts = transform.map(RowTransform::into_counts).unwrap_or_default();
    Ok(SentRows { digest: copying.sent, counts, seconds: began.elapsed().as_secs_f64() })
}

/// A row as it is sent, which counts, changed where it must be; nothing of one that stays behind.
fn as_sent<'r>(
    row: &'r [u8],
    transform: Option<&mut RowTransform<'_>>,
    changed: &'r mut BytesMut,
    sent: &mut ContentDigest,
) -> Result<Option<&'r [u8]>, Fault> {
    let row = match transform {
        None => row,
        Some(transform) => {
            changed.clear();
            if !transform.apply(row, changed)? {
                return Ok(None);
            }
            changed
        }
    };
    sent.add(row);
    Ok(Some(row))
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
    /// Passes a row on that is there as a whole and short.
    fn short(
        &mut self,
        row: &[u8],
        transform: Option<&mut RowTransform<'_>>,
        load: &mut LoadData,
    ) -> Result<(), Fault> {
        self.untold += row.len();
        let Some(row) = as_sent(row, transform, &mut self.changed, &mut self.sent)? else { return Ok(()) };
        self.writer.piece(row, load.buffer())?;
        self.writer.end(load.buffer())
    }

    async fn whole(&mut self, row: &[u8], transform: Option<&mut RowTransform<'_>>, load: &mut LoadData) -> Result<()> {
        self.untold += row.len();
        let row = as_sent(row, transform, &mut self.changed, &mut self.sent).context("read it")?;
        let Some(row) = row else { return Ok(()) };
        // One that is almost too long to be held shall not be held twice.
        for piece in row.chunks(PIECE_BYTES) {
            self.writer.piece(piece, load.buffer()).context("read it")?;
            load.send_some().await.context("write it")?;
        }
        self.writer.end(load.buffer()).context("read it")
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
        let mut row = None;
        while let Some(piece) = from.piece().await.context("read it")? {
            hash.update(piece);
            self.untold += piece.len();
            if let Some(transform) = transform {
                seen.extend_from_slice(piece);
                let row = row.get_or_insert_with(|| transform.number_of(piece));
                if transform.may_change(&seen) {
                    bail!(
                        Failure::invalid(format!("{row} has more than 16 MiB, and something in it is to be changed"))
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
            self.told_all().await;
        }
    }

    async fn told_all(&mut self) {
        self.meter.moved(std::mem::take(&mut self.untold)).await;
    }
}
