//! Rows on their way: out of the source, through the transform, into the target. What is not changed is forwarded in
//! the bytes in which it came.

use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Error, Result, bail, ensure};

use super::format::{self, CopyFormat};
use super::relation::Relation;
use super::work_list::{TableRange, WorkItem};
use crate::copying::meter::Meter;
use crate::copying::transform::{self, Transform, TransformCounts};
use crate::data::digest::{ContentDigest, RowHash};
use crate::error::Failure;
use crate::postgres::dump::spelling::Spelling;
use crate::postgres::session::connect::Session;
use crate::postgres::session::copy_protocol::{self, Chunk, CopyReader, CopyWriter, HEADER_BYTES, LARGE_BYTES};
use crate::postgres::session::fault::{Fault, fault};
use crate::postgres::session::source_session::SourceSession;
use crate::rewriting::Rewriter;

/// A row that is looked into is held in memory; a longer one passes only when nothing in it is to be changed.
pub(crate) const LOOKED_INTO_BYTES: usize = 16 << 20;
/// So much of a message is there before its row is looked at.
const ROW_BEGINS_BYTES: usize = 1024;
/// How long a target that cut the line off may take to say why.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Rows that were sent to a table.
pub(crate) struct SentRows {
    pub(crate) digest: ContentDigest,
    pub(crate) counts: TransformCounts,
    pub(crate) seconds: f64,
}

/// What is done to the rows of every table of one copy: URLs are rewritten, and the encoding may change.
pub(crate) struct RowConversion {
    pub(crate) rewriter: Rewriter,
    pub(crate) rewrites_guid: bool,
    /// The source database's own encoding.
    pub(crate) encoding: String,
    /// How money is spelled, where there is any.
    pub(crate) money: Option<Spelling>,
}

impl RowConversion {
    /// The transform of a table's rows, if there is one.
    fn transform<'a>(&'a self, relation: &'a Relation, format: CopyFormat) -> Option<Transform<'a, CopyFormat>> {
        Transform::of(&relation.table, relation.mask.as_ref(), &self.rewriter, self.rewrites_guid, format)
    }

    /// The encoding in which a table travels: its own, so that no byte is converted, except where values are looked
    /// into; their serialized lengths count UTF-8. In `SQL_ASCII` a server converts nothing whatever is asked for.
    pub(crate) fn encoding(&self, relation: &Relation) -> String {
        let is_looked_into = self.encoding != "SQL_ASCII"
            && transform::is_needed(&relation.table, relation.mask.as_ref(), &self.rewriter);
        if is_looked_into { "UTF8".to_owned() } else { self.encoding.clone() }
    }
}

/// Copies one item. What its tables have got can be kept only when this succeeds; else both sessions are of no more use.
pub(crate) async fn copy_item(
    source: &SourceSession,
    target: &Session,
    item: &WorkItem,
    conversion: &RowConversion,
    is_fast: bool,
    meter: &Meter<'_>,
) -> Result<Vec<SentRows>> {
    let encodings: Vec<_> = item.ranges.iter().map(|range| conversion.encoding(&range.relation)).collect();
    let reads: Vec<_> = item.ranges.iter().zip(&encodings).map(|(range, encoding)| range.copy_out(encoding)).collect();
    let mut from = source.copy_out(&reads.join("; ")).await.context("read it")?;
    let (mut answers, mut into) = target.start_copy(&item.copy_in(&encodings, is_fast)).await.context("write it")?;
    let forwarding = async {
        let mut sent = Vec::with_capacity(item.ranges.len());
        for range in &item.ranges {
            let copying = forward(&mut from, &mut into, range, conversion, meter).await;
            sent.push(copying.with_context(|| format!("copy {}", range.label()))?);
        }
        into.flush().await.context("write it")?;
        from.until_ready(&mut Vec::new()).await.context("read it")?;
        Ok(sent)
    };
    let mut written = Vec::new();
    let sent = match together(forwarding, answers.until_ready(&mut written)).await {
        // Those that the server has answered for are not what it speaks of.
        Err(CopyError::Target(said)) => {
            let range =
                item.ranges.get(written.len()).or(item.ranges.last()).map(TableRange::label).unwrap_or_default();
            return Err(Error::from(said).context("write it").context(format!("copy {range}")));
        }
        Err(CopyError::Forwarding(error)) => return Err(error),
        Ok(sent) => sent,
    };
    from.give_back();
    answers.give_back();
    for ((range, sent), written) in item.ranges.iter().zip(&sent).zip(written) {
        let rows = sent.digest.rows;
        ensure!(rows == written, "table `{}`: {rows} rows were sent, and the target took {written}", range.label());
    }
    Ok(sent)
}

/// Which side of a COPY failed.
enum CopyError {
    /// What the target's server said.
    Target(Fault),
    Forwarding(Error),
}

/// Runs both sides of a COPY. A target that refuses rows says so on one side and cuts the other off.
async fn together(
    forwarding: impl Future<Output = Result<Vec<SentRows>>>,
    answering: impl Future<Output = Result<(), Fault>>,
) -> Result<Vec<SentRows>, CopyError> {
    let (mut forwarding, mut answering) = (pin!(forwarding), pin!(answering));
    let error = tokio::select! {
        biased;
        answered = &mut answering => {
            answered.map_err(CopyError::Target)?;
            return forwarding.await.map_err(CopyError::Forwarding);
        }
        sent = &mut forwarding => match sent {
            Ok(sent) => return answering.await.map(|()| sent).map_err(CopyError::Target),
            Err(error) => error,
        },
    };
    let is_cut_off = fault(&error).is_some_and(|fault| fault.sqlstate.is_empty());
    if is_cut_off
        && let Ok(Err(said)) = tokio::time::timeout(LAST_WORDS, answering).await
        && !said.sqlstate.is_empty()
    {
        return Err(CopyError::Target(said));
    }
    Err(CopyError::Forwarding(error))
}

