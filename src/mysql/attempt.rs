//! One attempt: from the first look at the source to a new database beside the old one that is proven equal.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};

use super::filling::{Filling, LoadedTable};
use super::lent_settings::Wanted;
use super::objects::Objects;
use super::preflight::treated;
use super::rows::copy::RowConversion;
use super::rows::relation::Relation;
use super::sequences::Sequences;
use super::session::connect::Session;
use super::session::endpoint::Endpoint;
use super::session::settings::Purpose;
use super::session::source_session::SourceSession;
use super::snapshot::Snapshot;
use super::target_server::TargetServer;
use super::{compatibility, filling, packet_room, schema, schema_text};
use crate::copying::left_gate::LeftGate;
use crate::copying::options::{Compress, CopyOptions, Verify};
use crate::copying::phase_timer::PhaseTimer;
use crate::copying::progress::Progress;
use crate::copying::report::{CopyReport, Skipped};
use crate::copying::schema_texts::SchemaTexts;
use crate::copying::totals;
use crate::copying::treatment::{DatabaseMasking, DatabaseQueues};
use crate::masking::nets::people::Gatherer;
use crate::rewriting::Rewriter;

/// What an attempt works with.
pub(super) struct Attempt<'a> {
    pub(super) source: &'a Endpoint,
    pub(super) target: &'a Endpoint,
    pub(super) options: &'a CopyOptions,
    pub(super) progress: &'a Arc<Progress>,
    /// The name of the new database.
    pub(super) name: &'a str,
}

