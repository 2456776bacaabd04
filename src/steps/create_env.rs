//! `create-env`: makes the copy's environment under a name of the run's own, changes it without a deploy, then renames it.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use jiff::Timestamp;
use rand::distr::{Alphanumeric, SampleString as _};
use schemars::JsonSchema;
use serde::Serialize;

use crate::context::{Context, env_secret};
use crate::error::{Failure, failure};
use crate::guard::{self, RunTarget};
use crate::railway::{Change, Environment, GraphqlErrors, Project, Railway, VariableChanges, Weight};
use crate::record::{self, GIVE_UP_AFTER, Record, State, VERSION};
use crate::removal;
use crate::request::{CloneRequest, Override};
use crate::run::Names;
use crate::secret::Secret;
use crate::services::{Role, with_role};
use crate::step::{Step, Undo};

/// After a timeout the environment was seen to appear up to two minutes later.
const APPEARS_WITHIN: Duration = Duration::from_secs(150);

/// How long services and variables may take to arrive in the copy.
const COMPLETE_WITHIN: Duration = Duration::from_secs(180);

/// The variable that holds a Postgres service's password.
const PASSWORD: &str = "POSTGRES_PASSWORD";

/// The step.
pub struct CreateEnv;

/// The environment that was made.
#[derive(Serialize, JsonSchema)]
pub struct Output {
    pub environment_id: String,
    pub environment_name: String,
    pub source_environment_id: String,
    /// False when an earlier try had made it.
    pub created: bool,
    /// When it may be swept (RFC 3339).
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
    const DEADLINE: Duration = Duration::from_secs(11 * 60);
    type Input = CloneRequest;
    type Output = Output;

    async fn run(ctx: &Context, request: CloneRequest) -> Result<Output> {
        ctx.policy.check_project(&request.project_id)?;
        let names = ctx.run.names(&request);
        guard::ensure_unprotected(&ctx.policy, &names.target)?;
        let railway = ctx.railway()?;
        let project = railway.project(&request.project_id, Weight::Repeatable).await?;
        let source = source(&project, &request)?;
        let (id, created) = match existing(&project, &names) {
            Some(environment) => (environment.id.clone(), false),
            None => {
                ensure_free(ctx, &project, &names)?;
                (make(ctx, &request.project_id, &names, &source.id).await?, true)
            }
        };
        let (project, compared) = complete(ctx, &request.project_id, &id, &source.id).await?;
        let environment = project.environment(&id).context("find the environment again")?;
        let source = source_of(&project, &source.id)?;
        guard::ensure_not_production(&ctx.policy, &project, environment, &source.id)?;
        let record = environment.record().unwrap_or_else(|| new_record(ctx, &request, &names, environment, source));
        if environment.name != names.target {
            settle(ctx, railway, &project, environment, source, &request, &names, &record).await?;
            tracing::info!("environment `{}` is there, nothing deployed", names.target);
        }
        Ok(Output {
            environment_id: id,
            environment_name: names.target,
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
        let project = ctx.railway()?.project(&target.project_id, Weight::Repeatable).await?;
        let Some(environment) = existing(&project, &target.names) else {
            return Ok(Vec::new());
        };
        if environment.record().is_some_and(|r| r.state == State::Ready) {
            tracing::warn!("environment `{}` is ready, and so not rolled back", environment.name);
            return Ok(Vec::new());
        }
        let own = |project: &Project, environment: &Environment| {
            let source_id = environment.record().map(|r| r.source_id).unwrap_or_default();
            guard::ensure_not_production(&ctx.policy, project, environment, &source_id)
        };
        let removed = removal::remove(ctx, &target.project_id, &environment.id, own).await?;
        Ok(removed.into_iter().map(|name| format!("environment `{name}`")).collect())
    }
}

/// This run's environment: by its record, or by the name that only this run uses.
fn existing<'a>(project: &'a Project, names: &Names) -> Option<&'a Environment> {
    let recorded = guard::position(project, names).map(|n| &project.environments[n]);
    recorded.or_else(|| project.environments.iter().find(|e| e.name == names.making))
}

fn source<'a>(project: &'a Project, request: &CloneRequest) -> Result<&'a Environment> {
    project.environment(&request.source_environment).with_context(|| {
        let message = format!("`source_environment`: project `{}` has no environment `{}`", project.name, request.source_environment);
        Failure::invalid(message)
    })
}

fn source_of<'a>(project: &'a Project, id: &str) -> Result<&'a Environment> {
    project.environment(id).context("find the source again")
}

