//! The query that draws a sample of a table from all of it, whatever keys it has: some pages are read, however many there are.

use crate::copying::treatment::SampleWish;
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::sql;

/// So many rows from the beginning of a table, and so many from anywhere in it, are looked at; of a small one twice as many
/// from anywhere.
pub(super) const SAMPLE_ROWS: u32 = 150;
/// Where a column names what the others hold, so many rows of each such name, and so many in all.
const ROWS_OF_NAME: u32 = 30;
const ROWS_OF_NAMES: u32 = 3000;
/// Of longer values only the beginning is looked at, and less of it in a table of very many columns.
pub(super) const SAMPLE_CHARS: u32 = 1000;
const LEAST_CHARS: u32 = 20;
const SAMPLE_ALL_CHARS: u32 = 4 << 20;
/// A table of more pages is looked into in some places, of so many pages in all, more where names are to be found.
const LARGE_PAGES: u64 = 64;
const SPREAD_PAGES: u32 = 50;
const SPREAD_PAGES_OF_NAMES: u32 = 400;
/// By what rows come that are drawn: their place says nothing of what is in them.
const DRAWN: &str = "pg_catalog.hashtext(ctid::pg_catalog.text)";

/// The number of the table, and its columns as text, where they can be looked into.
pub(super) fn sample_query(number: usize, relation: &Relation, wish: &SampleWish) -> String {
    let key = wish.key.map(|key| sql::ident(&relation.table.columns[key].name));
    let from = if relation.through_root { relation.quoted() } else { format!("ONLY {}", relation.quoted()) };
    let is_still = sql::is_still(&relation.quoted(), relation.oid);
    let most = if key.is_some() { ROWS_OF_NAMES } else { 2 * SAMPLE_ROWS };
    let columns = columns(relation, wish, most);
    let rows = |is_meant: &str, most: u32| {
        format!("(SELECT {number}::int4, ARRAY[{columns}]::text[] FROM {from} WHERE {is_still}{is_meant} LIMIT {most})")
    };
    if !relation.is_heap {
        return rows("", 2 * SAMPLE_ROWS);
    }
    let is_large = relation.pages > LARGE_PAGES;
    let pages = if key.is_some() { SPREAD_PAGES_OF_NAMES } else { SPREAD_PAGES };
    let places = if is_large {
        let percent = (100.0 * f64::from(pages) / relation.pages as f64).min(100.0);
        format!("{from} TABLESAMPLE SYSTEM ({percent:.6}) REPEATABLE (7) WHERE {is_still}")
    } else {
        format!("{from} WHERE {is_still}")
    };
    let drawn = match &key {
        Some(key) => format!(
            "SELECT drawn.place FROM (SELECT ctid AS place, {DRAWN} AS hash,
                 pg_catalog.row_number() OVER (PARTITION BY {key} ORDER BY {DRAWN}) AS nth FROM {places}) AS drawn
              WHERE drawn.nth <= {ROWS_OF_NAME} ORDER BY drawn.nth, drawn.hash LIMIT {most}"
        ),
        None => {
            let most = if is_large { SAMPLE_ROWS } else { most };
            format!("SELECT ctid FROM {places} ORDER BY {DRAWN} LIMIT {most}")
        }
    };
    let anywhere = rows(&format!(" AND ctid = ANY (ARRAY({drawn}))"), most);
    if is_large { format!("{} UNION ALL {anywhere}", rows("", SAMPLE_ROWS)) } else { anywhere }
}

/// The columns of so many rows as text, as long as they may be.
fn columns(relation: &Relation, wish: &SampleWish, most_rows: u32) -> String {
    let columns = &relation.table.columns;
    let readable = columns.iter().filter(|column| column.column_type.is_readable()).count();
    let chars = SAMPLE_ALL_CHARS / most_rows / u32::try_from(readable.max(1)).unwrap_or(1);
    let chars = SAMPLE_CHARS.min(chars.max(LEAST_CHARS));
    let columns = columns.iter().zip(&wish.shown).map(|(column, is_shown)| match is_shown {
        true => format!("pg_catalog.left({}::pg_catalog.text, {chars})", sql::ident(&column.name)),
        false => "NULL".to_owned(),
    });
    columns.collect::<Vec<_>>().join(", ")
}
