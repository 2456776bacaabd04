//! `sync-db`: deploys the copy's databases and fills each with its source's data, rewritten and masked on the way.

use std::time::Duration;

use anyhow::{Context as _, Result};
use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::record::DatabaseRecord;
use crate::contract::request::CloneRequest;
use crate::copying::options::CopyOptions;
use crate::copying::report::CopyReport;
use crate::engines;
use crate::environment::databases::{self, DatabasePair};
use crate::environment::guard::{Readiness, Target};
use crate::environment::lease::{self, Turn};
use crate::environment::services::{self, Role, with_role};
use crate::environment::{deployments, hosts, masking_of_request};
use crate::external::kestra::Metric;
use crate::railway::Deploy;
use crate::running::context::Context;
use crate::running::step::{Deadline, Step};

/// How long a database may take from its deploy to its first connection.
const DATABASE_UP: Duration = Duration::from_mins(10);

/// The step.
pub(super) struct SyncDb;

/// What was copied.
#[derive(Serialize, JsonSchema)]
pub(super) struct Output {
    pub databases: Vec<Database>,
}

/// One database's copy.
#[derive(Serialize, JsonSchema)]
pub(super) struct Database {
    pub service: String,
    /// Whether personal data was masked.
    pub masked: bool,
    #[serde(flatten)]
    pub copy: CopyReport,
}

impl Step for SyncDb {
    const NAME: &'static str = "sync-db";
    const ABOUT: &'static str = "Copy the databases, rewriting URLs and masking people on the way";
    const DEADLINE: Deadline = Deadline::RestOfRun;
    type Input = CloneRequest;
    type Output = Output;

    async fn run(ctx: &Context, request: CloneRequest) -> Result<Output> {
        lease::in_turn(ctx, &request, Readiness::HasDomains, |ctx, request, target, turn| {
            Box::pin(fill_databases(ctx, request, target, turn))
        })
        .await
    }

    fn metrics(output: &Output) -> Vec<Metric> {
        let sum = |of: fn(&CopyReport) -> u64| output.databases.iter().map(|d| of(&d.copy)).sum();
        vec![
            Metric::Counter("copied_bytes", sum(|c| c.bytes)),
            Metric::Counter("copied_rows", sum(|c| c.rows)),
            Metric::Counter("rewritten_values", sum(|c| c.rewritten_values)),
            Metric::Counter("masked_values", sum(|c| c.masking.as_ref().map_or(0, |sheet| sheet.masked_values))),
        ]
    }
}

async fn fill_databases(ctx: &Context, request: &CloneRequest, target: Target, turn: &Turn) -> Result<Output> {
    if target.is_ready() {
        return Ok(Output { databases: target.record.databases.iter().map(Database::recorded).collect() });
    }
    let run = with_role(target.source(), request, &[Role::Database, Role::EmptyDatabase]);
    let deploys = run.iter().map(|s| Deploy { service_id: s.service_id.clone(), commit: None }).collect();
    deployments::deploy(ctx, &target, deploys, DATABASE_UP, request.logs).await.context("deploy the databases")?;
    let wanted = services::databases(target.source(), request);
    if wanted.is_empty() {
        tracing::info!("there is no Postgres service, so no data to copy");
        return Ok(Output { databases: Vec::new() });
    }
    let mut output = Output { databases: Vec::new() };
    for pair in databases::pairs(ctx, &target, &wanted).await? {
        let copy =
            copy(ctx, &target, request, &pair).await.with_context(|| format!("copy database `{}`", pair.service))?;
        output.databases.push(Database { service: pair.service, masked: copy.masking.is_some(), copy });
    }
    let record = crate::contract::record::Record {
        databases: output.databases.iter().map(record).collect(),
        ..target.record.clone()
    };
    let change = turn.last_word(ctx, record).await?;
    ctx.railway
        .change(&target.project.id, &target.environment().id, &change)
        .await
        .context("record what was copied")?;
    Ok(output)
}

impl Database {
    /// What the record of a copy still tells of it.
    fn recorded(record: &DatabaseRecord) -> Self {
        let copy = CopyReport {
            snapshot_at: record.snapshot_at.clone(),
            bytes: record.bytes,
            rows: record.rows,
            digest: record.digest.clone(),
            reused: true,
            ..CopyReport::default()
        };
        Self { service: record.service.clone(), masked: record.masked, copy }
    }
}

async fn copy(ctx: &Context, target: &Target, request: &CloneRequest, pair: &DatabasePair) -> Result<CopyReport> {
    let rewrite = if request.wordpress_url_replace {
        hosts::map(target, request, &engines::site_urls(&pair.source).await?)?
    } else {
        Vec::new()
    };
    let asked = request.databases.iter().find(|d| d.service == pair.service);
    let masking = masking_of_request::of_request(&ctx.env, request, &pair.service, &target.record.run_hash)?;
    // A masked copy is another one: a run that asks for it must not find one with people in it.
    let manner = if masking.is_some() { "masked" } else { "plain" };
    let options = CopyOptions {
        copy_id: format!("{}/{}/{manner}", target.record.run_hash, pair.service),
        rewrite,
        masking,
        exclude_table_data: asked.map(|d| d.exclude_table_data.clone()).unwrap_or_default(),
        jobs: ctx.policy.production_connections as usize,
        env: ctx.env.clone(),
        ..CopyOptions::default()
    };
    engines::Pair::of(&pair.source, &pair.target).copy(&options, &ctx.progress, &ctx.stop).await
}

fn record(database: &Database) -> DatabaseRecord {
    DatabaseRecord {
        service: database.service.clone(),
        snapshot_at: database.copy.snapshot_at.clone(),
        bytes: database.copy.bytes,
        rows: database.copy.rows,
        masked: database.masked,
        digest: database.copy.digest.clone(),
    }
}
