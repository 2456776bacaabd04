//! What came over, in numbers, as outputs and whoever is told of a run have it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::masked::Masked;

/// Totals over the databases of a run and their sheets.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Copied {
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
