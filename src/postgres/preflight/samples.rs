//! Samples of the source's tables, looked through for columns that look personal or that only a net masks.

use anyhow::Result;
use tokio_postgres::Row;

use super::whole_table::WholeTables;
use crate::data::tables::Column;
use crate::masking::assignment::Assignment;
use crate::masking::suspects::{Findings, Sample};
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::sql;

/// So many rows from the beginning of a table, and so many from anywhere in it, are looked at.
const SAMPLE_ROWS: u32 = 150;
/// Of longer values only the beginning is looked at, and less of it in a table of very many columns.
const SAMPLE_CHARS: u32 = 1000;
const LEAST_CHARS: u32 = 20;
const SAMPLE_ALL_CHARS: u32 = 4 << 20;
/// A table of more pages is looked into in other places as well, in so many of them.
const LARGE_PAGES: u64 = 64;
const SPREAD_PAGES: u32 = 50;
/// So many tables are asked about in one round trip.
const TOGETHER: usize = 40;

/// What samples tell of all tables that come with their rows.
pub(super) async fn look_into(
    source: &SourceSession,
    relations: &[Relation],
    assignments: &mut [Assignment],
) -> Result<Findings> {
    let looked_at = relations.iter().zip(assignments).filter(|(Relation { table, .. }, assignment)| {
        table.excluded_by.is_none() && assignment.emptied.is_none() && !table.columns.is_empty()
    });
    let mut all = Findings::default();
    let (mut planned, whole): (Vec<_>, Vec<_>) = looked_at.partition(|(relation, _)| relation.may_be_planned);
    for together in planned.chunks_mut(TOGETHER) {
        let queries =
            together.iter().enumerate().map(|(i, (relation, assignment))| sample_query(i, relation, assignment));
        let query = queries.collect::<Vec<_>>().join(" UNION ALL ");
        // One after the other, as they come: of several tables at a time the samples may be large.
        let (mut at, mut sample, mut bytes) = (0, Sample::new(), 0);
        let tables = together.len();
        let mut look = |at: usize, sample: &Sample| {
            let (relation, assignment) = &mut together[at];
            all.add(&relation.table, assignment, sample);
        };
        let take = |row: Row| {
            bytes += row.raw_size_bytes();
            // In SQL_ASCII a value may be no text at all.
            let (Ok(table), Ok(values)) = (row.try_get::<_, i32>(0), row.try_get(1)) else { return };
            let table = usize::try_from(table).unwrap_or(0).min(tables - 1);
            while at < table {
                look(at, &std::mem::take(&mut sample));
                at += 1;
            }
            sample.push(values);
        };
        source.each_row(&query, &[], take).await?;
        for at in at..tables {
            look(at, &std::mem::take(&mut sample));
        }
        source.throttle().wait(bytes).await;
        source.renew().await?;
    }
    let mut tables = WholeTables::of(source);
    for (relation, assignment) in whole {
        let mut sample = tables.rows(relation, SAMPLE_ROWS as usize, |_| true).await?;
        for (row, column) in sample.iter_mut().flat_map(|row| row.iter_mut().zip(relation.table.columns.iter())) {
            let is_shown = column.column_type.is_readable() || column.column_type.is_integer();
            let text = row.take().filter(|_| is_shown);
            *row = text.map(|text| text.chars().take(SAMPLE_CHARS as usize).collect());
        }
        all.add(&relation.table, assignment, &sample);
    }
    tables.close().await;
    for list in [&mut all.suspects, &mut all.unknown] {
        list.sort();
        // The partitions of a table look alike.
        list.dedup_by(|a, b| (&a.column, &a.rows) == (&b.column, &b.rows));
    }
    Ok(all)
}

/// The number of the table, and its columns as text, where they can be looked into.
fn sample_query(number: usize, relation: &Relation, assignment: &Assignment) -> String {
    let readable = relation.table.columns.iter().filter(|column| column.column_type.is_readable()).count();
    let chars = SAMPLE_CHARS
        .min((SAMPLE_ALL_CHARS / (2 * SAMPLE_ROWS) / u32::try_from(readable.max(1)).unwrap_or(1)).max(LEAST_CHARS));
    // By a number it is told which rows a rule or a net is about.
    let is_tested = |column: usize| assignment.mask.as_ref().is_some_and(|mask| mask.tests(column));
    let shown = |(place, column): (usize, &Column)| {
        let is_shown = column.column_type.is_readable() || column.column_type.is_integer() && is_tested(place);
        match is_shown {
            true => format!("pg_catalog.left({}::pg_catalog.text, {chars})", sql::ident(&column.name)),
            false => "NULL".to_owned(),
        }
    };
    let columns: Vec<_> = relation.table.columns.iter().enumerate().map(shown).collect();
    let from = if relation.through_root { relation.quoted() } else { format!("ONLY {}", relation.quoted()) };
    let is_still = sql::is_still(&relation.quoted(), relation.oid);
    let rows = |sample: &str, is_meant: &str| {
        format!(
            "(SELECT {number}::int4, ARRAY[{}]::text[] FROM {from}{sample} WHERE {is_still}{is_meant} LIMIT {SAMPLE_ROWS})",
            columns.join(", ")
        )
    };
    let mut query = rows("", "");
    if relation.pages > LARGE_PAGES && relation.is_heap {
        let percent = 100.0 * f64::from(SPREAD_PAGES) / relation.pages as f64;
        // Some rows of each page, so that those of the last come as well.
        let in_pages = relation.table.rows * u64::from(SPREAD_PAGES) / relation.pages;
        let one_in = (in_pages / u64::from(SAMPLE_ROWS)).max(1);
        query.push_str(" UNION ALL ");
        query.push_str(&rows(
            &format!(" TABLESAMPLE SYSTEM ({:.6}) REPEATABLE (7)", percent.min(100.0)),
            &format!(" AND pg_catalog.hashtext(ctid::pg_catalog.text) % {one_in} = 0"),
        ));
    }
    query
}
