//! What decides what becomes of data on its way, as the record and reports keep it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What decides what becomes of data on its way, as hashes: two copies with equal ones were made alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MadeWith {
    /// Of the version, the rules, and all else that is asked about masking and about what stays behind.
    pub rules: String,
    /// Of the key by which people become strangers; absent where they come along as they are.
    pub key: Option<String>,
    /// Of the URLs that are rewritten, and into which.
    pub urls: String,
}

impl MadeWith {
    /// What of it is otherwise in another, in words.
    pub(crate) fn unlike(&self, other: &Self) -> Vec<&'static str> {
        let Self { rules, key, urls } = self;
        let all = [("rules", *rules != other.rules), ("masking key", *key != other.key), ("URLs", *urls != other.urls)];
        all.into_iter().filter(|(_, is_otherwise)| *is_otherwise).map(|(what, _)| what).collect()
    }
}
