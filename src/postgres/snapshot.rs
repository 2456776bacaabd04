//! The one moment that every reader sees: an exported snapshot, and the session that holds it and gives way.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::preflight::catalog::Relations;
use super::preflight::{locks, long_texts};
use super::session::endpoint::Endpoint;
use super::session::source_session::SourceSession;
use crate::copying::options::CopyOptions;
use crate::copying::progress::Progress;
use crate::copying::transient::Transient;
use crate::error::Failure;

/// How often the holder looks for sessions that wait behind it; well under its own idle limit of 60 s.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long the source may take to answer that look.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A held snapshot; every table in it is locked against changes of its shape. Its holder does nothing but watch, so that
/// it answers whatever others are at.
pub(crate) struct Snapshot {
    holder: SourceSession,
    pub(crate) id: String,
    /// RFC 3339, by the source's clock.
    pub(crate) taken_at: String,
    /// None until they are [read](Self::read_tables).
    pub(crate) tables: Relations,
    locked: BTreeSet<String>,
    taken: Instant,
}

impl Snapshot {
    /// Locks all tables, then exports: in this order no table can change between the two.
    pub(crate) async fn take(endpoint: &Endpoint) -> Result<Self> {
        let taken = Instant::now();
        let reader = SourceSession::open(endpoint, None).await?;
        let locked = Relations::lockable(&reader).await?;
        locks::fit_source(&reader, locked.len()).await?;
        long_texts::are_few(&reader).await?;
        reader.close().await;
        let holder = SourceSession::open(endpoint, None).await?;
        holder.lock_shared(&locked).await.map_err(|fault| match fault.sqlstate.as_str() {
            "42P01" | "3F000" => Transient(format!("a table went away meanwhile: {fault}")).into(),
            _ => anyhow::Error::from(fault).context("lock the source's tables against changes of their shape"),
        })?;
        let row = holder
            .row("SELECT pg_catalog.pg_export_snapshot(), pg_catalog.to_char(pg_catalog.now(), 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')", &[])
            .await
            .context("export a snapshot")?;
        let (id, taken_at) = (row.get(0), row.get(1));
        Ok(Self { holder, id, taken_at, tables: Relations::default(), locked, taken })
    }

    /// Another session that reads what is in the snapshot.
    pub(crate) async fn reader(&self) -> Result<SourceSession> {
        self.holder.in_snapshot(&self.id).await
    }

    /// The tables as they are in it.
    pub(crate) async fn read_tables(&self, exclude: &[String]) -> Result<Relations> {
        let reader = self.reader().await?;
        let tables = Relations::read(&reader, exclude).await?;
        reader.close().await;
        if tables.lockable != self.locked {
            return Err(Transient("tables were made or dropped meanwhile".to_owned()).into());
        }
        Ok(tables)
    }

    /// Lets it go; its tables are left.
    pub(crate) async fn release(self) -> Relations {
        self.holder.close().await;
        self.tables
    }

    /// Keeps the holder's session alive; ends only with the reason to give the snapshot up.
    pub(crate) async fn watch(&self, options: &CopyOptions, progress: &Progress) -> anyhow::Error {
        let (max_age, stall) = (options.snapshot_max_age, options.stall);
        loop {
            tokio::time::sleep(LOOK_EVERY.min(max_age.saturating_sub(self.taken.elapsed()))).await;
            if self.taken.elapsed() >= max_age {
                return too_old(max_age);
            }
            match tokio::time::timeout(ANSWER_WITHIN, self.holder.waiting_behind()).await {
                Ok(Ok(waiting)) => {
                    // Whoever waits for a lock behind us makes every reader of that table wait as well.
                    if let Some((pid, command)) = waiting.first() {
                        let what = if command.is_empty() { "something" } else { command };
                        return Transient(format!(
                            "gave way to session {pid} of the source, which waits to run `{what}`"
                        ))
                        .into();
                    }
                }
                Ok(Err(fault)) => return anyhow::Error::from(fault).context("hold the snapshot"),
                Err(_) => {
                    let (secs, doing) = (ANSWER_WITHIN.as_secs(), progress.read().told());
                    return Transient(format!("the source did not answer within {secs} s, {doing}")).into();
                }
            }
            match self.holder.has_silent_dump(&self.id, stall).await {
                Ok(false) => {}
                Ok(true) => {
                    return Transient(format!("`pg_dump` has asked nothing for {} s", stall.as_secs_f32())).into();
                }
                Err(fault) => return anyhow::Error::from(fault).context("hold the snapshot"),
            }
        }
    }
}

fn too_old(max_age: Duration) -> anyhow::Error {
    let secs = max_age.as_secs();
    let held = if secs.is_multiple_of(60) { format!("{} min", secs / 60) } else { format!("{secs} s") };
    Failure::deadline(format!("the source's snapshot was held for {held}, the most that is allowed"))
        .hint(
            "let it be held for longer (`copying.max_snapshot_age` of the request, within `max_snapshot_age` of the policy; `copy-db --max-snapshot-age`), copy more tables at a time (`copying.jobs`, `--jobs`), leave rows behind, or copy from a replica",
        )
        .into()
}
