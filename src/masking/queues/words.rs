//! The words that tables are called by, each as one of its kind is called.

use crate::data::tables::Table;

/// The words that a table and what it is a part of are called by.
pub(super) fn words_of(table: &Table) -> Vec<String> {
    table.names.iter().filter(|name| !name.contains('.')).flat_map(|name| words(name)).collect()
}

/// The words of a name in small letters, each as one of its kind is called.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        if !c.is_alphanumeric() || c.is_uppercase() && before.is_lowercase() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words.iter().filter(|word| !word.is_empty()).map(|word| singular(word)).collect()
}

fn singular(word: &str) -> String {
    match word.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => word.strip_suffix('s').filter(|stem| *stem != "sm" && !stem.ends_with('s')).unwrap_or(word).to_owned(),
    }
}
