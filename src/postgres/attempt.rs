//! One attempt: from the first look at the source to a new database beside the old one that is proven equal.

use std::sync::{Arc, PoisonError};

use anyhow::Result;

use super::dump::entries::DumpEntry;
use super::dump::{pg_dump, restore};
use super::filling::Filled;
use super::post_data::{computed_columns, index_samples, statistics, views};
use super::preflight::catalog::Relations;
use super::preflight::evaluation::Evaluation;
use super::preflight::row_reader::Reader;
use super::preflight::treated::laid_over;
use super::preflight::{compatibility, disk_space, extensions, locks};
use super::rows::load::LoadedTable;
use super::schema::Schema;
use super::session::endpoint::Endpoint;
use super::session::source_session::SourceSession;
use super::session::target_server::TargetServer;
use super::snapshot::Snapshot;
use crate::copying::options::{CopyOptions, Verify};
use crate::copying::phase_timer::PhaseTimer;
use crate::copying::progress::Progress;
use crate::copying::report::CopyReport;
use crate::copying::totals;
use crate::copying::treatment::{DatabaseMasking, DatabaseQueues};
use crate::masking::nets::people::Gatherer;

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

impl Attempt<'_> {
    /// Fills a new database beside the target; the swap is the caller's.
    pub(crate) async fn build(&self) -> Result<CopyReport> {
        let mut phases = PhaseTimer::new(self.progress);
        let mut report = CopyReport { database: self.target.database.clone(), ..CopyReport::default() };
        phases.enter("guard");
        self.check_servers(&mut report).await?;
        let mut snapshot = Snapshot::take(self.source).await?;
        report.snapshot_at = snapshot.taken_at.clone();
        phases.enter("catalog");
        let (tables, queues, masked) = tokio::select! {
            read = self.look(&snapshot) => read?,
            reason = snapshot.watch(self.options, self.progress) => return Err(reason),
        };
        snapshot.tables = tables;
        if let Some(masked) = &masked {
            phases.enter("people");
            tokio::select! {
                met = meet_people(masked, &snapshot) => met?,
                reason = snapshot.watch(self.options, self.progress) => return Err(reason),
            }
        }
        let (schema, filled) = tokio::select! {
            filled = Box::pin(self.fill(&snapshot, &mut report, &mut phases)) => filled?,
            reason = snapshot.watch(self.options, self.progress) => return Err(reason),
        };
        // From here on nothing of production is held.
        let tables = snapshot.release().await;
        let work = filled.work.clone();
        let loaded = Box::pin(self.complete(schema, filled, &mut report, &mut phases)).await?;
        report.queues = queues.into_lines();
        let residue = std::mem::take(&mut *work.residue.lock().unwrap_or_else(PoisonError::into_inner));
        let residue = (self.options.verify == Verify::Digest).then_some(&residue);
        let loaded: Vec<_> = loaded.iter().map(LoadedTable::rows).collect();
        report.masking = masked.map(|masked| masked.sheet(&tables.tables(), &loaded, &report, residue));
        if let Some((sheet, masking)) = report.masking.as_ref().zip(self.options.masking.as_ref()) {
            sheet.ensure_no_residue(masking.residue)?;
        }
        report.phases = phases.end();
        Ok(report)
    }

    /// Refuses two servers between which no copy can be made.
    async fn check_servers(&self, report: &mut CopyReport) -> Result<()> {
        let reader = SourceSession::open(self.source, None).await?;
        compatibility::versions_fit(reader.major(), self.target_server.session.major())?;
        compatibility::two_databases(&reader, self.target_server).await?;
        extensions::fit(&reader, self.target_server).await?;
        compatibility::names_are_text(&reader).await?;
        pg_dump::ensure_reads(&self.options.pg_dump, &self.options.env, reader.major()).await?;
        compatibility::may_create_databases(self.target_server).await?;
        reader.version().clone_into(&mut report.source_version);
        report.target_version.clone_from(&self.target_server.session.version);
        reader.close().await;
        Ok(())
    }

    /// The tables in the snapshot, and what is done to what would act in the copy, and to the people in it.
    async fn look(&self, snapshot: &Snapshot) -> Result<(Relations, DatabaseQueues, Option<DatabaseMasking>)> {
        let options = self.options;
        let mut tables = snapshot.read_tables(&options.exclude_table_data).await?;
        let reader = snapshot.reader().await?;
        let (queues, masked) =
            laid_over(&reader, &mut tables, options.may_act(), &options.keep_queues, options.masking.as_ref()).await?;
        let masked = masked?;
        reader.close().await;
        extensions::stop_jobs(&mut tables);
        Ok((tables, queues, masked))
    }

    /// Everything that reads the source.
    async fn fill(
        &self,
        snapshot: &Snapshot,
        report: &mut CopyReport,
        phases: &mut PhaseTimer<'_>,
    ) -> Result<(Schema, Filled)> {
        let (reader, tables) = (snapshot.reader().await?, &snapshot.tables);
        let source = &reader;
        compatibility::no_orphans(source, tables).await?;
        compatibility::nothing_reaches_through(source, tables).await?;
        compatibility::no_conditions_of_others(tables)?;
        locks::fit_target(self.target_server, tables).await?;
        let evaluation = Evaluation::read(source, tables).await?;
        report.read_whole = tables.read_whole();
        disk_space::is_enough(source, self.target_server, tables).await?;
        let making = self.make_schema(snapshot, source, &evaluation, report, phases);
        let mut schema = reader.awake_for(making).await?;
        reader.close().await;
        let Schema { manner, post_data, .. } = &mut schema;
        let filled = self.fill_rows(snapshot, manner, post_data, &evaluation, report, phases).await?;
        Ok((schema, filled))
    }

    /// Everything that needs the new database only.
    async fn complete(
        &self,
        schema: Schema,
        mut filled: Filled,
        report: &mut CopyReport,
        phases: &mut PhaseTimer<'_>,
    ) -> Result<Vec<LoadedTable>> {
        phases.enter("indexes");
        filled.work.gate.ensure_open()?;
        filled.finish().await?;
        let Filled { loaded, mut waiting, work, objects, data_seconds, .. } = filled;
        let rows: Vec<_> = loaded.iter().map(LoadedTable::rows).collect();
        totals::add_to(report, &rows, Some(("large objects", objects)), data_seconds);
        waiting.make_constraints(&work).await?;
        let target = schema.manner.computing.open(&self.new_database()).await?;
        let (event_triggers, post_data): (Vec<_>, Vec<_>) =
            schema.post_data.into_iter().partition(DumpEntry::is_event_trigger);
        let (of_indexes, post_data): (Vec<_>, Vec<_>) = post_data.into_iter().partition(DumpEntry::needs_indexes);
        restore::restore(&target, &post_data).await?;
        // Indexes and checks come after these: what they call may read a view.
        report.skipped.extend(views::refresh(schema.views, &target).await?);
        let plain = work.pool.open_plain().await?;
        schema.manner.spelling.apply(&plain).await?;
        waiting.make(schema.checks, &plain, &work).await?;
        restore::restore(&target, &of_indexes).await?;
        schema.compression.let_go(&plain).await?;
        plain.close().await;
        work.pool.close().await;
        report.skipped.append(&mut work.told.lock().unwrap_or_else(PoisonError::into_inner));
        phases.enter("statistics");
        report.skipped.extend(statistics::gather_rest(&target).await?);
        if self.options.verify == Verify::Digest {
            report.skipped.extend(computed_columns::compare(&target, &schema.computed, &loaded).await?);
            report.skipped.extend(index_samples::compare(&target).await?);
        }
        restore::restore(&target, &event_triggers).await?;
        target.close().await;
        report.skipped.extend(schema.properties.apply_settings(&self.target_server.session, self.name).await?);
        Ok(loaded)
    }

    pub(super) fn new_database(&self) -> Endpoint {
        self.target.with_database(self.name)
    }
}

/// Finds out whom the site knows, before any row is masked.
async fn meet_people(masked: &DatabaseMasking, snapshot: &Snapshot) -> Result<()> {
    let reader = snapshot.reader().await?;
    meet(masked, &reader, &snapshot.tables, Gatherer::new(&masked.nets().key)).await?;
    reader.close().await;
    Ok(())
}

/// The same by a session that sees what it sees.
pub(super) async fn meet(
    masked: &DatabaseMasking,
    reader: &SourceSession,
    tables: &Relations,
    gatherer: Gatherer,
) -> Result<()> {
    let readers = Reader::some(reader, tables).await?;
    for met in reader.awake_for(masked.meet(readers, &tables.tables(), gatherer)).await? {
        met.close().await;
    }
    Ok(())
}
