//! Sessions that read many rows of the source before these are copied, and keep none of them.

use std::borrow::Cow;
use std::sync::Arc;

use anyhow::{Context as _, Result};

use super::conditions::sql_of;
use super::shown_rows::{self, RowQuery};
use crate::copying::row::{Field as _, Row as _};
use crate::copying::treatment::{RowCondition, RowReader, ShowRow, ShownRow};
use crate::mysql::rows::relation::Relation;
use crate::mysql::rows::wire::WireRow;
use crate::mysql::session::source_session::SourceSession;
use crate::mysql::session::sql;

/// A table with more keys is read as a whole.
const MOST_KEYS: usize = 20_000;
/// A smaller table is not asked for its keys before.
const SMALL_BYTES: u64 = 1 << 20;

/// A session that reads.
pub(super) struct Reader {
    session: SourceSession,
    relations: Arc<[Relation]>,
}

/// A query, and the columns that it gives of a table.
pub(super) struct Part {
    query: String,
    table: usize,
    columns: Vec<usize>,
}

impl Reader {
    /// Each of these sessions as one.
    pub(super) fn all(sessions: Vec<SourceSession>, relations: &[Relation]) -> Vec<Self> {
        let relations: Arc<[Relation]> = relations.into();
        sessions.into_iter().map(|session| Self { session, relations: relations.clone() }).collect()
    }

    pub(super) fn into_session(self) -> SourceSession {
        self.session
    }
}

/// A row of some columns of a table.
struct Shown<'r> {
    row: &'r WireRow<'r>,
    relation: &'r Relation,
    columns: &'r [usize],
}

impl ShownRow for Shown<'_> {
    fn value(&self, number: usize) -> Option<Cow<'_, [u8]>> {
        Some(self.relation.read(*self.columns.get(number)?, self.row.field(number).raw()?))
    }
}

impl RowReader for Reader {
    type Part = Part;

    fn parts(&self, table: usize, columns: &[usize], when: &RowCondition, most_bytes: Option<u64>) -> Vec<Part> {
        let relation = &self.relations[table];
        let shown: Vec<_> = columns.iter().map(|column| relation.shown(*column)).collect();
        let mut query = format!(
            "SELECT {} FROM {} WHERE {}",
            shown.join(", "),
            relation.in_source(),
            sql_of(when, relation, columns)
        );
        let size = relation.table.size_bytes;
        if let Some((most, key)) = most_bytes.filter(|most| *most < size).zip(relation.ordered_by.as_deref()) {
            let rows = (relation.table.rows as f64 * most as f64 / size as f64).ceil().max(1.0);
            query = format!("{query} ORDER BY {} DESC LIMIT {rows:.0}", sql::ident(key));
        }
        vec![Part { query, table, columns: columns.to_vec() }]
    }

    async fn show(&mut self, parts: &[&Part], show: &mut ShowRow<'_>) -> Result<()> {
        let relations = self.relations.clone();
        let query = |part: &&Part| RowQuery {
            sql: part.query.clone(),
            columns: part.columns.len(),
            label: format!("look through table `{}`", relations[part.table].label()),
        };
        let mut take = |number: usize, row: &WireRow<'_>| {
            let Part { table, columns, .. } = parts[number];
            show(number, &Shown { row, relation: &relations[*table], columns });
        };
        shown_rows::of_each(&mut self.session, parts.iter().map(query).collect(), &mut take).await
    }

    async fn values_of(&mut self, table: usize, column: usize) -> Result<Option<Vec<String>>> {
        let relation = &self.relations[table];
        if relation.table.size_bytes <= SMALL_BYTES {
            return Ok(None);
        }
        // By its bytes, since a server takes some values for others.
        let name = sql::ident(&relation.table.columns[column].name);
        let value = relation.by_bytes(column, &relation.shown(column), self.session.family());
        let query =
            format!("SELECT DISTINCT {value} FROM {} WHERE {name} IS NOT NULL LIMIT {MOST_KEYS}", relation.in_source());
        let mut keys = Vec::new();
        let mut take = |row: &WireRow<'_>| {
            let value = row.field(0).raw().map(|value| relation.read(column, value).into_owned());
            keys.extend(value.map(|value| String::from_utf8_lossy(&value).into_owned()));
        };
        shown_rows::each(&mut self.session, &query, 1, &mut take).await?;
        self.session.let_go().await.context("let go of the source's tables")?;
        Ok((keys.len() < MOST_KEYS).then_some(keys))
    }
}
