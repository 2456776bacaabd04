//! The assignment: the caller's rules and the preset's, laid over the tables that are there.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use anyhow::{Result, bail};
use roaring::RoaringTreemap;
use wildmatch::WildMatch;

use crate::contract::masking_rules::{MaskingRule, When};
use crate::contract::nearest::nearest;
use crate::contract::transformer::Transformer;
use crate::data::table_glob::TableGlob;
use crate::data::tables::{Column, Table};
use crate::error::Failure;
use crate::masking::nets::Nets;
use crate::masking::nets::unknown::wordpress::Titles;
use crate::masking::preset;
use crate::masking::queues::Put;
use crate::masking::table::{Condition, Expected, Origin, TableMask, TableRule};
use crate::masking::transformers::misfit;
use crate::masking::{Key, Masking, twins};
use crate::rewriting::sites_of_tables::SitesOfTables;
use crate::rewriting::wordpress::SiteTables;

/// What becomes of one table.
#[derive(Default)]
pub(crate) struct Assignment {
    /// `Some` when its rows are left behind.
    pub(crate) emptied: Option<Emptied>,
    /// `None` when its rows come as they are.
    pub(crate) mask: Option<Arc<TableMask>>,
    /// Columns that are left as they are in all rows.
    pub(crate) kept: Vec<Kept>,
    /// Columns that some rule decides on in every row.
    pub(crate) settled: HashSet<usize>,
}

/// Why the rows of a table are left behind, if the rule says so.
pub(crate) struct Emptied {
    pub(crate) because: Option<String>,
    /// Whether it speaks of this table alone, and not of all that it is a part of.
    pub(crate) is_only: bool,
}

/// A column that a rule leaves as it is in all rows.
pub(crate) struct Kept {
    pub(crate) column: usize,
    pub(crate) because: Option<String>,
    /// Whether the rule speaks of this table alone, and not of all that it is a part of.
    pub(crate) is_only: bool,
}

/// A site of the source whose people are masked, and its users that keep their logins.
pub(crate) struct MaskedSite {
    pub(crate) site: SiteTables,
    pub(crate) kept_users: Arc<HashSet<String>>,
    /// Its posts that everybody may see.
    pub(crate) published: Arc<RoaringTreemap>,
    /// What they are called, and what rates are, where rows are called after these.
    pub(crate) titles: Arc<Titles>,
}

impl AsRef<SiteTables> for MaskedSite {
    fn as_ref(&self) -> &SiteTables {
        &self.site
    }
}

/// What becomes of each of `tables`, in their order.
///
/// # Errors
/// Invalid input when a rule of the caller's names what is not there, or cannot be followed; all that is wrong is named.
pub(crate) fn assign(
    tables: &[&Table],
    masking: &Masking,
    sites: &[MaskedSite],
    puts: &[Vec<Put>],
    nets: &Arc<Nets>,
) -> Result<Vec<Assignment>> {
    let preset = preset::rules();
    let globs: Vec<_> = masking.rules.iter().map(|rule| TableGlob::new(&rule.table)).collect();
    let of_tables = SitesOfTables::new(sites);
    let mut problems = BTreeSet::new();
    for (i, rule) in masking.rules.iter().enumerate() {
        problems.extend(unknown(rule, &globs[i], tables).map(|problem| format!("`rules.{i}`: {problem}")));
    }
    let assignments = tables
        .iter()
        .zip(puts)
        .map(|(table, puts)| {
            let mut assigner = RuleAssigner::new(table, &mut problems);
            assigner.put(puts);
            let twin = twins::of(table, tables);
            let is_about = |glob: &TableGlob| {
                glob.is_about(table) || !glob.is_only() && twin.as_ref().is_some_and(|twin| glob.is_about(twin))
            };
            let own = masking.rules.iter().zip(&globs).enumerate().filter(|(_, (_, glob))| is_about(glob));
            own.for_each(|(i, (rule, _))| assigner.add(rule, Origin::Caller, None, &format!("`rules.{i}`")));
            for MaskedSite { site, kept_users, .. } in of_tables.of(twin.as_ref().unwrap_or(table)) {
                let about = preset.iter().filter(|rule| site.owns(twin.as_ref().unwrap_or(table), &rule.table));
                // Nobody logs in by what was set aside.
                let kept_users = Some(kept_users).filter(|_| twin.is_none());
                about.for_each(|rule| assigner.add(rule, Origin::Preset, kept_users, "the WordPress preset"));
            }
            assigner.add_coarse();
            assigner.end(nets)
        })
        .collect();
    if problems.is_empty() {
        return Ok(assignments);
    }
    bail!(does_not_fit(problems))
}

