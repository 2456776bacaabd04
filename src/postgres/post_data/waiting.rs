//! What evaluates functions and so waits until all rows are there: indexes, exclusion constraints and CHECKs.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::task::JoinSet;
use tokio_postgres::types::Type;

use super::per_table::PostDataWork;
use super::recompressing::TooLong;
use crate::postgres::dump::entries::DumpEntry;
use crate::postgres::dump::restore;
use crate::postgres::preflight::evaluation::Check;
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::connect::{Param, Session};
use crate::postgres::session::{remedy, sql};

/// What is made when all rows are there.
#[derive(Default)]
pub(crate) struct Waiting {
    /// Constraints with an index behind them, which nobody else may use the table for while they are made.
    constraints: Vec<(Arc<Relation>, DumpEntry)>,
    indexes: Vec<(Arc<Relation>, DumpEntry)>,
    /// Tables, quoted, whose statistics are gathered anew.
    analyzed: BTreeSet<String>,
}

/// CHECK constraints that are not there while rows arrive, in the order in which they can be made again.
#[derive(Default)]
pub(crate) struct ChecksAside(Vec<CheckAside>);

struct CheckAside {
    /// Of the table.
    quoted: String,
    /// Of table and constraint, for people.
    label: String,
    name: String,
    definition: String,
    comment: Option<String>,
}

impl ChecksAside {
    /// Takes constraints off their tables, in a session without a search path, so that what they say is said in full. One
    /// that is inherited goes with its parent's, unless it is the table's own too.
    pub(crate) async fn take(target: &Session, checks: &[Check]) -> Result<Self> {
        let mut aside = Vec::new();
        let column = |of: fn(&Check) -> &String| checks.iter().map(|check| of(check).clone()).collect::<Vec<_>>();
        let (schemas, tables, names) = (column(|c| &c.schema), column(|c| &c.table), column(|c| &c.name));
        while !checks.is_empty() {
            let of = |names| -> Param<'_> { (names, Type::TEXT_ARRAY) };
            let rows = target
                .rows(OF_NOBODY_ELSE, &[of(&schemas), of(&tables), of(&names)])
                .await
                .context("look up CHECK constraints")?;
            if rows.is_empty() {
                break;
            }
            let level: Vec<CheckAside> = rows
                .iter()
                .map(|row| {
                    let (schema, table, name): (String, String, String) = (row.get(0), row.get(1), row.get(2));
                    CheckAside {
                        quoted: sql::qualified(&schema, &table),
                        label: format!("{schema}.{table} {name}"),
                        name: sql::ident(&name),
                        definition: row.get(3),
                        comment: row.get(4),
                    }
                })
                .collect();
            let drop = |check: &CheckAside| format!("ALTER TABLE {} DROP CONSTRAINT {};", check.quoted, check.name);
            target.run(&level.iter().map(drop).collect::<String>()).await.context("set CHECK constraints aside")?;
            aside.splice(0..0, level);
        }
        Ok(Self(aside))
    }

    /// Puts them back, without looking at a row, and so in no time.
    async fn put_back(&self, target: &Session) -> Result<()> {
        let put = |check: &CheckAside| {
            let CheckAside { quoted, name, definition, .. } = check;
            let comment = check
                .comment
                .as_ref()
                .map(|comment| format!("COMMENT ON CONSTRAINT {name} ON {quoted} IS {};", sql::literal(comment)));
            format!("ALTER TABLE {quoted} ADD CONSTRAINT {name} {definition} NOT VALID;{}", comment.unwrap_or_default())
        };
        for some in self.0.chunks(restore::BATCH_ENTRIES) {
            target.run(&some.iter().map(put).collect::<String>()).await.context("put CHECK constraints back")?;
        }
        Ok(())
    }
}

