//! `sync-db`: deploys the copy's databases and fills each with its source's data, rewritten and masked on the way.

mod copied;
mod copying_options;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use schemars::JsonSchema;
use serde::Serialize;

pub(super) use self::copied::totals;
use crate::contract::copied::Copied;
use crate::contract::masked::Masked;
use crate::contract::record::DatabaseRecord;
use crate::contract::request::CloneRequest;
use crate::copying::Together;
use crate::copying::options::CopyOptions;
use crate::copying::report::CopyReport;
use crate::engines;
use crate::environment::databases::{self, DatabasePair};
use crate::environment::guard::{Readiness, Target};
use crate::environment::lease::{self, Turn};
use crate::environment::services::{self, Role, with_role};
use crate::environment::variables::inherited_passwords;
use crate::environment::{deployments, hold, hosts, isolated, masking_of_request, proxies, ways};
use crate::error::{Failure, chain, counted};
use crate::external::kestra::Metric;
use crate::railway::{Deploy, Rendered, ServiceInstance, VariableChanges, Weight};
use crate::running::context::Context;
use crate::running::step::{Deadline, Step};

/// How long a database may take from its deploy to its first connection.
const DATABASE_UP: Duration = Duration::from_mins(10);

/// How long new passwords may stay invisible: Railway's reads lag its writes.
const PASSWORDS_WITHIN: Duration = Duration::from_secs(10);

/// The step.
pub(super) struct SyncDb;

/// What was copied.
#[derive(Serialize, JsonSchema)]
pub(super) struct Output {
    pub databases: Vec<Database>,
    /// The same in numbers.
    pub copied: Copied,
    /// Database services that can be reached from the internet still: those that the policy leaves so, and those whose TCP proxy was taken away
    /// and answers all the same.
    pub public: Vec<String>,
}

/// One database's copy.
#[derive(Serialize, JsonSchema)]
pub(super) struct Database {
    pub service: String,
    /// Whether personal data was masked.
    pub masked: Masked,
    #[serde(flatten)]
    pub copy: CopyReport,
}

impl Step for SyncDb {
    const NAME: &'static str = "sync-db";
    const ABOUT: &'static str = "Copy the databases, rewriting URLs and masking people on the way";
    const DEADLINE: Deadline = Deadline::RestOfRun;
    const COPIES_DATA: bool = true;
    type Input = CloneRequest;
    type Output = Output;

    async fn run(ctx: &Context, request: CloneRequest) -> Result<Output> {
        lease::in_turn(ctx, &request, Readiness::HasDomains, |ctx, request, target, turn| {
            Box::pin(fill_databases(ctx, request, target, turn))
        })
        .await
        .map(|output| Output { copied: totals(&output.databases), ..output })
    }

    fn in_short(output: &Output) -> String {
        in_short(&output.databases)
    }

    fn metrics(output: &Output) -> Vec<Metric> {
        metrics(&output.databases)
    }
}

/// What was copied, in a few words.
pub(super) fn in_short(databases: &[Database]) -> String {
    let sum = |of: fn(&CopyReport) -> u64| databases.iter().map(|d| of(&d.copy)).sum::<u64>();
    let count = counted(databases.len(), "database", "databases");
    format!("{count}, {}, {:.1} MB", counted(sum(|c| c.rows), "row", "rows"), sum(|c| c.bytes) as f64 / 1e6)
}

/// What is worth a measurement in what was copied.
pub(super) fn metrics(databases: &[Database]) -> Vec<Metric> {
    let sum = |of: fn(&CopyReport) -> u64| databases.iter().map(|d| of(&d.copy)).sum();
    vec![
        Metric::Counter("copied_bytes", sum(|c| c.bytes)),
        Metric::Counter("copied_rows", sum(|c| c.rows)),
        Metric::Counter("rewritten_values", sum(|c| c.rewritten_values)),
        Metric::Counter("masked_values", sum(|c| c.masking.as_ref().map_or(0, |sheet| sheet.masked_values))),
    ]
}

async fn fill_databases(ctx: &Context, request: &CloneRequest, target: Target, turn: &Turn) -> Result<Output> {
    let wanted = services::databases(target.source(), request);
    // What another process of this run has filled and closed stays closed.
    let is_filled = |s: &&ServiceInstance| target.record.databases.iter().any(|d| d.service == s.service_name);
    if target.is_ready() || !wanted.is_empty() && wanted.iter().all(is_filled) {
        let databases = target.record.databases.iter().map(Database::recorded).collect();
        return Ok(Output { databases, public: Vec::new(), copied: Copied::default() });
    }
    ensure_own_passwords(ctx, &target).await?;
    hold::begin(ctx, &target, request).await?;
    let is_as_it_comes = |s: &ServiceInstance| services::is_of_uncopied_kind(s, request);
    if target.source().service_instances.iter().any(is_as_it_comes) {
        // One that follows another server would have production's data from it.
        isolated::ensure(ctx, &target, request, is_as_it_comes, &VariableChanges::new()).await?;
    }
    let public = ways::proxies_of_copy(&ctx.policy, request, target.source(), &wanted);
    proxies::open(ctx, &target, &public, request.logs).await?;
    let run = with_role(target.source(), request, &[Role::Database, Role::EmptyDatabase]);
    let deploys = run.iter().map(|s| Deploy { service_id: s.service_id.clone(), commit: None }).collect();
    deployments::deploy(ctx, &target, deploys, DATABASE_UP, request.logs).await.context("deploy the databases")?;
    let (mut output, mut listening) =
        (Output { databases: Vec::new(), public: Vec::new(), copied: Copied::default() }, Vec::new());
    let pairs = if wanted.is_empty() {
        tracing::info!("there is no database to copy");
        Vec::new()
    } else {
        databases::pairs(ctx, &target, &wanted, request.connect).await?
    };
    for pair in pairs {
        let copy = copy(ctx, &target, request, &pair, &target.record.run_hash, None)
            .await
            .with_context(|| format!("copy database `{}`", pair.service))?;
        listening.extend(pair.listening);
        output.databases.push(Database::copied(pair.service, copy));
    }
    let record = crate::contract::record::Record {
        databases: output.databases.iter().map(record).collect(),
        ..target.record.clone()
    };
    let mut change = turn.last_word(ctx, record).await?;
    change.closed_proxies = proxies::to_close_all(ctx, target.environment(), public);
    let changed = ctx.railway.change(&target.project.id, &target.environment().id, &change).await;
    changed.context("record what was copied, and close the databases' TCP proxies")?;
    output.public = if ctx.policy.may_be_public {
        listening.into_iter().map(|proxy| proxy.service).collect()
    } else {
        proxies::still_open(ctx, &target, &listening, request.logs).await?.open
    };
    Ok(output)
}

