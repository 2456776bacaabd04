//! What becomes of a table whose rows are all there: it gets its keys and its statistics, and then is read back and compared, several
//! tables at a time and a large one by several sessions.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::filling::{Filling, LoadedTable};
use super::rows::relation::Relation;
use super::rows::row_transform::TableSearch;
use super::rows::verify;
use super::rows::work_list::TableRange;
use super::session::connect::Session;
use super::session::settings::Purpose;
use super::session::sql;
use crate::copying::options::Verify;
use crate::copying::watchdog::Watchdog;
use crate::data::digest::ContentDigest;
use crate::masking::residue::ResidueCounts;

/// What several workers take from.
type Shared<T> = Arc<tokio::sync::Mutex<UnboundedReceiver<T>>>;

/// A table that is read back.
struct ReadBack {
    loaded: LoadedTable,
    /// How many ranges nobody has read yet, and what stands in the others.
    ranges: usize,
    there: ContentDigest,
    residue: ResidueCounts,
}

/// What one session reads back in one go.
type Ranges = Vec<(TableRange, Arc<Mutex<Option<ReadBack>>>)>;

/// Finishes the tables that arrive, until no more do; those that come without rows only get their keys.
pub(super) async fn all(
    filling: Arc<Filling>,
    without_rows: Vec<Arc<Relation>>,
    arrived: UnboundedReceiver<Vec<LoadedTable>>,
) -> Result<Vec<LoadedTable>> {
    let arrived = Arc::new(tokio::sync::Mutex::new(arrived));
    let (with_keys, to_compare) = unbounded_channel();
    let to_compare = Arc::new(tokio::sync::Mutex::new(to_compare));
    let mut without_rows = Some(without_rows);
    let mut workers = JoinSet::new();
    for worker in 0..filling.jobs.max(1) {
        let number = |row: usize| filling.jobs * row + worker;
        let (keys, comparing) = (number(1), number(2));
        let without_rows = without_rows.take().unwrap_or_default();
        let (arrived, with_keys, to_compare) = (arrived.clone(), with_keys.clone(), to_compare.clone());
        let shared = filling.clone();
        workers.spawn(async move {
            let done = add_keys(&shared, keys, &without_rows, &arrived, &with_keys).await;
            shared.progress.doing(keys, None);
            done
        });
        let shared = filling.clone();
        workers.spawn(async move {
            let done = compare(&shared, comparing, &to_compare).await;
            shared.progress.doing(comparing, None);
            done
        });
    }
    drop(with_keys);
    let mut all = Vec::new();
    while let Some(worker) = workers.join_next().await {
        all.extend(worker.context("join a worker")??);
    }
    Ok(all)
}

async fn next<T>(shared: &Shared<T>) -> Option<T> {
    shared.lock().await.recv().await
}

/// Gives the tables that arrive their keys, and hands them on; those that nobody reads back.
async fn add_keys(
    filling: &Filling,
    worker: usize,
    without_rows: &[Arc<Relation>],
    arrived: &Shared<Vec<LoadedTable>>,
    with_keys: &UnboundedSender<Ranges>,
) -> Result<Vec<LoadedTable>> {
    let mut target = Session::open(&filling.target, Purpose::Fill).await?;
    filling.add_keys(&mut target, without_rows, false).await?;
    let mut done = Vec::new();
    while let Some(tables) = next(arrived).await {
        if filling.gate.is_shut() {
            done.extend(tables);
            continue;
        }
        let relations: Vec<_> = tables.iter().map(|loaded| loaded.relation.clone()).collect();
        if let Some(first) = relations.first() {
            filling.progress.doing(worker, Some(format!("keys of table `{}`", first.label())));
        }
        filling.add_keys(&mut target, &relations, true).await?;
        filling.progress.doing(worker, None);
        if filling.verify == Verify::Off {
            done.extend(tables);
            continue;
        }
        let mut together = Vec::new();
        for loaded in tables {
            // Counting a part costs as much as counting all.
            let borders = if filling.verify == Verify::Digest { loaded.borders.as_slice() } else { &[] };
            let ranges = TableRange::of(&loaded.relation, borders);
            let there = ContentDigest::default();
            let residue = ResidueCounts::default();
            let read_back = Arc::new(Mutex::new(Some(ReadBack { loaded, ranges: ranges.len(), there, residue })));
            match <[TableRange; 1]>::try_from(ranges) {
                Ok([whole]) => together.push((whole, read_back)),
                // Nobody listens any more only when comparing has failed, which is told by itself.
                Err(ranges) => {
                    for range in ranges {
                        let _ = with_keys.send(vec![(range, read_back.clone())]);
                    }
                }
            }
        }
        if !together.is_empty() {
            let _ = with_keys.send(together);
        }
    }
    target.close().await;
    Ok(done)
}

