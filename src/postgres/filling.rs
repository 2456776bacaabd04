//! The rows' way into the new database, in their order: what code may read comes before what is computed by it.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::{Context as _, Result};
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinSet;

use super::attempt::Attempt;
use super::dump::entries::DumpEntry;
use super::dump::spelling::Spelling;
use super::post_data::per_table::{self, PostDataWork};
use super::post_data::waiting::Waiting;
use super::post_data::{sequences_and_objects, table_entries};
use super::preflight::evaluation::Evaluation;
use super::rows::copy::RowConversion;
use super::rows::load::{self, Load, LoadedTable};
use super::rows::relation::Relation;
use super::session::computing::ComputingSettings;
use super::session::connect::Session;
use super::session::pool::SessionPool;
use super::session::settings::Purpose;
use super::snapshot::Snapshot;
use crate::copying::left_gate::LeftGate;
use crate::copying::phase_timer::PhaseTimer;
use crate::copying::report::CopyReport;
use crate::copying::watchdog::Watchdog;
use crate::data::digest::ContentDigest;
use crate::rewriting::Rewriter;

/// A table that is not cut to be copied is read back in ranges of this size all the same.
const RANGE_BYTES: u64 = 32 << 20;

/// In which manner rows and statements come, and the new database computes.
pub(super) struct Manner {
    /// The source database's own.
    pub(super) encoding: String,
    pub(super) spelling: Spelling,
    /// Whether any value is spelled by the locale of money.
    pub(super) has_money: bool,
    pub(super) computing: ComputingSettings,
    /// Whether the target has the fast method of compression.
    pub(super) is_fast: bool,
}

/// A database whose rows are all there.
pub(super) struct Filled {
    /// Tables that are complete.
    pub(super) loaded: Vec<LoadedTable>,
    /// Loaded tables that get their post-data; dropping it ends that work.
    pub(super) finishing: JoinSet<Result<Vec<LoadedTable>>>,
    pub(super) waiting: Waiting,
    pub(super) work: Arc<PostDataWork>,
    /// Of the large objects.
    pub(super) objects: ContentDigest,
    pub(super) data_seconds: f64,
}

impl Filled {
    /// Waits for the tables that are not complete.
    pub(super) async fn finish(&mut self) -> Result<()> {
        while let Some(finished) = self.finishing.join_next().await {
            self.loaded.extend(finished.context("join a worker")??);
        }
        Ok(())
    }

    /// Does some work, unless that on tables fails meanwhile.
    async fn unless_failed<T>(&mut self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                Some(finished) = self.finishing.join_next() => self.loaded.extend(finished.context("join a worker")??),
            }
        }
    }
}

