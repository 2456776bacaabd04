//! The new database's tables: read as the source spells them, made without what is better made when their rows are there.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use super::create_table::CreateTable;
use super::session::connect::Session;
use super::session::source_session::SourceSession;
use super::session::sql;
use crate::copying::report::Skipped;

/// How the tables are made, by name.
pub(super) type Schema = BTreeMap<String, CreateTable>;

/// Reads how tables are made.
pub(super) async fn read(source: &mut SourceSession, tables: impl Iterator<Item = &str>) -> Result<Schema> {
    let mut schema = Schema::new();
    for name in tables {
        let show = format!("SHOW CREATE TABLE {}", sql::qualified(source.database(), name));
        let what = || format!("read how table `{name}` is made");
        let row = source.row(&show).await.with_context(what)?;
        schema.insert(name.to_owned(), CreateTable::read(&row.text(1), name).with_context(what)?);
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
    for (name, table) in schema {
        let made = target.run_whenever(&table.before).await;
        made.with_context(|| format!("make table `{name}` on the target"))?;
    }
    Ok(())
}

/// Adds the foreign keys, when all rows are there; they were looked after on the source, and what came is what was there.
pub(super) async fn add_foreign_keys(target: &mut Session, schema: &Schema) -> Result<()> {
    for (name, table) in schema {
        if let Some(add) = table.add_foreign_keys(&sql::ident(name)) {
            let added = target.run_whenever(&add).await;
            added.with_context(|| format!("add the foreign keys of table `{name}` on the target"))?;
        }
    }
    Ok(())
}