/// Reads tables back, and compares those that were read as a whole with what was sent.
async fn compare(filling: &Filling, worker: usize, to_compare: &Shared<Ranges>) -> Result<Vec<LoadedTable>> {
    let mut target = Session::open(&filling.target, Purpose::Rows).await?;
    let (watchdog, mut done) = (Watchdog::default(), Vec::new());
    while let Some(ranges) = next(to_compare).await {
        if let Some((first, _)) = ranges.first() {
            filling.progress.doing(worker, Some(format!("reading back {}", first.label())));
        }
        let of = |(range, _): &(TableRange, _)| filling.read_back(range, target.family);
        let queries = ranges.iter().map(of).collect();
        let mut reading = target.ask_many(queries);
        for (range, read_back) in ranges {
            let what = || format!("copy {}", range.label());
            let mut search = TableSearch::of(&range.relation);
            let reading = async {
                let rows = reading.rows().await.context("read back what arrived")?;
                verify::read(rows, filling.verify, &mut search, &watchdog).await.context("read back what arrived")
            };
            let there = watchdog.watch(filling.stall, reading).await.with_context(what)?;
            if let Some(complete) = add(&read_back, there, search.map(TableSearch::into_counts)) {
                let ReadBack { loaded, there, residue, .. } = complete;
                verify::ensure_same(&loaded.relation, &loaded.sent, &there, filling.verify).with_context(what)?;
                filling.residue.lock().unwrap_or_else(PoisonError::into_inner).insert(loaded.relation.label(), residue);
                done.push(loaded);
            }
        }
        filling.progress.doing(worker, None);
    }
    target.close().await;
    Ok(done)
}

/// Adds what stands in a range; the table, when it was the last.
fn add(read_back: &Mutex<Option<ReadBack>>, there: ContentDigest, residue: Option<ResidueCounts>) -> Option<ReadBack> {
    let mut read_back = read_back.lock().unwrap_or_else(PoisonError::into_inner);
    let table = read_back.as_mut()?;
    table.there.merge(there);
    table.residue.add(residue.unwrap_or_default());
    table.ranges -= 1;
    if table.ranges == 0 { read_back.take() } else { None }
}

impl Filling {
    /// The query that reads a range back.
    fn read_back(&self, range: &TableRange, family: super::session::connect::Family) -> String {
        let database = &self.target.database;
        match self.verify {
            Verify::Digest => range.select(database, family, self.conversion.looks_into(&range.relation)),
            Verify::Count | Verify::Off => {
                format!("SELECT COUNT(*) FROM {}", sql::qualified(database, &range.relation.table.name))
            }
        }
    }

    /// Gives tables their keys, and those with rows their statistics.
    async fn add_keys(&self, target: &mut Session, tables: &[Arc<Relation>], have_rows: bool) -> Result<()> {
        let (mut statements, mut of) = (Vec::new(), Vec::new());
        for relation in tables {
            let name = sql::ident(&relation.table.name);
            let keys = self.schema.get(&relation.table.name).map(|table| table.add_keys(&name)).unwrap_or_default();
            let statistics = have_rows.then(|| format!("ANALYZE NO_WRITE_TO_BINLOG TABLE {name}"));
            for statement in keys.into_iter().chain(statistics) {
                statements.push(statement);
                of.push(relation);
            }
        }
        let made = target.all_whenever(&statements).await;
        made.map(drop).map_err(|failed| {
            let table = of.get(failed.number).map(|relation| relation.label()).unwrap_or_default();
            anyhow::Error::from(failed.fault).context("add its keys").context(format!("copy table `{table}`"))
        })
    }
}
