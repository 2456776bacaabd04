//! The rows' way into the new database: pairs of sessions take items off one list, the largest first, until it is empty. A table
//! that is there as a whole is finished, others still on their way.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::finishing;
use super::rows::copy::{self, RowConversion, SentRows};
use super::rows::cutting;
use super::rows::relation::Relation;
use super::rows::work_list::{self, Key, TableRange, WorkItem};
use super::schema::Schema;
use super::session::connect::Session;
use super::session::endpoint::Endpoint;
use super::session::settings::Purpose;
use super::session::source_session::SourceSession;
use crate::copying::left_gate::LeftGate;
use crate::copying::loaded::LoadedRows;
use crate::copying::meter::Meter;
use crate::copying::options::Verify;
use crate::copying::progress::Progress;
use crate::copying::watchdog::Watchdog;
use crate::masking::residue::ResidueCounts;

/// A range is not made smaller, since each costs round trips, nor larger, since what fails in it is undone row by row.
const LEAST_RANGE_BYTES: u64 = 8 << 20;
const MOST_RANGE_BYTES: u64 = 64 << 20;
/// So many ranges has each pair of sessions to do, so that none is left with a long one when the others have none.
const RANGES_EACH: u64 = 4;

/// A table whose rows are all there.
pub(super) struct LoadedTable {
    pub(super) relation: Arc<Relation>,
    pub(super) sent: SentRows,
    /// Where it is cut to be read back by several sessions.
    pub(super) borders: Vec<Key>,
}

impl LoadedTable {
    /// What became of its rows.
    pub(super) fn rows(&self) -> LoadedRows<'_> {
        LoadedRows {
            table: &self.relation.table,
            digest: self.sent.digest,
            counts: &self.sent.counts,
            seconds: self.sent.seconds,
        }
    }
}

/// What the pairs share.
pub(super) struct Filling {
    /// The new database.
    pub(super) target: Endpoint,
    pub(super) schema: Arc<Schema>,
    pub(super) conversion: RowConversion,
    pub(super) verify: Verify,
    pub(super) stall: Duration,
    pub(super) progress: Arc<Progress>,
    pub(super) jobs: usize,
    pub(super) cut_bytes: u64,
    /// Whether the target takes rows of a table that it counts from several sessions at a time.
    pub(super) counts_for_all: bool,
    /// When it is shut nothing is made any more.
    pub(super) gate: LeftGate,
    /// By the table's label, what of people was found in it.
    pub(super) residue: Mutex<HashMap<String, ResidueCounts>>,
}

/// Fills all tables, each reader working with a session of its own in the new database. The first failure ends the others. The readers
/// come back.
pub(super) async fn all(
    filling: Arc<Filling>,
    mut readers: Vec<SourceSession>,
    tables: Vec<Relation>,
) -> Result<(Vec<SourceSession>, Vec<LoadedTable>)> {
    let mut tables: Vec<_> = tables.into_iter().map(Arc::new).collect();
    tables.sort_by_key(|relation| std::cmp::Reverse(relation.table.size_bytes));
    let (without_rows, tables): (Vec<_>, Vec<_>) =
        tables.into_iter().partition(|relation| relation.table.excluded_by.is_some());
    let expected = tables.len();
    let (loaded_tables, to_finish) = unbounded_channel();
    let finishing = finishing::all(filling.clone(), without_rows, to_finish);
    let loading = async {
        let remaining = Remaining::of(filling.cut(&mut readers, tables).await?, filling.counts_for_all);
        load(filling.clone(), readers, remaining, loaded_tables).await
    };
    let (readers, loaded) = tokio::try_join!(loading, finishing)?;
    ensure!(loaded.len() == expected, "of {expected} tables only {} were filled", loaded.len());
    Ok((readers, loaded))
}

async fn load(
    filling: Arc<Filling>,
    readers: Vec<SourceSession>,
    remaining: Remaining,
    loaded_tables: UnboundedSender<Vec<LoadedTable>>,
) -> Result<Vec<SourceSession>> {
    let remaining = Arc::new(Mutex::new(remaining));
    let mut workers = JoinSet::new();
    for (worker, reader) in readers.into_iter().enumerate() {
        let (filling, remaining, loaded_tables) = (filling.clone(), remaining.clone(), loaded_tables.clone());
        workers.spawn(async move {
            let done = Box::pin(run_pair(&filling, &remaining, worker, reader, &loaded_tables)).await;
            filling.progress.doing(worker, None);
            done
        });
    }
    let mut readers = Vec::new();
    while let Some(worker) = workers.join_next().await {
        readers.push(worker.context("join a worker")??);
    }
    Ok(readers)
}

