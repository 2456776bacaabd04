//! What is on the target against what was sent: read back there, once, so that production is not read again.

use anyhow::{Context as _, Result, ensure};
use tokio_postgres::types::Type;

use crate::copying::options::Verify;
use crate::copying::search::RowSearch;
use crate::copying::watchdog::Watchdog;
use crate::data::digest::{ContentDigest, RowHash};
use crate::error::Failure;
use crate::masking::residue::ResidueCounts;
use crate::postgres::rows::copy::{LOOKED_INTO_BYTES, RowConversion};
use crate::postgres::rows::format::{self, CopyFormat};
use crate::postgres::rows::load::LoadedTable;
use crate::postgres::rows::work_list::TableRange;
use crate::postgres::session::connect::Session;
use crate::postgres::session::copy_protocol::{self, Chunk, CopyReader, HEADER_BYTES, LARGE_BYTES};
use crate::postgres::session::settings;

/// So many sessions at most read one table back.
const MOST_RANGES: u64 = 4;

/// What is there of a table, or of a part of it.
#[derive(Default)]
pub(crate) struct ThereRows {
    pub(crate) digest: ContentDigest,
    /// What of people stands in it, where it was searched.
    pub(crate) residue: ResidueCounts,
}

impl ThereRows {
    pub(crate) fn merge(&mut self, more: Self) {
        self.digest.merge(more.digest);
        self.residue.add(more.residue);
    }
}

/// Compares tables with what was sent to them, in one round trip. The answer is what of people was found in each.
pub(crate) async fn compare(
    target: &Session,
    loaded: &[&LoadedTable],
    conversion: &RowConversion,
    how: Verify,
    watchdog: &Watchdog,
) -> Result<Vec<ResidueCounts>> {
    let there: Vec<ThereRows> = match how {
        Verify::Digest => {
            let ranges: Vec<_> = loaded.iter().map(|loaded| whole(loaded)).collect();
            read_back(target, &ranges, conversion, watchdog).await?
        }
        Verify::Count => counts(target, loaded).await.context("count what arrived")?,
        Verify::Off => return Ok(Vec::new()),
    };
    loaded.iter().zip(there).map(|(loaded, there)| check(loaded, &there.digest, how).map(|()| there.residue)).collect()
}

/// A table as it is to be read back.
fn whole(loaded: &LoadedTable) -> TableRange {
    TableRange::of(loaded.relation.clone()).with_format(loaded.format)
}

/// The ranges in which a large table is best read back, each of about so many bytes and by a session of its own; `None`
/// for one that is not large.
pub(crate) async fn ranges(
    target: &Session,
    loaded: &LoadedTable,
    range_bytes: u64,
) -> Result<Option<Vec<TableRange>>> {
    let relation = &loaded.relation;
    let wanted = (relation.table.size_bytes / range_bytes).min(MOST_RANGES);
    if wanted < 2 || !relation.has_pages() {
        return Ok(None);
    }
    let sql = "SELECT pg_catalog.int8div(pg_catalog.pg_relation_size(pg_catalog.to_regclass($1)), pg_catalog.current_setting('block_size')::pg_catalog.int8)";
    let rows = target.rows_pinned(sql, &[(&relation.quoted(), Type::TEXT)]).await.context("ask its size")?;
    let pages: Option<i64> = rows.first().and_then(|row| row.get(0));
    let pages = pages.and_then(|pages| u64::try_from(pages).ok()).unwrap_or(0);
    Ok((pages >= wanted).then(|| whole(loaded).ranges(pages, wanted)))
}

/// Refuses a table that is not what was sent to it.
pub(crate) fn check(loaded: &LoadedTable, there: &ContentDigest, how: Verify) -> Result<()> {
    let sent = &loaded.digest;
    let is_same = if how == Verify::Digest { sent == there } else { sent.rows == there.rows };
    ensure!(
        is_same,
        Failure::outside(format!(
            "table `{}`: what arrived is not what was sent: {} rows and {} bytes sent, {} rows and {} bytes there",
            loaded.relation.label(),
            sent.rows,
            sent.bytes,
            there.rows,
            there.bytes
        ))
        .hint("run the copy again; if the table fails again, a type of it prints differently on the target's version")
    );
    Ok(())
}

