//! What a copy would do, told without doing it.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::inspection::{SourceReport, TargetReport};
use super::report::read_whole;
use crate::data::tables::{Column, Table};
use crate::error::counted;
use crate::inert;
use crate::masking::nets::Net;
use crate::masking::table::TableMask;
use crate::masking::{QueueLine, Suspect};

/// What two cores at each end have been seen to do with a WordPress database, indexes included.
const USUAL_MB_PER_S: f64 = 50.0;
/// What a table costs apart from its rows, on the same.
const SECONDS_PER_TABLE: f64 = 0.002;

/// How long the copying of so many bytes in so many tables takes by what was seen elsewhere.
pub(crate) fn usual_seconds(bytes: u64, tables: usize, max_mb_per_s: Option<f64>) -> f64 {
    let rate = max_mb_per_s.unwrap_or(USUAL_MB_PER_S).min(USUAL_MB_PER_S);
    bytes as f64 / (rate * 1e6) + tables as f64 * SECONDS_PER_TABLE
}

/// What a copy would do.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DryRun {
    /// The source.
    pub source: SourceReport,
    /// The target.
    pub target: TargetReport,
    /// The tables in the order in which they would be copied, the biggest first.
    pub tables: Vec<DryRunTable>,
    /// Size on disk of all tables whose rows would be copied, in bytes.
    pub bytes: u64,
    /// How long a copy would take, in seconds: at 50 MB/s, or the limit that was asked for, and 2 ms a table.
    pub estimated_seconds: f64,
    /// Columns that look personal and that no masking rule speaks of; none when nothing would be masked.
    pub suspects: Vec<Suspect>,
    /// What would act in the copy, or looks as if it would, and what would be done to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub queues: Vec<QueueLine>,
    /// What a copy would fail on.
    pub problems: Vec<String>,
    /// What of the rows was not searched for what a copy would fail on, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_searched: Vec<String>,
}

/// A table as a copy would treat it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DryRunTable {
    /// `schema.table`.
    pub table: String,
    /// Its size on disk, in bytes, without indexes.
    pub size_bytes: u64,
    /// About how many rows it has, as the server's statistics tell; absent where it has made none.
    pub rows: Option<u64>,
    /// Why its rows would stay behind.
    pub excluded_by: Option<String>,
    /// What masking would look for, by column: the names of transformers, and `closed` or `settings` where a net holds;
    /// under `*` those for whole rows.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub masked: BTreeMap<String, BTreeSet<String>>,
}

/// What a copy would make of a source: of each table, its people, and what would act.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// Columns that look personal and that no rule speaks of.
    pub suspects: Vec<Suspect>,
    /// What would act in a copy, and what would be done to it.
    pub queues: Vec<QueueLine>,
    /// The biggest first.
    pub tables: Vec<DryRunTable>,
    /// Tables, columns and their types, in an order of their own.
    pub schema: String,
}

/// What of a schema a plan is bound to.
pub(crate) fn schema_of<'a>(tables: impl IntoIterator<Item = &'a Table>) -> String {
    let column = |column: &Column| {
        let Column { name, type_name, max_chars, is_key, is_unique, is_nullable, .. } = column;
        format!("{name:?} {type_name:?} {max_chars:?} {is_key} {is_unique} {is_nullable}")
    };
    let table = |table: &Table| {
        let columns: Vec<_> = table.columns.iter().map(column).collect();
        format!("{:?}.{:?} {:?} ({})", table.schema, table.name, table.names, columns.join(", "))
    };
    let mut lines: Vec<_> = tables.into_iter().map(table).collect();
    lines.sort();
    lines.join("\n")
}

impl DryRunTable {
    /// A table as the catalog has it, and how its rows are masked, if they are.
    pub(crate) fn of(table: &Table, mask: Option<&TableMask>) -> Self {
        let mut masked: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for rule in mask.iter().flat_map(|mask| &mask.rules) {
            let column = rule.column.map_or("*", |column| &table.columns[column].name);
            masked.entry(column.to_owned()).or_default().insert(rule.transformer.name());
        }
        let nets = mask.iter().flat_map(|mask| table.columns.iter().zip(&mask.column_nets));
        for (column, net) in nets {
            let word = net.net.word().filter(|_| net.net != Net::Search);
            masked.entry(column.name.clone()).or_default().extend(word.map(str::to_owned));
        }
        masked.retain(|_, how| !how.is_empty());
        let rows = (table.rows > 0 || table.size_bytes == 0).then_some(table.rows);
        let excluded_by = table.excluded_by.clone();
        Self { table: table.label(), size_bytes: table.size_bytes, rows, excluded_by, masked }
    }

    fn summary(&self) -> String {
        let left_out = self.excluded_by.as_ref().map(|reason| format!(", its rows {reason}")).unwrap_or_default();
        let columns = self.masked.iter().map(|(column, transformers)| {
            format!("{column} ({})", transformers.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
        });
        let masked = if self.masked.is_empty() { "" } else { ", masked: " };
        let columns = columns.collect::<Vec<_>>().join(", ");
        format!("{:>12.1} MB  {}{left_out}{masked}{columns}", self.size_bytes as f64 / 1e6, self.table)
    }
}

impl DryRun {
    /// The dry run in a few lines for a person.
    pub fn summary(&self) -> String {
        let mut lines = vec![format!(
            "would copy `{}` ({} {}) over `{}` ({} {}), {} of {:.1} MB in about {:.0} s; nothing was done",
            self.source.database,
            self.source.server,
            self.source.version,
            self.target.database,
            self.target.server,
            self.target.version,
            counted(self.tables.len(), "table", "tables"),
            self.bytes as f64 / 1e6,
            self.estimated_seconds.ceil()
        )];
        lines.extend(self.tables.iter().map(DryRunTable::summary));
        lines.extend(self.source.warnings.iter().map(|warning| format!("source: {warning}")));
        lines.extend(read_whole(&self.source.read_whole));
        lines.extend(
            self.source
                .skipped
                .iter()
                .map(|skipped| format!("would not be copied: {} ({})", skipped.object, skipped.reason)),
        );
        lines.extend(self.queues.iter().map(|line| format!("would act, and would be {line}")));
        lines.extend(
            self.suspects.iter().map(|suspect| format!("looks personal, and would be copied as it is: {suspect}")),
        );
        lines.extend(self.not_searched.iter().map(|what| format!("was not searched: {what}")));
        lines.extend(self.problems.iter().map(|problem| format!("would fail: {problem}")));
        inert::lines(&lines)
    }
}
