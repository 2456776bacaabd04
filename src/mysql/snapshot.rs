//! The one moment that every reader sees: sessions that have all begun while nobody could write, and one that watches over them.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::future::{join_all, try_join_all};

use super::catalog::{self, TableList};
use super::compatibility;
use super::rows::relation::Relation;
use super::session::connect::Family;
use super::session::endpoint::Endpoint;
use super::session::fault::Fault;
use super::session::source_session::SourceSession;
use super::session::sql;
use crate::copying::options::CopyOptions;
use crate::copying::progress::Progress;
use crate::copying::transient::Transient;
use crate::error::Failure;

/// How long production's writers may be made to wait, for each of two things: until nobody is in the middle of writing, and until all
/// readers have begun.
const MOST_PAUSE: Duration = Duration::from_millis(500);
/// So often the writers are held at most; then one session reads alone, which needs nobody to wait.
const PAUSES: u32 = 2;
/// Between two of them, production's writers have all the time that they want.
const BETWEEN_PAUSES: Duration = Duration::from_secs(3);
/// How often it is looked for whom we are in the way of.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long the source may take to answer that look.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// What no session waits for whose wish is granted at once; the number is the killed command's.
const INTERRUPTED: u16 = 1317;

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
    /// How long production's writers were held, if they were.
    pub(super) pause: Option<Duration>,
    taken: Instant,
}

impl Snapshot {
    /// Takes one for so many readers.
    pub(super) async fn take(endpoint: &Endpoint, readers: usize, exclude: &[String]) -> Result<Self> {
        let mut upkeep = SourceSession::open(endpoint).await?;
        let list = TableList::read(&mut upkeep).await?;
        compatibility::tables_can_be_read(&list)?;
        let opening = (0..readers.clamp(1, list.0.len().max(1))).map(|_| SourceSession::open_for_rows(endpoint));
        let mut readers = try_join_all(opening).await?;
        same_server(&mut upkeep, &mut readers).await?;
        let pause = begin_all(endpoint, &mut upkeep, &mut readers, &list).await?;
        let taken = Instant::now();
        let taken_at = upkeep.row("SELECT DATE_FORMAT(UTC_TIMESTAMP(3), '%Y-%m-%dT%H:%i:%s.%fZ')").await?.text(0);
        // What is made or dropped meanwhile is not in the list, or not in the snapshot.
        ensure!(
            TableList::read(&mut upkeep).await? == list,
            Transient("tables were made or dropped meanwhile".to_owned())
        );
        let tables = catalog::relations(&mut upkeep, &list, exclude).await?;
        let defaults = catalog::defaults(&mut upkeep).await?;
        for reader in &mut readers {
            reader.before_table().await.context("keep the snapshot")?;
        }
        Ok(Self { upkeep, readers, tables, defaults, taken_at, pause, taken })
    }

    /// The session that can be asked at any time, as long as nobody watches.
    pub(super) fn upkeep(&mut self) -> &mut SourceSession {
        &mut self.upkeep
    }

    /// Ends only with the reason to give the snapshot up.
    pub(super) async fn watch(&mut self, options: &CopyOptions, progress: &Progress) -> anyhow::Error {
        let mut waited_before = false;
        loop {
            let max_age = options.snapshot_max_age;
            tokio::time::sleep(LOOK_EVERY.min(max_age.saturating_sub(self.taken.elapsed()))).await;
            if self.taken.elapsed() >= max_age {
                return too_old(max_age);
            }
            match tokio::time::timeout(ANSWER_WITHIN, waiting(&mut self.upkeep)).await {
                // One that has just come may wait for somebody else, and for a moment.
                Ok(Ok(Some(id))) if waited_before => {
                    return Transient(format!("gave way to session {id} of the source, which waits to change a table"))
                        .into();
                }
                Ok(Ok(waits)) => waited_before = waits.is_some(),
                Ok(Err(fault)) => return anyhow::Error::from(fault).context("hold the snapshot"),
                Err(_) => {
                    let (secs, doing) = (ANSWER_WITHIN.as_secs(), progress.read().told());
                    return Transient(format!("the source did not answer within {secs} s, {doing}")).into();
                }
            }
        }
    }

