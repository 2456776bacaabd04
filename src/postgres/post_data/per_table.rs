//! What a table gets once its rows are there: its post-data (constraints and indexes), the comparison with what was sent,
//! and statistics. Several tables, and several indexes of one, are worked on at a time, while others are still loaded.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

use super::recompressing::{self, TooLong};
use super::table_entries::PostDataByTable;
use super::verify::{self, ThereRows};
use crate::copying::left_gate::LeftGate;
use crate::copying::options::Verify;
use crate::copying::report::Skipped;
use crate::copying::watchdog::Watchdog;
use crate::masking::residue::ResidueCounts;
use crate::postgres::dump::entries::DumpEntry;
use crate::postgres::rows::copy::RowConversion;
use crate::postgres::rows::load::LoadedTable;
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::connect::Session;
use crate::postgres::session::pool::SessionPool;

/// What the post-data work on all tables of a copy shares.
pub(crate) struct PostDataWork {
    pub(crate) by_table: Mutex<PostDataByTable>,
    pub(crate) conversion: Arc<RowConversion>,
    pub(crate) verify: Verify,
    pub(crate) stall: Duration,
    /// So many bytes of a table are worth a session of their own to be read back.
    pub(crate) range_bytes: u64,
    pub(crate) pool: Arc<SessionPool>,
    /// What is not as on the source.
    pub(crate) told: Mutex<Vec<Skipped>>,
    /// By the table's label, what of people was found in it.
    pub(crate) residue: Mutex<HashMap<String, ResidueCounts>>,
    /// When it is shut nothing is made any more.
    pub(crate) gate: Arc<LeftGate>,
}

/// Works on tables as they are loaded, until no more can come. The first failure ends all.
pub(crate) async fn all(
    work: Arc<PostDataWork>,
    mut loaded_tables: UnboundedReceiver<Vec<LoadedTable>>,
) -> Result<Vec<LoadedTable>> {
    let mut tasks = JoinSet::new();
    let mut done = Vec::new();
    loop {
        tokio::select! {
            Some(loaded) = loaded_tables.recv() => {
                tasks.spawn(complete(work.clone(), loaded));
            }
            Some(loaded) = tasks.join_next() => done.extend(loaded.context("join a worker")??),
            else => break,
        }
    }
    Ok(done)
}

async fn complete(work: Arc<PostDataWork>, mut loaded: Vec<LoadedTable>) -> Result<Vec<LoadedTable>> {
    loaded.iter().try_for_each(|loaded| loaded.rows().ensure_no_key_is_lost())?;
    if work.gate.is_shut() {
        return Ok(loaded);
    }
    let post_data_of = |relation: &Relation| {
        work.by_table.lock().unwrap_or_else(PoisonError::into_inner).remove(&relation.oid).unwrap_or_default()
    };
    if loaded.len() > 1 {
        let entries: Vec<DumpEntry> = loaded
            .iter()
            .flat_map(|loaded| post_data_of(&loaded.relation).in_order(loaded.is_changed()))
            .flatten()
            .collect();
        let bytes = loaded.iter().map(|loaded| loaded.relation.table.size_bytes).sum();
        let session = work.pool.take(bytes).await?;
        work.compare(&session, &loaded.iter().collect::<Vec<_>>()).await?;
        for too_long in recompressing::restore(&session, &entries).await? {
            let of = |loaded: &&LoadedTable| too_long.entry.sql.contains(&loaded.relation.quoted());
            let relation = loaded.iter().find(of).context("find the table of an index")?.relation.clone();
            work.make_again(vec![too_long], &relation).await?;
        }
        analyze(&session, &loaded).await?;
        session.give_back();
        return Ok(loaded);
    }
    let Some(alone) = loaded.pop() else { return Ok(loaded) };
    let bytes = alone.relation.table.size_bytes;
    let [first, constraints, indexes] = post_data_of(&alone.relation).in_order(alone.is_changed());
    let mut too_long = work.make(first, bytes).await?;
    too_long.extend(work.make(constraints, bytes).await?);
    let mut making = JoinSet::new();
    for index in indexes {
        let work = work.clone();
        making.spawn(async move { work.make(vec![index], bytes).await });
    }
    let (comparing, alone) = (work.clone(), Arc::new(alone));
    let compared = alone.clone();
    making.spawn(async move { comparing.compare_alone(&compared).await.map(|()| Vec::new()) });
    while let Some(made) = making.join_next().await {
        too_long.extend(made.context("join a worker")??);
    }
    // Now nobody reads it in ranges of pages.
    work.make_again(too_long, &alone.relation).await?;
    let alone = vec![Arc::into_inner(alone).context("a worker still has the table")?];
    let session = work.pool.take(bytes).await?;
    analyze(&session, &alone).await?;
    session.give_back();
    Ok(alone)
}