fn ensure_free(ctx: &Context, project: &Project, names: &Names) -> Result<()> {
    if project.environment(&names.target).is_some() {
        bail!(taken(&names.target));
    }
    let copies = project.environments.iter().filter(|e| e.record().is_some()).count();
    let most = ctx.policy.max_copies_per_project;
    ensure!(
        copies < most as usize,
        Failure::invalid(format!("project `{}` has {copies} copies, and the policy allows {most}", project.name))
            .hint("delete one, or raise `max_copies_per_project`")
    );
    Ok(())
}

fn taken(name: &str) -> Failure {
    Failure::invalid(format!("`environment_name`: there is an environment `{name}` already, and it is not this run's"))
        .hint("choose another name, or leave it out for an automatic one")
}

/// Creates the environment once; when nobody knows whether that worked, looks for it instead of creating it again.
async fn make(ctx: &Context, project_id: &str, names: &Names, source_id: &str) -> Result<String> {
    let railway = ctx.railway()?;
    let error = match railway.create_environment(project_id, &names.making, source_id).await {
        Ok(id) => return Ok(id),
        Err(error) => error,
    };
    let said = error.downcast_ref::<GraphqlErrors>();
    if said.is_some_and(|e| !e.say("already exists")) || failure(&error).is_none_or(|f| f.exit != crate::error::Exit::Outside) {
        return Err(error.context("create the environment"));
    }
    tracing::warn!("whether the environment was created is unknown ({error:#}); looking for it");
    let look = || async move {
        let project = railway.project(project_id, Weight::Poll).await?;
        Ok(project.environment(&names.making).map(|e| e.id.clone()))
    };
    ctx.until("the environment to appear", APPEARS_WITHIN, Duration::from_secs(2), look)
        .await
        .with_context(|| format!("create the environment: {error:#}"))
}

/// What a comparison of the copy's variables with the source's found.
struct Compared {
    equal: usize,
    sealed: Vec<String>,
    missing: Vec<String>,
}

/// Waits until the copy has each service and each variable of the source.
async fn complete(ctx: &Context, project_id: &str, id: &str, source_id: &str) -> Result<(Project, Compared)> {
    let railway = ctx.railway()?;
    let missing = std::sync::Mutex::new(Vec::new());
    let last = &missing;
    let look = || async move {
        let project = railway.project(project_id, Weight::Poll).await?;
        let Some((environment, source)) = project.environment(id).zip(project.environment(source_id)) else {
            return Ok(None);
        };
        let compared = compare(environment, source);
        // Once this run has its record there, it has changed variables itself.
        if compared.missing.is_empty() || environment.record().is_some() {
            return Ok(Some((project, compared)));
        }
        last.lock().unwrap().clone_from(&compared.missing);
        Ok(None)
    };
    let found = ctx.until("the copy to be complete", COMPLETE_WITHIN, Duration::from_millis(500), look).await;
    found.with_context(|| match missing.lock().unwrap().as_slice() {
        [] => "look for the new environment".to_owned(),
        missing => format!("compare the copy with its source: `{}` did not arrive", missing.join("`, `")),
    })
}

fn compare(copy: &Environment, source: &Environment) -> Compared {
    let mut compared = Compared { equal: 0, sealed: Vec::new(), missing: Vec::new() };
    for service in &source.service_instances {
        let name = &service.service_name;
        if copy.service_by_id(&service.service_id).is_none() {
            compared.missing.push(name.clone());
        }
        let copied: BTreeMap<_, _> = copy.variables(&service.service_id).collect();
        for (variable, value) in source.variables(&service.service_id) {
            if value.is_sealed() {
                compared.sealed.push(format!("{name}.{variable}"));
            } else if copied.get(variable).is_some_and(|c| c.value == value.value) {
                compared.equal += 1;
            } else {
                compared.missing.push(format!("{name}.{variable}"));
            }
        }
    }
    compared
}

fn new_record(ctx: &Context, request: &CloneRequest, names: &Names, environment: &Environment, source: &Environment) -> Record {
    let now = record::now();
    Record {
        version: VERSION,
        environment_id: environment.id.clone(),
        run_id: ctx.run.id.clone(),
        run_hash: names.run_hash.clone(),
        source_id: source.id.clone(),
        source_name: source.name.clone(),
        target_name: names.target.clone(),
        created_at: now,
        expires_at: request.ttl.after(now),
        give_up_at: now.checked_add(GIVE_UP_AFTER).unwrap_or(Timestamp::MAX),
        state: State::Cloning,
        keep: request.keep,
        environment_type: request.environment_type,
        domains: Vec::new(),
        databases: Vec::new(),
    }
}

