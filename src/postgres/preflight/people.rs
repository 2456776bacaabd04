//! The first pass over the source: whom the site knows, from the columns that are masked as a person's and no others.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use tokio_postgres::types::Type;

use super::catalog::Relations;
use super::published;
use super::streamed::PartOfTable;
use crate::copying::row::{Field as _, Row as _};
use crate::masking::assignment::{Assignment, MaskedSite};
use crate::masking::nets::people::{Gatherer, KnownPeople, PeopleColumns, Told};
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::sql;

/// A table with more keys is read as a whole.
const MOST_KEYS: usize = 20_000;
/// A smaller table is not asked for its keys before.
const SMALL_BYTES: u64 = 1 << 20;
/// How a value with a structure begins.
const STRUCTURES: &str = "('a', 'O', '{', '[')";

/// Everybody whom the site knows, but for who is named in what it publishes.
pub(super) async fn known(
    source: &SourceSession,
    tables: &Relations,
    assignments: &[Assignment],
    sites: &[MaskedSite],
    gatherer: Gatherer,
) -> Result<KnownPeople> {
    let is_read = |(relation, assignment): &(&Relation, &Assignment)| {
        relation.table.excluded_by.is_none() || assignment.emptied.is_some()
    };
    let mut tables_of_people: Vec<_> = tables
        .all
        .iter()
        .zip(assignments)
        .filter(is_read)
        .filter_map(|(relation, assignment)| {
            Some((relation, PeopleColumns::of(&relation.table, assignment, kept(relation, sites))?))
        })
        .collect();
    // The largest are taken first, from the end.
    tables_of_people.sort_by_key(|(relation, _)| relation.table.size_bytes);
    let session = source.another().await?;
    let gathering = Gathering { left: Mutex::new(tables_of_people), gatherer: Mutex::new(gatherer) };
    if gathering.left().len() > 1 {
        // What one waits for the source, the other reads.
        let others = (source.another().await?, source.another().await?);
        tokio::try_join!(gathering.go_on(source, &session), gathering.go_on(&others.0, &others.1))?;
        others.0.close().await;
        others.1.close().await;
    } else {
        gathering.go_on(source, &session).await?;
    }
    let mut people = gathering.gatherer.into_inner().unwrap_or_else(PoisonError::into_inner).end();
    if !people.is_empty() {
        published::leave_out(&session, tables, sites, &mut people)
            .await
            .context("look for people in what is published")?;
    }
    session.close().await;
    Ok(people)
}

/// The tables that are still to be read, and who was met in the others.
struct Gathering<'a> {
    left: Mutex<Vec<(&'a Relation, PeopleColumns)>>,
    gatherer: Mutex<Gatherer>,
}

impl<'a> Gathering<'a> {
    fn left(&self) -> MutexGuard<'_, Vec<(&'a Relation, PeopleColumns)>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads one table after the other, as long as there are any.
    async fn go_on(&self, source: &SourceSession, session: &SourceSession) -> Result<()> {
        loop {
            let next = self.left().pop();
            let Some((relation, mut columns)) = next else { return Ok(()) };
            self.gather(source, session, relation, &mut columns)
                .await
                .with_context(|| format!("look for people in `{}`", relation.label()))?;
        }
    }

    async fn gather(
        &self,
        source: &SourceSession,
        session: &SourceSession,
        relation: &Relation,
        columns: &mut PeopleColumns,
    ) -> Result<()> {
        let part = PartOfTable::of(relation, &columns.read);
        let condition = match columns.key.filter(|_| part.may_be_asked() && relation.table.size_bytes > SMALL_BYTES) {
            Some(key) => of_keys(source, relation, key, columns).await?,
            None => None,
        };
        if condition.as_deref() == Some("") {
            return Ok(());
        }
        let places: Vec<Option<usize>> = (0..relation.table.columns.len())
            .map(|column| columns.read.iter().position(|read| *read == column))
            .collect();
        part.show(session, condition.as_deref(), |row| {
            let mut gatherer = self.gatherer.lock().unwrap_or_else(PoisonError::into_inner);
            columns.take(&mut gatherer, |column| row.field(places[column]?).value());
        })
        .await
    }
}

