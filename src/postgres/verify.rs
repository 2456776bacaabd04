//! What is on the target against what was sent: read back there, once, so that production is not read again.

use anyhow::{Context as _, Result, bail, ensure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::connect::Session;
use super::copy::Manner;
use super::digest::{Digest, RowHash};
use super::load::Arrived;
use super::parts::Piece;
use super::pulse::Pulse;
use super::wire::{self, Chunk, HEADER_BYTES, LARGE_BYTES, Reader};
use crate::error::Failure;

/// How tables are checked before the swap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Verify {
    /// Every row is read back and compared by a digest of 64 bits per table.
    #[default]
    Digest,
    /// Rows are counted.
    Count,
    /// Nothing is read back; the server's own count of rows taken is compared all the same.
    Off,
}

/// Compares tables with what was sent to them, in one round trip.
pub(super) async fn compare(
    target: &Session,
    arrived: &[&Arrived],
    manner: &Manner,
    how: Verify,
    pulse: &Pulse,
) -> Result<()> {
    let there = match how {
        Verify::Digest => digests(target, arrived, manner, pulse).await,
        Verify::Count => counts(target, arrived).await,
        Verify::Off => return Ok(()),
    }
    .context("read back what arrived")?;
    for (arrived, there) in arrived.iter().zip(there) {
        let sent = &arrived.digest;
        let is_same = if how == Verify::Digest { *sent == there } else { sent.rows == there.rows };
        if !is_same {
            bail!(
                Failure::outside(format!(
                    "table `{}`: what arrived is not what was sent: {} rows and {} bytes sent, {} rows and {} bytes there",
                    arrived.table.label(), sent.rows, sent.bytes, there.rows, there.bytes
                ))
                .hint("run the copy again; if the table fails again, a type of it prints differently on the target's version")
            );
        }
    }
    Ok(())
}

async fn digests(target: &Session, arrived: &[&Arrived], manner: &Manner, pulse: &Pulse) -> Result<Vec<Digest>> {
    let pieces = arrived.iter().map(|arrived| Piece::of(arrived.table.clone(), arrived.is_binary));
    let reads: Vec<_> = pieces.map(|piece| piece.copy_out(&manner.encoding(&piece.table))).collect();
    // The search path decides how names of relations and types are printed: as on the source.
    let all = format!("BEGIN READ ONLY; SET LOCAL search_path = ''; {}; COMMIT", reads.join("; "));
    let (mut from, _) = target.converse(&all).await?;
    from.passed().await?;
    from.passed().await?;
    let mut there = Vec::with_capacity(arrived.len());
    for arrived in arrived {
        there.push(digest(&mut from, arrived.is_binary, pulse).await?);
    }
    from.answers(&mut Vec::new()).await?;
    from.give_back();
    Ok(there)
}

async fn digest(from: &mut Reader, is_binary: bool, pulse: &Pulse) -> Result<Digest> {
    let mut there = Digest::default();
    loop {
        match from.chunk().await? {
            Chunk::Rows(len) => {
                wire::rows(&from.bytes()[..len]).for_each(|row| there.add(row));
                from.consume(len);
            }
            Chunk::Large(len) => there.add_hashed(large(from, len, pulse).await?),
            Chunk::End(rows) => {
                if is_binary {
                    there.rows = rows;
                }
                return Ok(there);
            }
        }
        pulse.beat();
    }
}

async fn large(from: &mut Reader, len: usize, pulse: &Pulse) -> Result<RowHash> {
    let mut hash = RowHash::default();
    from.consume(HEADER_BYTES);
    let mut left = len - HEADER_BYTES;
    while left > 0 {
        let some = from.some(left.min(LARGE_BYTES)).await?;
        hash.update(&from.bytes()[..some]);
        from.consume(some);
        left -= some;
        pulse.beat();
    }
    Ok(hash)
}

async fn counts(target: &Session, arrived: &[&Arrived]) -> Result<Vec<Digest>> {
    let counts: Vec<_> = arrived.iter().map(|arrived| format!("({})", arrived.table.count())).collect();
    let row = target.row(&format!("SELECT ARRAY[{}]", counts.join(", ")), &[]).await?;
    let counts: Vec<i64> = row.get(0);
    ensure!(counts.len() == arrived.len(), "the server counted other tables than it was asked to");
    Ok(counts.into_iter().map(|rows| Digest::of_count(rows.max(0) as u64)).collect())
}
