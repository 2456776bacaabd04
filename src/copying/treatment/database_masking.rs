//! Masking from the database's side: what must be asked of the source before its rows come, and what is told afterwards.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};

use super::source_tables::{RowReader, SourceTables};
use super::{TreatedTable, masked_checks, masked_relations, masked_sites, people, samples, site_country};
use crate::copying::loaded::LoadedRows;
use crate::copying::report::CopyReport;
use crate::data::tables::Table;
use crate::error::{Failure, counted};
use crate::masking::assignment::{self, Assignment, Emptied, MaskedSite, does_not_fit};
use crate::masking::nets::Nets;
use crate::masking::nets::people::Gatherer;
use crate::masking::queues::Put;
use crate::masking::residue::{Places, Proof, ResidueCounts};
use crate::masking::suspects::Findings;
use crate::masking::{EmptiedLine, KeySource, Masking, Sheet, Suspect, TableOutcome, Unknown};
use crate::rewriting::sites_of_tables::SitesOfTables;

/// Why the rows of a table that is emptied do not come.
pub(crate) const LEFT_BEHIND: &str = "left behind by masking";

/// What is done to the people of a database.
pub(crate) struct DatabaseMasking {
    /// In the order of the tables.
    assignments: Vec<Assignment>,
    suspects: Vec<Suspect>,
    emptied: Vec<EmptiedLine>,
    kept_users: u64,
    key: KeySource,
    unknown: Unknown,
    nets: Arc<Nets>,
    sites: Vec<MaskedSite>,
    /// By table, the columns that the server computes itself.
    computed: HashMap<usize, Vec<String>>,
}

impl DatabaseMasking {
    /// Lays the rules over the tables, behind what is `put` into each anyway, and looks for what they leave out.
    ///
    /// # Errors
    /// Invalid input when a rule does not fit the data, and where the unknown is to be refused when a column looks
    /// personal that no rule speaks of.
    pub(crate) async fn read(
        source: &mut impl SourceTables,
        tables: &[&Table],
        masking: &Masking,
        puts: &[Vec<Put>],
    ) -> Result<Self> {
        let nets = Nets::new(masking.key.clone());
        if let Some(country) = site_country::read(source, tables).await? {
            let _first = nets.country.set(country);
        }
        let sites = masked_sites::of(source, tables, masking).await?;
        let mut assignments = assignment::assign(tables, masking, &sites, puts, &nets)?;
        let unfit = masked_relations::hold(source, tables, masking, &nets, &sites, &mut assignments).await?;
        ensure!(unfit.is_empty(), does_not_fit(unfit));
        let Findings { suspects, unknown } = samples::look_into(source, tables, &mut assignments)
            .await
            .context("look for columns that look personal")?;
        masked_checks::show_words(source, tables, &mut assignments).await?;
        let told: Vec<_> = suspects.iter().chain(&unknown).collect();
        ensure!(masking.unknown != Unknown::Refuse || told.is_empty(), refused(&told));
        let emptied = emptied(source, tables, &assignments).await.context("count the rows that stay behind")?;
        let kept_users = sites.iter().filter(|site| site.site.has_users).map(|site| site.kept_users.len() as u64).sum();
        let (key, unknown, computed) = (masking.key.source(), masking.unknown, source.computed().await?);
        Ok(Self { assignments, suspects, emptied, kept_users, key, unknown, nets, sites, computed })
    }

    /// Finds out whom the site knows, before any row is masked. The readers come back.
    pub(crate) async fn meet<R: RowReader>(
        &self,
        readers: Vec<R>,
        tables: &[&Table],
        gatherer: Gatherer,
    ) -> Result<Vec<R>> {
        let (readers, known) = people::known(readers, tables, &self.assignments, &self.sites, gatherer).await?;
        let counts = known.counts();
        tracing::info!(
            "the site knows about {}, by {}",
            counted(counts.people, "person", "people"),
            counted(counts.identifiers, "identifier", "identifiers")
        );
        let _ = self.nets.people.set(known);
        Ok(readers)
    }

    pub(crate) fn nets(&self) -> &Arc<Nets> {
        &self.nets
    }

    pub(crate) fn into_suspects(self) -> Vec<Suspect> {
        self.suspects
    }