impl Attempt<'_> {
    /// Fills a new database beside the target; the swap, and what must be made after it, are the caller's.
    pub(super) async fn build(&self, target_server: &mut TargetServer) -> Result<(CopyReport, Objects)> {
        let mut phases = PhaseTimer::new(self.progress);
        let mut report = CopyReport { database: self.target.database.clone(), ..CopyReport::default() };
        phases.enter("guard");
        let [source, target] = self.check_servers(target_server, &mut report).await?;
        phases.enter("catalog");
        let mut snapshot = Snapshot::take(&source, self.options).await?;
        report.snapshot_at.clone_from(&snapshot.taken_at);
        let mut readers = std::mem::take(&mut snapshot.readers);
        let mut tables = std::mem::take(&mut snapshot.tables);
        let mut objects;
        (objects, report.skipped) = Objects::read(snapshot.upkeep()).await?;
        report.snapshot = Some(snapshot.means);
        let sequences = Sequences::read(snapshot.upkeep()).await?;
        let names: Vec<_> = tables.iter().map(|relation| relation.table.name.clone()).collect();
        let mut schema = schema::read(snapshot.upkeep(), names.iter().map(String::as_str)).await?;
        let texts = SchemaTexts::of(std::iter::once(self.source.host.as_str()), self.options);
        report.schema_texts = objects.settle(&texts);
        let settle = |(name, table): (&String, &mut _)| schema_text::settle_table(&texts, name, table);
        report.schema_texts.extend(schema.iter_mut().filter_map(settle));
        report.schema_texts.sort();
        let schema = Arc::new(schema);
        let (options, progress) = (self.options, self.progress);
        let looking = self.look(&mut readers, &mut tables);
        let (queues, masked) = snapshot.held_for(options, progress, looking).await?;
        if let Some(masked) = &masked {
            phases.enter("people");
            let gatherer = Gatherer::new(&masked.nets().key);
            let meeting = treated::meet(masked, readers, &tables, gatherer);
            readers = snapshot.held_for(options, progress, meeting).await?;
        }
        report.skipped.extend(of_another_moment(&tables));
        report.skipped.extend(schema::elsewhere(&schema));
        phases.enter("schema");
        let (charset, collation) = snapshot.defaults.clone();
        let holds_nothing = self.options.target_is_new && target_server.holds_nothing().await?;
        target_server.may_make(self.name, &charset, &collation).await?;
        let takes_long_values = packet_room::may_be_needed(target_server.session.family, &tables);
        target_server.lend_settings(self.name, Wanted { may_crash: holds_nothing, takes_long_values }).await?;
        let new_database = target.with_database(self.name);
        let mut target = Session::open(&new_database, Purpose::Fill).await?;
        let reader = readers.first_mut().context("no session reads")?;
        packet_room::ensure_enough(reader, &mut target, &tables).await?;
        sequences.make(&mut target).await?;
        schema::make(&mut target, &schema).await?;
        phases.enter("data");
        self.progress.expect(
            tables
                .iter()
                .filter(|relation| relation.table.excluded_by.is_none())
                .map(|relation| relation.table.size_bytes)
                .sum(),
        );
        let counting =
            target.row("SELECT @@innodb_autoinc_lock_mode = 2").await.context("ask how the target counts")?;
        let filling = Arc::new(self.filling(new_database, schema.clone(), counting.flag(0)));
        let all = filling::all(filling.clone(), readers, tables.clone());
        let (readers, loaded) = snapshot.held_for(options, progress, all).await?;
        snapshot.readers = readers;
        snapshot.release().await;
        // From here on nothing of production is held.
        let data_seconds = phases.enter("foreign keys");
        filling.gate.ensure_open()?;
        schema::add_foreign_keys(&mut target, &schema).await?;
        target.close().await;
        target_server.put_settings_back(self.name).await?;
        let rows: Vec<_> = loaded.iter().map(LoadedTable::rows).collect();
        totals::add_to(&mut report, &rows, None, data_seconds);
        report.queues = queues.into_lines();
        let residue = std::mem::take(&mut *filling.residue.lock().unwrap_or_else(PoisonError::into_inner));
        let residue = (self.options.verify == Verify::Digest).then_some(&residue);
        report.masking = masked.map(|masked| masked.sheet(&treated::tables(&tables), &rows, &report, residue));
        if let Some((sheet, masking)) = report.masking.as_ref().zip(self.options.masking.as_ref()) {
            sheet.ensure_no_residue(masking.residue)?;
        }
        report.phases = phases.end();
        Ok((report, objects))
    }

    fn filling(&self, target: Endpoint, schema: Arc<schema::Schema>, counts_for_all: bool) -> Filling {
        Filling {
            target,
            schema,
            conversion: RowConversion {
                rewriter: Rewriter::new(&self.options.rewrite),
                rewrites_guid: self.options.rewrite_guid,
            },
            verify: self.options.verify,
            stall: self.options.stall,
            progress: self.progress.clone(),
            jobs: self.options.jobs,
            cut_bytes: self.options.cut_bytes,
            counts_for_all,
            gate: LeftGate::new(self.options.fail_on_left),
            residue: Mutex::default(),
        }
    }

    /// What is done to what would act in the copy, and to the people in it.
    async fn look(
        &self,
        readers: &mut [SourceSession],
        tables: &mut [Relation],
    ) -> Result<(DatabaseQueues, Option<DatabaseMasking>)> {
        let options = self.options;
        let reader = readers.first_mut().context("no session reads")?;
        let masking = options.masking.as_ref();
        let (queues, masked) =
            treated::laid_over(reader, tables, options.may_act(), &options.keep_queues, masking).await?;
        Ok((queues, masked?))
    }

    /// Refuses two servers between which no copy can be made; else both ends, as their sessions are to be.
    async fn check_servers(&self, target: &mut TargetServer, report: &mut CopyReport) -> Result<[Endpoint; 2]> {
        let mut source = SourceSession::open(self.source).await?;
        let (there, here) = ((target.session.family, target.session.version), (source.family(), source.version()));
        compatibility::versions_fit(here, there)?;
        compatibility::is_itself(&mut source, target).await?;
        compatibility::two_databases(&mut source, target).await?;
        compatibility::names_agree(&mut source, target).await?;
        compatibility::no_table_is_called_as_ours(&mut source).await?;
        source.version_text().clone_into(&mut report.source_version);
        report.target_version.clone_from(&target.session.version_text);
        let ends = self.over_lines(&mut source, target).await?;
        source.close().await;
        Ok(ends)
    }

    /// Both ends, compressed where the line to one is slow, unless it was said whether they are.
    async fn over_lines(&self, source: &mut SourceSession, target: &mut TargetServer) -> Result<[Endpoint; 2]> {
        let mut ends = [self.source.clone(), self.target.clone()];
        if self.options.compress == Compress::Auto {
            let trying = async { tokio::try_join!(source.has_slow_line(), target.session.has_slow_line(true)) };
            let (of_source, of_target) = trying.await.context("find out what the lines carry")?;
            for (end, is_slow) in ends.iter_mut().zip([of_source, of_target]) {
                *end = end.over_slow_line(is_slow);
                if is_slow {
                    tracing::info!("the line to `{end}` is slow, so what goes over it is compressed");
                }
            }
        }
        Ok(ends)
    }
}

/// Tables whose engine takes part in no snapshot: each is as it was when it was read.
fn of_another_moment(tables: &[Relation]) -> impl Iterator<Item = Skipped> {
    let others = tables.iter().filter(|relation| !relation.is_in_snapshot && relation.table.excluded_by.is_none());
    others.map(|relation| {
        let reason = format!(
            "its rows are copied, but of the moment in which they were read: {} takes part in no snapshot",
            relation.engine
        );
        Skipped::new(format!("snapshot of table {}", relation.label()), reason)
    })
}
