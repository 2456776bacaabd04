//! Queues from the database's side: which tables would act in a copy, what refers to their rows, and how many these are.

use std::collections::HashMap;

use anyhow::{Context as _, Result};

use super::catalog::Relations;
use super::row_counts;
use crate::masking::assignment;
use crate::masking::queues::{self, Finding, Put};
use crate::masking::{Masking, QueueLine, QueueTreatment};
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::source_session::SourceSession;

/// What is done to the queues of a database.
pub(crate) struct DatabaseQueues {
    /// In the order of the tables.
    findings: Vec<Option<Finding>>,
    puts: Vec<Vec<Put>>,
    /// Foreign keys, by table and name, whose references are taken out.
    cut: Vec<(u32, String)>,
    lines: Vec<QueueLine>,
}

impl DatabaseQueues {
    /// Looks for what would act, but for tables that `keep` names. Nothing is looked for where `may_act`.
    pub(crate) async fn read(
        source: &SourceSession,
        tables: &Relations,
        may_act: bool,
        keep: &[String],
        masking: Option<&Masking>,
    ) -> Result<Self> {
        let nothing = || tables.all.iter().map(|_| None).collect();
        let found = if may_act { nothing() } else { queues::find(&tables.tables(), keep, masking) };
        let puts = found.iter().map(|finding| match finding {
            Some(Finding::Switches(_, puts)) => puts.clone(),
            _ => Vec::new(),
        });
        let mut all = Self { puts: puts.collect(), findings: found, cut: Vec::new(), lines: Vec::new() };
        if all.findings.iter().all(Option::is_none) {
            return Ok(all);
        }
        all.let_go(source, tables).await.context("look for what refers to queues")?;
        let treated = tables.all.iter().zip(all.findings.iter().zip(&all.puts)).filter_map(treated);
        let treated: Vec<_> = treated.collect();
        let relations: Vec<&Relation> = treated.iter().map(|(relation, ..)| *relation).collect();
        let rows = row_counts::of(source, &relations).await.context("count the rows of queues")?;
        let line = |((relation, done, because), rows): ((&Relation, QueueTreatment, String), u64)| QueueLine {
            table: relation.table.whole(),
            rows,
            done,
            because,
        };
        all.lines = treated.into_iter().zip(rows).map(line).collect();
        // The partitions of a table share their line.
        all.lines.sort_by(|a, b| (&a.table, a.done).cmp(&(&b.table, b.done)));
        all.lines.dedup_by(|more, line| {
            let is_part = (&more.table, more.done) == (&line.table, line.done);
            line.rows += if is_part { more.rows } else { 0 };
            is_part
        });
        Ok(all)
    }

    /// What refers to rows that stay behind loses its reference, or stays behind as well where it cannot be without.
    async fn let_go(&mut self, source: &SourceSession, tables: &Relations) -> Result<()> {
        let place: HashMap<u32, usize> = tables.all.iter().enumerate().map(|(i, table)| (table.oid, i)).collect();
        let rows = source.rows(KEYS, &[]).await?;
        loop {
            let mut has_more = false;
            for row in &rows {
                let key = Key { child: row.get(0), name: row.get(3), columns: row.get(4), is_full: row.get(5) };
                let Some(child) = place.get(&key.child).copied() else { continue };
                let is_gone = |oid: &u32| place.get(oid).is_some_and(|i| self.is_emptied(*i, tables));
                if self.is_emptied(child, tables)
                    || self.cut.contains(&(key.child, key.name.clone()))
                    || !tables.families.down(row.get(1)).iter().any(is_gone)
                {
                    continue;
                }
                let to: String = row.get(2);
                match key.nullable(&tables.all[child], tables) {
                    Some(columns) => {
                        let because = format!("it refers to `{to}`, whose rows stay behind");
                        let puts = columns.into_iter().map(|column| Put {
                            column,
                            value: None,
                            when: None,
                            because: because.clone(),
                        });
                        self.puts[child].extend(puts);
                        self.cut.push((key.child, key.name));
                    }
                    None => {
                        let because =
                            format!("its rows are about those of `{to}`, which stay behind (key `{}`)", key.name);
                        self.findings[child] = Some(Finding::Follows(because));
                        has_more = true;
                    }
                }
            }
            if !has_more {
                return Ok(());
            }
        }
    }

