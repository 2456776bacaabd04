//! Rows of the source that are looked at one by one as they come, and none of them kept.

use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::copying::throttle::Throttle;
use crate::mysql::rows::wire::WireRow;
use crate::mysql::session::connect::limited;
use crate::mysql::session::line::Packet;
use crate::mysql::session::row_stream::RowStream;
use crate::mysql::session::source_session::SourceSession;

/// A server that looks through a table and finds nothing says nothing for long.
const SILENT_WITHIN: Duration = Duration::from_mins(15);
/// What has moved is told when it is so much.
const TOLD_BYTES: usize = 64 << 10;

/// A query for rows of so many columns.
pub(super) struct RowQuery {
    pub(super) sql: String,
    pub(super) columns: usize,
    /// What it is about, for people.
    pub(super) label: String,
}

/// Shows the rows of an answer of so many columns, one after the other; one that is too long to be held tells nobody.
pub(super) async fn each(
    source: &mut SourceSession,
    sql: &str,
    columns: usize,
    show: &mut (dyn FnMut(&WireRow<'_>) + Send),
) -> Result<()> {
    let throttle = source.throttle();
    let rows = limited(SILENT_WITHIN, source.start_rows(sql)).await?;
    of_answer(rows, &throttle, columns, show).await
}

/// Shows the rows of several answers, each with its query's number. All are asked for before the first is read, and each table is
/// let go when it was read.
pub(super) async fn of_each(
    source: &mut SourceSession,
    queries: Vec<RowQuery>,
    show: &mut (dyn FnMut(usize, &WireRow<'_>) + Send),
) -> Result<()> {
    let throttle = source.throttle();
    let mut labels = Vec::with_capacity(queries.len());
    let statements = queries.into_iter().map(|RowQuery { sql, columns, label }| {
        labels.push((columns, label));
        sql
    });
    let statements = statements.collect();
    let mut reading = source.read_tables(statements);
    for (number, (columns, label)) in labels.iter().enumerate() {
        let read = async {
            let rows = limited(SILENT_WITHIN, reading.rows()).await?;
            of_answer(rows, &throttle, *columns, &mut |row| show(number, row)).await?;
            anyhow::Ok(limited(SILENT_WITHIN, reading.done()).await?)
        };
        read.await.with_context(|| label.clone())?;
    }
    Ok(())
}

async fn of_answer(
    mut rows: RowStream<'_>,
    throttle: &Throttle,
    columns: usize,
    show: &mut (dyn FnMut(&WireRow<'_>) + Send),
) -> Result<()> {
    let mut moved = 0;
    loop {
        match limited(SILENT_WITHIN, rows.next()).await? {
            Some(Packet::Whole(row)) => {
                moved += row.len();
                WireRow::of(row, columns).iter().for_each(&mut *show);
            }
            Some(Packet::Long) => {
                while let Some(piece) = limited(SILENT_WITHIN, rows.piece()).await? {
                    moved += piece.len();
                }
            }
            None => break,
        }
        if moved >= TOLD_BYTES {
            throttle.wait(std::mem::take(&mut moved)).await;
        }
    }
    throttle.wait(moved).await;
    Ok(())
}
