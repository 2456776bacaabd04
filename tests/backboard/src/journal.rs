//! Everything that was asked of the backend, in order, for tests to assert what was never called.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::{Mutex, PoisonError};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    Query,
    Mutation,
}

/// One root field of one request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    pub at: Timestamp,
    /// Which request; the fields of one document share it.
    pub request: u64,
    pub kind: OperationKind,
    /// The root field, such as `environmentCreate`.
    pub operation: String,
    /// The key of the answer: the alias, else the field's name.
    pub alias: String,
    /// As given, secrets included.
    pub arguments: Value,
    /// Every environment that the operation reads or changes, by id or by the id of something in it; an environment
    /// that is only the source of a new one is not among them.
    pub environment_ids: Vec<String>,
    /// `account`, `workspace`, `project` or `none`.
    pub token: String,
    /// The HTTP status, or the text of the field's GraphQL error.
    pub outcome: String,
}

impl Entry {
    pub fn is_mutation(&self) -> bool {
        self.kind == OperationKind::Mutation
    }

    pub fn touches(&self, environment_id: &str) -> bool {
        self.environment_ids.iter().any(|id| id == environment_id)
    }
}

#[derive(Default)]
pub(crate) struct Journal {
    entries: Mutex<Vec<Entry>>,
}

impl Journal {
    pub(crate) fn add(&self, entries: Vec<Entry>) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).extend(entries);
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn clear(&self) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