async fn run_pair(
    filling: &Filling,
    remaining: &Mutex<Remaining>,
    worker: usize,
    mut source: SourceSession,
    loaded_tables: &UnboundedSender<Vec<LoadedTable>>,
) -> Result<SourceSession> {
    let mut target = Session::open(&filling.target, Purpose::Fill).await?;
    loop {
        let next = remaining.lock().unwrap_or_else(PoisonError::into_inner).items.pop_front();
        let Some(item) = next else { break };
        filling.progress.doing(worker, Some(item.label()));
        let sent;
        (target, sent) = filling.fill(&mut source, target, &item).await?;
        let loaded = remaining.lock().unwrap_or_else(PoisonError::into_inner).record(&item, sent);
        for table in &loaded {
            table.rows().ensure_no_key_is_lost().with_context(|| format!("copy table `{}`", table.relation.label()))?;
            filling.gate.see(&[table.rows()]);
        }
        if !loaded.is_empty() {
            // Nobody listens any more only when finishing has failed, which is told by itself.
            let _ = loaded_tables.send(loaded);
        }
    }
    target.close().await;
    Ok(source)
}

impl Filling {
    /// The tables, each with the borders between which it is cut.
    async fn cut(
        &self,
        readers: &mut [SourceSession],
        tables: Vec<Arc<Relation>>,
    ) -> Result<Vec<(Arc<Relation>, Vec<Key>)>> {
        let Some(source) = readers.first_mut() else { return Ok(Vec::new()) };
        let all: u64 = tables.iter().map(|relation| relation.table.size_bytes).sum();
        let share = all / (self.jobs as u64 * RANGES_EACH).max(1);
        let most = share.clamp(LEAST_RANGE_BYTES, MOST_RANGE_BYTES).min(self.cut_bytes).max(1);
        let mut cut = Vec::with_capacity(tables.len());
        for relation in tables {
            let is_small = relation.table.size_bytes < work_list::SMALL_BYTES;
            let ranges = if is_small { 1 } else { relation.table.size_bytes.div_ceil(most) };
            let ranges = usize::try_from(ranges).unwrap_or(usize::MAX);
            let borders = cutting::borders(source, &relation, ranges).await?;
            cut.push((relation, borders));
        }
        source.let_go().await.context("let go of the source's tables")?;
        Ok(cut)
    }

    async fn fill(
        &self,
        source: &mut SourceSession,
        target: Session,
        item: &WorkItem,
    ) -> Result<(Session, Vec<SentRows>)> {
        let (watchdog, database) = (Watchdog::default(), &self.target.database);
        // What the source's reads may take is the source's, and known to all sessions with it.
        let throttle = source.throttle();
        let meter = Meter { watchdog: &watchdog, progress: &self.progress, throttle: &throttle };
        let sending = copy::send(source, target, database, item, &self.conversion, &meter);
        let (load, sent) = watchdog.watch(self.stall, sending).await.with_context(|| format!("at {}", item.label()))?;
        // How long the server is at work on the last of them, nothing tells.
        let mut target = load.finish().await.map_err(|failed| {
            let table = item.ranges.get(failed.number).map(TableRange::label).unwrap_or_default();
            anyhow::Error::from(failed.fault).context("write it").context(format!("copy {table}"))
        })?;
        // Else MySQL takes the next table's rows for a part of the same transaction, and warns of two engines in one.
        if item.ranges.iter().any(|range| !range.relation.is_in_snapshot) {
            target.run("COMMIT").await.with_context(|| format!("copy {}", item.label()))?;
        }
        Ok((target, sent))
    }
}

/// What is left to be copied, and the tables that are not there as a whole.
struct Remaining {
    items: VecDeque<WorkItem>,
    /// By name: how many ranges are still to come.
    incomplete: BTreeMap<String, (usize, LoadedTable)>,
}

impl Remaining {
    /// Of tables that are ordered by size.
    fn of(tables: Vec<(Arc<Relation>, Vec<Key>)>, counts_for_all: bool) -> Self {
        let at = |(relation, borders): &(Arc<Relation>, Vec<Key>)| {
            // Where one session would wait for the other, one takes all of it.
            let is_whole = relation.is_counted && !counts_for_all;
            (relation.clone(), if is_whole { Vec::new() } else { borders.clone() })
        };
        let items = work_list::of(&tables.iter().map(at).collect::<Vec<_>>());
        let loaded = |(relation, borders): (Arc<Relation>, _)| {
            (relation.table.name.clone(), (0, LoadedTable { relation, sent: SentRows::default(), borders }))
        };
        let mut incomplete: BTreeMap<_, _> = tables.into_iter().map(loaded).collect();
        for range in items.iter().flat_map(|item| &item.ranges) {
            if let Some((ranges, _)) = incomplete.get_mut(&range.relation.table.name) {
                *ranges += 1;
            }
        }
        Self { items: items.into(), incomplete }
    }

    /// Adds what was sent; the tables that are complete with it.
    fn record(&mut self, item: &WorkItem, sent: Vec<SentRows>) -> Vec<LoadedTable> {
        let mut complete = Vec::new();
        for (range, sent) in item.ranges.iter().zip(sent) {
            let name = &range.relation.table.name;
            let Some((ranges, loaded)) = self.incomplete.get_mut(name) else { continue };
            loaded.sent.add(sent);
            *ranges -= 1;
            if *ranges == 0 {
                complete.extend(self.incomplete.remove(name).map(|(_, loaded)| loaded));
            }
        }
        complete
    }
}
