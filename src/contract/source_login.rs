//! The login by which a policy has sources read: its name and password are secrets of the flow's author.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A login whose name and password are secrets of the flow's author.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SourceLogin {
    /// `NAME` of the `RAILSTAGE_SECRET_NAME` that holds the user's name.
    pub(crate) user_secret: String,
    /// `NAME` of the `RAILSTAGE_SECRET_NAME` that holds the password.
    pub(crate) password_secret: String,
}

impl SourceLogin {
    /// Whether sources have a login of their own.
    pub(crate) fn is_named(&self) -> bool {
        !self.user_secret.is_empty()
    }
}
