//! What a copy says it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What kind of environment the copy says it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(extend("x-refused" = { "production": "a copy never says that it is production: by that word apps and plugins bill, send mail and show themselves to search engines" }))]
pub(crate) enum EnvironmentType {
    #[default]
    Staging,
    Development,
    Ephemeral,
}

impl EnvironmentType {
    /// The variable of apps that says it.
    pub(crate) const VARIABLE: &str = "WP_ENVIRONMENT_TYPE";

    /// What WordPress knows it by (`wp_get_environment_type()` has no `ephemeral`).
    pub(crate) fn as_wordpress(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Staging | Self::Ephemeral => "staging",
        }
    }
}
