//! The rows' way into the new database: pairs of sessions take tables off one list, the largest first, until it is empty. A
//! table that is there gets its keys and is read back, others still on their way.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::task::JoinSet;

use super::rows::copy::{self, RowConversion, SentRows};
use super::rows::relation::Relation;
use super::rows::verify;
use super::schema::Schema;
use super::session::connect::Session;
use super::session::endpoint::Endpoint;
use super::session::settings::Purpose;
use super::session::source_session::SourceSession;
use super::session::sql;
use crate::copying::left_gate::LeftGate;
use crate::copying::loaded::LoadedRows;
use crate::copying::meter::Meter;
use crate::copying::options::Verify;
use crate::copying::progress::Progress;
use crate::copying::watchdog::Watchdog;
use crate::masking::residue::ResidueCounts;

/// A table whose rows are there, proven to be those that were sent.
pub(super) struct LoadedTable {
    pub(super) relation: Arc<Relation>,
    pub(super) sent: SentRows,
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
    /// When it is shut nothing is made any more.
    pub(super) gate: LeftGate,
    /// By the table's label, what of people was found in it.
    pub(super) residue: Mutex<HashMap<String, ResidueCounts>>,
}

/// Fills all tables, each reader working with a session of its own in the new database. The first failure ends the others. The readers
/// come back.
pub(super) async fn all(
    filling: Arc<Filling>,
    readers: Vec<SourceSession>,
    tables: Vec<Relation>,
) -> Result<(Vec<SourceSession>, Vec<LoadedTable>)> {
    let mut tables: Vec<_> = tables.into_iter().map(Arc::new).collect();
    tables.sort_by_key(|relation| std::cmp::Reverse(relation.table.size_bytes));
    let remaining = Arc::new(Mutex::new(VecDeque::from(tables)));
    let mut workers = JoinSet::new();
    for (worker, reader) in readers.into_iter().enumerate() {
        let (filling, remaining) = (filling.clone(), remaining.clone());
        workers.spawn(async move {
            let done = Box::pin(run_pair(&filling, &remaining, worker, reader)).await;
            filling.progress.doing(worker, None);
            done
        });
    }
    let (mut readers, mut all) = (Vec::new(), Vec::new());
    while let Some(worker) = workers.join_next().await {
        let (reader, loaded) = worker.context("join a worker")??;
        readers.push(reader);
        all.extend(loaded);
    }
    Ok((readers, all))
}

async fn run_pair(
    filling: &Filling,
    remaining: &Mutex<VecDeque<Arc<Relation>>>,
    worker: usize,
    mut source: SourceSession,
) -> Result<(SourceSession, Vec<LoadedTable>)> {
    let mut target = Session::open(&filling.target, Purpose::Fill).await?;
    let mut reading_back = Session::open(&filling.target, Purpose::Rows).await?;
    let mut all = Vec::new();
    loop {
        let next = remaining.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(relation) = next else { break };
        filling.progress.doing(worker, Some(format!("table `{}`", relation.label())));
        let what = || format!("copy table `{}`", relation.label());
        if relation.table.excluded_by.is_some() {
            filling.add_keys(&mut target, &relation).await.with_context(what)?;
            continue;
        }
        let loaded;
        (target, loaded) = filling.fill(&mut source, target, relation.clone()).await.with_context(what)?;
        filling.gate.see(&[loaded.rows()]);
        if !filling.gate.is_shut() {
            filling.finish(&mut target, &mut reading_back, &loaded).await.with_context(what)?;
        }
        all.push(loaded);
    }
    target.close().await;
    reading_back.close().await;
    Ok((source, all))
}

impl Filling {
    async fn fill(
        &self,
        source: &mut SourceSession,
        target: Session,
        relation: Arc<Relation>,
    ) -> Result<(Session, LoadedTable)> {
        let (watchdog, database) = (Watchdog::default(), &self.target.database);
        // What the source's reads may take is the source's, and known to all sessions with it.
        let throttle = source.throttle();
        let meter = Meter { watchdog: &watchdog, progress: &self.progress, throttle: &throttle };
        let sending = copy::send_table(source, target, database, &relation, &self.conversion, &meter);
        let (load, sent) = watchdog.watch(self.stall, sending).await?;
        // How long the server is at work on the last of them, nothing tells.
        let target = load.finish(sent.digest.rows).await.context("write it")?;
        source.let_go().await.context("let go of the source's table")?;
        let loaded = LoadedTable { relation, sent };
        loaded.rows().ensure_no_key_is_lost()?;
        Ok((target, loaded))
    }

    async fn finish(&self, target: &mut Session, reading_back: &mut Session, loaded: &LoadedTable) -> Result<()> {
        let (watchdog, relation) = (Watchdog::default(), &*loaded.relation);
        self.add_keys(target, relation).await?;
        let name = sql::ident(&relation.table.name);
        // Its answer has rows.
        target
            .rows_whenever(&format!("ANALYZE NO_WRITE_TO_BINLOG TABLE {name}"))
            .await
            .context("gather its statistics")?;
        let database = &self.target.database;
        let comparing =
            verify::compare(reading_back, database, relation, &loaded.sent, &self.conversion, self.verify, &watchdog);
        let residue = watchdog.watch(self.stall, comparing).await?;
        self.residue.lock().unwrap_or_else(PoisonError::into_inner).insert(relation.label(), residue);
        Ok(())
    }

    async fn add_keys(&self, target: &mut Session, relation: &Relation) -> Result<()> {
        let Some(table) = self.schema.get(&relation.table.name) else { return Ok(()) };
        for add in table.add_keys(&sql::ident(&relation.table.name)) {
            target.run_whenever(&add).await.context("add its keys")?;
        }
        Ok(())
    }
}