    /// Makes the tables follow.
    pub(crate) fn apply_to<'t>(&self, tables: impl Iterator<Item = TreatedTable<'t>>) {
        for (treated, assignment) in tables.zip(&self.assignments) {
            treated.mask.clone_from(&assignment.mask);
            let kept = assignment.kept.iter().map(|kept| (kept.column, kept.because.clone())).collect();
            *treated.places = Some(Arc::new(Places {
                nets: self.nets.clone(),
                mask: assignment.mask.clone(),
                kept,
                is_emptied: false,
            }));
            if assignment.emptied.is_some() && treated.table.excluded_by.is_none() {
                treated.table.excluded_by = Some(LEFT_BEHIND.to_owned());
            }
        }
    }

    /// What was done, once the rows are there.
    pub(crate) fn sheet(
        self,
        tables: &[&Table],
        loaded: &[LoadedRows<'_>],
        report: &CopyReport,
        residue: Option<&HashMap<String, ResidueCounts>>,
    ) -> Sheet {
        let mut sheet = Sheet {
            key: self.key,
            kept_users: self.kept_users,
            emptied: self.emptied,
            suspects: self.suspects,
            ..Sheet::default()
        };
        let loaded: HashMap<String, &LoadedRows<'_>> =
            loaded.iter().map(|loaded| (loaded.table.label(), loaded)).collect();
        let of_tables = SitesOfTables::new(&self.sites);
        let mut outcomes: Vec<_> = tables
            .iter()
            .zip(&self.assignments)
            .enumerate()
            .filter_map(|(place, (table, assignment))| {
                let loaded = loaded.get(&table.label())?;
                let outcome = TableOutcome {
                    table,
                    assignment,
                    rows: loaded.digest.rows,
                    counts: &loaded.counts.masked,
                    nets: &loaded.counts.nets,
                    sites: of_tables.of(table),
                    keeps_unknown: self.unknown == Unknown::Keep,
                    live: &loaded.counts.live,
                };
                Some((outcome, self.computed.get(&place).map_or(&[][..], Vec::as_slice)))
            })
            .collect();
        outcomes.sort_by_key(|(outcome, _)| outcome.table.label());
        for (outcome, computed) in &outcomes {
            sheet.add(outcome);
            sheet.add_searched(outcome);
            sheet.add_live(outcome);
            sheet.add_unmasked(outcome, computed);
        }
        sheet.add_queues(&report.queues);
        sheet.proof = residue.map(|residue| {
            let mut proof = proof(&self.nets, tables, residue);
            proof.add_large_objects(report.large_objects);
            proof
        });
        sheet.settle(&report.queues, self.unknown);
        sheet
    }
}

/// The refusal of what no rule speaks of, with rules to paste.
fn refused(told: &[&Suspect]) -> Failure {
    let [all, rules] =
        [Suspect::to_string, Suspect::rule].map(|say| told.iter().map(|one| say(one)).collect::<Vec<_>>());
    let why = "may be personal, and no masking rule speaks of it";
    Failure::invalid(format!("{why}: {}", all.join("; "))).hint(format!(
        "give a rule for each, with a transformer that masks it, or `keep`: rules: [{}]",
        rules.join(", ")
    ))
}

/// What was found in the copy of each table.
fn proof(nets: &Nets, tables: &[&Table], residue: &HashMap<String, ResidueCounts>) -> Proof {
    let mut proof = Proof::of(nets.people_counts());
    let mut searched: Vec<_> =
        tables.iter().filter_map(|table| Some((table.label(), table, residue.get(&table.label())?))).collect();
    searched.sort_by(|a, b| a.0.cmp(&b.0));
    for (_, table, counts) in searched {
        proof.add(table, counts);
    }
    proof
}

/// How many rows stay behind in each table that is emptied.
async fn emptied(
    source: &mut impl SourceTables,
    tables: &[&Table],
    assignments: &[Assignment],
) -> Result<Vec<EmptiedLine>> {
    let (mut lines, mut left_behind) = (Vec::new(), Vec::new());
    for (place, (table, assignment)) in tables.iter().zip(assignments).enumerate() {
        let Some(Emptied { because, is_only }) = &assignment.emptied else { continue };
        let table = if *is_only { table.label() } else { table.whole() };
        lines.push(EmptiedLine { table, rows: 0, because: because.clone() });
        left_behind.push(place);
    }
    for (line, rows) in lines.iter_mut().zip(source.row_counts(&left_behind).await?) {
        line.rows = rows;
    }
    lines.sort_by(|a: &EmptiedLine, b| a.table.cmp(&b.table));
    lines.dedup_by(|more, line| {
        let is_part = more.table == line.table;
        line.rows += if is_part { more.rows } else { 0 };
        is_part
    });
    Ok(lines)
}
