//! What is on the target against what was sent: read back there, once, so that production is not read again.

use anyhow::{Context as _, Result, ensure};

use super::copy::SentRows;
use super::relation::Relation;
use super::row_transform::TableSearch;
use crate::copying::options::Verify;
use crate::copying::watchdog::Watchdog;
use crate::data::digest::{ContentDigest, RowHash};
use crate::error::Failure;
use crate::mysql::session::line::Packet;
use crate::mysql::session::row_stream::{Row, RowStream};

/// Refuses a table that is not what was sent to it.
pub(crate) fn ensure_same(relation: &Relation, sent: &SentRows, there: &ContentDigest, how: Verify) -> Result<()> {
    let sent = &sent.digest;
    let is_same = if how == Verify::Digest { sent == there } else { sent.rows == there.rows };
    ensure!(
        is_same,
        Failure::outside(format!(
            "table `{}`: what arrived is not what was sent: {} rows and {} bytes sent, {} rows and {} bytes there",
            relation.label(),
            sent.rows,
            sent.bytes,
            there.rows,
            there.bytes
        ))
        .hint("run the copy again; if the table fails again, a type of it prints differently on the target's version")
    );
    Ok(())
}

/// What stands there, by the rows of an answer, or by their number in it; each row is searched for people.
pub(crate) async fn read(
    mut rows: RowStream<'_>,
    how: Verify,
    search: &mut Option<TableSearch<'_>>,
    watchdog: &Watchdog,
) -> Result<ContentDigest> {
    let mut there = ContentDigest::default();
    loop {
        while how == Verify::Digest
            && let Some(row) = rows.ready()?
        {
            there.add(row);
            if let Some(search) = search {
                search.row(row);
            }
        }
        match rows.next().await? {
            Some(Packet::Whole(row)) if how == Verify::Digest => {
                there.add(row);
                if let Some(search) = search {
                    search.row(row);
                }
            }
            Some(Packet::Whole(row)) => {
                let count = Row::of(row, None)?.number(0);
                there = ContentDigest::of_count(count.context("the server gives no number")?);
            }
            Some(Packet::Long) => {
                let mut hash = RowHash::default();
                while let Some(piece) = rows.piece().await? {
                    hash.update(piece);
                    watchdog.feed();
                }
                there.add_hashed(&hash);
                if let Some(search) = search {
                    search.skip();
                }
            }
            None => break,
        }
        watchdog.feed();
    }
    ensure!(rows.warnings() == Some(0), "the target warns of values that it could not give as they are");
    Ok(there)
}
