//! The data phase: pairs of sessions that take items off one work list, biggest first, until it is empty. A table that has
//! been loaded as a whole gets its post-data, while others are still on their way.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;

use super::copy::{self, RowConversion, SentRows};
use super::format::CopyFormat;
use super::relation::Relation;
use super::work_list::{self, WorkItem};
use crate::copying::left_gate::LeftGate;
use crate::copying::loaded::LoadedRows;
use crate::copying::meter::Meter;
use crate::copying::progress::Progress;
use crate::copying::transform::TransformCounts;
use crate::copying::transient::Transient;
use crate::copying::watchdog::Watchdog;
use crate::data::digest::ContentDigest;
use crate::postgres::session::computing::ComputingSettings;
use crate::postgres::session::connect::Session;
use crate::postgres::session::endpoint::Endpoint;
use crate::postgres::session::fault::fault;
use crate::postgres::session::pool::SessionPool;
use crate::postgres::session::source_session::SourceSession;

/// A table whose rows have all been sent.
pub(crate) struct LoadedTable {
    pub(crate) relation: Arc<Relation>,
    pub(crate) digest: ContentDigest,
    pub(crate) counts: TransformCounts,
    /// Of all sessions that worked on it, added up.
    pub(crate) seconds: f64,
    pub(crate) format: CopyFormat,
}

impl LoadedTable {
    /// What became of its rows.
    pub(crate) fn rows(&self) -> LoadedRows<'_> {
        LoadedRows { table: &self.relation.table, digest: self.digest, counts: &self.counts, seconds: self.seconds }
    }

    /// Whether values are not as on the source.
    pub(crate) fn is_changed(&self) -> bool {
        self.counts.rewritten > 0 || !self.counts.masked.is_empty() || !self.counts.nets.is_empty()
    }
}

/// What the pairs share.
pub(crate) struct Load {
    pub(crate) source: Endpoint,
    /// The new database.
    pub(crate) target: Endpoint,
    pub(crate) snapshot: String,
    pub(crate) computing: ComputingSettings,
    pub(crate) conversion: Arc<RowConversion>,
    pub(crate) stall: Duration,
    pub(crate) progress: Arc<Progress>,
    pub(crate) cut_bytes: u64,
    /// Whether the target has the fast method of compression.
    pub(crate) is_fast: bool,
    /// Where there is room for one more when a pair has nothing left to do.
    pub(crate) pool: Arc<SessionPool>,
    pub(crate) gate: Arc<LeftGate>,
}

/// What is left to be copied, and the tables that are not there as a whole.
struct Remaining {
    items: VecDeque<WorkItem>,
    /// By OID: how many items are still to come.
    incomplete: BTreeMap<u32, (usize, LoadedTable)>,
}

/// Copies the tables with so many pairs, and hands over those that arrive together. The first failure ends the others.
/// `makes_room`: a pair that has nothing left to do makes room for more post-data.
pub(crate) async fn all(
    load: &Arc<Load>,
    tables: &[Arc<Relation>],
    pairs: usize,
    makes_room: bool,
    loaded_tables: &UnboundedSender<Vec<LoadedTable>>,
) -> Result<()> {
    let items = VecDeque::from(work_list::of(tables, pairs, load.cut_bytes));
    let pairs = pairs.clamp(1, items.len().max(1));
    let mut incomplete = BTreeMap::new();
    for range in items.iter().flat_map(|item| &item.ranges) {
        let loaded = LoadedTable {
            relation: range.relation.clone(),
            digest: ContentDigest::default(),
            counts: TransformCounts::default(),
            seconds: 0.0,
            format: range.format,
        };
        incomplete.entry(range.relation.oid).or_insert((0, loaded)).0 += 1;
    }
    let remaining = Arc::new(Mutex::new(Remaining { items, incomplete }));
    let mut workers = JoinSet::new();
    for worker in 0..pairs {
        let (load, remaining, loaded_tables) = (load.clone(), remaining.clone(), loaded_tables.clone());
        workers.spawn(async move {
            let done = run_pair(&load, &remaining, worker, &loaded_tables).await;
            load.progress.doing(worker, None);
            if makes_room {
                load.pool.grow();
            }
            done
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker.context("join a worker")??;
    }
    Ok(())
}

async fn run_pair(
    load: &Load,
    remaining: &Mutex<Remaining>,
    worker: usize,
    loaded_tables: &UnboundedSender<Vec<LoadedTable>>,
) -> Result<()> {
    let (mut source, mut target) = open(load).await?;
    let watchdog = Watchdog::default();
    loop {
        let next = remaining.lock().unwrap_or_else(PoisonError::into_inner).items.pop_front();
        let Some(mut item) = next else { break };
        load.progress.doing(worker, Some(item.label()));
        let mut sent = copy(load, &source, &target, &item, &watchdog).await;
        if let (true, Some(binary)) = (sent.as_ref().is_err_and(is_too_long_as_text), item.in_binary()) {
            drop((source, target));
            (source, target) = open(load).await?;
            item = binary;
            sent = copy(load, &source, &target, &item, &watchdog).await;
        }
        let loaded = remaining.lock().unwrap_or_else(PoisonError::into_inner).record(&item, sent?);
        if !loaded.is_empty() {
            load.gate.see(&loaded.iter().map(LoadedTable::rows).collect::<Vec<_>>());
            // Nobody listens any more only when finishing has failed, which is told by itself.
            let _ = loaded_tables.send(loaded);
        }
    }
    source.close().await;
    target.close().await;
    Ok(())
}

async fn open(load: &Load) -> Result<(SourceSession, Session)> {
    let opened =
        tokio::try_join!(SourceSession::open(&load.source, Some(&load.snapshot)), load.computing.open(&load.target))?;
    if let Some(spelling) = &load.conversion.money {
        opened.0.set(&spelling.of_money("SET")).await.context("print money as it is on both ends")?;
    }
    Ok(opened)
}

async fn copy(
    load: &Load,
    source: &SourceSession,
    target: &Session,
    item: &WorkItem,
    watchdog: &Watchdog,
) -> Result<Vec<SentRows>> {
    let meter = Meter { watchdog, progress: &load.progress, throttle: source.throttle() };
    let copying = copy::copy_item(source, target, item, &load.conversion, load.is_fast, &meter);
    watchdog.watch(load.stall, copying).await.map_err(|error| match error.is::<Transient>() {
        true => error.context(format!("copy {}", item.label())),
        false => error,
    })
}

/// A server holds a row as text in one piece of memory, for which there is a limit of 1 GB; bytes are two letters each.
pub(crate) fn is_too_long_as_text(error: &anyhow::Error) -> bool {
    fault(error).is_some_and(|fault| {
        let text = fault.to_string();
        text.contains("invalid memory alloc request size")
            || text.contains("Cannot enlarge string buffer")
            || text.contains("string buffer exceeds maximum allowed length")
    })
}

impl Remaining {
    /// Adds what was sent; the tables that are complete with it.
    fn record(&mut self, item: &WorkItem, sent: Vec<SentRows>) -> Vec<LoadedTable> {
        let mut complete = Vec::new();
        for (range, sent) in item.ranges.iter().zip(sent) {
            let oid = range.relation.oid;
            let Some((items, loaded)) = self.incomplete.get_mut(&oid) else { continue };
            loaded.digest.merge(sent.digest);
            loaded.counts.add(sent.counts);
            loaded.seconds += sent.seconds;
            loaded.format = range.format;
            *items -= 1;
            if *items == 0 {
                complete.extend(self.incomplete.remove(&oid).map(|(_, loaded)| loaded));
            }
        }
        complete
    }
}
