//! Checks of a source's tables, as the statements have them that make these: they call nothing but what is the server's own.

use std::collections::{HashMap, HashSet};

use anyhow::{Context as _, Result};
use data_encoding::HEXUPPER;

use crate::copying::treatment::{Check, TextRow};
use crate::mysql::create_table;
use crate::mysql::rows::relation::Relation;
use crate::mysql::session::source_session::SourceSession;
use crate::mysql::session::sql;

/// A query is no longer than any server takes.
const QUERY_BYTES: usize = 512 << 10;

/// So many tables are asked about at a time.
const TOGETHER: usize = 100;

/// The checks of some tables, by their places.
pub(super) async fn of(
    source: &mut SourceSession,
    relations: &[Relation],
    places: &[usize],
) -> Result<HashMap<usize, Vec<Check>>> {
    let sql = "SELECT DISTINCT t.TABLE_NAME FROM information_schema.TABLE_CONSTRAINTS AS t
                WHERE t.TABLE_SCHEMA = DATABASE() AND t.CONSTRAINT_TYPE = 'CHECK'";
    let rows = source.rows(sql).await.context("list the source's checks")?;
    let names: HashSet<String> = rows.iter().map(|row| row.text(0)).collect();
    let places: Vec<usize> =
        places.iter().copied().filter(|place| names.contains(&relations[*place].table.name)).collect();
    let mut checks = HashMap::new();
    for together in places.chunks(TOGETHER) {
        let show = |place: &usize| format!("SHOW CREATE TABLE {}", relations[*place].in_source());
        let shown = source.all(&together.iter().map(show).collect::<Vec<_>>()).await;
        let shown = shown.map_err(|failed| failed.fault).context("read the source's checks")?;
        for (place, rows) in together.iter().zip(shown) {
            let row = rows.first().context("the server tells nothing")?;
            let found = create_table::checks(&row.text(1)).into_iter();
            checks.insert(*place, found.map(|(name, text)| check(&relations[*place], name, text)).collect());
        }
    }
    Ok(checks)
}

fn check(relation: &Relation, name: String, expression: String) -> Check {
    let columns = relation.table.columns.iter().enumerate();
    let named = columns.filter(|(_, column)| expression.contains(&sql::ident(&column.name)));
    let (columns, spoken_of) =
        named.map(|(place, column)| (place, (column.name.clone(), column.type_name.to_string()))).unzip();
    Check { name, expression, columns, spoken_of }
}

/// Whether all rows pass a check: the source is asked, with values alone and no table.
pub(super) async fn passes(source: &mut SourceSession, check: &Check, rows: &[TextRow]) -> Result<bool> {
    if check.columns.is_empty() {
        return Ok(true);
    }
    let value = |value: &Option<String>| match value {
        Some(text) => format!("CONVERT(X'{}' USING utf8mb4)", HEXUPPER.encode(text.as_bytes())),
        None => "NULL".to_owned(),
    };
    let one = |row: &TextRow| {
        let values = check.columns.iter().zip(&check.spoken_of);
        let values = values.map(|(column, (name, _))| format!("{} AS {}", value(&row[*column]), sql::ident(name)));
        format!("SELECT {}", values.collect::<Vec<_>>().join(", "))
    };
    let mut bytes = 0;
    let rows = rows.iter().map(one).take_while(|row| {
        bytes += row.len();
        bytes <= QUERY_BYTES
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return Ok(true);
    }
    let query = format!("SELECT MIN(COALESCE(({}), 1)) FROM ({}) AS t", check.expression, rows.join(" UNION ALL "));
    match source.rows(&query).await {
        Ok(rows) => Ok(rows.first().is_none_or(|row| row.maybe(0).is_none() || row.flag(0))),
        // Whether it holds shows when the copy is made.
        Err(fault) if fault.number.is_some() => Ok(true),
        Err(fault) => Err(fault.into()),
    }
}