async fn forward(
    from: &mut CopyReader,
    into: &mut CopyWriter,
    range: &TableRange,
    conversion: &RowConversion,
    meter: &Meter<'_>,
) -> Result<SentRows> {
    let began = Instant::now();
    let mut transform = conversion.transform(&range.relation, range.format);
    ensure!(
        range.format == CopyFormat::Text || range.relation.in_binary || transform.is_none(),
        too_long("a value in it is too long for a server to write as text")
    );
    let (mut sent, mut read) = (ContentDigest::default(), 0);
    loop {
        let moved = match from.next_chunk().await.context("read it")? {
            Chunk::Rows(len) => {
                let messages = &from.bytes()[..len];
                read += add(messages, range, transform.as_mut(), &mut sent, into)?;
                match transform {
                    Some(_) => into.rows_written().await,
                    None => into.forward(messages).await,
                }
                .context("write it")?;
                from.consume(len);
                len
            }
            Chunk::Large(len) if transform.is_some() && len <= LOOKED_INTO_BYTES => {
                from.wait_for(len).await.context("read it")?;
                read += add(&from.bytes()[..len], range, transform.as_mut(), &mut sent, into)?;
                into.rows_written().await.context("write it")?;
                from.consume(len);
                len
            }
            Chunk::Large(len) => {
                read += 1;
                sent.add_hashed(&large(from, into, len, range, transform.as_ref(), meter).await?);
                continue;
            }
            Chunk::End(rows) => {
                ensure!(read == rows, "read it: {rows} rows are there, and {read} came");
                into.copy_done();
                let counts = transform.map(Transform::into_counts).unwrap_or_default();
                return Ok(SentRows { digest: sent, counts, seconds: began.elapsed().as_secs_f64() });
            }
        };
        meter.moved(moved).await;
    }
}

/// Takes whole rows into the digest as they are sent, and writes those that may be changed. How many there were.
fn add(
    messages: &[u8],
    range: &TableRange,
    mut transform: Option<&mut Transform<'_, CopyFormat>>,
    sent: &mut ContentDigest,
    into: &mut CopyWriter,
) -> Result<u64> {
    let mut rows = 0;
    for message in copy_protocol::rows(messages) {
        let (around, row) = range.format.row_in(message);
        if transform.is_some() {
            into.row().extend_from_slice(around);
        }
        let Some(row) = row else { continue };
        // The protocol would allow anything; every PostgreSQL server sends one row per message.
        ensure!(range.format == CopyFormat::Binary || row.ends_with(b"\n"), "read it: a message is not one row");
        match &mut transform {
            None => sent.add(row),
            Some(transform) => {
                let out = into.row();
                let begin = out.len();
                if transform.apply(row, out) {
                    sent.add(&out[begin..]);
                }
            }
        }
        rows += 1;
    }
    Ok(rows)
}

/// Passes a row on in pieces. Nothing of it can be changed on the way, so it is refused when something would have to be.
async fn large(
    from: &mut CopyReader,
    into: &mut CopyWriter,
    len: usize,
    range: &TableRange,
    transform: Option<&Transform<'_, CopyFormat>>,
    meter: &Meter<'_>,
) -> Result<RowHash> {
    let mut hash = RowHash::default();
    let overlap = transform.map_or(0, Transform::longest_needle);
    // The end of what was looked at before: what is looked for may begin there.
    let mut seen = Vec::new();
    from.wait_for(ROW_BEGINS_BYTES).await.context("read it")?;
    let (around, row) = range.format.row_in(&from.bytes()[HEADER_BYTES..]);
    let row = number_of(row.unwrap_or_default(), range);
    let mut before = around.len();
    into.forward(&from.bytes()[..HEADER_BYTES]).await.context("write it")?;
    from.consume(HEADER_BYTES);
    let mut left = len - HEADER_BYTES;
    while left > 0 {
        let some = from.wait_for_some(left.min(LARGE_BYTES)).await.context("read it")?;
        let bytes = &from.bytes()[..some];
        hash.update(&bytes[std::mem::take(&mut before)..]);
        if let Some(transform) = transform {
            seen.extend_from_slice(bytes);
            if transform.may_change(&seen) {
                let size = len / 1_000_000;
                bail!(too_long(&format!("{row} has {size} MB, and something in it is to be changed")));
            }
            seen.drain(..seen.len().saturating_sub(overlap));
        }
        into.forward(bytes).await.context("write it")?;
        from.consume(some);
        left -= some;
        meter.moved(some).await;
    }
    Ok(hash)
}

/// What people will know a row by, if that is a number: whatever else a row begins with is somebody's data.
fn number_of(row: &[u8], range: &TableRange) -> String {
    let columns = &range.relation.table.columns;
    let first = columns.first().filter(|column| column.column_type.is_integer());
    let number = first.and_then(|_| format::first_field(row, columns, range.format));
    number.map_or("a row".to_owned(), |number| format!("row `{}`", String::from_utf8_lossy(&number)))
}

fn too_long(why: &str) -> Failure {
    Failure::invalid(format!("{why}; rows up to {} MiB can be changed", LOOKED_INTO_BYTES >> 20))
        .hint("leave the table's data out, or copy it as it is")
}
