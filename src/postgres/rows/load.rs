//! The data phase: pairs of sessions that take parts off one list, biggest first, until it is empty. A table that has
//! arrived as a whole goes on to be finished, while others are still on their way.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;

use crate::copying::meter::Meter;
use crate::copying::progress::Progress;
use crate::copying::throttle::Throttle;
use crate::copying::transform::TransformCounts;
use crate::copying::transient::Transient;
use crate::copying::watchdog::Watchdog;
use crate::data::digest::ContentDigest;
use crate::postgres::rows::copy::{self, Manner, Sent};
use crate::postgres::rows::format::Format;
use crate::postgres::rows::parts::{self, Part};
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::connect::{Session, open_target};
use crate::postgres::session::endpoint::Endpoint;
use crate::postgres::session::fault::fault;
use crate::postgres::session::pool::Pool;
use crate::postgres::session::source::Source;

/// A table whose rows have all been sent.
pub(crate) struct Arrived {
    pub(crate) relation: Arc<Relation>,
    pub(crate) digest: ContentDigest,
    pub(crate) counts: TransformCounts,
    /// Of all sessions that worked on it, added up.
    pub(crate) seconds: f64,
    pub(crate) format: Format,
}

/// What the pairs share.
pub(crate) struct Load {
    pub(crate) source: Endpoint,
    /// The new database.
    pub(crate) target: Endpoint,
    pub(crate) snapshot: String,
    pub(crate) search_path: String,
    pub(crate) manner: Arc<Manner>,
    pub(crate) stall: Duration,
    pub(crate) progress: Arc<Progress>,
    pub(crate) throttle: Throttle,
    pub(crate) cut_bytes: u64,
    /// Where there is room for one more when a pair has nothing left to do.
    pub(crate) pool: Arc<Pool>,
}

/// Work that is left, and tables of which a part has arrived.
struct Work {
    parts: VecDeque<Part>,
    /// By OID: how many parts are still to come.
    begun: BTreeMap<u32, (usize, Arrived)>,
}

/// Copies all tables with so many pairs, and hands over those that arrive together. The first failure ends the others.
pub(crate) async fn all(
    load: Load,
    tables: &[Arc<Relation>],
    pairs: usize,
    arrivals: UnboundedSender<Vec<Arrived>>,
) -> Result<()> {
    let parts = VecDeque::from(parts::list(tables, pairs, load.cut_bytes));
    let pairs = pairs.clamp(1, parts.len().max(1));
    let mut begun = BTreeMap::new();
    for piece in parts.iter().flat_map(|part| &part.0) {
        let arrived = Arrived {
            relation: piece.relation.clone(),
            digest: ContentDigest::default(),
            counts: TransformCounts::default(),
            seconds: 0.0,
            format: piece.format,
        };
        begun.entry(piece.relation.oid).or_insert((0, arrived)).0 += 1;
    }
    let (load, work) = (Arc::new(load), Arc::new(Mutex::new(Work { parts, begun })));
    let mut workers = JoinSet::new();
    for worker in 0..pairs {
        let (load, work, arrivals) = (load.clone(), work.clone(), arrivals.clone());
        workers.spawn(async move {
            let done = pair(&load, &work, worker, &arrivals).await;
            load.progress.doing(worker, None);
            done
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker.context("join a worker")??;
    }
    Ok(())
}

async fn pair(load: &Load, work: &Mutex<Work>, worker: usize, arrivals: &UnboundedSender<Vec<Arrived>>) -> Result<()> {
    let (mut source, mut target) = open(load).await?;
    let watchdog = Watchdog::default();
    loop {
        let next = work.lock().unwrap_or_else(PoisonError::into_inner).parts.pop_front();
        let Some(mut part) = next else { break };
        load.progress.doing(worker, Some(part.label()));
        let mut sent = copy(load, &source, &target, &part, &watchdog).await;
        if let (true, Some(binary)) = (sent.as_ref().is_err_and(is_too_long_as_text), part.in_binary()) {
            drop((source, target));
            (source, target) = open(load).await?;
            part = binary;
            sent = copy(load, &source, &target, &part, &watchdog).await;
        }
        let arrived = work.lock().unwrap_or_else(PoisonError::into_inner).take_in(&part, sent?);
        if !arrived.is_empty() {
            // Nobody listens any more only when finishing has failed, which is told by itself.
            let _ = arrivals.send(arrived);
        }
    }
    source.close().await;
    target.close().await;
    load.pool.grow();
    Ok(())
}

async fn open(load: &Load) -> Result<(Source, Session)> {
    tokio::try_join!(Source::open(&load.source, Some(&load.snapshot)), open_target(&load.target, &load.search_path))
}

async fn copy(load: &Load, source: &Source, target: &Session, part: &Part, watchdog: &Watchdog) -> Result<Vec<Sent>> {
    let meter = Meter { watchdog, progress: &load.progress, throttle: &load.throttle };
    let copying = copy::copy_part(source, target, part, &load.manner, &meter);
    watchdog.watch(load.stall, copying).await.map_err(|error| match error.is::<Transient>() {
        true => error.context(format!("copy {}", part.label())),
        false => error,
    })
}

/// A server holds a row as text in one piece of memory, for which there is a limit of 1 GB; bytes are two letters each.
fn is_too_long_as_text(error: &anyhow::Error) -> bool {
    fault(error).is_some_and(|fault| {
        let text = fault.to_string();
        text.contains("invalid memory alloc request size")
            || text.contains("Cannot enlarge string buffer")
            || text.contains("string buffer exceeds maximum allowed length")
    })
}

impl Work {
    /// Adds what was sent; the tables that are complete with it.
    fn take_in(&mut self, part: &Part, sent: Vec<Sent>) -> Vec<Arrived> {
        let mut complete = Vec::new();
        for (piece, sent) in part.0.iter().zip(sent) {
            let oid = piece.relation.oid;
            let Some((parts, arrived)) = self.begun.get_mut(&oid) else { continue };
            arrived.digest.merge(sent.digest);
            arrived.counts.add(sent.counts);
            arrived.seconds += sent.seconds;
            arrived.format = piece.format;
            *parts -= 1;
            if *parts == 0 {
                complete.extend(self.begun.remove(&oid).map(|(_, arrived)| arrived));
            }
        }
        complete
    }
}
