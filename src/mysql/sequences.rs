//! Sequences, which MariaDB has beside its tables: made as on the source, and counting on from where it was.

use anyhow::{Context as _, Result, ensure};

use super::session::connect::Session;
use super::session::source_session::SourceSession;
use super::session::sql;

/// One sequence.
struct Sequence {
    name: String,
    statement: String,
    /// The next number that it gives, and how often it has begun anew.
    next: i64,
    round: u64,
}

/// All of a database.
pub(super) struct Sequences(Vec<Sequence>);

impl Sequences {
    /// Reads them. A number that rows of the snapshot have was given before, so none is given twice.
    pub(super) async fn read(source: &mut SourceSession) -> Result<Self> {
        let sql = "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'SEQUENCE' ORDER BY 1";
        let mut all = Vec::new();
        for name in source.rows(sql).await.context("list the sequences")?.iter().map(|row| row.text(0)) {
            let (qualified, what) = (sql::qualified(source.database(), &name), || format!("read sequence `{name}`"));
            let shown = source.row(&format!("SHOW CREATE SEQUENCE {qualified}")).await.with_context(what)?;
            let statement = shown.text(1);
            ensure!(
                statement.starts_with(&format!("CREATE SEQUENCE {} ", sql::ident(&name))),
                "the source gives something else than how the sequence is made"
            );
            let counted = format!("SELECT next_not_cached_value, cycle_count FROM {qualified}");
            let counted = source.row(&counted).await.with_context(what)?;
            let next = counted.number(0).with_context(what)?;
            all.push(Sequence { statement, next, round: counted.number(1).unwrap_or_default(), name });
        }
        Ok(Self(all))
    }

    /// Makes them, in the database that the session is in.
    pub(super) async fn make(&self, target: &mut Session) -> Result<()> {
        for Sequence { name, statement, next, round } in &self.0 {
            let what = || format!("make sequence `{name}` on the target");
            target.run(statement).await.with_context(what)?;
            let set = format!("SELECT SETVAL({}, {next}, 0, {round})", sql::ident(name));
            target.rows(&set).await.with_context(what)?;
        }
        Ok(())
    }
}
