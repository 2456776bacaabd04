//! Samples of the source's tables: some rows of each, and how their values differ.

use std::collections::{HashMap, HashSet};

use anyhow::Result;

use super::shown_rows;
use crate::copying::row::{Field as _, Row as _};
use crate::copying::treatment::{SampleWish, TextRow};
use crate::masking::nets::unknown::{Differing, MOST_COMMON, Variety};
use crate::masking::suspects::Sample;
use crate::mysql::rows::relation::Relation;
use crate::mysql::rows::wire::{WireField, WireRow};
use crate::mysql::session::source_session::SourceSession;
use crate::mysql::session::sql;

/// So many rows of a table are looked at.
const SAMPLE_ROWS: usize = 300;
/// Where a column names what the others hold, so many rows of each such name, and so many in all.
const ROWS_OF_NAME: usize = 30;
const ROWS_OF_NAMES: usize = 3000;
/// Of longer values only the beginning is looked at, and less of it in a table of very many columns.
const SAMPLE_CHARS: usize = 1000;
const LEAST_CHARS: usize = 20;
const SAMPLE_ALL_CHARS: usize = 4 << 20;
/// A larger table is looked into in some places, more where names are to be found, and so many rows are read in each.
const SMALL_BYTES: u64 = 4 << 20;
const PLACES: u32 = 50;
const PLACES_OF_NAMES: u32 = 400;
const ROWS_OF_PLACE: usize = 8;
/// So many places are asked for in one go.
const TOGETHER: u32 = 50;
/// More than any table has.
const ALL_ROWS: u64 = 1 << 62;
/// The values of a larger table are not counted.
const COUNTED_BYTES: u64 = 32 << 20;
/// Of longer values only the beginning tells whether they differ.
const COUNTED_CHARS: usize = 200;

/// A sample of a table, and how its values differ.
pub(super) async fn of(
    source: &mut SourceSession,
    relation: &Relation,
    wish: &SampleWish,
) -> Result<(Sample, Variety)> {
    let columns = columns(relation, wish);
    let mut sample = Sample::new();
    if relation.table.size_bytes <= SMALL_BYTES {
        sample = texts(source, relation, &of_small(relation, wish, &columns)).await?;
    } else if let Some(key) = relation.ordered_by.as_deref() {
        for query in in_places(source, relation, wish, key, &columns).await? {
            sample.extend(texts(source, relation, &query).await?);
        }
    } else {
        // It would have to be read as a whole for more.
        let query = format!("SELECT {} FROM {} LIMIT {ROWS_OF_NAMES}", columns.join(", "), relation.in_source());
        sample = texts(source, relation, &query).await?;
    }
    let most = if wish.key.is_some() { ROWS_OF_NAMES } else { SAMPLE_ROWS };
    let mut met: HashMap<Option<String>, usize> = HashMap::new();
    sample.retain(|row| {
        let Some(key) = wish.key else { return true };
        let nth = met.entry(row[key].clone()).or_default();
        *nth += 1;
        *nth <= ROWS_OF_NAME
    });
    // From all of it, not from its beginning alone.
    if sample.len() > most {
        let step = sample.len().div_ceil(most);
        sample = sample.into_iter().step_by(step.max(1)).collect();
    }
    let variety = variety(source, relation, wish, &sample).await?;
    Ok((sample, variety))
}

/// The rows of a query for all columns of a table, as text.
pub(super) async fn texts(source: &mut SourceSession, relation: &Relation, query: &str) -> Result<Vec<TextRow>> {
    let mut rows = Vec::new();
    let mut take = |row: &WireRow<'_>| {
        let text = |(column, (_, field)): (usize, (_, WireField<'_>))| {
            let value = relation.read(column, field.raw()?);
            Some(String::from_utf8_lossy(&value).into_owned())
        };
        rows.push(row.fields().enumerate().map(text).collect());
    };
    shown_rows::each(source, query, relation.table.columns.len(), &mut take).await?;
    Ok(rows)
}

/// The columns, as long as they may be.
fn columns(relation: &Relation, wish: &SampleWish) -> Vec<String> {
    let most = if wish.key.is_some() { ROWS_OF_NAMES } else { SAMPLE_ROWS };
    let shown = wish.shown.iter().filter(|is_shown| **is_shown).count().max(1);
    let chars = SAMPLE_CHARS.min((SAMPLE_ALL_CHARS / most / shown).max(LEAST_CHARS));
    let column = |(column, is_shown): (usize, &bool)| match is_shown {
        true => format!("LEFT({}, {chars}) AS c{column}", relation.shown(column)),
        false => format!("NULL AS c{column}"),
    };
    wish.shown.iter().enumerate().map(column).collect()
}

