//! The one moment that every reader sees: sessions that have all begun while nobody could write, and one that watches over them.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures_util::future::{join_all, try_join_all};

use super::beginning;
use super::catalog::{self, TableList};
use super::compatibility;
use super::rows::relation::Relation;
use super::session::connect::Family;
use super::session::endpoint::Endpoint;
use super::session::fault::Fault;
use super::session::meanwhile::{Question, meanwhile};
use super::session::source_session::SourceSession;
use super::session::sql;
use crate::copying::options::CopyOptions;
use crate::copying::progress::Progress;
use crate::copying::snapshot_means::SnapshotMeans;
use crate::copying::transient::Transient;
use crate::error::Failure;

/// How often it is looked for whom we are in the way of.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long the source may take to answer that look.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A snapshot and the sessions that see it.
pub(super) struct Snapshot {
    /// Sees nothing of it, and so can be asked whatever the others are at.
    upkeep: SourceSession,
    /// Each sees all tables as they were in the same moment.
    pub(super) readers: Vec<SourceSession>,
    pub(super) tables: Vec<Relation>,
    /// Character set and collation of the database.
    pub(super) defaults: (String, String),
    /// RFC 3339, by the source's clock.
    pub(super) taken_at: String,
    /// How its sessions came to see one moment.
    pub(super) means: SnapshotMeans,
    taken: Instant,
}

impl Snapshot {
    /// Takes one for as many readers as the options say, or for one.
    pub(super) async fn take(endpoint: &Endpoint, options: &CopyOptions) -> Result<Self> {
        let mut upkeep = SourceSession::open(endpoint).await?;
        let list = TableList::read(&mut upkeep).await?;
        compatibility::tables_can_be_read(&list)?;
        let opening = (0..options.jobs.max(1)).map(|_| SourceSession::open_for_rows(endpoint));
        let mut readers = try_join_all(opening).await?;
        same_server(&mut upkeep, &mut readers).await?;
        let means = beginning::all(endpoint, &mut upkeep, &mut readers, &list.names(), options.max_write_pause).await?;
        let taken = Instant::now();
        let taken_at = upkeep.row("SELECT DATE_FORMAT(UTC_TIMESTAMP(3), '%Y-%m-%dT%H:%i:%s.%fZ')").await?.text(0);
        // What is made or dropped meanwhile is not in the list, or not in the snapshot.
        ensure!(
            TableList::read(&mut upkeep).await? == list,
            Transient("tables were made or dropped meanwhile".to_owned())
        );
        let tables = catalog::relations(&mut upkeep, &list, &options.exclude_table_data).await?;
        let defaults = catalog::defaults(&mut upkeep).await?;
        for reader in &mut readers {
            reader.before_table().await.context("keep the snapshot")?;
        }
        Ok(Self { upkeep, readers, tables, defaults, taken_at, means, taken })
    }

    /// The session that can be asked at any time, as long as nobody watches.
    pub(super) fn upkeep(&mut self) -> &mut SourceSession {
        &mut self.upkeep
    }

    /// Does something for which the snapshot is held, unless there is a reason to give that up.
    pub(super) async fn held_for<T>(
        &mut self,
        options: &CopyOptions,
        progress: &Progress,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let (taken, max_age) = (self.taken, options.snapshot_max_age);
        meanwhile(work, MayBeHeld { upkeep: &mut self.upkeep, taken, max_age, progress, waited_before: false }).await
    }

    /// Lets it go; its tables are left.
    pub(super) async fn release(self) -> Vec<Relation> {
        join_all(self.readers.into_iter().map(SourceSession::close)).await;
        self.upkeep.close().await;
        self.tables
    }
}

/// Whether the snapshot may be held any longer.
struct MayBeHeld<'s> {
    upkeep: &'s mut SourceSession,
    taken: Instant,
    max_age: Duration,
    progress: &'s Progress,
    /// Whether somebody waited for us when this was asked before.
    waited_before: bool,
}

impl Question for MayBeHeld<'_> {
    fn pause(&self) -> Duration {
        LOOK_EVERY.min(self.max_age.saturating_sub(self.taken.elapsed()))
    }

    async fn ask(&mut self) -> Result<()> {
        if self.taken.elapsed() >= self.max_age {
            return Err(too_old(self.max_age));
        }
        match tokio::time::timeout(ANSWER_WITHIN, waiting(self.upkeep)).await {
            // One that has just come may wait for somebody else, and for a moment.
            Ok(Ok(Some(id))) if self.waited_before => {
                let told = format!("gave way to session {id} of the source, which waits to change a table");
                Err(Transient(told).into())
            }
            Ok(waits) => {
                self.waited_before = waits.context("hold the snapshot")?.is_some();
                Ok(())
            }
            Err(_) => {
                let (secs, doing) = (ANSWER_WITHIN.as_secs(), self.progress.read().told());
                Err(Transient(format!("the source did not answer within {secs} s, {doing}")).into())
            }
        }
    }
}

/// A session that waits to change a table of the database: everybody who reads the table waits behind it.
async fn waiting(upkeep: &mut SourceSession) -> Result<Option<u64>, Fault> {
    let database = sql::literal(upkeep.database());
    let sql = format!(
        "SELECT MIN(ID) FROM information_schema.PROCESSLIST WHERE DB = {database} AND STATE LIKE 'Waiting for table metadata lock%'"
    );
    Ok(upkeep.rows(&sql).await?.first().and_then(|row| row.number(0)))
}

/// Refuses an address behind which there are several servers: each has a snapshot of its own.
async fn same_server(upkeep: &mut SourceSession, readers: &mut [SourceSession]) -> Result<()> {
    let ask = Family::server_id(upkeep.family());
    let id = upkeep.row(ask).await.context("ask which server this is")?.text(0);
    for reader in readers {
        let other = reader.row(ask).await.context("ask which server this is")?.text(0);
        ensure!(
            other == id,
            Transient(
                "two sessions have reached two servers: somebody stands in between and shares them out".to_owned()
            )
        );
    }
    Ok(())
}

fn too_old(max_age: Duration) -> anyhow::Error {
    let secs = max_age.as_secs();
    let held = if secs.is_multiple_of(60) { format!("{} min", secs / 60) } else { format!("{secs} s") };
    Failure::deadline(format!("the source's snapshot was held for {held}, the most that is allowed"))
        .hint("let it be held for longer (`copying.max_snapshot_age` of the request, within `max_snapshot_age` of the policy; `copy-db --max-snapshot-age`), copy more tables at a time (`copying.jobs`, `--jobs`), leave rows behind, or copy from a replica")
        .into()
}
