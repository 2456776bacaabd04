//! The note of a copy, in a table of its own that takes its place with the others: what it is, and what of it is still to be made.

use anyhow::{Context as _, Result};

use super::catalog::NOTE_TABLE;
use super::objects::Objects;
use super::session::connect::Session;
use super::session::sql;
use crate::copying::note::CopyNote;
use crate::copying::report::Skipped;

/// A copy's note.
pub(super) struct Note {
    pub(super) note: CopyNote,
    /// What is made when the tables are in their places; none when it was.
    pub(super) pending: Option<Objects>,
}

impl Note {
    /// The note in a database; nothing where there is none, or one of another version of ours, or somebody else's table.
    pub(super) async fn read(session: &mut Session, database: &str) -> Result<Option<Self>> {
        let table = sql::qualified(database, NOTE_TABLE);
        let rows = match session.rows(&format!("SELECT note, pending FROM {table} LIMIT 1")).await {
            Ok(rows) => rows,
            Err(fault) if matches!(fault.number, Some(1146 | 1054)) => return Ok(None),
            Err(fault) => return Err(anyhow::Error::from(fault).context("read the target's note about its last copy")),
        };
        let Some(row) = rows.first() else { return Ok(None) };
        let Some(note) = CopyNote::read(&row.text(0)) else { return Ok(None) };
        // What cannot be read is another version's, and its copy is made again.
        let pending: Result<Option<Objects>, _> =
            row.maybe(1).map(|pending| serde_json::from_str(&pending)).transpose();
        let pending = pending.ok().filter(|pending| pending.as_ref().is_none_or(Objects::are_objects));
        Ok(pending.map(|pending| Self { note, pending }))
    }

    /// Writes it into a database that has none.
    pub(super) async fn write(&self, session: &mut Session, database: &str) -> Result<()> {
        let table = sql::qualified(database, NOTE_TABLE);
        let make = format!("CREATE TABLE {table} (note longtext NOT NULL, pending longtext) CHARACTER SET utf8mb4");
        session.run(&make).await.context("note what the copy is")?;
        let pending =
            self.pending.as_ref().map(serde_json::to_string).transpose().context("note what is to be made")?;
        let pending = pending.map_or_else(|| "NULL".to_owned(), |pending| sql::literal(&pending));
        let insert = format!("INSERT INTO {table} VALUES ({}, {pending})", sql::literal(&self.note.to_comment()?));
        session.run(&insert).await.map(drop).context("note what the copy is")
    }

    /// Makes what is still to be made in the copy in whose place this note is, and says so in it; what could not be made. A second
    /// time is harmless.
    pub(super) async fn finish(&mut self, session: &mut Session, database: &str) -> Result<Vec<Skipped>> {
        let Some(pending) = &self.pending else { return Ok(Vec::new()) };
        let told = pending.make(session, database).await?;
        self.note.report.skipped.extend(told.iter().cloned());
        let table = sql::qualified(database, NOTE_TABLE);
        let update = format!("UPDATE {table} SET note = {}, pending = NULL", sql::literal(&self.note.to_comment()?));
        session.run(&update).await.context("note that all is made")?;
        self.pending = None;
        Ok(told)
    }
}
