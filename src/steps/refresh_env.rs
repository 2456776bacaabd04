//! `refresh-env`: brings new data into a copy that is there; its apps run on, and all else of it stays.

mod copying;
mod files;
pub(super) mod taking_back;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use schemars::JsonSchema;
use serde::Serialize;

use self::copying::copy_together;
use self::files::Volumes;
use self::taking_back::take_back;
use super::sync_db::{self, Database};
use super::sync_files::Files;
use super::sync_files::volumes::Production;
use crate::contract::copied::Copied;
use crate::contract::ids::EnvironmentId;
use crate::contract::record::{self, DatabaseRecord, FilesRecord, Record, Refreshed};
use crate::contract::refresh_request::RefreshRequest;
use crate::contract::request::CloneRequest;
use crate::copying::report::CopyReport;
use crate::environment::guard::Target;
use crate::environment::lease::Turn;
use crate::environment::proxies::{self, Listening};
use crate::environment::{custom_domain, databases, refreshing, ways};
use crate::error::{Failure, chain, counted};
use crate::external::kestra::Metric;
use crate::railway::ServiceInstance;
use crate::running::account::{CopyAccount, Deed};
use crate::running::context::Context;
use crate::running::step::{Deadline, Group, Step};

/// What of its time a refresh keeps for taking back what it has begun.
const TAKING_BACK: Duration = Duration::from_mins(3);

/// The step.
pub(super) struct RefreshEnv;

/// A copy with new data.
#[derive(Serialize, JsonSchema)]
pub(super) struct Output {
    pub environment_id: EnvironmentId,
    pub environment_name: String,
    /// Where people visit the copy, as before.
    pub url: String,
    /// The databases that got new data.
    pub databases: Vec<Database>,
    /// The same in numbers.
    pub copied: Copied,
    /// The apps that got new files, where the request says so.
    pub files: Vec<Files>,
    /// What was otherwise when the copy got the data that it had before, as `service: what` (`rules`, `masking key`, `URLs`): rules that a clone had are to
    /// be given again.
    pub otherwise: Vec<String>,
    /// How often a database server was restarted, which Railway needs to open its TCP proxy, and at times to close it: apps cannot reach it meanwhile.
    pub restarts: usize,
    /// Database services that can be reached from the internet still: those that the policy leaves so, and those whose TCP proxy was taken away
    /// and answers all the same.
    pub public: Vec<String>,
}

impl Step for RefreshEnv {
    const NAME: &'static str = "refresh-env";
    const ABOUT: &'static str = "Bring new data into a copy that is there, under its running apps";
    const GROUP: Group = Group::Change;
    const DEADLINE: Deadline = Deadline::RestOfRun;
    const COPIES_DATA: bool = true;
    const ENDS_RUN: bool = true;
    type Input = RefreshRequest;
    type Output = Output;

    async fn run(ctx: &Context, request: RefreshRequest) -> Result<Output> {
        refreshing::in_turn(ctx, &request, |ctx, request, target, turn| Box::pin(refresh(ctx, request, target, turn)))
            .await
            .map(|output| Output { copied: sync_db::totals(&output.databases), ..output })
    }

    fn in_short(output: &Output) -> String {
        sync_db::in_short(&output.databases)
    }

    fn shown(output: &Output) -> String {
        let restarts = match output.restarts {
            0 => String::new(),
            count => format!("; {}", counted(count, "restart of a database", "restarts of databases")),
        };
        let otherwise: String =
            output.otherwise.iter().map(|what| format!("\nit was otherwise before: {what}")).collect();
        let Output { environment_name, url, .. } = output;
        format!("{environment_name} has new data at {url}: {}{restarts}{otherwise}", Self::in_short(output))
    }

    fn metrics(output: &Output) -> Vec<Metric> {
        sync_db::metrics(&output.databases)
    }
}

async fn refresh(ctx: &Context, request: &CloneRequest, target: Target, turn: &Turn) -> Result<Output> {
    let mut output = Output {
        environment_id: target.environment().id.clone(),
        environment_name: target.environment().name.clone(),
        url: custom_domain::url(target.environment(), &target.record).unwrap_or_default(),
        databases: Vec::new(),
        copied: Copied::default(),
        files: Vec::new(),
        otherwise: Vec::new(),
        restarts: 0,
        public: Vec::new(),
    };
    if refreshing::is_done(ctx, &target.record) {
        tracing::info!("this run has refreshed `{}` before", output.environment_name);
        output.databases = target.record.databases.iter().map(Database::recorded).collect();
        let files = target.record.files.iter().filter(|_| !request.files.is_empty());
        output.files = files.map(Files::recorded).collect();
        account_for(ctx, &target, Deed::Refreshed, &target.record);
        return Ok(output);
    }
    let within = RefreshEnv::DEADLINE.under(&ctx.policy).saturating_sub(TAKING_BACK);
    let late = || Failure::deadline(format!("not done within {} s", within.as_secs())).into();
    let filling = fill(ctx, request, &target, turn, &mut output);
    let filled = tokio::time::timeout(within, filling).await.unwrap_or_else(|_| Err(late()));
    let listening = match filled {
        Ok(listening) => listening,
        Err(error) => {
            turn.ensure_ours(ctx).await?;
            let change = async |record| turn.last_word(ctx, record).await;
            match take_back(ctx, request, &target, change).await {
                Ok(taken_back) if taken_back.is_complete => {
                    tracing::warn!("the new data is in its place all the same: {}", chain(&error));
                    output.restarts += taken_back.restarts;
                    return Ok(output);
                }
                Ok(_) => return Err(error),
                Err(left) => {
                    return Err(error.context(format!("leave what was begun to the rollback ({})", chain(&left))));
                }
            }
        }
    };
    // From here on the copy has its new data, and is ready.
    if ctx.policy.may_be_public {
        output.public = listening.into_iter().map(|proxy| proxy.service).collect();
    } else {
        let closed = proxies::still_open(ctx, &target, &listening, request.logs).await?;
        output.restarts += closed.restarts;
        output.public = closed.open;
    }
    tracing::info!("`{}` has new data", output.environment_name);
    Ok(output)
}

