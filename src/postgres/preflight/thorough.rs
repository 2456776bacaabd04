//! Rows that would make a copy fail: looked for by a dry run that is asked to, for as long and as fast as it may.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio_postgres::Row;

use super::catalog::Relations;
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::sql;

/// So many rows are counted of those that are wrong.
const MOST: i64 = 1000;

/// What was found, and what was not looked into.
#[derive(Default)]
pub(crate) struct Searched {
    pub(crate) problems: Vec<String>,
    pub(crate) not_searched: Vec<String>,
}

/// A foreign key, and the tables on both sides of it.
struct Key<'a> {
    name: String,
    from: Side<'a>,
    to: Side<'a>,
    /// By column: how the server compares the two.
    operators: Vec<String>,
    is_plain: bool,
}

struct Side<'a> {
    oid: u32,
    label: String,
    quoted: String,
    is_partitioned: bool,
    columns: Vec<String>,
    members: Vec<&'a Relation>,
    /// Whether all its parts are among the members.
    is_known: bool,
}

/// Looks for rows that refer to nothing. The limit on what is read per second holds for these reads, too: a table goes by
/// its size.
pub(crate) async fn search(
    source: &SourceSession,
    tables: &Relations,
    within: Duration,
    max_mb_per_s: Option<f64>,
) -> Result<Searched> {
    let began = Instant::now();
    let mut searched = Searched::default();
    let rows = source.rows(KEYS, &[]).await.context("read the source's foreign keys")?;
    let mut keys: Vec<_> = rows.iter().map(|row| Key::of(row, tables)).filter(Key::has_rows).collect();
    // What is small is known of first.
    keys.sort_by_key(Key::bytes);
    for key in keys {
        let left = within.saturating_sub(began.elapsed());
        let reading = Duration::from_secs_f64(max_mb_per_s.map_or(0.0, |rate| key.bytes() as f64 / (rate * 1e6)));
        if !key.may_be_searched(source) {
            searched.not_searched.push(format!("{}, since a query could run code of others", key.told()));
        } else if left.is_zero() || reading > left {
            searched.not_searched.push(format!("{}, which would take longer than {} s", key.told(), within.as_secs()));
        } else {
            match key.orphans(source, left).await? {
                Some(0) => {}
                Some(count) => searched.problems.push(key.problem(count)),
                None => searched.not_searched.push(format!(
                    "{}, which takes longer than {} s",
                    key.told(),
                    within.as_secs()
                )),
            }
            source.throttle().wait(usize::try_from(key.bytes()).unwrap_or(usize::MAX)).await;
        }
    }
    Ok(searched)
}

impl<'a> Side<'a> {
    fn of(row: &Row, first: usize, tables: &'a Relations) -> Self {
        let oids: Vec<u32> = row.get(first + 4);
        let members: Vec<_> = tables.all.iter().filter(|relation| oids.contains(&relation.oid)).collect();
        let (schema, name): (String, String) = (row.get(first + 1), row.get(first + 2));
        Self {
            oid: row.get(first),
            label: format!("{schema}.{name}"),
            quoted: sql::qualified(&schema, &name),
            is_partitioned: row.get(first + 3),
            is_known: members.len() == oids.len(),
            members,
            columns: row.get(first + 5),
        }
    }

    fn from(&self, called: &str) -> String {
        let only = if self.is_partitioned { "" } else { "ONLY " };
        format!("{only}{} AS {called}", self.quoted)
    }
}

impl<'a> Key<'a> {
    fn of(row: &Row, tables: &'a Relations) -> Self {
        Self {
            name: row.get(0),
            from: Side::of(row, 1, tables),
            to: Side::of(row, 7, tables),
            operators: row.get(13),
            is_plain: row.get(14),
        }
    }

    /// Whether rows of it come along. That some do while those that they refer to stay behind is found without looking.
    fn has_rows(&self) -> bool {
        let comes = |side: &Side<'_>| side.members.iter().any(|relation| relation.table.excluded_by.is_none());
        comes(&self.from) && comes(&self.to)
    }

    fn bytes(&self) -> u64 {
        self.from.members.iter().chain(&self.to.members).map(|relation| relation.table.size_bytes).sum()
    }

    /// Whether a query that joins the two runs nothing of anybody's.
    fn may_be_searched(&self, source: &SourceSession) -> bool {
        let sides = [&self.from, &self.to];
        let is_sound = |side: &&Side<'_>| side.is_known && side.members.iter().all(|relation| relation.may_be_planned);
        !source.commands_server() || self.is_plain && sides.iter().all(is_sound)
    }

