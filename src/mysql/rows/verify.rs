//! What is on the target against what was sent: read back there, once, so that production is not read again.

use anyhow::{Context as _, Result, ensure};

use super::copy::{RowConversion, SentRows};
use super::relation::Relation;
use super::row_transform::TableSearch;
use crate::copying::options::Verify;
use crate::copying::watchdog::Watchdog;
use crate::data::digest::{ContentDigest, RowHash};
use crate::error::Failure;
use crate::masking::residue::ResidueCounts;
use crate::mysql::session::connect::Session;
use crate::mysql::session::line::Packet;
use crate::mysql::session::sql;

/// Compares a table with what was sent to it; `target` is a session for rows. The answer is what of people was found in it.
pub(crate) async fn compare(
    target: &mut Session,
    new_database: &str,
    relation: &Relation,
    sent: &SentRows,
    conversion: &RowConversion,
    how: Verify,
    watchdog: &Watchdog,
) -> Result<ResidueCounts> {
    let mut residue = ResidueCounts::default();
    let there = match how {
        Verify::Digest => {
            let select = relation.select(new_database, target.family, conversion.looks_into(relation));
            let mut search = TableSearch::of(relation);
            let read = read_back(target, &select, &mut search, watchdog).await.context("read back what arrived")?;
            residue = search.map(TableSearch::into_counts).unwrap_or_default();
            read
        }
        Verify::Count => {
            let count = format!("SELECT COUNT(*) FROM {}", sql::qualified(new_database, &relation.table.name));
            let rows = target.rows_whenever(&count).await.context("count what arrived")?;
            let rows = rows.first().and_then(|row| row.number(0));
            ContentDigest::of_count(rows.context("count what arrived: the server gives no number")?)
        }
        Verify::Off => return Ok(residue),
    };
    let sent = &sent.digest;
    let is_same = if how == Verify::Digest { *sent == there } else { sent.rows == there.rows };
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
    Ok(residue)
}

async fn read_back(
    target: &mut Session,
    select: &str,
    search: &mut Option<TableSearch<'_>>,
    watchdog: &Watchdog,
) -> Result<ContentDigest> {
    let mut there = ContentDigest::default();
    let mut rows = target.start_rows(select).await?;
    loop {
        match rows.next().await? {
            Some(Packet::Whole(row)) => {
                there.add(row);
                if let Some(search) = search {
                    search.row(row);
                }
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