/// What is there, searched where people were masked.
pub(crate) async fn read_back(
    target: &Session,
    ranges: &[TableRange],
    conversion: &RowConversion,
    watchdog: &Watchdog,
) -> Result<Vec<ThereRows>> {
    let reading = async {
        let reads: Vec<_> = ranges.iter().map(|range| range.read_back(&conversion.encoding(&range.relation))).collect();
        // The values are printed as on the source.
        let mut begin = settings::begin_pinned();
        begin.extend(conversion.money.as_ref().map(|spelling| spelling.of_money("SET LOCAL")));
        let all = [begin.as_slice(), &reads, &["COMMIT".to_owned()]].concat();
        let (mut from, _) = target.start_copy(&all.join("; ")).await?;
        for _ in begin {
            from.command_complete().await?;
        }
        let mut there = Vec::with_capacity(ranges.len());
        for range in ranges {
            there.push(rows(&mut from, range, watchdog).await?);
        }
        from.until_ready(&mut Vec::new()).await?;
        from.give_back();
        anyhow::Ok(there)
    };
    reading.await.context("read back what arrived")
}

/// The digest of the rows of a COPY, and what of people stands in them where they are searched.
pub(crate) async fn rows(from: &mut CopyReader, range: &TableRange, watchdog: &Watchdog) -> Result<ThereRows> {
    let (mut there, format) = (ContentDigest::default(), range.format);
    let relation = &range.relation;
    let mut search = relation.places.as_ref().map(|places| RowSearch::new(&relation.table, places, format));
    loop {
        match from.next_chunk().await? {
            Chunk::Rows(len) => {
                let rows = copy_protocol::rows(&from.bytes()[..len]).filter_map(|message| format.row_in(message).1);
                for row in rows {
                    there.add(row);
                    if let Some(search) = &mut search {
                        search.row(row);
                    }
                }
                from.consume(len);
            }
            Chunk::Large(len) if search.is_some() && len <= LOOKED_INTO_BYTES => {
                from.wait_for(len).await?;
                let message = &from.bytes()[HEADER_BYTES..len];
                if let (Some(row), Some(search)) = (format.row_in(message).1, &mut search) {
                    there.add(row);
                    search.row(row);
                }
                from.consume(len);
            }
            Chunk::Large(len) => {
                there.add_hashed(&large(from, len, format, watchdog).await?);
                if let Some(search) = &mut search {
                    search.skip();
                }
            }
            Chunk::End(rows) => {
                ensure!(there.rows == rows, "{rows} rows are there, and {} came", there.rows);
                let residue = search.map(|search| search.counts).unwrap_or_default();
                return Ok(ThereRows { digest: there, residue });
            }
        }
        watchdog.feed();
    }
}

async fn large(from: &mut CopyReader, len: usize, format: CopyFormat, watchdog: &Watchdog) -> Result<RowHash> {
    let mut hash = RowHash::default();
    from.wait_for(HEADER_BYTES + format::HEADER_BYTES).await?;
    let mut before = format.row_in(&from.bytes()[HEADER_BYTES..]).0.len();
    from.consume(HEADER_BYTES);
    let mut left = len - HEADER_BYTES;
    while left > 0 {
        let some = from.wait_for_some(left.min(LARGE_BYTES)).await?;
        hash.update(&from.bytes()[std::mem::take(&mut before)..some]);
        from.consume(some);
        left -= some;
        watchdog.feed();
    }
    Ok(hash)
}

async fn counts(target: &Session, loaded: &[&LoadedTable]) -> Result<Vec<ThereRows>> {
    let counts: Vec<_> = loaded.iter().map(|loaded| format!("({})", loaded.relation.count())).collect();
    let rows = target.rows_pinned(&format!("SELECT ARRAY[{}]", counts.join(", ")), &[]).await?;
    let counts: Vec<i64> = rows.first().map(|row| row.get(0)).unwrap_or_default();
    ensure!(counts.len() == loaded.len(), "the server counted other tables than it was asked to");
    let there = |rows: i64| ThereRows {
        digest: ContentDigest::of_count(rows.max(0).cast_unsigned()),
        residue: ResidueCounts::default(),
    };
    Ok(counts.into_iter().map(there).collect())
}
