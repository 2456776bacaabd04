//! One attempt: from the first look at the source to a new database beside the old one that is proven equal.

use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::dump::entries::DumpEntry;
use super::dump::pg_dump::{self, DumpSection};
use super::dump::restore;
use super::post_data::per_table::{self, PostDataByTable, PostDataWork};
use super::post_data::sequences_and_objects;
use super::post_data::views::{self, View};
use super::preflight::database_masking::DatabaseMasking;
use super::preflight::database_properties::DatabaseProperties;
use super::preflight::{compatibility, disk_space, skipped};
use super::rows::copy::RowConversion;
use super::rows::load::{self, Load, LoadedTable};
use super::rows::relation::Relation;
use super::session::connect::{Session, open_target};
use super::session::endpoint::Endpoint;
use super::session::pool::SessionPool;
use super::session::settings::Purpose;
use super::session::source_session::SourceSession;
use super::session::target_server::TargetServer;
use super::snapshot::Snapshot;
use super::totals;
use crate::copying::options::CopyOptions;
use crate::copying::phase_timer::PhaseTimer;
use crate::copying::progress::Progress;
use crate::copying::report::CopyReport;
use crate::copying::throttle::Throttle;
use crate::copying::watchdog::Watchdog;
use crate::data::digest::ContentDigest;
use crate::rewriting::Rewriter;

/// A table that is not cut to be copied is read back in ranges of this size all the same.
const RANGE_BYTES: u64 = 32 << 20;

/// What an attempt works with.
pub(crate) struct Attempt<'a> {
    pub(crate) source: &'a Endpoint,
    pub(crate) target: &'a Endpoint,
    pub(crate) target_server: &'a TargetServer,
    pub(crate) options: &'a CopyOptions,
    pub(crate) progress: &'a Arc<Progress>,
    /// The name of the new database.
    pub(crate) name: &'a str,
}

/// The schema once all that stands before the data is made.
struct Schema {
    properties: DatabaseProperties,
    /// What is to be made after the data.
    post_data: Vec<DumpEntry>,
    views: Vec<View>,
}

/// What is left to do once the snapshot is let go.
struct AfterSnapshot {
    schema: Schema,
    /// Loaded tables that get their post-data; dropping it ends that work.
    work: JoinSet<Result<Vec<LoadedTable>>>,
    objects: ContentDigest,
    data_seconds: f64,
}

