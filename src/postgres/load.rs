//! The data phase: pairs of sessions that take tables off one list, biggest first, until it is empty.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::task::JoinSet;

use super::connect::Session;
use super::copy::{self, Arrived, Manner};
use super::endpoint::Endpoint;
use super::pulse::Pulse;
use super::settings::Purpose;
use super::source::Source;
use super::sql;
use super::tables::Table;
use crate::progress::Progress;

/// What the pairs share.
pub(super) struct Load {
    pub(super) source: Endpoint,
    /// The new database.
    pub(super) target: Endpoint,
    pub(super) snapshot: String,
    pub(super) search_path: String,
    pub(super) manner: Manner,
    pub(super) stall: Duration,
    pub(super) progress: Arc<Progress>,
}

/// Copies all tables with so many pairs. The first failure ends the others.
pub(super) async fn all(load: Load, tables: Vec<Table>, pairs: usize) -> Result<Vec<(Table, Arrived)>> {
    let load = Arc::new(load);
    let pairs = pairs.clamp(1, tables.len().max(1));
    let list = Arc::new(Mutex::new(VecDeque::from(tables)));
    let mut workers = JoinSet::new();
    for worker in 0..pairs {
        let (load, list) = (load.clone(), list.clone());
        workers.spawn(async move {
            let arrived = work(&load, &list, worker).await;
            load.progress.doing(worker, None);
            arrived
        });
    }
    let mut arrived = Vec::new();
    while let Some(worker) = workers.join_next().await {
        arrived.extend(worker.context("join a worker")??);
    }
    Ok(arrived)
}

async fn work(load: &Load, list: &Mutex<VecDeque<Table>>, worker: usize) -> Result<Vec<(Table, Arrived)>> {
    let source = Source::open(&load.source, Some(&load.snapshot)).await?;
    let target = open_target(&load.target, &load.search_path).await?;
    let pulse = Pulse::default();
    let mut arrived = Vec::new();
    loop {
        let next = list.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(table) = next else { break };
        load.progress.doing(worker, Some(table.label()));
        let copying = copy::copy_table(&source, &target, &table, &load.manner, &pulse, &load.progress);
        let done = pulse.watch(load.stall, copying).await.with_context(|| format!("copy table `{}`", table.label()))?;
        arrived.push((table, done));
    }
    source.close().await;
    target.close().await;
    Ok(arrived)
}

/// A session in the new database. It has the source's own search path, since CHECK constraints, indexes and
/// materialized views may call functions by bare names.
pub(super) async fn open_target(target: &Endpoint, search_path: &str) -> Result<Session> {
    let session = Session::open(target, Purpose::Fill).await?;
    let set = format!("SELECT pg_catalog.set_config('search_path', {}, false)", sql::literal(search_path));
    session.run(&set).await.context("set the search path")?;
    Ok(session)
}