    /// Lets it go; its tables are left.
    pub(super) async fn release(self) -> Vec<Relation> {
        join_all(self.readers.into_iter().map(SourceSession::close)).await;
        self.upkeep.close().await;
        self.tables
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

/// Has all readers begin in the same moment; those that cannot be made to are let go. How long writers were held for it.
async fn begin_all(
    endpoint: &Endpoint,
    upkeep: &mut SourceSession,
    readers: &mut Vec<SourceSession>,
    list: &TableList,
) -> Result<Option<Duration>> {
    let names = list.names();
    if readers.len() > 1 {
        for number in 1..=PAUSES {
            let mut holder = SourceSession::open(endpoint).await?;
            let began = Instant::now();
            if hold(&mut holder, upkeep, &names).await? && begin_held(&mut holder, upkeep, readers).await? {
                holder.unlock().await.context("let production's writers go on")?;
                let held = began.elapsed();
                holder.close().await;
                return Ok(Some(held));
            }
            // It may hold the tables still.
            holder.close().await;
            if number < PAUSES {
                tokio::time::sleep(BETWEEN_PAUSES).await;
            }
        }
        tracing::warn!(
            "the source's writers could not be held within {} ms, so one session reads alone",
            MOST_PAUSE.as_millis()
        );
        for reader in readers.drain(1..) {
            reader.close().await;
        }
    }
    let Some(reader) = readers.first_mut() else { bail!("no session reads") };
    reader.begin().await.context("take a snapshot")?;
    Ok(None)
}

/// Holds the writers of all tables; whether that was so in time. While it waits for those that are at it, new ones wait behind it.
async fn hold(holder: &mut SourceSession, upkeep: &mut SourceSession, names: &[String]) -> Result<bool> {
    let id = holder.id();
    let mut locking = std::pin::pin!(holder.lock(names));
    let locked = tokio::select! {
        locked = &mut locking => locked,
        () = tokio::time::sleep(MOST_PAUSE) => {
            upkeep.end(id, false).await.context("let production's writers go on")?;
            locking.await
        }
    };
    match locked {
        Ok(()) => Ok(true),
        Err(fault) if matches!(fault.number, Some(INTERRUPTED | 1205)) => Ok(false),
        Err(fault) if fault.number == Some(1146) => {
            Err(Transient(format!("a table went away meanwhile: {fault}")).into())
        }
        Err(fault) => Err(anyhow::Error::from(fault).context("hold the source's writers for a moment")),
    }
}

/// Has all readers begin while writers are held; whether they were held all the time.
async fn begin_held(
    holder: &mut SourceSession,
    upkeep: &mut SourceSession,
    readers: &mut [SourceSession],
) -> Result<bool> {
    let mut beginning = std::pin::pin!(try_join_all(readers.iter_mut().map(SourceSession::begin)));
    let (begun, in_time) = tokio::select! {
        begun = &mut beginning => (begun, true),
        () = tokio::time::sleep(MOST_PAUSE) => {
            upkeep.end(holder.id(), true).await.context("let production's writers go on")?;
            (beginning.await, false)
        }
    };
    begun.context("take a snapshot")?;
    Ok(in_time)
}

fn too_old(max_age: Duration) -> anyhow::Error {
    let secs = max_age.as_secs();
    let held = if secs.is_multiple_of(60) { format!("{} min", secs / 60) } else { format!("{secs} s") };
    Failure::deadline(format!("the source's snapshot was held for {held}, the most that is allowed"))
        .hint("let it be held for longer (`copying.max_snapshot_age` of the request, within `max_snapshot_age` of the policy; `copy-db --max-snapshot-age`), copy more tables at a time (`copying.jobs`, `--jobs`), leave rows behind, or copy from a replica")
        .into()
}