    fn is_emptied(&self, table: usize, tables: &Relations) -> bool {
        let stays_behind = matches!(self.findings[table], Some(Finding::Acts(_) | Finding::Follows(_)));
        stays_behind && tables.all[table].table.excluded_by.is_none()
    }

    /// What is put into each table, whatever else becomes of it.
    pub(crate) fn puts(&self) -> &[Vec<Put>] {
        &self.puts
    }

    /// Makes the tables follow.
    pub(crate) fn apply_to(&self, tables: &mut Relations) {
        for (relation, (finding, puts)) in tables.all.iter_mut().zip(self.findings.iter().zip(&self.puts)) {
            if let Some(Finding::Acts(because) | Finding::Follows(because)) = finding
                && relation.table.excluded_by.is_none()
            {
                relation.table.excluded_by = Some(format!("left behind: {because}"));
            }
            if !puts.is_empty() {
                relation.mask = assignment::of_puts(&relation.table, puts);
            }
        }
        tables.cut_keys.extend(self.cut.iter().cloned());
    }

    /// What is told of them.
    pub(crate) fn into_lines(self) -> Vec<QueueLine> {
        self.lines
    }
}

/// A table of which something is told, and what that is.
fn treated<'a>(
    (relation, (finding, puts)): (&'a Relation, (&Option<Finding>, &Vec<Put>)),
) -> Option<(&'a Relation, QueueTreatment, String)> {
    if relation.table.excluded_by.is_some() {
        return None;
    }
    Some(match finding {
        Some(Finding::Acts(because)) => (relation, QueueTreatment::Emptied, because.clone()),
        Some(Finding::Follows(because)) => (relation, QueueTreatment::Followed, because.clone()),
        Some(Finding::Switches(because, _)) => (relation, QueueTreatment::SwitchedOff, because.clone()),
        None if puts.is_empty() => return None,
        _ if !puts.is_empty() => (relation, QueueTreatment::Unlinked, puts[0].because.clone()),
        Some(Finding::Left(because)) => (relation, QueueTreatment::Left, because.clone()),
        None => return None,
    })
}

/// A foreign key.
struct Key {
    child: u32,
    name: String,
    columns: Vec<String>,
    /// Whether all of its columns must be NULL where one is.
    is_full: bool,
}

impl Key {
    /// The columns that are NULL where a row refers to nothing, if that may be.
    fn nullable(&self, child: &Relation, tables: &Relations) -> Option<Vec<usize>> {
        let place = |name: &String| child.table.columns.iter().position(|column| column.name == *name);
        let columns: Vec<usize> = self.columns.iter().filter_map(place).collect();
        // A row stays in the part that it is in.
        let may_be = |column: &usize| {
            let column = &child.table.columns[*column];
            column.is_nullable && !tables.families.decides(child.oid, &column.name)
        };
        let (nullable, others): (Vec<_>, Vec<_>) = columns.into_iter().partition(may_be);
        match self.is_full {
            true => Some(nullable).filter(|all| !all.is_empty() && all.len() == self.columns.len()),
            // The last of several, since what comes first is often a tenant's.
            false => nullable.last().map(|column| vec![*column]).filter(|_| others.len() < self.columns.len()),
        }
    }
}

/// table, what it refers to, the latter's name, the key's, its columns, whether all of them count as one.
const KEYS: &str = "
    SELECT k.conrelid, k.confrelid, n.nspname || '.' || c.relname, k.conname::text,
           ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS u(attnum, place)
                   JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.attnum ORDER BY u.place),
           k.confmatchtype = 'f'
      FROM pg_catalog.pg_constraint AS k JOIN pg_catalog.pg_class AS c ON c.oid = k.confrelid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE k.contype = 'f' AND k.convalidated ORDER BY k.conrelid, k.conname";
