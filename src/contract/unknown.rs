//! What becomes of what may be personal and no masking rule speaks of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What becomes of free text and what may be names, in tables that refer to people, where no masking rule speaks of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Unknown {
    /// They are masked.
    #[default]
    Mask,
    /// They stay; what looks personal or secret within them, and people whom the site knows, are masked.
    Keep,
    /// The database is refused until there is a rule for each.
    Refuse,
}