impl Attempt<'_> {
    /// Fills a new database beside the target; the swap is the caller's.
    pub(crate) async fn build(&self) -> Result<CopyReport> {
        let mut phases = PhaseTimer::new(self.progress);
        let mut report = CopyReport { database: self.target.database.clone(), ..CopyReport::default() };
        phases.enter("guard");
        self.check_servers(&mut report).await?;
        let mut snapshot = Snapshot::take(self.source, &self.options.exclude_table_data).await?;
        report.snapshot_at = snapshot.taken_at.clone();
        let masked = tokio::select! {
            masked = self.mask(&snapshot) => masked?,
            reason = snapshot.watch(self.options.snapshot_max_age, self.options.stall) => return Err(reason),
        };
        if let Some(masked) = &masked {
            masked.apply_to(&mut snapshot.tables);
        }
        let rest = tokio::select! {
            filled = self.fill(&snapshot, &mut report, &mut phases) => filled?,
            reason = snapshot.watch(self.options.snapshot_max_age, self.options.stall) => return Err(reason),
        };
        // From here on nothing of production is held.
        let Snapshot { holder, tables, .. } = snapshot;
        holder.close().await;
        let loaded = self.complete(rest, &mut report, &mut phases).await?;
        report.masking = masked.map(|masked| masked.sheet(&tables, &loaded));
        report.phases = phases.end();
        Ok(report)
    }

    /// Refuses two servers between which no copy can be made.
    async fn check_servers(&self, report: &mut CopyReport) -> Result<()> {
        let reader = SourceSession::open(self.source, None).await?;
        compatibility::versions_fit(reader.major(), self.target_server.session.major())?;
        compatibility::two_databases(&reader, self.target_server).await?;
        compatibility::extensions_fit(&reader, self.target_server).await?;
        compatibility::names_are_text(&reader).await?;
        pg_dump::ensure_reads(&self.options.pg_dump, &self.options.env, reader.major()).await?;
        compatibility::may_create_databases(self.target_server).await?;
        reader.version().clone_into(&mut report.source_version);
        report.target_version.clone_from(&self.target_server.session.version);
        reader.close().await;
        Ok(())
    }

    /// What is done to the people in the snapshot.
    async fn mask(&self, snapshot: &Snapshot) -> Result<Option<DatabaseMasking>> {
        let Some(masking) = &self.options.masking else { return Ok(None) };
        DatabaseMasking::read(&snapshot.holder, &snapshot.tables, masking).await.map(Some)
    }

    /// Everything that reads the source.
    async fn fill(
        &self,
        snapshot: &Snapshot,
        report: &mut CopyReport,
        phases: &mut PhaseTimer<'_>,
    ) -> Result<AfterSnapshot> {
        let (source, tables) = (&snapshot.holder, &snapshot.tables);
        compatibility::no_orphans(source, tables).await?;
        compatibility::nothing_reaches_through(source, tables).await?;
        compatibility::no_conditions_of_others(tables)?;
        report.read_whole = tables.read_whole();
        disk_space::is_enough(source, self.target_server, tables).await?;
        phases.enter("schema");
        let mut schema = self.make_schema(snapshot, report).await?;
        phases.enter("data");
        let work = self.load_rows(snapshot, &mut schema).await?;
        let data_seconds = phases.enter("objects");
        let objects = self.copy_objects(source, report).await?;
        Ok(AfterSnapshot { schema, work, objects, data_seconds })
    }

    /// Makes the new database, and in it what stands before the data.
    async fn make_schema(&self, snapshot: &Snapshot, report: &mut CopyReport) -> Result<Schema> {
        let source = &snapshot.holder;
        let properties = DatabaseProperties::read(source).await?;
        report.skipped = skipped::not_carried(source, &properties, &snapshot.tables).await?;
        let views = views::filled(source).await?;
        let encoding = if properties.encoding == "SQL_ASCII" { "SQL_ASCII" } else { "UTF8" };
        let options = self.options;
        let read = |section| {
            pg_dump::read(
                self.source,
                source.reads_no_views(),
                &options.pg_dump,
                &options.env,
                &snapshot.id,
                section,
                encoding,
            )
        };
        let (mut pre_data, mut post_data) = tokio::try_join!(read(DumpSection::PreData), read(DumpSection::PostData))?;
        let server = &self.target_server.session;
        let create = properties.create_statement(self.name, self.target_server.owner(), server.major());
        server.run(&create).await.context("make the new database on the target")?;
        let target = Session::open(&self.new_database(), Purpose::Fill).await?;
        for entries in [&mut pre_data, &mut post_data] {
            report.skipped.extend(skipped::take_out_unsupported(entries, source, &target).await?);
        }
        if !properties.has_public_schema {
            target.run("DROP SCHEMA IF EXISTS public").await.context("drop the schema `public`")?;
        }
        restore::restore(&target, &pre_data).await?;
        report.skipped.extend(skipped::other_versions(source, &target).await?);
        target.close().await;
        Ok(Schema { properties, post_data, views })
    }

    /// Copies the rows; the tables that are there get their post-data meanwhile, and after.
    async fn load_rows(&self, snapshot: &Snapshot, schema: &mut Schema) -> Result<JoinSet<Result<Vec<LoadedTable>>>> {
        let properties = &schema.properties;
        let in_format = |relation: &Relation| {
            // Text in binary is in the database's own encoding, and what looks into it knows UTF-8 only.
            let in_binary = properties.encoding == "UTF8" && relation.gains_by_binary(self.options.binary_from_bytes);
            Arc::new(Relation { in_binary, ..relation.clone() })
        };
        let tables: Vec<Arc<Relation>> = snapshot.tables.copied().map(in_format).collect();
        let expected: u64 = tables.iter().map(|relation| relation.table.size_bytes).sum();
        self.progress.expect(self.progress.read().done_bytes + expected);
        let conversion =
            RowConversion { rewriter: Rewriter::new(&self.options.rewrite), encoding: properties.encoding.clone() };
        let conversion = Arc::new(conversion);
        let (loaded_tables, to_finish) = mpsc::unbounded_channel();
        let mut work = JoinSet::new();
        let by_table = per_table::take_out(&mut schema.post_data, &snapshot.holder, &tables).await?;
        let search_path = properties.search_path.clone();
        let pool = SessionPool::new(self.new_database(), search_path, (self.options.jobs / 2).max(2));
        work.spawn(per_table::all(self.post_data_work(&conversion, by_table, pool.clone()), to_finish));
        let load = self.load(snapshot, properties, &conversion, pool);
        tokio::select! {
            biased;
            loaded = load::all(load, &tables, self.options.jobs, loaded_tables) => loaded?,
            failed = work.join_next() => {
                let failed = failed.context("finish tables")?.context("join a worker")?;
                failed?;
            }
        }
        Ok(work)
    }

    /// Copies what is no table's: large objects, whose digest is returned, and sequences.
    async fn copy_objects(&self, source: &SourceSession, report: &mut CopyReport) -> Result<ContentDigest> {
        let target = Session::open(&self.new_database(), Purpose::Fill).await?;
        let watchdog = Watchdog::default();
        let objects = sequences_and_objects::copy_large_objects(source, &target, &watchdog);
        let (large_objects, digest) =
            watchdog.watch(self.options.stall, objects).await.context("copy large objects")?;
        report.large_objects = large_objects;
        sequences_and_objects::copy_sequences(source, &target).await?;
        target.close().await;
        Ok(digest)
    }

    /// Everything that needs the new database only.
    async fn complete(
        &self,
        rest: AfterSnapshot,
        report: &mut CopyReport,
        phases: &mut PhaseTimer<'_>,
    ) -> Result<Vec<LoadedTable>> {
        let AfterSnapshot { schema, mut work, objects, data_seconds } = rest;
        phases.enter("indexes");
        let loaded = work.join_next().await.context("finish tables")?.context("join a worker")??;
        totals::add_to(report, &loaded, objects, data_seconds);
        let target = open_target(&self.new_database(), &schema.properties.search_path).await?;
        let (event_triggers, post_data): (Vec<_>, Vec<_>) =
            schema.post_data.into_iter().partition(DumpEntry::is_event_trigger);
        restore::restore(&target, &post_data).await?;
        report.skipped.extend(views::refresh(schema.views, &target).await?);
        phases.enter("statistics");
        sequences_and_objects::analyze_rest(&target).await?;
        restore::restore(&target, &event_triggers).await?;
        target.close().await;
        report.skipped.extend(schema.properties.apply_settings(&self.target_server.session, self.name).await?);
        Ok(loaded)
    }

    fn new_database(&self) -> Endpoint {
        self.target.with_database(self.name)
    }

    fn load(
        &self,
        snapshot: &Snapshot,
        properties: &DatabaseProperties,
        conversion: &Arc<RowConversion>,
        pool: Arc<SessionPool>,
    ) -> Load {
        Load {
            source: self.source.clone(),
            target: self.new_database(),
            snapshot: snapshot.id.clone(),
            search_path: properties.search_path.clone(),
            conversion: conversion.clone(),
            stall: self.options.stall,
            progress: self.progress.clone(),
            throttle: Throttle::new(self.options.max_mb_per_s),
            cut_bytes: self.options.cut_bytes,
            pool,
        }
    }

    fn post_data_work(
        &self,
        conversion: &Arc<RowConversion>,
        by_table: PostDataByTable,
        pool: Arc<SessionPool>,
    ) -> Arc<PostDataWork> {
        Arc::new(PostDataWork {
            by_table: Mutex::new(by_table),
            conversion: conversion.clone(),
            verify: self.options.verify,
            stall: self.options.stall,
            range_bytes: self.options.cut_bytes.min(RANGE_BYTES),
            pool,
        })
    }
}
