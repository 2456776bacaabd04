//! `create-env`: makes the copy's environment under a name of the run's own, changes it without a deploy, then renames it.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::ids::{EnvironmentId, ProjectId};
use crate::contract::record::{self, Record, State, VARIABLE};
use crate::contract::request::CloneRequest;
use crate::contract::signature::Reading;
use crate::environment::recorded::reading;
use crate::environment::services::{Role, kind, with_role};
use crate::environment::{deletion_rules, granted, guard, recorded, removal};
use crate::error::{Exit, Failure, chain, failure};
use crate::railway::{Change, Environment, GraphqlErrors, Project, ServiceInstance, Weight};
use crate::running::context::Context;
use crate::running::run::Names;
use crate::running::step::{Deadline, RunTarget, Step, Undo};

mod completeness;
pub(super) mod variables;

/// After a timeout the environment was seen to appear up to two minutes later.
const APPEARS_WITHIN: Duration = Duration::from_secs(150);

/// How long a rollback waits for an environment that it does not see.
const VISIBLE_WITHIN: Duration = Duration::from_secs(3);

/// The step.
pub(super) struct CreateEnv;

/// The environment that was made.
#[derive(Serialize, JsonSchema)]
pub(super) struct Output {
    pub environment_id: EnvironmentId,
    pub environment_name: String,
    pub source_environment_id: EnvironmentId,
    /// False when an earlier try had made it.
    pub created: bool,
    /// When it expires (RFC 3339); of a copy that is being made, when it would if it were ready now.
    pub expires_at: String,
    pub services: usize,
    /// How many variables were found equal to the source's before anything was changed.
    pub variables_compared: usize,
    /// Sealed variables, as `service.NAME`: Railway does not copy them.
    pub sealed_missing: Vec<String>,
}

impl Step for CreateEnv {
    const NAME: &'static str = "create-env";
    const ABOUT: &'static str = "Make the copy's environment, deploying nothing";
    const DEADLINE: Deadline = Deadline::Fixed(Duration::from_mins(11));
    type Input = CloneRequest;
    type Output = Output;

    async fn run(ctx: &Context, request: CloneRequest) -> Result<Output> {
        let names = ctx.run.names(&request);
        guard::ensure_unprotected(&ctx.policy, &names.target)?;
        let railway = &ctx.railway;
        let project = railway.project(&request.project_id, Weight::Repeatable).await?;
        let source = guard::source(&project, &request)?;
        granted::ensure(&ctx.policy, &project, source, &request)?;
        let (id, created) = match existing(ctx, &project, &names) {
            Some((environment, _)) => (environment.id.clone(), false),
            None => {
                ensure_free(ctx, &project, &names)?;
                (make(ctx, &request.project_id, &names, &source.id).await?, true)
            }
        };
        let (project, compared) = completeness::complete(ctx, &request.project_id, &id, &source.id).await?;
        let environment = project.environment_by_id(&id).context("find the environment again")?;
        let source = source_of(&project, &source.id)?;
        guard::ensure_not_production(&ctx.policy, &project, environment, Some(&source.id))?;
        let making = Making { ctx, request: &request, names: &names, project: &project, environment, source };
        let own = guard::own(ctx, &project, &names);
        let is_new = own.is_none();
        let record = match own {
            Some((_, record)) => record,
            None => {
                making.ensure_unclaimed()?;
                making.new_record()
            }
        };
        // A ready copy that somebody has renamed keeps its name.
        let environment_name =
            if record.state == State::Ready { environment.name.clone() } else { names.target.clone() };
        if environment.name != environment_name {
            if is_new {
                making.ensure_within_limit().await?;
            }
            making.settle(&record).await?;
            tracing::info!("environment `{}` is there, nothing deployed", names.target);
        }
        Ok(Output {
            environment_id: id,
            environment_name,
            source_environment_id: source.id.clone(),
            created,
            expires_at: record.expires_at.to_string(),
            services: environment.service_instances.len(),
            variables_compared: compared.equal,
            sealed_missing: compared.sealed,
        })
    }
}