/// Records the run, makes every change that needs no data, and takes the wished name, which is the lock between runs.
#[allow(clippy::too_many_arguments)]
async fn settle(
    ctx: &Context,
    railway: &Railway,
    project: &Project,
    environment: &Environment,
    source: &Environment,
    request: &CloneRequest,
    names: &Names,
    record: &Record,
) -> Result<()> {
    let databases = with_role(source, request, &[Role::Database]);
    let change = Change {
        record: Some(record.clone()),
        auto_deploy_off: source.service_instances.iter().filter(|s| has_repo(s)).map(|s| s.service_id.clone()).collect(),
        variables: variable_changes(environment, source, request)?,
        tcp_proxies: databases.iter().map(|s| s.service_id.clone()).collect(),
        rename: Some(names.target.clone()),
        ..Change::default()
    };
    let Err(error) = railway.change(&project.id, &environment.id, &change).await else {
        return Ok(());
    };
    let lost = error.downcast_ref::<GraphqlErrors>().and_then(|e| e.at("rename")).is_some_and(|m| m.contains("already exists"));
    if !lost {
        return Err(error.context("set the copy's variables"));
    }
    let target = RunTarget { project_id: project.id.clone(), names: names.clone() };
    CreateEnv::undo(ctx, &target).await?;
    Err(taken(&names.target).into())
}

fn has_repo(service: &crate::railway::ServiceInstance) -> bool {
    service.source.as_ref().is_some_and(|s| s.repo.is_some())
}

fn variable_changes(environment: &Environment, source: &Environment, request: &CloneRequest) -> Result<VariableChanges> {
    let mut changes = VariableChanges::new();
    for service in with_role(source, request, &[Role::App]) {
        let kind = request.environment_type.as_wordpress().to_owned();
        changes.entry(service.service_id.clone()).or_default().insert("WP_ENVIRONMENT_TYPE".to_owned(), Some(kind));
    }
    replace_passwords(&mut changes, environment, source);
    for service in &source.service_instances {
        let own = [request.variables.get("*"), request.variables.get(&service.service_name)];
        for (name, wish) in own.into_iter().flatten().flatten() {
            let value = match wish {
                Override::Value(value) => Some(value.clone()),
                Override::Remove => None,
                Override::Secret(secret) => Some(wished_secret(secret)?.expose().to_owned()),
            };
            changes.entry(service.service_id.clone()).or_default().insert(name.clone(), value);
        }
    }
    Ok(changes)
}

/// The value of `RAILSTAGE_SECRET_<name>`.
pub fn wished_secret(name: &str) -> Result<Secret> {
    let variable = format!("RAILSTAGE_SECRET_{name}");
    env_secret(&variable).with_context(|| {
        Failure::invalid(format!("`variables`: there is no secret `{name}`"))
            .hint(format!("the flow's author must set `{variable}` in the task's env"))
    })
}

/// Gives each database a password of its own, so that no copy holds production's; what spells the old one out follows.
/// The volume is empty before the first deploy, so the new one costs nothing.
fn replace_passwords(changes: &mut VariableChanges, environment: &Environment, source: &Environment) {
    for database in source.service_instances.iter().filter(|s| s.is_postgres()) {
        let id = &database.service_id;
        let password = |e: &Environment| e.variables(id).find(|(n, _)| *n == PASSWORD).and_then(|(_, v)| v.value.clone());
        let old = password(source);
        if old.as_ref().is_some_and(|value| value.contains("${{")) || password(environment) != old {
            continue;
        }
        let new = Secret::new(Alphanumeric.sample_string(&mut rand::rng(), 32));
        changes.entry(id.clone()).or_default().insert(PASSWORD.to_owned(), Some(new.expose().to_owned()));
        let Some(old) = old.map(Secret::new) else { continue };
        for service in &environment.service_instances {
            for (name, variable) in environment.variables(&service.service_id) {
                let value = variable.value.as_deref().unwrap_or_default();
                if name != PASSWORD && !old.expose().is_empty() && value.contains(old.expose()) {
                    let value = value.replace(old.expose(), new.expose());
                    changes.entry(service.service_id.clone()).or_default().insert(name.to_owned(), Some(value));
                }
            }
        }
    }
}
