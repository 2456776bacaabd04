//! The new database, and in it what stands before the data.

use anyhow::{Context as _, Result};

use super::attempt::Attempt;
use super::dump::entries::{self, DumpEntry};
use super::dump::pg_dump::{self, DumpSection};
use super::dump::restore;
use super::dump::schema_text::SchemaTexts;
use super::dump::spelling;
use super::filling::Manner;
use super::post_data::computed_columns::{self, ComputedColumns};
use super::post_data::views::{self, View};
use super::post_data::waiting::ChecksAside;
use super::preflight::compression::Compression;
use super::preflight::database_properties::DatabaseProperties;
use super::preflight::evaluation::Evaluation;
use super::preflight::{carried_settings, extension_members, extensions, skipped};
use super::session::connect::Session;
use super::session::settings::Purpose;
use super::session::source_session::SourceSession;
use super::snapshot::Snapshot;
use crate::copying::options::Verify;
use crate::copying::phase_timer::PhaseTimer;
use crate::copying::report::CopyReport;

/// A database of fewer tables is read by two `pg_dump` at a time.
const AT_ONCE_TABLES: usize = 500;

/// The schema once all that stands before the data is made.
pub(super) struct Schema {
    pub(super) properties: DatabaseProperties,
    pub(super) manner: Manner,
    /// What is to be made after the data.
    pub(super) post_data: Vec<DumpEntry>,
    pub(super) views: Vec<View>,
    pub(super) checks: ChecksAside,
    pub(super) compression: Compression,
    pub(super) computed: Vec<ComputedColumns>,
}

impl Attempt<'_> {
    /// Makes the new database, and in it what stands before the data.
    pub(super) async fn make_schema(
        &self,
        snapshot: &Snapshot,
        source: &SourceSession,
        evaluation: &Evaluation,
        report: &mut CopyReport,
        phases: &mut PhaseTimer<'_>,
    ) -> Result<Schema> {
        let mut properties = DatabaseProperties::read(source).await?;
        report.skipped = skipped::not_carried(source, &properties, &snapshot.tables).await?;
        let views = views::filled(source).await?;
        let computed = match self.options.verify {
            Verify::Digest => computed_columns::on_source(source, &snapshot.tables).await?,
            Verify::Count | Verify::Off => Vec::new(),
        };
        let options = self.options;
        let server = &self.target_server.session;
        let spelling = properties.site.spelling(&properties.encoding, server).await?;
        let read = |section| {
            pg_dump::read(
                self.source,
                source.reads_no_views(),
                &options.pg_dump,
                &options.env,
                &snapshot.id,
                section,
                &spelling,
            )
        };
        phases.enter("pg_dump");
        let (before, after) = (read(DumpSection::PreData), read(DumpSection::PostData));
        let (mut pre_data, mut post_data) = match snapshot.tables.lockable.len() {
            // Each of the two locks all tables, and reads all of the catalog.
            AT_ONCE_TABLES.. => (before.await?, after.await?),
            _ => tokio::try_join!(before, after)?,
        };
        phases.enter("schema");
        let create = properties.create_statement(self.name, self.target_server.owner(), server.major());
        server.run(&create).await.context("make the new database on the target")?;
        self.target_server.mark(self.name).await?;
        let target = Session::open(&self.new_database(), Purpose::Fill).await?;
        for entries in [&mut pre_data, &mut post_data] {
            report.skipped.extend(skipped::take_out_unsupported(entries, source, &target).await?);
        }
        let texts = SchemaTexts::of(self.source, options);
        report.schema_texts = texts.settle(pre_data.iter_mut().chain(&mut post_data));
        if !properties.has_public_schema {
            target.run("DROP SCHEMA IF EXISTS public").await.context("drop the schema `public`")?;
        }
        let others = pre_data.iter().rposition(|entry| entry.kind == "EXTENSION").map_or(0, |last| last + 1);
        let (extensions, others) = pre_data.split_at(others);
        let target = self.restore_extensions(target, extensions).await?;
        report.skipped.extend(skipped::other_versions(source, &target).await?);
        // Tables may compute by what was changed about a function.
        let changed = extension_members::carry(source, &target, &snapshot.tables, &mut post_data).await?;
        report.skipped.extend(changed);
        spelling.apply(&target).await?;
        // What calls a function in SQL is made with that function's text in it, whose bare names the site's path finds.
        target.set_search_path(&properties.site.path()).await?;
        restore::restore(&target, others).await?;
        target.set_search_path("").await?;
        let checks = ChecksAside::take(&target, &evaluation.checks).await?;
        let mut compression = Compression::read(source, &properties.site.deciding(), &snapshot.tables).await?;
        compression.follow(&target).await?;
        target.close().await;
        properties.site.ask(source, entries::settings_asked_for(pre_data.iter().chain(&post_data))).await?;
        let (computing, refused) = carried_settings::settle(&properties.site, &self.new_database()).await?;
        report.skipped.extend(refused);
        let (encoding, has_money) = (properties.encoding.clone(), spelling::has_money(source).await?);
        let manner = Manner { encoding, spelling, has_money, computing, is_fast: compression.is_fast };
        Ok(Schema { properties, manner, post_data, views, checks, compression, computed })
    }

    /// Makes the extensions, and what stands before them. One that is bound to a database's name sees the new database under
    /// one that it takes.
    async fn restore_extensions(&self, target: Session, entries: &[DumpEntry]) -> Result<Session> {
        let Some(at) = entries.iter().position(extensions::is_bound) else {
            restore::restore(&target, entries).await?;
            return Ok(target);
        };
        restore::restore(&target, &entries[..at]).await?;
        target.close().await;
        let make = async {
            let alias = self.target.with_database(extensions::BOUND_ALIAS);
            let target = Session::open(&alias, Purpose::Fill).await?;
            restore::restore(&target, &entries[at..=at]).await?;
            target.close().await;
            Ok(())
        };
        self.target_server.under_another_name(self.name, extensions::BOUND_ALIAS, make).await?;
        let target = Session::open(&self.new_database(), Purpose::Fill).await?;
        restore::restore(&target, &entries[at + 1..]).await?;
        Ok(target)
    }
}
