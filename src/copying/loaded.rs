//! What became of the rows of a table, once all of them were sent.

use anyhow::{Result, ensure};

use super::transform::TransformCounts;
use crate::data::digest::ContentDigest;
use crate::data::tables::Table;
use crate::error::{Failure, counted, listed};

/// A table whose rows have all been sent.
pub(crate) struct LoadedRows<'a> {
    pub(crate) table: &'a Table,
    pub(crate) digest: ContentDigest,
    pub(crate) counts: &'a TransformCounts,
    /// Of all sessions that worked on it, added up.
    pub(crate) seconds: f64,
}

impl LoadedRows<'_> {
    /// Refuses rows in which two keys of an array became one.
    ///
    /// # Errors
    /// Invalid input, naming column and key.
    pub(crate) fn ensure_no_key_is_lost(&self) -> Result<()> {
        let lost = self.counts.collided.told(self.table);
        let told: Vec<_> = lost
            .iter()
            .map(|line| {
                let key = line.key.as_ref().map_or_else(String::new, |key| format!(" `{key}`"));
                format!(
                    "{}.{}{key}: in {} {}",
                    line.table,
                    line.column,
                    counted(line.values, "value", "values"),
                    line.reason
                )
            })
            .collect();
        let hint = "leave the rows out (`--exclude-table-data`), empty or set the value by a masking rule, or rewrite one of the old URLs only";
        ensure!(lost.is_empty(), Failure::invalid(listed(&told)).hint(hint));
        Ok(())
    }
}
