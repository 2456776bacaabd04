//! Samples of the source's tables: some rows of each, and how their values differ.

use std::collections::HashMap;

use anyhow::{Context as _, Result};

use super::shown_rows::{self, RowQuery};
use super::variety;
use crate::copying::row::{Field as _, Row as _};
use crate::copying::treatment::{SampleLook, SampleWish, TextRow};
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
/// So many small tables are asked about together.
const TABLES_TOGETHER: usize = 40;
/// More than any table has.
const ALL_ROWS: u64 = 1 << 62;

/// Shows samples of tables, and how the values of each differ. Small ones are asked about together.
pub(super) async fn all(
    source: &mut SourceSession,
    relations: &[Relation],
    wishes: &[SampleWish],
    look: &mut SampleLook<'_>,
) -> Result<()> {
    let mut left = wishes;
    while !left.is_empty() {
        let (together, more) = left.split_at(together(relations, left));
        left = more;
        let wished: Vec<_> = together.iter().map(|wish| Wished { relation: &relations[wish.table], wish }).collect();
        let samples = match wished.as_slice() {
            [only] if !only.is_small() => {
                let sample = only.of_large(source).await;
                vec![sample.with_context(|| only.label())?]
            }
            several => of_small(source, several).await?,
        };
        let samples: Vec<_> = wished.iter().zip(samples).map(|(wished, sample)| wished.thinned(sample)).collect();
        let varieties = variety::of(source, &wished, &samples).await?;
        source.let_go().await.context("let go of the source's tables")?;
        for ((wish, sample), variety) in together.iter().zip(&samples).zip(&varieties) {
            look(wish.table, sample, variety);
        }
    }
    Ok(())
}

/// How many tables are asked about together: one, where it is not small.
fn together(relations: &[Relation], wishes: &[SampleWish]) -> usize {
    let (mut tables, mut bytes) = (0, 0);
    for wish in wishes {
        bytes += relations[wish.table].table.size_bytes;
        if tables == TABLES_TOGETHER || bytes > SMALL_BYTES {
            break;
        }
        tables += 1;
    }
    tables.max(1)
}

/// A table of which a sample is wanted.
pub(super) struct Wished<'a> {
    pub(super) relation: &'a Relation,
    pub(super) wish: &'a SampleWish,
}

/// Samples of small tables.
async fn of_small(source: &mut SourceSession, wished: &[Wished<'_>]) -> Result<Vec<Sample>> {
    let query = |wished: &Wished<'_>| RowQuery {
        sql: of_small_query(wished.relation, wished.wish, &columns(wished.relation, wished.wish)),
        columns: wished.relation.table.columns.len(),
        label: wished.label(),
    };
    let mut samples: Vec<_> = wished.iter().map(|_| Sample::new()).collect();
    let mut take = |number: usize, row: &WireRow<'_>| samples[number].push(as_texts(wished[number].relation, row));
    shown_rows::of_each(source, wished.iter().map(query).collect(), &mut take).await?;
    Ok(samples)
}

impl Wished<'_> {
    fn is_small(&self) -> bool {
        self.relation.table.size_bytes <= SMALL_BYTES
    }

    pub(super) fn label(&self) -> String {
        format!("look into {}", self.relation.label())
    }

    async fn of_large(&self, source: &mut SourceSession) -> Result<Sample> {
        let Self { relation, wish } = self;
        let columns = columns(relation, wish);
        let mut sample = Sample::new();
        if let Some(key) = relation.ordered_by.as_deref() {
            for query in in_places(source, relation, wish, key, &columns).await? {
                sample.extend(texts(source, relation, &query).await?);
            }
        } else {
            // It would have to be read as a whole for more.
            let query = format!("SELECT {} FROM {} LIMIT {ROWS_OF_NAMES}", columns.join(", "), relation.in_source());
            sample = texts(source, relation, &query).await?;
        }
        Ok(sample)
    }

    /// No more rows than are looked at.
    fn thinned(&self, mut sample: Sample) -> Sample {
        let most = if self.wish.key.is_some() { ROWS_OF_NAMES } else { SAMPLE_ROWS };
        let mut met: HashMap<Option<String>, usize> = HashMap::new();
        sample.retain(|row| {
            let Some(key) = self.wish.key else { return true };
            let nth = met.entry(row[key].clone()).or_default();
            *nth += 1;
            *nth <= ROWS_OF_NAME
        });
        // From all of it, not from its beginning alone.
        if sample.len() > most {
            let step = sample.len().div_ceil(most);
            sample = sample.into_iter().step_by(step.max(1)).collect();
        }
        sample
    }
}

/// The rows of a query for all columns of a table, as text.
pub(super) async fn texts(source: &mut SourceSession, relation: &Relation, query: &str) -> Result<Vec<TextRow>> {
    let mut rows = Vec::new();
    let mut take = |row: &WireRow<'_>| rows.push(as_texts(relation, row));
    shown_rows::each(source, query, relation.table.columns.len(), &mut take).await?;
    Ok(rows)
}

/// A row of all columns of a table.
fn as_texts(relation: &Relation, row: &WireRow<'_>) -> TextRow {
    let text = |(column, (_, field)): (usize, (_, WireField<'_>))| {
        let value = relation.read(column, field.raw()?);
        Some(String::from_utf8_lossy(&value).into_owned())
    };
    row.fields().enumerate().map(text).collect()
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
fn of_small_query(relation: &Relation, wish: &SampleWish, columns: &[String]) -> String {
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
