//! One table: out of the source, through the transform, into the target, and read back from there to compare.

use std::pin::{Pin, pin};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_postgres::CopyInSink;

use super::connect::Session;
use super::digest::Digest;
use super::fault::Fault;
use super::pulse::Pulse;
use super::rows::RowCutter;
use super::source::Source;
use super::tables::Table;
use super::transform::{Counts, Transform};
use crate::error::Failure;
use crate::progress::Progress;
use crate::wordpress::rewrite::Rewriter;

/// Rows are sent in pieces of about this size.
const PIECE_BYTES: usize = 64 << 10;

/// A table that has arrived and was found to be what was sent.
pub(super) struct Arrived {
    pub(super) digest: Digest,
    pub(super) counts: Counts,
    pub(super) seconds: f64,
}

/// What the tables of one copy have in common.
pub(super) struct Manner {
    pub(super) rewriter: Rewriter,
    /// The source database's own encoding.
    pub(super) encoding: String,
}

impl Manner {
    /// The encoding in which a table travels: its own, so that no byte is converted, except where values are looked
    /// into; their serialized lengths count UTF-8. In SQL_ASCII a server converts nothing whatever is asked for.
    fn encoding(&self, transform: Option<&Transform<'_>>) -> &str {
        if transform.is_some() && self.encoding != "SQL_ASCII" { "UTF8" } else { &self.encoding }
    }
}

/// Copies one table and compares. The pulse beats with every piece that moves.
pub(super) async fn copy_table(
    source: &Source,
    target: &Session,
    table: &Table,
    manner: &Manner,
    pulse: &Pulse,
    progress: &Progress,
) -> Result<Arrived> {
    let began = Instant::now();
    let mut transform = Transform::of(table, &manner.rewriter);
    let encoding = manner.encoding(transform.as_ref()).to_owned();
    let begin =
        if table.is_freezable() { format!("BEGIN; TRUNCATE ONLY {}", table.quoted()) } else { "BEGIN".to_owned() };
    target.run(&begin).await?;
    let sent = send(source, target, table, &encoding, transform.as_mut(), pulse, progress).await?;
    target.run("COMMIT").await.context("commit")?;
    pulse.beat();
    let there = read_back(target, table, &encoding, pulse).await.context("read it back")?;
    if sent != there {
        bail!(
            Failure::outside(format!(
                "what arrived is not what was sent: {} rows and {} bytes sent, {} rows and {} bytes there",
                sent.rows, sent.bytes, there.rows, there.bytes
            ))
            .hint(
                "run the copy again; if the table fails again, a type of it prints differently on the target's version"
            )
        );
    }
    let counts = transform.map(|transform| transform.counts).unwrap_or_default();
    Ok(Arrived { digest: sent, counts, seconds: began.elapsed().as_secs_f64() })
}

async fn send(
    source: &Source,
    target: &Session,
    table: &Table,
    encoding: &str,
    mut transform: Option<&mut Transform<'_>>,
    pulse: &Pulse,
    progress: &Progress,
) -> Result<Digest> {
    let mut rows = pin!(source.copy_out(&table.copy_out(encoding)).await.context("read it")?);
    let mut sink = pin!(target.copy_in(&table.copy_in(encoding)).await.context("write it")?);
    let (mut cutter, mut sent, mut piece) = (RowCutter::default(), Digest::default(), BytesMut::new());
    while let Some(data) = rows.next().await {
        let data = data.map_err(Fault::from).context("read it")?;
        pulse.beat();
        cutter.cut(&data, |row| {
            let begin = piece.len();
            match &mut transform {
                Some(transform) => transform.apply(row, &mut piece),
                None => piece.extend_from_slice(row),
            }
            sent.add(&piece[begin..]);
        });
        if piece.len() >= PIECE_BYTES {
            feed(sink.as_mut(), piece.split().freeze(), pulse, progress).await?;
        }
    }
    if !cutter.is_complete() {
        // Dropping the sink makes the target roll back.
        bail!("read it: the last row is cut off");
    }
    feed(sink.as_mut(), piece.freeze(), pulse, progress).await?;
    let written = sink.finish().await.map_err(Fault::from).context("write it")?;
    pulse.beat();
    if written != sent.rows {
        bail!("write it: {} rows were sent, and the target took {written}", sent.rows);
    }
    Ok(sent)
}

async fn feed(mut sink: Pin<&mut CopyInSink<Bytes>>, piece: Bytes, pulse: &Pulse, progress: &Progress) -> Result<()> {
    let len = piece.len() as u64;
    if let Err(error) = sink.send(piece).await {
        // A refused COPY closes the channel first; what the server said against it comes with the answer.
        let said = sink.finish().await.err().unwrap_or(error);
        return Err(anyhow::Error::from(Fault::from(said)).context("write it"));
    }
    pulse.beat();
    progress.add(len);
    Ok(())
}

async fn read_back(target: &Session, table: &Table, encoding: &str, pulse: &Pulse) -> Result<Digest> {
    // The search path decides how names of relations and types are printed: as on the source.
    target.run("BEGIN READ ONLY; SET LOCAL search_path = ''").await?;
    let mut rows = pin!(target.copy_out(&table.copy_out(encoding)).await?);
    let (mut cutter, mut there) = (RowCutter::default(), Digest::default());
    while let Some(data) = rows.next().await {
        let data = data.map_err(Fault::from)?;
        pulse.beat();
        cutter.cut(&data, |row| there.add(row));
    }
    target.run("COMMIT").await?;
    Ok(there)
}
