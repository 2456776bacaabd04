//! What was copied, in numbers: the totals of all databases and of their sheets.

use schemars::JsonSchema;
use serde::Serialize;

use super::Database;
use crate::contract::masked::Masked;
use crate::copying::report::CopyReport;

/// Totals over the databases of a run.
#[derive(Serialize, JsonSchema, Default)]
pub(in crate::steps) struct Copied {
    pub databases: u64,
    pub tables: u64,
    pub rows: u64,
    pub bytes: u64,
    /// Whether the people in all of them are strangers.
    pub masked: Masked,
    /// Values that were changed, so that people are strangers.
    pub masked_values: u64,
    /// Rows that were left behind.
    pub dropped_rows: u64,
    /// Values in which a URL was rewritten.
    pub rewritten_values: u64,
}

impl Copied {
    pub(in crate::steps) fn of(databases: &[Database]) -> Self {
        let sum = |of: fn(&CopyReport) -> u64| databases.iter().map(|database| of(&database.copy)).sum();
        Self {
            databases: databases.len() as u64,
            tables: sum(|copy| copy.tables),
            rows: sum(|copy| copy.rows),
            bytes: sum(|copy| copy.bytes),
            // The worst of them: `full` comes first.
            masked: databases.iter().map(|database| database.masked).max().unwrap_or_default(),
            masked_values: sum(|copy| copy.masking.as_ref().map_or(0, |sheet| sheet.masked_values)),
            dropped_rows: sum(|copy| copy.masking.as_ref().map_or(0, |sheet| sheet.dropped_rows)),
            rewritten_values: sum(|copy| copy.rewritten_values),
        }
    }
}
