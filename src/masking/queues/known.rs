//! The queues of frameworks and programs: those of `known.yaml`, found by table and columns.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use wildmatch::WildMatch;

use super::{Finding, Put, plain};
use crate::contract::masking_rules::When;
use crate::data::tables::{Column, Table};

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownFile {
    queues: Vec<KnownQueue>,
}

/// A queue that is known by its shape.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownQueue {
    of: String,
    /// Globs on the table's own name, or that of what it is a part of.
    tables: Vec<String>,
    /// All of these must be there; of `a|b` one.
    columns: Vec<String>,
    #[serde(default)]
    when: Option<When>,
    #[serde(default)]
    set: BTreeMap<String, Option<String>>,
}

static KNOWN: LazyLock<Vec<KnownQueue>> = LazyLock::new(|| {
    let file: KnownFile = serde_yaml::from_str(include_str!("known.yaml")).expect("our own list is valid");
    file.queues
});

/// The framework's queue that a table is.
pub(super) fn find(table: &Table) -> Option<Finding> {
    let names: Vec<String> = table.names.iter().filter(|name| !name.contains('.')).map(|name| plain(name)).collect();
    let columns: Vec<String> = table.columns.iter().map(|column| plain(&column.name)).collect();
    KNOWN.iter().find(|queue| queue.is(&names, &columns))?.finding(table, &columns)
}

/// A value as a server gives it back.
fn spelled(value: &str, column: &Column) -> String {
    let [no, yes] = match column.column_type {
        column_type if column_type.is_integer() => ["0", "1"],
        _ if column.type_name.as_ref() == "bool" => ["f", "t"],
        _ => ["false", "true"],
    };
    match value {
        "false" => no.to_owned(),
        "true" => yes.to_owned(),
        _ => value.to_owned(),
    }
}

impl KnownQueue {
    fn is(&self, names: &[String], columns: &[String]) -> bool {
        let is_called = |glob: &String| {
            let glob: String = glob.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect();
            let glob = WildMatch::new(&glob);
            names.iter().any(|name| glob.matches(name))
        };
        let has = |wanted: &String| wanted.split('|').any(|name| columns.contains(&plain(name)));
        self.columns.iter().all(has) && self.tables.iter().any(is_called)
    }

    fn finding(&self, table: &Table, columns: &[String]) -> Option<Finding> {
        let at = |name: &str| columns.iter().position(|column| *column == plain(name));
        let because = format!("what is in it would run in the copy ({})", self.of);
        if self.set.is_empty() {
            return Some(Finding::Acts(because));
        }
        let when = match &self.when {
            Some(when) => Some((at(&when.column)?, when.clone())),
            None => None,
        };
        let put = |(name, value): (&String, &Option<String>)| {
            let column = at(name)?;
            let value = value.as_deref().map(|value| spelled(value, &table.columns[column]));
            let fits = value.is_some() || table.columns[column].is_nullable;
            fits.then(|| Put { column, value, when: when.clone(), because: because.clone() })
        };
        let puts: Vec<_> = self.set.iter().filter_map(put).collect();
        // What cannot be switched off stays behind.
        Some(if puts.is_empty() { Finding::Acts(because) } else { Finding::Switches(because, puts) })
    }
}
