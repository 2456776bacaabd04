//! The totals of what was copied.

use super::Database;
use crate::contract::copied::Copied;
use crate::copying::report::CopyReport;

/// Totals over these databases.
pub(in crate::steps) fn totals(databases: &[Database]) -> Copied {
    let sum = |of: fn(&CopyReport) -> u64| databases.iter().map(|database| of(&database.copy)).sum();
    Copied {
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
