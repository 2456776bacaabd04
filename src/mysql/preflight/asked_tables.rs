//! The source's tables as they are asked about before their rows come, by this server's own means.

use std::collections::{HashMap, HashSet};

use anyhow::{Context as _, Result};

use super::conditions::sql_of;
use super::references::Places;
use super::shown_rows::RowQuery;
use super::{checks, references, samples, shown_rows};
use crate::copying::row::{Field as _, Row as _};
use crate::copying::treatment::{
    Check, ForeignKey, RowCondition, RowsWish, SampleLook, SampleWish, SourceTables, TakeRows, TextRow,
};
use crate::data::tables::ColumnType;
use crate::masking::relations::Reference;
use crate::mysql::rows::relation::Relation;
use crate::mysql::rows::wire::WireRow;
use crate::mysql::session::source_session::SourceSession;
use crate::mysql::session::sql;

/// The rows of a larger table are not counted, since the source would have to read it all for that.
const COUNTED_BYTES: u64 = 64 << 20;
/// So many tables or columns are asked about in one round trip.
const TOGETHER: usize = 40;

/// Queries of so many bytes are held at a time.
const QUERIES_BYTES: usize = 1 << 20;

/// A longer value is not looked at as a whole.
const LONG_BYTES: usize = 64 << 10;

/// A session that reads rows, and the tables that it is asked about.
pub(in crate::mysql) struct AskedTables<'a> {
    pub(in crate::mysql) source: &'a mut SourceSession,
    pub(in crate::mysql) relations: &'a [Relation],
}

impl AskedTables<'_> {
    /// Lets go of what was read, since whoever changes a definition waits for that.
    async fn done<T>(&mut self, read: Result<T>) -> Result<T> {
        let read = read?;
        self.source.let_go().await.context("let go of the source's tables")?;
        Ok(read)
    }

    async fn each(
        &mut self,
        relation: &Relation,
        columns: &[usize],
        when: &RowCondition,
        take: &mut (dyn FnMut(Vec<String>) + Send),
    ) -> Result<()> {
        let query = query(relation, columns, when);
        let mut of_row = |row: &WireRow<'_>| {
            if let Some(texts) = texts(relation, columns, row).filter(|texts| when.holds(texts)) {
                take(texts);
            }
        };
        shown_rows::each(self.source, &query, columns.len(), &mut of_row).await
    }
}

/// The query for columns of those rows of a table that are meant, none of them NULL.
fn query(relation: &Relation, columns: &[usize], when: &RowCondition) -> String {
    let shown: Vec<_> = columns.iter().map(|column| relation.shown(*column)).collect();
    let named = columns.iter().map(|column| sql::ident(&relation.table.columns[*column].name));
    let are_there: Vec<_> = named.map(|name| format!("{name} IS NOT NULL")).collect();
    format!(
        "SELECT {} FROM {} WHERE ({}) AND {}",
        shown.join(", "),
        relation.in_source(),
        sql_of(when, relation, columns),
        are_there.join(" AND ")
    )
}

/// A row of these columns; nothing, where one is NULL.
fn texts(relation: &Relation, columns: &[usize], row: &WireRow<'_>) -> Option<Vec<String>> {
    let value = |(number, column): (usize, &usize)| {
        let value = row.field(number).raw()?;
        Some(String::from_utf8_lossy(&relation.read(*column, value)).into_owned())
    };
    columns.iter().enumerate().map(value).collect()
}