impl Undo for CreateEnv {
    async fn undo(ctx: &Context, target: &RunTarget) -> Result<Vec<String>> {
        // What was made a moment ago may not be readable yet; what appears later still is left to the sweep.
        let look = || async {
            let project = ctx.railway.project(&target.project_id, Weight::Poll).await?;
            Ok(existing(ctx, &project, &target.names).is_some().then_some(project))
        };
        let found = ctx.within("the environment", VISIBLE_WITHIN, VISIBLE_WITHIN, look).await?;
        let Some(project) = found else { return Ok(Vec::new()) };
        let (environment, record) = existing(ctx, &project, &target.names).context("find the environment again")?;
        if record.is_some_and(|r| r.state == State::Ready) {
            tracing::warn!("environment `{}` is ready, and so not rolled back", environment.name);
            return Ok(Vec::new());
        }
        // What is refused here is there, and stays: that is for a person to look at.
        let left = |error: anyhow::Error| {
            Failure::new(Exit::Incomplete, chain(&error))
                .hint("look at it in Railway's dashboard, and delete it there if it is of no more use")
        };
        let own = |project: &Project, environment: &Environment| {
            deletion_rules::ensure_undoable(ctx, project, environment).map_err(|error| left(error).into())
        };
        let removed = removal::remove(ctx, &target.project_id, &environment.id, own).await?;
        Ok(removed.into_iter().map(|name| format!("environment `{name}`")).collect())
    }
}

/// This run's environment: by its record, or by the name that only this run uses.
fn existing<'a>(ctx: &Context, project: &'a Project, names: &Names) -> Option<(&'a Environment, Option<Record>)> {
    let recorded = guard::own(ctx, project, names).map(|(environment, record)| (environment, Some(record)));
    recorded.or_else(|| project.environments.iter().find(|e| e.name == names.making).map(|e| (e, None)))
}

fn source_of<'a>(project: &'a Project, id: &EnvironmentId) -> Result<&'a Environment> {
    project.environment_by_id(id).context("find the source again")
}

fn ensure_free(ctx: &Context, project: &Project, names: &Names) -> Result<()> {
    if project.environment(&names.target).is_some() {
        bail!(taken(&names.target));
    }
    let copies = project.environments.iter().filter(|e| guard::is_copy_of_ours(ctx, project, e)).count();
    let most = ctx.policy.max_copies_per_project;
    ensure!(copies < most as usize, over_the_limit(project, copies, most));
    Ok(())
}

fn over_the_limit(project: &Project, copies: usize, most: u32) -> Failure {
    Failure::invalid(format!("project `{}` has {copies} copies, and the policy allows {most}", project.name))
        .hint("delete one, or raise `max_copies_per_project`")
}

fn taken(name: &str) -> Failure {
    Failure::invalid(format!("`environment_name`: there is an environment `{name}` already, and it is not this run's"))
        .hint("choose another name, or leave it out for an automatic one")
}

/// Creates the environment once; when nobody knows whether that worked, looks for it instead of creating it again.
async fn make(
    ctx: &Context,
    project_id: &ProjectId,
    names: &Names,
    source_id: &EnvironmentId,
) -> Result<EnvironmentId> {
    let railway = &ctx.railway;
    let error = match railway.create_environment(project_id, &names.making, source_id).await {
        Ok(id) => return Ok(id),
        Err(error) => error,
    };
    let said = error.downcast_ref::<GraphqlErrors>();
    if said.is_some_and(|e| !e.say("already exists")) || failure(&error).is_none_or(|f| f.exit != Exit::Outside) {
        return Err(error.context("create the environment"));
    }
    tracing::warn!("whether the environment was created is unknown ({}); looking for it", chain(&error));
    let look = || async move {
        let project = railway.project(project_id, Weight::Poll).await?;
        Ok(project.environment(&names.making).map(|e| e.id.clone()))
    };
    ctx.until("the environment to appear", APPEARS_WITHIN, Duration::from_secs(2), look)
        .await
        .with_context(|| format!("create the environment: {}", chain(&error)))
}

