//! Queues from the database's side: which tables would act in a copy, what refers to their rows, and how many these are.

use anyhow::{Context as _, Result};

use super::TreatedTable;
use super::source_tables::{ForeignKey, SourceTables};
use crate::data::tables::Table;
use crate::masking::assignment;
use crate::masking::queues::{self, Finding, Put};
use crate::masking::{Masking, QueueLine, QueueTreatment};

/// What is done to the queues of a database.
pub(crate) struct DatabaseQueues {
    /// In the order of the tables.
    findings: Vec<Option<Finding>>,
    puts: Vec<Vec<Put>>,
    /// Foreign keys, by table and name, whose references are taken out.
    cut: Vec<(usize, String)>,
    lines: Vec<QueueLine>,
}

impl DatabaseQueues {
    /// Looks for what would act, but for tables that `keep` names. Nothing is looked for where `may_act`.
    pub(crate) async fn read(
        source: &mut impl SourceTables,
        tables: &[&Table],
        may_act: bool,
        keep: &[String],
        masking: Option<&Masking>,
    ) -> Result<Self> {
        let nothing = || tables.iter().map(|_| None).collect();
        let found = if may_act { nothing() } else { queues::find(tables, keep, masking) };
        let puts = found.iter().map(|finding| match finding {
            Some(Finding::Switches(_, puts)) => puts.clone(),
            _ => Vec::new(),
        });
        let mut all = Self { puts: puts.collect(), findings: found, cut: Vec::new(), lines: Vec::new() };
        if all.findings.iter().all(Option::is_none) {
            return Ok(all);
        }
        all.let_go(source, tables).await.context("look for what refers to queues")?;
        let treated = tables.iter().zip(all.findings.iter().zip(&all.puts)).enumerate();
        let treated: Vec<_> = treated
            .filter_map(|(place, (table, (finding, puts)))| Some((place, treated_as(table, finding.as_ref(), puts)?)))
            .collect();
        let places: Vec<usize> = treated.iter().map(|(place, _)| *place).collect();
        let rows = source.row_counts(&places).await.context("count the rows of queues")?;
        let line = |((place, (done, because)), rows): ((usize, (QueueTreatment, String)), u64)| QueueLine {
            table: tables[place].whole(),
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
    async fn let_go(&mut self, source: &mut impl SourceTables, tables: &[&Table]) -> Result<()> {
        let keys = source.foreign_keys().await?;
        loop {
            let mut has_more = false;
            for key in &keys {
                let ForeignKey { child, name, to, .. } = key;
                if self.is_emptied(*child, tables)
                    || self.cut.contains(&(*child, name.clone()))
                    || !key.parents.iter().any(|parent| self.is_emptied(*parent, tables))
                {
                    continue;
                }
                match nullable(key) {
                    Some(columns) => {
                        let because = format!("it refers to `{to}`, whose rows stay behind");
                        let puts = columns.into_iter().map(|column| Put {
                            column,
                            value: None,
                            when: None,
                            because: because.clone(),
                        });
                        self.puts[*child].extend(puts);
                        self.cut.push((*child, name.clone()));
                    }
                    None => {
                        let because = format!("its rows are about those of `{to}`, which stay behind (key `{name}`)");
                        self.findings[*child] = Some(Finding::Follows(because));
                        has_more = true;
                    }
                }
            }
            if !has_more {
                return Ok(());
            }
        }
    }

    fn is_emptied(&self, table: usize, tables: &[&Table]) -> bool {
        let stays_behind = matches!(self.findings[table], Some(Finding::Acts(_) | Finding::Follows(_)));
        stays_behind && tables[table].excluded_by.is_none()
    }

    /// What is put into each table, whatever else becomes of it.
    pub(crate) fn puts(&self) -> &[Vec<Put>] {
        &self.puts
    }

    /// Makes the tables follow.
    pub(crate) fn apply_to<'t>(&self, tables: impl Iterator<Item = TreatedTable<'t>>) {
        for (treated, (finding, puts)) in tables.zip(self.findings.iter().zip(&self.puts)) {
            if let Some(Finding::Acts(because) | Finding::Follows(because)) = finding
                && treated.table.excluded_by.is_none()
            {
                treated.table.excluded_by = Some(format!("left behind: {because}"));
            }
            if !puts.is_empty() {
                *treated.mask = assignment::of_puts(treated.table, puts);
            }
        }
    }

    /// Foreign keys, by table and name, whose references are taken out on the way, so that what they lead to may be missing.
    pub(crate) fn cut(&self) -> &[(usize, String)] {
        &self.cut
    }

    /// What is told of them.
    pub(crate) fn into_lines(self) -> Vec<QueueLine> {
        self.lines
    }
}

/// What is told of a table, if anything is.
fn treated_as(table: &Table, finding: Option<&Finding>, puts: &[Put]) -> Option<(QueueTreatment, String)> {
    if table.excluded_by.is_some() {
        return None;
    }
    Some(match finding {
        Some(Finding::Acts(because)) => (QueueTreatment::Emptied, because.clone()),
        Some(Finding::Follows(because)) => (QueueTreatment::Followed, because.clone()),
        Some(Finding::Switches(because, _)) => (QueueTreatment::SwitchedOff, because.clone()),
        None if puts.is_empty() => return None,
        _ if !puts.is_empty() => (QueueTreatment::Unlinked, puts[0].because.clone()),
        Some(Finding::Left(because)) => (QueueTreatment::Left, because.clone()),
        None => return None,
    })
}

/// The columns that are NULL where a row refers to nothing, if that may be.
fn nullable(key: &ForeignKey) -> Option<Vec<usize>> {
    let all: Vec<usize> = key.columns.iter().filter(|(_, may_be)| *may_be).map(|(column, _)| *column).collect();
    match key.is_full {
        true => Some(all).filter(|all| !all.is_empty() && all.len() == key.columns.len()),
        // The last of several, since what comes first is often a tenant's.
        false => all.last().map(|column| vec![*column]),
    }
}