impl SourceTables for AskedTables<'_> {
    /// A server lists no table that a login may not read.
    async fn readable(&mut self, tables: &[usize]) -> Result<HashSet<usize>> {
        Ok(tables.iter().copied().collect())
    }

    async fn row_counts(&mut self, tables: &[usize]) -> Result<Vec<u64>> {
        let mut all = Vec::with_capacity(tables.len());
        for together in tables.chunks(TOGETHER) {
            let count = |place: &usize| {
                let relation = &self.relations[*place];
                match relation.table.size_bytes <= COUNTED_BYTES {
                    true => format!("(SELECT COUNT(*) FROM {})", relation.in_source()),
                    false => relation.table.rows.to_string(),
                }
            };
            let counts: Vec<_> = together.iter().map(count).collect();
            let rows = self.source.rows(&format!("SELECT {}", counts.join(", "))).await;
            let rows = self.done(rows.map_err(Into::into)).await?;
            let row = rows.first().context("the server counts no rows")?;
            all.extend((0..together.len()).map(|number| row.number::<u64>(number).unwrap_or_default()));
        }
        Ok(all)
    }

    async fn each_row(
        &mut self,
        table: usize,
        columns: &[&str],
        when: &RowCondition,
        take: &mut (dyn FnMut(Vec<String>) + Send),
    ) -> Result<()> {
        let relations = self.relations;
        let relation = &relations[table];
        let places = relation.table.places(columns)?;
        let read = self.each(relation, &places, when, take).await;
        self.done(read.with_context(|| format!("look through {}", relation.label()))).await
    }

    async fn rows_of_each(&mut self, wishes: &[RowsWish], take: &mut TakeRows<'_>) -> Result<()> {
        let relations = self.relations;
        let (mut queries, mut columns) = (Vec::with_capacity(wishes.len()), Vec::with_capacity(wishes.len()));
        for wish in wishes {
            let relation = &relations[wish.table];
            let places = relation.table.places(&wish.columns)?;
            queries.push(RowQuery {
                sql: query(relation, &places, &wish.when),
                columns: places.len(),
                label: format!("look through {}", relation.label()),
            });
            columns.push(places);
        }
        let mut of_row = |number: usize, row: &WireRow<'_>| {
            let wish = &wishes[number];
            let texts = texts(&relations[wish.table], &columns[number], row);
            if let Some(texts) = texts.filter(|texts| wish.when.holds(texts)) {
                take(number, texts);
            }
        };
        shown_rows::of_each(self.source, queries, &mut of_row).await
    }

    async fn foreign_keys(&mut self) -> Result<Vec<ForeignKey>> {
        references::foreign_keys(self.source, self.relations).await
    }

    async fn references(&mut self) -> Result<Vec<Reference>> {
        references::references(self.source, self.relations).await
    }

    async fn deciding(&mut self) -> Result<HashMap<usize, Vec<String>>> {
        references::deciding(self.source, self.relations).await
    }

    async fn computed(&mut self) -> Result<HashMap<usize, Vec<String>>> {
        let sql = "SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS
                    WHERE TABLE_SCHEMA = DATABASE() AND COALESCE(GENERATION_EXPRESSION, '') <> '' ORDER BY 1, ORDINAL_POSITION";
        let mut computed: HashMap<usize, Vec<String>> = HashMap::new();
        let places = Places::of(self.relations);
        for row in self.source.rows(sql).await.context("list generated columns")? {
            let place = places.find(&row.text(0));
            computed.entry(place.unwrap_or(usize::MAX)).or_default().push(row.text(1));
        }
        Ok(computed)
    }

    async fn checks(&mut self, tables: &[usize]) -> Result<HashMap<usize, Vec<Check>>> {
        let read = checks::of(self.source, self.relations, tables).await;
        self.done(read).await
    }

    async fn first_rows(&mut self, table: usize, most: usize) -> Result<Vec<TextRow>> {
        let relations = self.relations;
        let relation = &relations[table];
        let shown = (0..relation.table.columns.len()).map(|column| match relation.table.columns[column].column_type {
            ColumnType::Bytes | ColumnType::Other => "NULL".to_owned(),
            // What is long is as good as NULL.
            _ => {
                let shown = relation.shown(column);
                format!("IF(LENGTH({shown}) > {LONG_BYTES}, NULL, {shown})")
            }
        });
        let shown: Vec<_> = shown.collect();
        let query = format!("SELECT {} FROM {} LIMIT {most}", shown.join(", "), relation.in_source());
        let read = samples::texts(self.source, relation, &query).await;
        self.done(read).await
    }

    async fn passes(&mut self, check: &Check, rows: &[TextRow]) -> Result<bool> {
        checks::passes(self.source, check, rows).await
    }

    async fn samples(&mut self, wishes: &[SampleWish], look: &mut SampleLook<'_>) -> Result<()> {
        let read = samples::all(self.source, self.relations, wishes, look).await;
        self.done(read).await
    }

    async fn keys_among(
        &mut self,
        tables: &[usize],
        words: &[&str],
        is_hidden: &(dyn Fn(usize, usize) -> bool + Sync),
    ) -> Result<HashSet<String>> {
        let columns = references::unique_texts(self.source, self.relations).await?;
        let is_asked = |(place, column): &(usize, usize)| tables.contains(place) && !is_hidden(*place, *column);
        let columns: Vec<_> = columns.into_iter().filter(is_asked).collect();
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let bytes: usize = words.iter().map(|word| word.len() + "'', ".len()).sum();
        let (relations, when) = (self.relations, RowCondition::Is(0, words));
        let mut keys = HashSet::new();
        // Each query has all words in it.
        for together in columns.chunks((QUERIES_BYTES / bytes.max(1)).clamp(1, TOGETHER)) {
            let query = |(place, column): &(usize, usize)| RowQuery {
                sql: query(&relations[*place], &[*column], &when),
                columns: 1,
                label: format!("look through {}", relations[*place].label()),
            };
            let mut take = |number: usize, row: &WireRow<'_>| {
                let (place, column) = together[number];
                keys.extend(
                    texts(&relations[place], &[column], row).filter(|texts| when.holds(texts)).into_iter().flatten(),
                );
            };
            shown_rows::of_each(self.source, together.iter().map(query).collect(), &mut take).await?;
        }
        Ok(keys)
    }
}
