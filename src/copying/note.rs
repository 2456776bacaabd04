//! What a copy writes about itself on the databases that it makes and sets aside, for the next copy and for whoever looks.

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::report::CopyReport;

/// What stands before the JSON.
const PREFIX: &str = "railstage copy: ";

/// The note of one copy.
#[derive(Serialize, Deserialize)]
pub(crate) struct CopyNote {
    pub(crate) copy_id: String,
    /// What was asked for, as a hash: the same copy with other wishes is another copy.
    pub(crate) asked: String,
    pub(crate) report: CopyReport,
}

impl CopyNote {
    /// The note that a database's comment is; one of another version of ours counts as none, and the copy is made again.
    pub(crate) fn read(comment: &str) -> Option<Self> {
        serde_json::from_str(comment.strip_prefix(PREFIX)?).ok()
    }

    pub(crate) fn to_comment(&self) -> Result<String> {
        Ok(format!("{PREFIX}{}", serde_json::to_string(self).context("write the copy's note")?))
    }
}

/// The mark of a half-built or an old database of a copy into `database`: by it the next copy knows what is its own to drop.
pub(crate) fn leftover(database: &str) -> String {
    format!("railstage leftover: of a copy into `{database}`, whose next copy drops it")
}
