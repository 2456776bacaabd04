//! The run that came first with an idempotency key: what is told by a run that gives way to it. That is no failure.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::ids::EnvironmentId;
use crate::running::outcome::Status;

/// The run that came first with the same idempotency key, and its copy. A step that finds it ends with it, as with an error,
/// and has done nothing.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct First {
    /// How far it has come: `already_running` or `ready`.
    pub status: Status,
    pub run_id: String,
    pub environment_id: EnvironmentId,
    pub environment_name: String,
    /// Where the copy answers; absent until it has a domain.
    pub url: Option<String>,
}

impl fmt::Display for First {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let does = if self.status == Status::Ready { "has made" } else { "is making" };
        write!(f, "run `{}` {does} this copy: `{}`", self.run_id, self.environment_name)?;
        self.url.iter().try_for_each(|url| write!(f, " at {url}"))
    }
}

impl std::error::Error for First {}