/// What is put into a table whose people are copied as they are.
pub(crate) fn of_puts(table: &Table, puts: &[Put]) -> Option<Arc<TableMask>> {
    let mut problems = BTreeSet::new();
    let mut assigner = RuleAssigner::new(table, &mut problems);
    assigner.put(puts);
    assigner.end(&Nets::new(Key::random())).mask
}

/// The refusal of rules that cannot be followed.
pub(crate) fn does_not_fit(problems: BTreeSet<String>) -> Failure {
    let problems: Vec<_> = problems.into_iter().collect();
    Failure::invalid(format!("the masking rules do not fit the data: {}", problems.join("; ")))
}

/// What a rule of the caller's names that is not there, with what is nearest to it.
fn unknown(rule: &MaskingRule, glob: &TableGlob, tables: &[&Table]) -> Option<String> {
    let about: Vec<_> = tables.iter().filter(|table| glob.is_about(table)).collect();
    if about.is_empty() {
        let names = tables.iter().flat_map(|table| table.names.iter().map(String::as_str));
        return Some(format!("there is no table `{}`{}", rule.table, hint(&rule.table, names)));
    }
    let when = rule.when.as_ref().map(|when| &when.column);
    rule.column.iter().chain(when).find_map(|wanted| {
        let columns = || about.iter().flat_map(|table| table.columns.iter().map(|column| column.name.as_str()));
        let is_missing = !columns().any(|name| name == wanted);
        is_missing.then(|| format!("table `{}` has no column `{wanted}`{}", rule.table, hint(wanted, columns())))
    })
}

/// The names most like `wanted`, for a message.
fn hint<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> String {
    const MOST: usize = 3;
    let names: Vec<_> = nearest(wanted, names).into_iter().map(|(_, name)| name).take(MOST).collect();
    if names.is_empty() { String::new() } else { format!("; the nearest are `{}`", names.join("`, `")) }
}

/// Rules being laid over one table.
struct RuleAssigner<'a> {
    table: &'a Table,
    assignment: Assignment,
    rules: Vec<TableRule>,
    /// Columns in which nothing is NULL, whatever their type.
    nulled: Vec<usize>,
    /// Rules of the caller's for all values of a column, which stand behind finer ones of the preset.
    coarse: Vec<(usize, MaskingRule, String)>,
    /// Whether these are being laid.
    is_last: bool,
    problems: &'a mut BTreeSet<String>,
}

impl<'a> RuleAssigner<'a> {
    fn new(table: &'a Table, problems: &'a mut BTreeSet<String>) -> Self {
        Self {
            table,
            assignment: Assignment::default(),
            rules: Vec::new(),
            nulled: Vec::new(),
            coarse: Vec::new(),
            is_last: false,
            problems,
        }
    }

    /// Puts values that no rule may leave out.
    fn put(&mut self, puts: &[Put]) {
        for put in puts {
            self.rules.extend(put.rules());
            self.assignment.settled.extend(put.when.is_none().then_some(put.column));
            self.nulled.extend(put.value.is_none().then_some(put.column));
        }
    }