/// Refuses a copy whose database servers, when they start, would have production's passwords, as Railway renders them.
async fn ensure_own_passwords(ctx: &Context, target: &Target) -> Result<()> {
    let (source, copy) = (target.source(), target.environment());
    let servers: Vec<_> = source.service_instances.iter().filter(|s| services::is_data_server(s)).collect();
    let both: Vec<_> = servers.iter().flat_map(|s| [&source.id, &copy.id].map(|id| (id, &s.service_id))).collect();
    let (both, servers) = (&both, &servers);
    let inherited = Mutex::new(Vec::new());
    let last = &inherited;
    let look = || async move {
        let rendered = ctx.railway.rendered(&target.project.id, both, Weight::Poll).await?;
        let of_server = |(server, ends): (&&ServiceInstance, &[Rendered])| {
            let name = &server.service_name;
            inherited_passwords(&ends[0], &ends[1])
                .into_iter()
                .map(|v| format!("`{v}` of service `{name}`"))
                .collect::<Vec<_>>()
        };
        let found: Vec<_> = servers.iter().zip(rendered.chunks(2)).flat_map(of_server).collect();
        let is_none = found.is_empty();
        *last.lock().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(is_none.then_some(()))
    };
    let own = ctx.within("the copy's own passwords", PASSWORDS_WITHIN, Duration::from_secs(1), look).await?;
    let inherited = inherited.into_inner().unwrap_or_else(PoisonError::into_inner);
    ensure!(
        own.is_some(),
        Failure::invalid(format!("nothing is started: {} is production's own", inherited.join(", ")))
            .hint("make it a value, or a reference to one, in the source environment, and start a new run")
    );
    Ok(())
}

impl Database {
    /// What was copied.
    pub(super) fn copied(service: String, copy: CopyReport) -> Self {
        Self { service, masked: copy.masking.as_ref().map_or(Masked::No, |sheet| sheet.masked), copy }
    }

    /// What the record of a copy still tells of it.
    pub(super) fn recorded(record: &DatabaseRecord) -> Self {
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

/// The id of a run's copy of a database: a second one with the same id finds the first.
pub(super) fn copy_id(run_hash: &str, service: &str) -> String {
    format!("{run_hash}/{service}")
}

/// Copies one database, for the run of this hash. In whatever run, people become the same strangers as when the copy was made.
///
/// # Errors
/// Whatever the copying fails with: then the target is as it was.
pub(super) async fn copy(
    ctx: &Context,
    target: &Target,
    request: &CloneRequest,
    pair: &DatabasePair,
    run_hash: &str,
    together: Option<Together>,
) -> Result<CopyReport> {
    let rewrite = if request.wordpress_url_replace {
        hosts::map(target, request, &engines::site_addresses(&pair.source).await?)?
    } else {
        Vec::new()
    };
    let asked = request.databases.iter().find(|d| d.service == pair.service);
    let masking = masking_of_request::of_request(&ctx.env, request, &pair.service, &target.record.run_hash)?;
    let options = CopyOptions {
        copy_id: copy_id(run_hash, &pair.service),
        rewrite,
        rewrite_schema: request.rewrite_schema,
        rewrite_guid: !request.keep_guid,
        fail_on_left: request.fail_on_left,
        masking,
        defuse: true,
        keep_queues: asked.map(|d| d.keep_queues.clone()).unwrap_or_default(),
        exclude_table_data: asked.map(|d| d.exclude_table_data.clone()).unwrap_or_default(),
        together,
        // One that is ready is refreshed, and keeps what it has until the new data is there.
        target_is_new: !target.is_ready(),
        env: ctx.env.clone(),
        ..copying_options::of_request(&ctx.policy, &request.copying)
    };
    ctx.progress.begin_copy(&pair.service);
    let copied = engines::Pair::of(&pair.source, &pair.target)?.copy(&options, &ctx.progress, &ctx.stop).await;
    ctx.progress.end_copy(&pair.service, copied.as_ref().err().map(chain));
    let copied = copied?;
    ctx.keep_copy(&pair.service, &copied);
    Ok(copied.cut())
}

/// What the record tells of it.
pub(super) fn record(database: &Database) -> DatabaseRecord {
    DatabaseRecord {
        service: database.service.clone(),
        snapshot_at: database.copy.snapshot_at.clone(),
        bytes: database.copy.bytes,
        rows: database.copy.rows,
        masked: database.masked,
        digest: database.copy.digest.clone(),
        seconds: Some(database.copy.seconds),
        made_with: database.copy.made_with.clone(),
        people_digest: database.copy.masking.as_ref().and_then(|sheet| sheet.proof.as_ref()?.people_digest.clone()),
    }
}