/// The query for a sample of a table that may be read as a whole.
fn of_small(relation: &Relation, wish: &SampleWish, columns: &[String]) -> String {
    let (all, table) = (columns.join(", "), relation.in_source());
    let Some(key) = wish.key else {
        return format!("SELECT {all} FROM {table} ORDER BY RAND(7) LIMIT {SAMPLE_ROWS}");
    };
    let names: Vec<_> = (0..columns.len()).map(|column| format!("c{column}")).collect();
    let key = sql::ident(&relation.table.columns[key].name);
    // With a limit the inner one is made first: some servers number no rows in the order of what they draw.
    format!(
        "SELECT {0} FROM (SELECT {0}, ROW_NUMBER() OVER (PARTITION BY name ORDER BY place) AS nth
           FROM (SELECT {all}, {key} AS name, RAND(7) AS place FROM {table} LIMIT {ALL_ROWS}) AS placed) AS drawn
          WHERE nth <= {ROWS_OF_NAME} ORDER BY nth LIMIT {ROWS_OF_NAMES}",
        names.join(", ")
    )
}

/// The queries for a sample of a large one: some rows from many places of the order in which its rows are.
async fn in_places(
    source: &mut SourceSession,
    relation: &Relation,
    wish: &SampleWish,
    key: &str,
    columns: &[String],
) -> Result<Vec<String>> {
    let (key, table, all) = (sql::ident(key), relation.in_source(), columns.join(", "));
    let row = source.row(&format!("SELECT MIN({key}), MAX({key}) FROM {table}")).await?;
    let (Some(first), Some(last)) = (row.number::<i128>(0), row.number::<i128>(1)) else { return Ok(Vec::new()) };
    let places = if wish.key.is_some() { PLACES_OF_NAMES } else { PLACES };
    let from = |number: u32| first + (last - first) * i128::from(number) / i128::from(places);
    let one = |number: u32| {
        format!("(SELECT {all} FROM {table} WHERE {key} >= {} ORDER BY {key} LIMIT {ROWS_OF_PLACE})", from(number))
    };
    let numbers: Vec<u32> = (0..places).collect();
    let together = numbers.chunks(TOGETHER as usize);
    Ok(together.map(|some| some.iter().map(|number| one(*number)).collect::<Vec<_>>().join(" UNION ALL ")).collect())
}

/// How the values of each column of text differ: counted, or of a large table as its sample tells.
async fn variety(
    source: &mut SourceSession,
    relation: &Relation,
    wish: &SampleWish,
    sample: &Sample,
) -> Result<Variety> {
    let columns = &relation.table.columns;
    let texts: Vec<usize> = (0..columns.len())
        .filter(|column| wish.shown[*column] && columns[*column].column_type.is_plain_text())
        .filter(|column| wish.key.is_none() && sample.iter().any(|row| row[*column].is_some()))
        .collect();
    let mut variety = Variety::new();
    if texts.is_empty() {
        return Ok(variety);
    }
    if relation.table.size_bytes > COUNTED_BYTES {
        let rows = relation.table.rows;
        for column in texts {
            let different: HashSet<_> = sample.iter().filter_map(|row| row[column].as_deref()).collect();
            let is_few = different.len() * 2 < sample.len();
            let values = if is_few { different.len() as f64 } else { rows as f64 };
            variety.insert(columns[column].name.clone(), Differing { values, rows, common: Vec::new() });
        }
        return Ok(variety);
    }
    let family = source.family();
    let begun = |column: usize| format!("LEFT({}, {COUNTED_CHARS})", relation.shown(column));
    let value = |column: &usize| relation.by_bytes(*column, &begun(*column), family);
    let counts: Vec<_> = texts.iter().map(|column| format!("COUNT(DISTINCT {})", value(column))).collect();
    let row = source.row(&format!("SELECT COUNT(*), {} FROM {}", counts.join(", "), relation.in_source())).await?;
    let rows = row.number::<u64>(0).unwrap_or_default();
    for (number, column) in texts.iter().enumerate() {
        let values = row.number::<f64>(number + 1).unwrap_or_default();
        let mut common = Vec::new();
        if values >= 1.0 && values <= MOST_COMMON as f64 {
            let query = format!(
                "SELECT MIN({}) FROM {} GROUP BY {} HAVING COUNT(*) > 1 ORDER BY COUNT(*) DESC LIMIT {MOST_COMMON}",
                relation.shown(*column),
                relation.in_source(),
                value(column)
            );
            let mut take = |row: &WireRow<'_>| {
                let value = row.field(0).raw().map(|value| relation.read(*column, value).into_owned());
                common.extend(value.map(|value| String::from_utf8_lossy(&value).into_owned()));
            };
            shown_rows::each(source, &query, 1, &mut take).await?;
        }
        if values >= 1.0 {
            variety.insert(columns[*column].name.clone(), Differing { values, rows, common });
        }
    }
    Ok(variety)
}