    /// How many rows refer to nothing; `None` when that takes too long.
    async fn orphans(&self, source: &SourceSession, within: Duration) -> Result<Option<i64>> {
        let asked = source.another().await?;
        let limit = within.as_millis().max(1).to_string();
        asked
            .rows(&format!("SELECT pg_catalog.set_config('statement_timeout', {}, false)", sql::literal(&limit)), &[])
            .await?;
        let answer = asked.rows(&self.question(), &[]).await;
        asked.close().await;
        match answer {
            Ok(rows) => Ok(rows.first().map(|row| row.get(0))),
            Err(fault) if fault.sqlstate == "57014" => Ok(None),
            Err(fault) => Err(fault).with_context(|| format!("search {}", self.told())),
        }
    }

    fn question(&self) -> String {
        let of = |called: &str, column: &String| format!("{called}.{}", sql::ident(column));
        let pairs = self.from.columns.iter().zip(&self.to.columns).zip(&self.operators);
        let equal: Vec<_> = pairs
            .map(|((from, to), operator)| format!("{} {operator} {}", of("there", to), of("here", from)))
            .collect();
        let given: Vec<_> = self.from.columns.iter().map(|from| format!("{} IS NOT NULL", of("here", from))).collect();
        format!(
            "SELECT pg_catalog.count(*) FROM (SELECT FROM {} WHERE {} AND {} AND {} AND NOT EXISTS (SELECT FROM {} WHERE {}) LIMIT {MOST}) AS orphans",
            self.from.from("here"),
            given.join(" AND "),
            sql::is_still(&self.from.quoted, self.from.oid),
            sql::is_still(&self.to.quoted, self.to.oid),
            self.to.from("there"),
            equal.join(" AND ")
        )
    }

    fn told(&self) -> String {
        let Self { name, from, to, .. } = self;
        format!("foreign key `{name}` of `{}` ({}) to `{}`", from.label, from.columns.join(", "), to.label)
    }

    fn problem(&self, count: i64) -> String {
        let rows = match count {
            1 => "1 row refers".to_owned(),
            MOST.. => format!("{MOST} rows or more refer"),
            count => format!("{count} rows refer"),
        };
        format!(
            "{}: {rows} to nothing, so it cannot be made; mend or delete them on the source, make the key NOT VALID there, or leave the rows out (`--exclude-table-data {}`)",
            self.told(),
            self.from.label
        )
    }
}

/// Name; of both sides OID, schema, name, is partitioned, all that has its rows, columns; operators; whether they are in C.
const KEYS: &str = "
    SELECT k.conname::text,
           c.oid, n.nspname::text, c.relname::text, c.relkind = 'p',
           CASE c.relkind WHEN 'p' THEN ARRAY(SELECT t.relid::oid FROM pg_catalog.pg_partition_tree(c.oid) AS t WHERE t.isleaf) ELSE ARRAY[c.oid] END,
           ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS u(attnum, place)
                   JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = u.attnum ORDER BY u.place),
           f.oid, m.nspname::text, f.relname::text, f.relkind = 'p',
           CASE f.relkind WHEN 'p' THEN ARRAY(SELECT t.relid::oid FROM pg_catalog.pg_partition_tree(f.oid) AS t WHERE t.isleaf) ELSE ARRAY[f.oid] END,
           ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY AS u(attnum, place)
                   JOIN pg_catalog.pg_attribute AS a ON a.attrelid = f.oid AND a.attnum = u.attnum ORDER BY u.place),
           ARRAY(SELECT pg_catalog.format('OPERATOR(%I.%s)', s.nspname, o.oprname) FROM pg_catalog.unnest(k.conpfeqop) WITH ORDINALITY AS u(oid, place)
                   JOIN pg_catalog.pg_operator AS o ON o.oid = u.oid JOIN pg_catalog.pg_namespace AS s ON s.oid = o.oprnamespace ORDER BY u.place),
           NOT EXISTS (SELECT FROM pg_catalog.pg_operator AS o JOIN pg_catalog.pg_proc AS p ON p.oid = o.oprcode
                         JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
                        WHERE o.oid = ANY (k.conpfeqop) AND l.lanname NOT IN ('c', 'internal'))
      FROM pg_catalog.pg_constraint AS k
      JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_class AS f ON f.oid = k.confrelid JOIN pg_catalog.pg_namespace AS m ON m.oid = f.relnamespace
     WHERE k.contype = 'f' AND k.convalidated AND k.conparentid = 0 ORDER BY 2, 1";
