//! The swap: in one statement the new tables take the old ones' places, and with them the note that says what they are.

use std::pin::pin;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio_util::sync::CancellationToken;

use super::catalog::{MARK_TABLE, NOTE_TABLE};
use super::note_table::Note;
use super::session::connect::Session;
use super::session::fault::Fault;
use super::session::sql;
use super::target_server::{TargetServer, end_sessions};

/// How long sessions may take to end before the swap is given up, and the server for the renaming of each table beside.
const SWAP_WITHIN: Duration = Duration::from_mins(1);
const RENAMED_WITHIN: Duration = Duration::from_millis(100);
/// How long the server may take to end it then.
const STOP_WITHIN: Duration = Duration::from_secs(2);
/// The lock on a table was not had in time.
const NOT_IN_TIME: u16 = 1205;

/// The databases of a swap.
pub(super) struct Swap<'a> {
    /// Where the new tables are.
    pub(super) new: &'a str,
    /// Where the old ones go.
    pub(super) aside: &'a str,
    /// What the new ones say about themselves.
    pub(super) note: &'a Note,
}

impl Swap<'_> {
    /// Puts the new tables in the old ones' places. Sessions that hold one of them are ended from a second session meanwhile.
    pub(super) async fn run(
        &self,
        target_server: &mut TargetServer,
        second: &mut Session,
        cancel: &CancellationToken,
    ) -> Result<()> {
        self.note.write(&mut target_server.session, self.new).await?;
        let database = target_server.database.clone();
        let triggers = Triggers::read(&mut target_server.session, &database).await?;
        let (rename, renamed) = self.statement(&mut target_server.session, &database).await?;
        let within = SWAP_WITHIN + RENAMED_WITHIN * renamed;
        // A table with a trigger goes into no other database.
        let mut swapped = Ok(());
        for statement in triggers.drops().chain([rename]) {
            swapped = self.in_everybodys_way(target_server, second, &statement, within, cancel).await;
            if swapped.is_err() {
                triggers.make_again(second).await.context("give the target its triggers back")?;
                break;
            }
        }
        swapped.context("put the new tables in the old ones' places")
    }

    /// All renamings in one statement, of which the server makes all or none, and how many these are.
    async fn statement(&self, session: &mut Session, database: &str) -> Result<(String, u32)> {
        let mut renames = Vec::new();
        for (from, to) in [(database, self.aside), (self.new, database)] {
            let sql = format!(
                "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = {} AND TABLE_TYPE <> 'VIEW' ORDER BY 1",
                sql::literal(from)
            );
            let rows = session.rows(&sql).await.context("list the tables")?;
            let names = rows.iter().map(|row| row.text(0)).filter(|name| name != MARK_TABLE);
            renames
                .extend(names.map(|name| format!("{} TO {}", sql::qualified(from, &name), sql::qualified(to, &name))));
        }
        let renamed = u32::try_from(renames.len()).unwrap_or(u32::MAX);
        Ok((format!("RENAME TABLE {}", renames.join(", ")), renamed))
    }

    /// Runs a statement that needs tables which nobody else has; whoever has one is ended.
    async fn in_everybodys_way(
        &self,
        target_server: &mut TargetServer,
        second: &mut Session,
        statement: &str,
        within: Duration,
        cancel: &CancellationToken,
    ) -> Result<(), Fault> {
        let give_up = tokio::time::Instant::now() + within;
        loop {
            let (id, database) = (target_server.session.id, target_server.database.clone());
            let mut running = pin!(target_server.session.run_whenever(statement));
            let ran = loop {
                tokio::select! {
                    ran = &mut running => break ran,
                    () = cancel.cancelled() => break self.stopped(second, id, running).await,
                    () = tokio::time::sleep_until(give_up) => break self.stopped(second, id, running).await,
                    () = tokio::time::sleep(Duration::from_millis(50)) => {
                        // Whether this works shows in the statement, which must not be left half-way for its sake.
                        let _ = end_sessions(second, &database).await;
                    }
                }
            };
            match ran {
                Err(fault)
                    if fault.number == Some(NOT_IN_TIME)
                        && tokio::time::Instant::now() < give_up
                        && !cancel.is_cancelled() => {}
                ran => return ran.map(drop),
            }
        }
    }

    /// Ends a renaming that nobody wants to wait for. Where that came too late, it is made, and that is told.
    async fn stopped<T: Default>(
        &self,
        second: &mut Session,
        id: u64,
        renaming: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let _ = second.run(&format!("KILL QUERY {id}")).await;
        if let Ok(renamed) = tokio::time::timeout(STOP_WITHIN, renaming).await {
            return renamed;
        }
        // The line is dead, one way or the other: its session can rename nothing any more once it has ended.
        let _ = second.run(&format!("KILL CONNECTION {id}")).await;
        tokio::time::sleep(STOP_WITHIN).await;
        let sql = format!(
            "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = {} AND TABLE_NAME = {}",
            sql::literal(self.new),
            sql::literal(NOTE_TABLE)
        );
        match second.rows(&sql).await?.first() {
            Some(row) if !row.flag(0) => Ok(T::default()),
            _ => Err(Fault::no_answer(STOP_WITHIN)),
        }
    }
}

/// The triggers on the old tables, by which they can be made again.
struct Triggers {
    database: String,
    /// Name, `sql_mode` and statement of each.
    all: Vec<(String, String, String)>,
}

impl Triggers {
    async fn read(session: &mut Session, database: &str) -> Result<Self> {
        let of = sql::literal(database);
        let sql = format!(
            "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = {of} ORDER BY ACTION_ORDER"
        );
        let mut all = Vec::new();
        for row in session.rows(&sql).await.context("list the target's triggers")? {
            let name = row.text(0);
            let shown = session.row(&format!("SHOW CREATE TRIGGER {}", sql::qualified(database, &name))).await;
            let shown = shown.context("read the target's triggers")?;
            all.push((name, shown.text(1), shown.text(2)));
        }
        Ok(Self { database: database.to_owned(), all })
    }

    fn drops(&self) -> impl Iterator<Item = String> {
        self.all.iter().map(|(name, ..)| format!("DROP TRIGGER IF EXISTS {}", sql::qualified(&self.database, name)))
    }

    async fn make_again(&self, session: &mut Session) -> Result<(), Fault> {
        if self.all.is_empty() {
            return Ok(());
        }
        session.run(&format!("USE {}", sql::ident(&self.database))).await?;
        for (name, mode, statement) in &self.all {
            // One that is still there is made anew.
            session.run(&format!("DROP TRIGGER IF EXISTS {}", sql::qualified(&self.database, name))).await?;
            session.run(&format!("SET SESSION sql_mode = {}", sql::literal(mode))).await?;
            session.run(statement).await?;
        }
        Ok(())
    }
}
