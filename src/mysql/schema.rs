//! The new database's tables: read as the source spells them, made without what is better made when their rows are there.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use super::create_table::CreateTable;
use super::session::connect::Session;
use super::session::source_session::SourceSession;
use super::session::sql;
use crate::copying::report::Skipped;

/// What so many tables are made by is held as it came, and then as it is taken apart.
const TOGETHER: usize = 200;

/// How the tables are made, by name.
pub(super) type Schema = BTreeMap<String, CreateTable>;

/// Reads how tables are made.
pub(super) async fn read(source: &mut SourceSession, tables: impl Iterator<Item = &str>) -> Result<Schema> {
    let names: Vec<_> = tables.collect();
    let database = source.database().to_owned();
    let mut schema = Schema::new();
    for together in names.chunks(TOGETHER) {
        let what =
            |number: usize| format!("read how table `{}` is made", together.get(number).copied().unwrap_or_default());
        let show = |name: &&str| format!("SHOW CREATE TABLE {}", sql::qualified(&database, name));
        let answers = source.all(&together.iter().map(show).collect::<Vec<_>>()).await;
        let answers = answers.map_err(|failed| anyhow::Error::from(failed.fault).context(what(failed.number)))?;
        for (number, (name, rows)) in together.iter().zip(answers).enumerate() {
            let row = rows.first().context("the server tells nothing").with_context(|| what(number))?;
            schema.insert((*name).to_owned(), CreateTable::read(&row.text(1), name).with_context(|| what(number))?);
        }
    }
    Ok(schema)
}

/// Tables that the source keeps in a place of their own, and the target does not.
pub(super) fn elsewhere(schema: &Schema) -> impl Iterator<Item = Skipped> {
    let elsewhere = schema.iter().filter(|(_, table)| table.has_folder);
    elsewhere.map(|(name, _)| {
        let reason = "the table is there, and kept where the target's server keeps its own";
        Skipped::new(format!("folder of table {name}"), reason)
    })
}

/// Makes the tables, in the database that the session is in.
pub(super) async fn make(target: &mut Session, schema: &Schema) -> Result<()> {
    let made: Vec<_> = schema.iter().map(|(name, table)| (name, table.before.clone())).collect();
    run_all(target, made, "make table").await
}

/// Adds the foreign keys, when all rows are there; they were looked after on the source, and what came is what was there.
pub(super) async fn add_foreign_keys(target: &mut Session, schema: &Schema) -> Result<()> {
    let added = schema.iter().filter_map(|(name, table)| Some((name, table.add_foreign_keys(&sql::ident(name))?)));
    run_all(target, added.collect(), "add the foreign keys of table").await
}

/// Runs a statement for each of some tables.
async fn run_all(target: &mut Session, of_tables: Vec<(&String, String)>, what: &str) -> Result<()> {
    let (names, statements): (Vec<_>, Vec<_>) = of_tables.into_iter().unzip();
    target.all_whenever(&statements).await.map(drop).map_err(|failed| {
        let name = names.get(failed.number).copied().cloned().unwrap_or_default();
        anyhow::Error::from(failed.fault).context(format!("{what} `{name}` on the target"))
    })
}