impl Attempt<'_> {
    /// Copies all that is read from the source. First come tables of extensions, then all others, which get their post-data
    /// meanwhile, and after; then sequences and large objects; and when all that is complete, tables whose own rows are
    /// computed by functions, which may read any of it.
    pub(super) async fn fill_rows(
        &self,
        snapshot: &Snapshot,
        manner: &Manner,
        post_data: &mut Vec<DumpEntry>,
        evaluation: &Evaluation,
        report: &mut CopyReport,
        phases: &mut PhaseTimer<'_>,
    ) -> Result<Filled> {
        phases.enter("data");
        let tables = self.in_formats(snapshot, &manner.encoding);
        let expected: u64 = tables.iter().map(|relation| relation.table.size_bytes).sum();
        self.progress.expect(expected);
        let conversion = Arc::new(RowConversion {
            rewriter: Rewriter::new(&self.options.rewrite),
            rewrites_guid: self.options.rewrite_guid,
            encoding: manner.encoding.clone(),
            money: manner.has_money.then(|| manner.spelling.clone()),
        });
        let reader = snapshot.reader().await?;
        let (by_table, waiting) = table_entries::take_out(post_data, &reader, &tables, &evaluation.indexes).await?;
        reader.close().await;
        let pool = SessionPool::new(self.new_database(), manner.computing.clone(), (self.options.jobs / 2).max(2));
        let gate = Arc::new(LeftGate::new(self.options.fail_on_left));
        let work = Arc::new(PostDataWork {
            by_table: Mutex::new(by_table),
            conversion: conversion.clone(),
            verify: self.options.verify,
            stall: self.options.stall,
            range_bytes: self.options.cut_bytes.min(RANGE_BYTES),
            pool: pool.clone(),
            told: Mutex::default(),
            residue: Mutex::default(),
            gate: gate.clone(),
        });
        let load = Arc::new(self.load(snapshot, manner, &conversion, pool, gate));
        let groups = Groups::of(tables, evaluation);
        let (loaded_tables, to_finish) = unbounded_channel();
        let mut filled = Filled {
            loaded: Vec::new(),
            finishing: JoinSet::new(),
            waiting,
            work: work.clone(),
            objects: ContentDigest::default(),
            data_seconds: 0.0,
        };
        filled.finishing.spawn(per_table::all(work.clone(), to_finish));
        let jobs = self.options.jobs;
        let early = async {
            if !groups.configuration.is_empty() {
                load::all(&load, &groups.configuration, jobs, false, &loaded_tables).await?;
            }
            load::all(&load, &groups.plain, jobs, true, &loaded_tables).await?;
            drop(loaded_tables);
            Ok(())
        };
        filled.unless_failed(early).await?;
        filled.data_seconds = phases.enter("objects");
        filled.objects = filled.unless_failed(self.copy_objects(snapshot, report)).await?;
        if groups.computed.is_empty() {
            return Ok(filled);
        }
        phases.enter("computed rows");
        work.gate.ensure_open()?;
        // What is locked while it is made could not be read, and two could wait for each other.
        filled.finish().await?;
        let began = Instant::now();
        for group in &groups.computed {
            let (loaded_tables, to_finish) = unbounded_channel();
            load::all(&load, group, jobs, false, &loaded_tables).await?;
            drop(loaded_tables);
            filled.loaded.extend(per_table::all(work.clone(), to_finish).await?);
        }
        filled.data_seconds += began.elapsed().as_secs_f64();
        Ok(filled)
    }

    /// The tables, each in the format in which it travels.
    fn in_formats(&self, snapshot: &Snapshot, encoding: &str) -> Vec<Arc<Relation>> {
        let in_format = |relation: &Relation| {
            // Text in binary is in the database's own encoding, and what looks into it knows UTF-8 only.
            let in_binary = encoding == "UTF8" && relation.gains_by_binary(self.options.binary_from_bytes);
            Arc::new(Relation { in_binary, ..relation.clone() })
        };
        snapshot.tables.copied().map(in_format).collect()
    }

    /// Copies what is no table's: large objects, whose digest is returned, and sequences.
    async fn copy_objects(&self, snapshot: &Snapshot, report: &mut CopyReport) -> Result<ContentDigest> {
        let source = snapshot.reader().await?;
        let target = Session::open(&self.new_database(), Purpose::Fill).await?;
        let watchdog = Watchdog::default();
        let objects = sequences_and_objects::copy_large_objects(&source, &target, &watchdog);
        let objects = source.awake_for(watchdog.watch(self.options.stall, objects)).await;
        let (large_objects, digest) = objects.context("copy large objects")?;
        report.large_objects = large_objects;
        source.awake_for(sequences_and_objects::copy_sequences(&source, &target)).await?;
        source.close().await;
        target.close().await;
        Ok(digest)
    }

    fn load(
        &self,
        snapshot: &Snapshot,
        manner: &Manner,
        conversion: &Arc<RowConversion>,
        pool: Arc<SessionPool>,
        gate: Arc<LeftGate>,
    ) -> Load {
        Load {
            source: self.source.clone(),
            target: self.new_database(),
            snapshot: snapshot.id.clone(),
            computing: manner.computing.clone(),
            conversion: conversion.clone(),
            stall: self.options.stall,
            progress: self.progress.clone(),
            cut_bytes: self.options.cut_bytes,
            is_fast: manner.is_fast,
            pool,
            gate,
        }
    }
}

/// The tables by when they are filled.
struct Groups {
    /// Tables of extensions, which their code may read for whatever it computes.
    configuration: Vec<Arc<Relation>>,
    plain: Vec<Arc<Relation>>,
    computed: Vec<Vec<Arc<Relation>>>,
}

impl Groups {
    fn of(tables: Vec<Arc<Relation>>, evaluation: &Evaluation) -> Self {
        let group_of: HashMap<u32, usize> = evaluation
            .tables
            .iter()
            .enumerate()
            .flat_map(|(group, tables)| tables.iter().map(move |table| (*table, group)))
            .collect();
        let mut groups =
            Self { configuration: Vec::new(), plain: Vec::new(), computed: vec![Vec::new(); evaluation.tables.len()] };
        for table in tables {
            match group_of.get(&table.oid) {
                _ if table.is_configuration() => groups.configuration.push(table),
                Some(group) => groups.computed[*group].push(table),
                None => groups.plain.push(table),
            }
        }
        groups
    }
}
