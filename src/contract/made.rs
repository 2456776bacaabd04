//! How a copy was made, as its record keeps it for whoever compares it with its source later.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::code_source::CodeSource;
use crate::contract::deployed::Deployed;

/// What of a copy is not its source's, by its request or by Railway's doing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Made {
    /// Names of the variables that the request set, by service (`*` = every app).
    pub set_variables: BTreeMap<String, Vec<String>>,
    /// Services that run other code than production's.
    pub sources: BTreeMap<String, CodeSource>,
    /// What was deployed into the copy since it was ready, by service.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub deployed: BTreeMap<String, Deployed>,
    /// Services that were added to the copy since it was ready.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<String>,
    /// Services that stay undeployed.
    pub left_out: Vec<String>,
    /// Settings that Railway itself gave the copy otherwise, or not at all.
    pub not_copied: Vec<String>,
    /// What each service's part of the source's configuration was like, by service id: 16 hex digits under `RAILSTAGE_RECORD_KEY`, which tell whether it has changed.
    pub source_marks: BTreeMap<String, String>,
}