/// The users whose logins are kept, and the column of their ids.
fn kept(relation: &Relation, sites: &[MaskedSite]) -> Option<(usize, Arc<HashSet<String>>)> {
    let table = &relation.table;
    sites.iter().find_map(|MaskedSite { site, kept_users, .. }| {
        let id = [("users", "id"), ("usermeta", "user_id")].iter().find(|(name, _)| site.owns(table, name))?.1;
        let column = table.columns.iter().position(|column| column.name.eq_ignore_ascii_case(id))?;
        Some((column, kept_users.clone()))
    })
}

/// The condition that tells the rows whose keys tell somebody, empty where there are none; `None` when there are too many
/// keys for that.
async fn of_keys(
    source: &SourceSession,
    relation: &Relation,
    key: usize,
    columns: &mut PeopleColumns,
) -> Result<Option<String>> {
    let name = sql::ident(&relation.table.columns[key].name);
    let keys = keys(source, relation, key, &name).await.context("read its keys")?;
    if keys.len() >= MOST_KEYS {
        return Ok(None);
    }
    let (mut somebody, mut within) = (Vec::new(), Vec::new());
    for key in &keys {
        match columns.told_by_key(key) {
            Told::Somebody => somebody.push(sql::literal(key)),
            Told::Within => within.push(sql::literal(key)),
            Told::Nothing => {}
        }
    }
    let is_any = |keys: &[String]| format!("{name} IN ({})", keys.join(", "));
    let has_structure = |column: usize| {
        let value = sql::ident(&relation.table.columns[column].name);
        format!("pg_catalog.left({value}::pg_catalog.text, 1) IN {STRUCTURES}")
    };
    let structured: Vec<_> = columns.of_keys().map(has_structure).collect();
    let mut conditions = Vec::new();
    conditions.extend((!somebody.is_empty()).then(|| is_any(&somebody)));
    conditions.extend((!within.is_empty()).then(|| format!("({}) AND ({})", is_any(&within), structured.join(" OR "))));
    Ok(Some(conditions.join(" OR ")))
}

/// The keys of a table, each once: from one to the next by an index where there is one.
async fn keys(source: &SourceSession, relation: &Relation, key: usize, name: &str) -> Result<Vec<String>> {
    let column = &relation.table.columns[key].name;
    let row = source.row(HAS_INDEX, &[(&relation.oid, Type::OID), (column, Type::TEXT)]).await?;
    let (from, is_still) = (format!("ONLY {}", relation.quoted()), sql::is_still(&relation.quoted(), relation.oid));
    let query = if row.get(0) {
        format!(
            "WITH RECURSIVE keys(key) AS (
               (SELECT {name} FROM {from} WHERE {name} IS NOT NULL AND {is_still} ORDER BY {name} LIMIT 1)
               UNION ALL
               SELECT (SELECT {name} FROM {from} WHERE {name} > keys.key AND {is_still} ORDER BY {name} LIMIT 1) FROM keys WHERE keys.key IS NOT NULL)
             SELECT key::pg_catalog.text FROM keys WHERE key IS NOT NULL LIMIT {MOST_KEYS}"
        )
    } else {
        source.throttle().wait(usize::try_from(relation.table.size_bytes).unwrap_or(usize::MAX)).await;
        format!(
            "SELECT DISTINCT {name}::pg_catalog.text FROM {from} WHERE {name} IS NOT NULL AND {is_still} LIMIT {MOST_KEYS}"
        )
    };
    let mut keys = Vec::new();
    source.each_row(&query, &[], |row| keys.extend(row.try_get::<_, String>(0))).await?;
    source.renew().await?;
    Ok(keys)
}

/// Whether an index of all rows begins with a column, and has it in the order in which the column's values are compared.
const HAS_INDEX: &str = "
    SELECT EXISTS (
      SELECT FROM pg_catalog.pg_index AS i
        JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        JOIN pg_catalog.pg_opclass AS o ON o.oid = i.indclass[0]
       WHERE i.indrelid = $1 AND a.attname = $2 AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree'
         AND (o.opcdefault OR o.opcname = 'varchar_ops') AND i.indcollation[0] = a.attcollation)";
