//! Schemas, README, flows and versions against the code. With `UPDATE=1`, what is made from the code is written anew.

use std::path::{Path, PathBuf};

use railstage::cli::schema_files::{self, SchemaFile};
use serde_json::Value;

mod action;
mod architecture;
mod flow_forms;
mod flows;
mod promises;
mod readme;
mod schemas;
mod versions;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn updates() -> bool {
    std::env::var_os("UPDATE").is_some()
}

/// Compares a file with what the code makes of it; with UPDATE set, writes it.
fn compare_file(path: impl AsRef<Path>, made: &str) {
    let full = root().join(&path);
    if updates() && std::fs::read_to_string(&full).ok().as_deref() != Some(made) {
        // Other tests read it meanwhile.
        let part = tempfile::NamedTempFile::new_in(root().join("tests")).unwrap();
        std::fs::write(part.path(), made).unwrap();
        std::fs::set_permissions(part.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        part.persist(&full).unwrap();
    }
    let path = path.as_ref().display();
    assert!(text(&full) == made, "{path} is old: run `UPDATE=1 cargo test --test it docs`");
}

/// What stands on a page between `<!-- name -->` and `<!-- /name -->`.
fn block(page: &str, name: &str) -> String {
    let whole = text(page);
    let (_, rest) = whole.split_once(&format!("<!-- {name} -->")).unwrap_or_else(|| panic!("{page} has no `{name}`"));
    let (block, _) = rest.split_once(&format!("<!-- /{name} -->")).unwrap_or_else(|| panic!("`{name}` has no end"));
    block.trim().to_owned()
}

/// The rows of the table in such a block.
fn table_of(page: &str, name: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| {
        let line = line.trim().strip_prefix('|').and_then(|line| line.strip_suffix('|')).unwrap_or(line);
        line.split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    block(page, name).lines().skip(2).map(cells).collect()
}

/// Compares such a block with what the code makes of it; with UPDATE set, writes it.
fn compare_block(page: &str, name: &str, made: &str) {
    let whole = text(page);
    let (before, rest) =
        whole.split_once(&format!("<!-- {name} -->")).unwrap_or_else(|| panic!("{page} has no `{name}`"));
    let (_, after) = rest.split_once(&format!("<!-- /{name} -->")).unwrap_or_else(|| panic!("`{name}` has no end"));
    compare_file(page, &format!("{before}<!-- {name} -->\n{}\n<!-- /{name} -->{after}", made.trim()));
}

/// What `railstage schema` answers to a name.
fn schema_file(name: &str) -> SchemaFile {
    schema_files::all().into_iter().find(|schema| schema.name == name).unwrap_or_else(|| panic!("no schema `{name}`"))
}

fn schema(name: &str) -> Value {
    serde_json::from_str(&schema_file(name).text).unwrap()
}

/// The names of a schema's fields, in order.
fn fields(schema: &Value) -> Vec<String> {
    schema["properties"].as_object().unwrap().keys().cloned().collect()
}

/// The words that come right after each `mark` in a text.
fn words_after<'a>(text: &'a str, mark: &'a str) -> impl Iterator<Item = &'a str> {
    let word = |rest: &'a str| {
        rest.split(|c: char| !(c.is_ascii_alphanumeric() || "_-".contains(c))).next().unwrap_or_default()
    };
    text.split(mark).skip(1).map(word)
}
