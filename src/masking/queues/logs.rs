//! Logs, sessions and tokens that no list has: they tell who was there, or let somebody in, and a copy needs none of them; those of
//! `logs.yaml`. Only where people are masked are they left behind.

use std::sync::LazyLock;

use serde::Deserialize;

use super::{Finding, plain};
use crate::data::tables::Table;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogsFile {
    logs: Vec<Log>,
    joined: Vec<String>,
    versions: Vec<Vec<String>>,
}

/// A kind of table: what it is, words of its name, and columns one of which it has.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Log {
    what: String,
    words: Vec<String>,
    columns: Vec<String>,
}

static FILE: LazyLock<LogsFile> =
    LazyLock::new(|| serde_yaml::from_str(include_str!("logs.yaml")).expect("our own list is valid"));

/// What a table looks like, if that is a log, sessions or tokens.
pub(super) fn find(table: &Table, words: &[String]) -> Option<Finding> {
    let columns: Vec<String> = table.columns.iter().map(|column| plain(&column.name)).collect();
    let has = |name: &String| columns.contains(name);
    let is_called = |log: &&Log| {
        // `access_token` counts as one word and as two.
        let pairs = words.windows(2).map(<[String]>::concat);
        let is_one = |word: &String| {
            let ends_so = |end: &String| log.words.contains(end) && word.ends_with(end.as_str());
            log.words.contains(word) || FILE.joined.iter().any(ends_so)
        };
        words.iter().cloned().chain(pairs).any(|word| is_one(&word))
    };
    let log = FILE.logs.iter().filter(is_called).find(|log| log.columns.iter().any(has));
    let what = log.map(|log| log.what.as_str()).or_else(|| {
        let is_versions = FILE.versions.iter().any(|columns| columns.iter().all(has));
        is_versions.then_some("a log of what rows were before")
    })?;
    Some(Finding::Acts(format!("it looks like {what}, by its name and columns")))
}
