//! Masking from the database's side: what must be asked of the source before its rows come, and what is told afterwards.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};

use super::catalog::{self, Relations};
use super::{masked_checks, masked_relations, masked_sites, people, row_counts, samples, site_country};
use crate::copying::report::CopyReport;
use crate::error::{Failure, counted};
use crate::masking::assignment::{self, Assignment, Emptied, MaskedSite, does_not_fit};
use crate::masking::nets::Nets;
use crate::masking::nets::people::Gatherer;
use crate::masking::queues::Put;
use crate::masking::residue::{Places, Proof, ResidueCounts};
use crate::masking::suspects::Findings;
use crate::masking::{EmptiedLine, KeySource, Masking, Sheet, Suspect, TableOutcome, Unknown};
use crate::postgres::rows::load::LoadedTable;
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::snapshot::Snapshot;

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
    /// By table, the columns that it computes itself.
    computed: HashMap<u32, Vec<String>>,
}

impl DatabaseMasking {
    /// Lays the rules over the tables, behind what is `put` into each anyway, and looks for what they leave out.
    ///
    /// # Errors
    /// Invalid input when a rule does not fit the data, and where the unknown is to be refused when a column looks
    /// personal that no rule speaks of.
    pub(crate) async fn read(
        source: &SourceSession,
        tables: &Relations,
        masking: &Masking,
        puts: &[Vec<Put>],
    ) -> Result<Self> {
        let plain = tables.tables();
        let nets = Nets::new(masking.key.clone());
        if let Some(country) = site_country::read(source, tables).await? {
            let _first = nets.country.set(country);
        }
        let sites = masked_sites::of(source, tables, masking).await?;
        let mut assignments = assignment::assign(&plain, masking, &sites, puts, &nets)?;
        let unfit = masked_relations::hold(source, tables, masking, &nets, &sites, &mut assignments).await?;
        ensure!(unfit.is_empty(), does_not_fit(unfit));
        let Findings { suspects, unknown } = samples::look_into(source, &tables.all, &mut assignments)
            .await
            .context("look for columns that look personal")?;
        masked_checks::show_words(source, tables, &mut assignments).await?;
        let told: Vec<_> = suspects.iter().chain(&unknown).collect();
        ensure!(masking.unknown != Unknown::Refuse || told.is_empty(), refused(&told));
        let emptied = emptied(source, &tables.all, &assignments).await.context("count the rows that stay behind")?;
        let kept_users = sites.iter().filter(|site| site.site.has_users).map(|site| site.kept_users.len() as u64).sum();
        let (key, unknown, computed) = (masking.key.source(), masking.unknown, catalog::generated(source).await?);
        Ok(Self { assignments, suspects, emptied, kept_users, key, unknown, nets, sites, computed })
    }

    /// Finds out whom the site knows, before any row is masked.
    pub(crate) async fn meet_people(&self, snapshot: &Snapshot) -> Result<()> {
        let reader = snapshot.reader().await?;
        self.meet(&reader, &snapshot.tables, Gatherer::new(&self.nets.key)).await?;
        reader.close().await;
        Ok(())
    }

    /// The same by a session that sees what there is now.
    pub(crate) async fn meet(&self, reader: &SourceSession, tables: &Relations, gatherer: Gatherer) -> Result<()> {
        let meeting = people::known(reader, tables, &self.assignments, &self.sites, gatherer);
        let known = reader.awake_for(meeting).await?;
        let counts = known.counts();
        tracing::info!(
            "the site knows about {}, by {}",
            counted(counts.people, "person", "people"),
            counted(counts.identifiers, "identifier", "identifiers")
        );
        let _ = self.nets.people.set(known);
        Ok(())
    }

    pub(crate) fn nets(&self) -> &Arc<Nets> {
        &self.nets
    }

    pub(crate) fn into_suspects(self) -> Vec<Suspect> {
        self.suspects
    }

    /// Makes the tables follow.
    pub(crate) fn apply_to(&self, tables: &mut Relations) {
        for (relation, assignment) in tables.all.iter_mut().zip(&self.assignments) {
            relation.mask.clone_from(&assignment.mask);
            let kept = assignment.kept.iter().map(|kept| (kept.column, kept.because.clone())).collect();
            relation.places = Some(Arc::new(Places {
                nets: self.nets.clone(),
                mask: assignment.mask.clone(),
                kept,
                is_emptied: false,
            }));
            if assignment.emptied.is_some() && relation.table.excluded_by.is_none() {
                relation.table.excluded_by = Some(LEFT_BEHIND.to_owned());
            }
        }
    }

    /// What was done, once the rows are there.
    pub(crate) fn sheet(
        self,
        tables: &Relations,
        loaded: &[LoadedTable],
        report: &CopyReport,
        residue: Option<&HashMap<u32, ResidueCounts>>,
    ) -> Sheet {
        let mut sheet = Sheet {
            key: self.key,
            kept_users: self.kept_users,
            emptied: self.emptied,
            suspects: self.suspects,
            ..Sheet::default()
        };
        let loaded: HashMap<u32, &LoadedTable> = loaded.iter().map(|loaded| (loaded.relation.oid, loaded)).collect();
        let mut outcomes: Vec<_> = tables
            .all
            .iter()
            .zip(&self.assignments)
            .filter_map(|(relation, assignment)| {
                let loaded = loaded.get(&relation.oid)?;
                let outcome = TableOutcome {
                    table: &relation.table,
                    assignment,
                    rows: loaded.digest.rows,
                    counts: &loaded.counts.masked,
                    nets: &loaded.counts.nets,
                    sites: &self.sites,
                    keeps_unknown: self.unknown == Unknown::Keep,
                    live: &loaded.counts.live,
                };
                Some((outcome, self.computed.get(&relation.oid).map_or(&[][..], Vec::as_slice)))
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
fn proof(nets: &Nets, tables: &Relations, residue: &HashMap<u32, ResidueCounts>) -> Proof {
    let mut proof = Proof::of(nets.people_counts());
    let mut searched: Vec<_> =
        tables.all.iter().filter_map(|relation| Some((&relation.table, residue.get(&relation.oid)?))).collect();
    searched.sort_by_key(|(table, _)| table.label());
    for (table, counts) in searched {
        proof.add(table, counts);
    }
    proof
}

/// How many rows stay behind in each table that is emptied.
async fn emptied(
    source: &SourceSession,
    relations: &[Relation],
    assignments: &[Assignment],
) -> Result<Vec<EmptiedLine>> {
    let (mut lines, mut left_behind) = (Vec::new(), Vec::new());
    for (relation, assignment) in relations.iter().zip(assignments) {
        let Some(Emptied { because, is_only }) = &assignment.emptied else { continue };
        let table = if *is_only { relation.label() } else { relation.table.whole() };
        lines.push(EmptiedLine { table, rows: 0, because: because.clone() });
        left_behind.push(relation);
    }
    for (line, rows) in lines.iter_mut().zip(row_counts::of(source, &left_behind).await?) {
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
