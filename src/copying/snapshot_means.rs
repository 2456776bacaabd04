//! How several sessions came to see one moment of a source.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::counted;

/// How several sessions came to see one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SnapshotMeans {
    pub by: SnapshotBy,
    /// Sessions that read the source.
    pub sessions: u64,
    /// Milliseconds for which whoever writes was held, at most.
    pub writers_held_ms: u64,
}

/// What made sure that all sessions see the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SnapshotBy {
    /// The server's word that they do; nobody was held.
    EqualViews,
    /// Nobody could write while they began.
    WritersHeld,
    /// There is only one.
    OneSession,
}

impl std::fmt::Display for SnapshotMeans {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sessions = counted(self.sessions, "session", "sessions");
        write!(f, "the source was read by {sessions}; ")?;
        match self.writers_held_ms {
            0 => write!(f, "nobody who writes was held"),
            held => write!(f, "whoever writes was held for {held} ms at most"),
        }
    }
}
