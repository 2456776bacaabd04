//! What a relation holds, counted and hashed by its server, where its rows are not sent: to compare what was computed.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::postgres::rows::work_list;
use crate::postgres::session::connect::Session;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::sql;

/// The source is read for no longer than this for the sake of a comparison: what is small on disk may be long.
const COMPARED_WITHIN: Duration = Duration::from_mins(2);

/// Number and digest of rows.
pub(super) type Contents = (i64, Option<String>);

/// Until when the source may be read.
pub(super) fn deadline() -> Instant {
    Instant::now() + COMPARED_WITHIN
}

/// Reads a relation a piece at a time, no faster than the source may be read; `None` when that takes too long. `query` has a
/// condition already.
pub(super) async fn read(
    source: &SourceSession,
    query: &str,
    pages: u64,
    size_bytes: u64,
    until: Instant,
) -> Result<Option<Contents>> {
    let (mut count, mut sum): (i64, Option<i128>) = (0, None);
    for (is_in_piece, bytes) in work_list::pieces(pages, size_bytes) {
        if Instant::now() > until {
            return Ok(None);
        }
        let query = if pages > 0 { format!("{query} AND {is_in_piece}") } else { query.to_owned() };
        let row = source.row(&query, &[]).await?;
        count += row.get::<_, i64>(0);
        if let Some(of_piece) = row.get::<_, Option<String>>(1) {
            sum = Some(sum.unwrap_or(0) + of_piece.parse::<i128>().context("add up the rows' hashes")?);
        }
        source.throttle().wait(usize::try_from(bytes).unwrap_or(usize::MAX)).await;
    }
    Ok(Some((count, sum.map(|sum| sum.to_string()))))
}

/// The same in the new database, where nobody else waits.
pub(super) async fn read_back(target: &Session, quoted: &str, columns: &[String]) -> Result<Contents> {
    let rows = target.rows_pinned(&query(quoted, columns), &[]).await?;
    rows.first().map(|row| (row.get(0), row.get(1))).context("the server's answer has no row")
}

/// The row is printed column by column: one cast for all would be looked up for the relation's own type, and its owner may
/// have made it.
pub(super) fn query(quoted: &str, columns: &[String]) -> String {
    let columns: Vec<_> = columns.iter().map(|column| sql::ident(column)).collect();
    format!(
        "SELECT pg_catalog.count(*), pg_catalog.sum(pg_catalog.hashtextextended(
                    pg_catalog.textin(pg_catalog.record_out(ROW({}))) COLLATE pg_catalog.\"C\", 0))::pg_catalog.text
           FROM ONLY {quoted} AS v",
        columns.join(", ")
    )
}