impl PostDataWork {
    /// Makes entries in a session of the pool, for a table of so many bytes, but for those that a value is too long for.
    pub(super) async fn make(&self, entries: Vec<DumpEntry>, bytes: u64) -> Result<Vec<TooLong>> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let session = self.pool.take(bytes).await?;
        let too_long = recompressing::restore(&session, &entries).await?;
        session.give_back();
        Ok(too_long)
    }

    /// Makes what a value was too long for once more, in sessions of its own.
    pub(super) async fn make_again(&self, too_long: Vec<TooLong>, relation: &Relation) -> Result<()> {
        for too_long in too_long {
            let (plain, target) = tokio::try_join!(self.pool.open_plain(), self.pool.open())?;
            let told = recompressing::make_again(too_long, relation, &plain, &target).await?;
            self.told.lock().unwrap_or_else(PoisonError::into_inner).push(told);
            plain.close().await;
            target.close().await;
        }
        Ok(())
    }

    async fn compare(&self, session: &Session, loaded: &[&LoadedTable]) -> Result<()> {
        let watchdog = Watchdog::default();
        let comparing = verify::compare(session, loaded, &self.conversion, self.verify, &watchdog);
        // A server that counts sends nothing meanwhile.
        let residue = if self.verify == Verify::Digest {
            watchdog.watch(self.stall, comparing).await?
        } else {
            comparing.await?
        };
        loaded.iter().zip(residue).for_each(|(loaded, residue)| self.record(loaded, residue));
        Ok(())
    }

    fn record(&self, loaded: &LoadedTable, residue: ResidueCounts) {
        self.residue.lock().unwrap_or_else(PoisonError::into_inner).insert(loaded.relation.label(), residue);
    }

    /// The same for one table, a large one by several sessions at a time.
    async fn compare_alone(self: &Arc<Self>, alone: &LoadedTable) -> Result<()> {
        let bytes = alone.relation.table.size_bytes;
        let session = self.pool.take(bytes).await?;
        let ranges =
            if self.verify == Verify::Digest { verify::ranges(&session, alone, self.range_bytes).await? } else { None };
        let Some(ranges) = ranges else {
            self.compare(&session, &[alone]).await?;
            session.give_back();
            return Ok(());
        };
        session.give_back();
        let mut reading = JoinSet::new();
        for range in ranges {
            let work = self.clone();
            reading.spawn(async move {
                let (session, watchdog) = (work.pool.take(bytes).await?, Watchdog::default());
                let reading = verify::read_back(&session, std::slice::from_ref(&range), &work.conversion, &watchdog);
                let there = watchdog.watch(work.stall, reading).await?;
                session.give_back();
                anyhow::Ok(there)
            });
        }
        let mut there = ThereRows::default();
        while let Some(read) = reading.join_next().await {
            read.context("join a worker")??.into_iter().for_each(|part| there.merge(part));
        }
        verify::check(alone, &there.digest, self.verify)?;
        self.record(alone, there.residue);
        Ok(())
    }
}

async fn analyze(session: &Session, loaded: &[LoadedTable]) -> Result<()> {
    let tables: Vec<_> = loaded.iter().map(|loaded| loaded.relation.quoted()).collect();
    session.run(&format!("ANALYZE {}", tables.join(", "))).await.context("gather statistics")
}
