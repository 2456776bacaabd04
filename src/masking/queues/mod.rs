//! Queues, outboxes and schedules: what would act in a copy as it does in production, and what is done to it.
//!
//! `known` has those of frameworks, as data; `shape` tells others by their names and columns. Where people are masked, what
//! only may be a queue stays behind as well, and so do `logs`.

mod known;
mod logs;
mod shape;
mod words;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::masking_rules::When;
use crate::contract::transformer::Transformer;
use crate::data::table_glob::TableGlob;
use crate::data::tables::Table;
use crate::error::counted;
use crate::masking::assignment::expectations;
use crate::masking::table::{Condition, Origin, TableRule};
use crate::masking::{Masking, preset};
use crate::rewriting::sites_of_tables::SitesOfTables;
use crate::rewriting::wordpress::SiteTables;

/// A table that would act in a copy, or looks as if it would.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct QueueLine {
    /// `schema.table`.
    pub table: String,
    /// How many rows it has in the source; of a large table, about so many.
    pub rows: u64,
    /// What was done.
    pub done: QueueTreatment,
    /// Whose it is, or what it looks like.
    pub because: String,
}

/// What was done to a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum QueueTreatment {
    /// Its rows stayed behind.
    Emptied,
    /// Its rows stayed behind, since each is about one that did.
    Followed,
    /// Its rows came along, switched off.
    SwitchedOff,
    /// Its rows came along without their references to rows that stayed behind.
    Unlinked,
    /// It was copied as it is.
    Left,
}

impl QueueTreatment {
    /// Whether rows stayed behind.
    pub(crate) fn is_emptied(self) -> bool {
        matches!(self, Self::Emptied | Self::Followed)
    }
}

impl std::fmt::Display for QueueLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let done = match self.done {
            QueueTreatment::Emptied => "left behind",
            QueueTreatment::Followed => "left behind as well",
            QueueTreatment::SwitchedOff => "switched off",
            QueueTreatment::Unlinked => "unlinked",
            QueueTreatment::Left => "copied as it is",
        };
        write!(f, "{done}: {}, {} ({})", self.table, counted(self.rows, "row", "rows"), self.because)
    }
}

/// What is to be done to a table that acts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Finding {
    /// Its rows are to stay behind, for this reason.
    Acts(String),
    /// Its rows are about those of such a table, and cannot be without.
    Follows(String),
    /// Its rows are to be switched off, by these values.
    Switches(String, Vec<Put>),
    /// It is left as it is, for this reason.
    Left(String),
}

/// A value to be put into a column; `None` is NULL.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Put {
    pub(crate) column: usize,
    pub(crate) value: Option<String>,
    /// Into which rows; none means all.
    pub(crate) when: Option<(usize, When)>,
    pub(crate) because: String,
}

impl Put {
    /// The rules that put it there.
    pub(super) fn rules(&self) -> Vec<TableRule> {
        let make = |condition| TableRule {
            column: Some(self.column),
            condition,
            transformer: if self.value.is_some() { Transformer::Set } else { Transformer::Empty },
            value: self.value.clone().unwrap_or_default().into_bytes(),
            because: Some(self.because.clone()),
            origin: Origin::Preset,
            is_only: false,
        };
        let Some((column, when)) = &self.when else { return vec![make(None)] };
        expectations(when, None).map(|expected| make(Some(Condition { column: *column, expected }))).collect()
    }
}

/// What each table is, in their order; `keep` are globs of those that are left as they are. `masking` is what people ask for
/// who want people masked.
pub(crate) fn find(tables: &[&Table], keep: &[String], masking: Option<&Masking>) -> Vec<Option<Finding>> {
    let keep: Vec<_> = keep.iter().map(|glob| TableGlob::new(glob)).collect();
    let ruled: Vec<_> =
        masking.iter().flat_map(|masking| &masking.rules).map(|rule| TableGlob::new(&rule.table)).collect();
    let sites = SiteTables::all(tables);
    let of_tables = SitesOfTables::new(&sites);
    let has_rule = |table: &Table| {
        ruled.iter().any(|glob| glob.is_about(table))
            || of_tables.of(table).iter().any(|site| preset::rules().iter().any(|rule| site.owns(table, &rule.table)))
    };
    let finding = |table: &&Table| {
        let found = known::find(table).or_else(|| {
            // Who has rules for a table knows what it is.
            let is_masked = masking.is_some() && !has_rule(table);
            match shape::find(table) {
                Some(Finding::Left(because)) if is_masked => Some(Finding::Acts(because)),
                None if is_masked => logs::find(table, &words::words_of(table)),
                found => found,
            }
        })?;
        let is_kept = keep.iter().any(|glob| glob.is_about(table));
        Some(if is_kept { Finding::Left("kept, as the request says".to_owned()) } else { found })
    };
    tables.iter().map(finding).collect()
}

/// A name without what is spelled in one way or another.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests;
