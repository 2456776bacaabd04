//! What becomes of a copy in which people or secrets are found after it was masked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What becomes of such a copy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum OnResidue {
    /// It does not take the old one's place, unless names are all that is found: words may be others'.
    #[default]
    Fail,
    /// It takes the old one's place, and what was found is told.
    Warn,
}