/// Fills databases beside those of the copy, puts them in their places, and records it.
async fn fill(
    ctx: &Context,
    request: &CloneRequest,
    target: &Target,
    turn: &Turn,
    output: &mut Output,
) -> Result<Vec<Listening>> {
    let wanted = refreshing::wanted(target, request);
    ensure_all_there(target, request, &wanted)?;
    let production = if request.files.is_empty() { Production::default() } else { Production::of(ctx, target).await? };
    let volumes = Volumes::of(ctx, request, target, &production).await?;
    let public = ways::proxies_of_copy(&ctx.policy, request, target.source(), &wanted);
    output.restarts += proxies::open(ctx, target, &public, request.logs).await?;
    let pairs = match &wanted[..] {
        [] => Vec::new(),
        wanted => databases::pairs(ctx, target, wanted, request.connect).await?,
    };
    let opened: Vec<_> = pairs.iter().filter_map(|pair| pair.listening.as_ref()).collect();
    output.restarts += proxies::let_act(ctx, target, &opened, request.logs).await?;
    // Of two runs that began within the lag of Railway's reads one has given way by now.
    turn.ensure_ours(ctx).await?;
    (output.databases, output.files) = copy_together(ctx, request, target, &pairs, &volumes).await?;
    output.otherwise = otherwise(&target.record, &output.databases);
    let records: Vec<_> = output.databases.iter().map(sync_db::record).collect();
    let record = with_files(refreshed(ctx, &target.record, &records), &output.files);
    let mut change = turn.last_word(ctx, record.clone()).await?;
    change.closed_proxies = proxies::to_close_all(ctx, target.environment(), public);
    let changed = ctx.railway.change(&target.project.id, &target.environment().id, &change).await;
    changed.context("record what was copied, and close the databases' TCP proxies")?;
    account_for(ctx, target, Deed::Refreshed, &record);
    volumes.remove_old().await;
    Ok(pairs.into_iter().filter_map(|pair| pair.listening).collect())
}

/// Refuses to begin when a database that the copy has is none of its source's any more.
fn ensure_all_there(target: &Target, request: &CloneRequest, wanted: &[&ServiceInstance]) -> Result<()> {
    let is_gone = |name: &&String| !wanted.iter().any(|service| service.service_name == **name);
    let gone: Vec<_> = request.databases.iter().map(|d| &d.service).filter(is_gone).collect();
    ensure!(
        gone.is_empty(),
        Failure::invalid(format!(
            "`databases.service`: `{}` is no database service of `{}` any more",
            gone.iter().map(|name| name.as_str()).collect::<Vec<_>>().join("`, `"),
            target.source().name
        ))
        .hint("name those to refresh in `databases`, or make a new copy")
    );
    Ok(())
}

/// What databases were made with before, where that was something else.
fn otherwise(record: &Record, new: &[Database]) -> Vec<String> {
    let mut told = Vec::new();
    for Database { service, copy, .. } in new {
        let before = record.databases.iter().find(|before| before.service == *service);
        let (Some(before), Some(now)) = (before.and_then(|before| before.made_with.as_ref()), &copy.made_with) else {
            continue;
        };
        for what in now.unlike(before) {
            tracing::warn!("what decides what becomes of the data of `{service}` is otherwise than before: {what}");
            told.push(format!("{service}: {what}"));
        }
    }
    told
}

/// The record of a copy whose refresh has come to its end.
fn refreshed(ctx: &Context, record: &Record, databases: &[DatabaseRecord]) -> Record {
    let refreshed = Refreshed { run: ctx.run.id.clone(), at: record::now() };
    Record { refreshing: None, refreshed: Some(refreshed), ..with_databases(record, databases) }
}

/// The record with new accounts of some databases.
fn with_databases(record: &Record, new: &[DatabaseRecord]) -> Record {
    let mut record = record.clone();
    for database in &mut record.databases {
        if let Some(new) = new.iter().find(|new| new.service == database.service) {
            database.clone_from(new);
        }
    }
    record
}

/// The record with new accounts of files.
fn with_files(mut record: Record, new: &[Files]) -> Record {
    for Files { record: new, .. } in new {
        let is_it = |old: &&mut FilesRecord| old.service == new.service && old.mount_path == new.mount_path;
        if let Some(old) = record.files.iter_mut().find(is_it) {
            old.clone_from(new);
        }
    }
    record
}

/// What the record tells of a database that was copied.
fn recorded(service: &str, copied: CopyReport) -> DatabaseRecord {
    sync_db::record(&Database::copied(service.to_owned(), copied))
}

/// Puts what became of the copy into the run's account.
fn account_for(ctx: &Context, target: &Target, deed: Deed, record: &Record) {
    let copy = (&target.project.id, &target.environment().id, target.environment().name.as_str());
    ctx.account_for(CopyAccount::of(deed, copy, Some(record)));
}