/// schema, table, name, definition, comment of those that are inherited from nobody.
const OF_NOBODY_ELSE: &str = "
    SELECT n.nspname::text, c.relname::text, k.conname::text, pg_catalog.pg_get_constraintdef(k.oid),
           pg_catalog.obj_description(k.oid, 'pg_constraint')
      FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2), pg_catalog.unnest($3)) AS w(schema, \"table\", name)
      JOIN pg_catalog.pg_namespace AS n ON n.nspname = w.schema
      JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = w.table
      JOIN pg_catalog.pg_constraint AS k ON k.conrelid = c.oid AND k.conname = w.name
     WHERE k.contype = 'c' AND k.coninhcount = 0 AND k.convalidated";

impl Waiting {
    /// Takes an index of a table, or a constraint with one behind it.
    pub(super) fn add(&mut self, table: &Arc<Relation>, entry: DumpEntry) {
        let list = if entry.kind == "INDEX" { &mut self.indexes } else { &mut self.constraints };
        list.push((table.clone(), entry));
    }

    /// Makes the constraints, to which foreign keys may refer.
    pub(crate) async fn make_constraints(&mut self, work: &Arc<PostDataWork>) -> Result<()> {
        // A function of one table's may read another's that is locked meanwhile: one by one they cannot wait in a circle.
        for (table, constraint) in std::mem::take(&mut self.constraints) {
            self.analyzed.insert(table.quoted());
            let left = computed(work, &table, constraint).await?;
            work.make_again(left, &table).await?;
        }
        Ok(())
    }

    /// Makes the rest, several at a time, and gathers statistics of their tables once more. `plain` is a session like that
    /// in which the checks were taken.
    pub(crate) async fn make(self, checks: ChecksAside, plain: &Session, work: &Arc<PostDataWork>) -> Result<()> {
        checks.put_back(plain).await?;
        let mut tables = self.analyzed;
        tables.extend(self.indexes.iter().map(|(table, _)| table.quoted()));
        let mut too_long = Vec::new();
        let mut making = JoinSet::new();
        for (table, index) in self.indexes {
            let work = work.clone();
            making.spawn(async move {
                let left = computed(&work, &table, index).await?;
                anyhow::Ok(Some((table, left)))
            });
        }
        for check in checks.0 {
            let work = work.clone();
            making.spawn(async move { check.validate(&work).await.map(|()| None) });
        }
        while let Some(made) = making.join_next().await {
            too_long.extend(made.context("join a worker")??);
        }
        for (table, too_long) in too_long {
            work.make_again(too_long, &table).await?;
        }
        if !tables.is_empty() {
            let tables: Vec<_> = tables.into_iter().collect();
            let session = work.pool.take(0).await?;
            session.run(&format!("ANALYZE {}", tables.join(", "))).await.context("gather statistics")?;
            session.give_back();
        }
        Ok(())
    }
}

/// Makes an index, or a constraint with one behind it. It is written for a session without a search path, and made in one:
/// where its functions find what they call by the session's own, it is computed once more under that.
async fn computed(work: &Arc<PostDataWork>, table: &Relation, entry: DumpEntry) -> Result<Vec<TooLong>> {
    let bytes = table.table.size_bytes;
    let left = work.make(vec![entry.clone()], bytes).await?;
    let session = work.pool.take(bytes).await?;
    if left.is_empty() && session.major() < remedy::SAFE_SEARCH_PATH_SINCE {
        let name = entry.name.strip_prefix(&format!("{} ", table.table.name)).filter(|_| entry.kind != "INDEX");
        let index = sql::qualified(&entry.schema, name.unwrap_or(&entry.name));
        let told = |fault| remedy::of_entry(&entry.kind, &entry.label(), fault, session.major());
        session.run(&format!("REINDEX INDEX {index}")).await.map_err(told)?;
    }
    session.give_back();
    Ok(left)
}

impl CheckAside {
    async fn validate(&self, work: &PostDataWork) -> Result<()> {
        let session = work.pool.take(0).await?;
        let validate = format!("ALTER TABLE {} VALIDATE CONSTRAINT {}", self.quoted, self.name);
        let label = format!("check constraint {}", self.label);
        let told = |fault| remedy::of_entry("CHECK CONSTRAINT", &label, fault, session.major());
        session.run(&validate).await.map_err(told)?;
        session.give_back();
        Ok(())
    }
}
