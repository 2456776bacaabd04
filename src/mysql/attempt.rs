//! One attempt: from the first look at the source to a new database beside the old one that is proven equal.

use std::sync::Arc;

use anyhow::{Result, ensure};

use super::filling::{Filling, LoadedTable};
use super::objects::Objects;
use super::rows::copy::{RowConversion, SentRows};
use super::rows::relation::Relation;
use super::session::connect::Session;
use super::session::endpoint::Endpoint;
use super::session::settings::Purpose;
use super::session::source_session::SourceSession;
use super::snapshot::Snapshot;
use super::target_server::TargetServer;
use super::{compatibility, filling, schema};
use crate::copying::left_urls;
use crate::copying::options::CopyOptions;
use crate::copying::phase_timer::PhaseTimer;
use crate::copying::progress::Progress;
use crate::copying::report::{CopyReport, LeftUrl, Skipped, TableTime};
use crate::data::digest;
use crate::error::{Failure, listed};
use crate::rewriting::Rewriter;

/// How many of the slowest tables a report names.
const SLOWEST: usize = 10;

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
        self.check_servers(target_server, &mut report).await?;
        phases.enter("catalog");
        let mut snapshot = Snapshot::take(self.source, self.options.jobs, &self.options.exclude_table_data).await?;
        report.snapshot_at.clone_from(&snapshot.taken_at);
        let objects;
        (objects, report.skipped) = Objects::read(snapshot.upkeep()).await?;
        report.skipped.extend(of_another_moment(&snapshot.tables));
        if let Some(pause) = snapshot.pause {
            tracing::info!("the source's writers were held for {} ms", pause.as_millis());
        }
        let names: Vec<_> = snapshot.tables.iter().map(|relation| relation.table.name.clone()).collect();
        let schema = Arc::new(schema::read(snapshot.upkeep(), names.iter().map(String::as_str)).await?);
        phases.enter("schema");
        let (charset, collation) = snapshot.defaults.clone();
        target_server.may_make(self.name, &charset, &collation).await?;
        target_server.take_rows().await?;
        let new_database = self.target.with_database(self.name);
        let mut target = Session::open(&new_database, Purpose::Fill).await?;
        schema::make(&mut target, &schema).await?;
        phases.enter("data");
        let tables = snapshot.tables.clone();
        self.progress.expect(
            tables
                .iter()
                .filter(|relation| relation.table.excluded_by.is_none())
                .map(|relation| relation.table.size_bytes)
                .sum(),
        );
        let readers = std::mem::take(&mut snapshot.readers);
        let filling = Arc::new(self.filling(new_database, schema.clone()));
        let (readers, loaded) = tokio::select! {
            filled = filling::all(filling, readers, tables) => filled?,
            reason = snapshot.watch(self.options, self.progress) => return Err(reason),
        };
        snapshot.readers = readers;
        snapshot.release().await;
        // From here on nothing of production is held.
        let data_seconds = phases.enter("foreign keys");
        schema::add_foreign_keys(&mut target, &schema).await?;
        target.close().await;
        target_server.take_no_rows().await?;
        add_totals(&mut report, &loaded, data_seconds);
        ensure_no_key_is_lost(&loaded)?;
        self.ensure_nothing_is_left(&report)?;
        report.phases = phases.end();
        Ok((report, objects))
    }

    fn filling(&self, target: Endpoint, schema: Arc<schema::Schema>) -> Filling {
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
        }
    }

    /// Refuses two servers between which no copy can be made.
    async fn check_servers(&self, target: &mut TargetServer, report: &mut CopyReport) -> Result<()> {
        compatibility::asks_for_what_there_is(self.options)?;
        let mut source = SourceSession::open(self.source).await?;
        let (there, here) = ((target.session.family, target.session.version), (source.family(), source.version()));
        compatibility::versions_fit(here, there)?;
        compatibility::two_databases(&mut source, target).await?;
        compatibility::names_agree(&mut source, target).await?;
        source.version_text().clone_into(&mut report.source_version);
        report.target_version.clone_from(&target.session.version_text);
        source.close().await;
        Ok(())
    }

    /// Refuses a copy in which an old host is left that need not be, where that was asked for.
    fn ensure_nothing_is_left(&self, report: &CopyReport) -> Result<()> {
        let left: Vec<_> =
            report.left.iter().filter(|left| !left_urls::is_fine(&left.reason)).map(LeftUrl::to_string).collect();
        ensure!(
            left.is_empty() || !self.options.fail_on_left,
            Failure::invalid(format!("URLs of the source are left in the copy: {}", listed(&left)))
                .hint("leave the rows out, set the values by a rule, rewrite guids as well, or ask for no failure")
        );
        Ok(())
    }
}

/// Refuses rows in which two keys of an array became one.
fn ensure_no_key_is_lost(loaded: &[LoadedTable]) -> Result<()> {
    let lost = loaded.iter().flat_map(|done| done.sent.counts.collided.told(&done.relation.table));
    let told: Vec<_> = lost.map(|line| line.to_string()).collect();
    let hint = "leave the rows out (`--exclude-table-data`), or rewrite one of the old URLs only";
    ensure!(told.is_empty(), Failure::invalid(listed(&told)).hint(hint));
    Ok(())
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

/// Adds what the tables come to.
fn add_totals(report: &mut CopyReport, loaded: &[LoadedTable], data_seconds: f64) {
    for done in loaded {
        let SentRows { digest, counts, .. } = &done.sent;
        report.tables += 1;
        report.rows += digest.rows;
        report.bytes += digest.bytes;
        report.rewritten_values += counts.rewritten;
        report.malformed_values += counts.malformed;
        report.overflow_left += counts.overflow();
        report.left.extend(counts.left.told(&done.relation.table));
    }
    report.mb_per_s = report.bytes as f64 / 1e6 / data_seconds.max(0.001);
    report.left.sort_by(|a, b| (&a.table, &a.column, &a.key).cmp(&(&b.table, &b.column, &b.key)));
    report.digest = digest::of_all(loaded.iter().map(|done| (done.relation.label(), done.sent.digest)));
    let time = |done: &LoadedTable| TableTime {
        table: done.relation.label(),
        rows: done.sent.digest.rows,
        bytes: done.sent.digest.bytes,
        seconds: done.sent.seconds,
    };
    let mut times: Vec<_> = loaded.iter().map(time).collect();
    times.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    times.truncate(SLOWEST);
    report.slowest_tables = times;
}