/// A fresh environment with all that is needed to make it this run's copy.
struct Making<'a> {
    ctx: &'a Context,
    request: &'a CloneRequest,
    names: &'a Names,
    project: &'a Project,
    environment: &'a Environment,
    source: &'a Environment,
}

impl Making<'_> {
    /// Refuses an environment of the run's own name with a record that is neither its own nor its source's.
    fn ensure_unclaimed(&self) -> Result<()> {
        let reading = reading(self.ctx, self.project, self.environment);
        let [own, inherited] = [self.environment, self.source].map(|e| e.shared_variable(VARIABLE));
        ensure!(
            reading == Reading::Absent || (own.is_some() && own == inherited),
            Failure::invalid(format!("environment `{}` bears a record that is not this run's", self.environment.name))
        );
        Ok(())
    }

    fn new_record(&self) -> Record {
        let now = record::now();
        Record {
            project_id: self.project.id.clone(),
            environment_id: self.environment.id.clone(),
            environment_created_at: self.environment.created_at,
            run_id: self.ctx.run.id.clone(),
            run_hash: self.names.run_hash.clone(),
            source_id: self.source.id.clone(),
            source_name: self.source.name.clone(),
            target_name: self.names.target.clone(),
            created_at: now,
            expires_at: self.request.ttl.after(now),
            give_up_at: record::give_up_at(now, self.ctx.policy.longest_run),
            state: State::Cloning,
            keep: self.request.keep,
            environment_type: self.request.environment_type,
            domains: Vec::new(),
            databases: Vec::new(),
        }
    }

    /// Of several runs that come to the limit at once, those stay whose environments Railway made first. A reading that shows
    /// this run's shows all that were made before it.
    async fn ensure_within_limit(&self) -> Result<()> {
        let made = |e: &Environment| (e.created_at, e.id.clone());
        let copies = self.project.environments.iter().filter(|e| guard::is_copy_of_ours(self.ctx, self.project, e));
        let before = copies.filter(|e| made(e) < made(self.environment)).count();
        let most = self.ctx.policy.max_copies_per_project;
        if before < most as usize {
            return Ok(());
        }
        self.give_up(over_the_limit(self.project, before, most)).await
    }

    /// Records the run, makes every change that needs no data, and takes the wished name, which is the lock between runs.
    async fn settle(&self, record: &Record) -> Result<()> {
        let ids = |services: Vec<&ServiceInstance>| services.into_iter().map(|s| s.service_id.clone()).collect();
        let proxied = with_role(self.source, self.request, &[Role::Database]);
        let change = Change {
            auto_deploy_off: ids(self.source.service_instances.iter().filter(|s| has_repo(s)).collect()),
            variables: variables::changes(&self.ctx.env, self.environment, self.source, self.request)?,
            tcp_proxies: proxied
                .into_iter()
                .filter_map(|s| Some((s.service_id.clone(), kind(s)?.traits().port)))
                .collect(),
            rename: Some(self.names.target.clone()),
            ..recorded::writing(self.ctx, record)
        };
        let changed = self.ctx.railway.change(&self.project.id, &self.environment.id, &change).await;
        let Err(error) = changed else { return Ok(()) };
        let refused = error.downcast_ref::<GraphqlErrors>().and_then(|e| e.at("rename"));
        if !refused.is_some_and(|message| message.contains("already exists")) {
            return Err(error.context("set the copy's variables"));
        }
        self.give_up(taken(&self.names.target)).await
    }

    /// Takes back what this run has made, and ends for this reason.
    async fn give_up(&self, reason: Failure) -> Result<()> {
        let target = RunTarget { project_id: self.project.id.clone(), names: self.names.clone() };
        CreateEnv::undo(self.ctx, &target).await?;
        Err(reason.into())
    }
}

fn has_repo(service: &ServiceInstance) -> bool {
    service.source.as_ref().is_some_and(|s| s.repo.is_some())
}