    fn add(&mut self, rule: &MaskingRule, origin: Origin, kept_users: Option<&Arc<HashSet<String>>>, who: &str) {
        let is_whole_kept = self.rules.last().is_some_and(|rule| rule.column.is_none() && rule.condition.is_none());
        if self.assignment.emptied.is_some() || is_whole_kept {
            return;
        }
        let is_only = origin == Origin::Caller && TableGlob::new(&rule.table).is_only();
        if origin == Origin::Caller && rule.column.is_none() && rule.when.is_none() {
            self.add_coarse();
        }
        if rule.transformer == Transformer::EmptyTable {
            self.assignment.emptied = Some(Emptied { because: rule.because.clone(), is_only });
            return;
        }
        // Some tools that move WordPress to Postgres write all names in small letters.
        let is_it = |column: &Column, name: &str| match origin {
            Origin::Caller => column.name == name,
            Origin::Preset => column.name.eq_ignore_ascii_case(name),
        };
        let find = |name: &String| self.table.columns.iter().position(|column| is_it(column, name));
        let column = rule.column.as_ref().map(find);
        let when = rule.when.as_ref().map(|when| Some((find(&when.column)?, when)));
        // A rule for many tables is about those that have what it names; one for none was found out before.
        if column == Some(None) || matches!(when, Some(None)) {
            return;
        }
        let (column, when) = (column.flatten(), when.flatten());
        if column.is_some_and(|column| self.assignment.settled.contains(&column)) {
            return;
        }
        if let Some(column) = column.filter(|_| when.is_none() || origin == Origin::Caller) {
            // The first of the caller's decides, but for finer ones of the preset.
            if self.coarse.iter().any(|(known, ..)| *known == column) {
                return;
            }
            if origin == Origin::Caller && when.is_none() && !rule.instead && !self.is_last {
                return self.coarse.push((column, rule.clone(), who.to_owned()));
            }
        }
        if let Some(reason) = column.and_then(|column| misfit(rule.transformer, &self.table.columns[column])) {
            let name = &self.table.columns[column.unwrap_or_default()].name;
            self.problems.insert(format!("{who}: column `{name}` of `{}` {reason}", self.table.label()));
            return;
        }
        let make = |condition| TableRule {
            column,
            condition,
            transformer: rule.transformer,
            value: rule.value.clone().unwrap_or_default().into_bytes(),
            because: rule.because.clone(),
            origin,
            is_only,
        };
        match (when, column) {
            (Some((tested, when)), _) => {
                let conditions = expectations(when, kept_users).map(|expected| Condition { column: tested, expected });
                self.rules.extend(conditions.map(|condition| make(Some(condition))));
            }
            (None, Some(column)) => {
                self.assignment.settled.insert(column);
                match rule.transformer {
                    Transformer::Keep => {
                        self.assignment.kept.push(Kept { column, because: rule.because.clone(), is_only });
                    }
                    _ => self.rules.push(make(None)),
                }
            }
            (None, None) => self.rules.push(make(None)),
        }
    }

    /// Lays the rules that stood back.
    fn add_coarse(&mut self) {
        for (_, rule, who) in std::mem::take(&mut self.coarse) {
            self.is_last = true;
            self.add(&rule, Origin::Caller, None, &who);
        }
    }

    fn end(mut self, nets: &Arc<Nets>) -> Assignment {
        let columns = &self.table.columns;
        if self.rules.last().is_some_and(|rule| rule.column.is_none() && rule.condition.is_none()) {
            // `keep` of a whole table: what no rule before it decides on stays, and is meant to.
            let (because, is_only) = self.rules.pop().map(|rule| (rule.because, rule.is_only)).unwrap_or_default();
            let rest = (0..columns.len()).filter(|column| !self.assignment.settled.contains(column));
            self.assignment.kept.extend(rest.map(|column| Kept { column, because: because.clone(), is_only }));
            self.assignment.settled = (0..columns.len()).collect();
        }
        // A column that stays is no part of the mask, unless a rule before has a say in some rows.
        if self.assignment.emptied.is_none() && !self.rules.is_empty() {
            let mut mask = TableMask::of(self.table, self.rules, nets);
            for column in &self.nulled {
                mask.limits[*column].is_emptied_by_null = true;
            }
            self.assignment.mask = Some(Arc::new(mask));
        }
        self.assignment
    }
}

/// The conditions of a rule one by one, so that the sheet can count each.
pub(super) fn expectations<'a>(
    when: &'a When,
    kept_users: Option<&'a Arc<HashSet<String>>>,
) -> impl Iterator<Item = Expected> + 'a {
    let exactly = when.one_of.iter().map(move |text| match kept_users {
        Some(ids) if text == preset::KEPT_USERS => Expected::KeptUser(ids.clone()),
        _ => Expected::Exactly(text.clone()),
    });
    exactly.chain(when.matches.iter().map(|glob| Expected::Glob(WildMatch::new(glob))))
}
