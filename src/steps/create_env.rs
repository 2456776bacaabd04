//! `create-env`: makes the copy's environment under a name of the run's own, changes it without a deploy, then renames it.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use schemars::JsonSchema;
use serde::Serialize;

use self::making::{Making, taken};
use crate::contract::code_source::CodeSource;
use crate::contract::ids::{EnvironmentId, ProjectId};
use crate::contract::record::{self, Record, State};
use crate::contract::request::CloneRequest;
use crate::environment::variables::changes::changes;
use crate::environment::{code, deletion_rules, gate, granted, guard, live, plan_hash, recorded, removal, same_key};
use crate::error::{Exit, Failure, chain, counted, failure, listed};
use crate::railway::{Environment, GraphqlErrors, Project, Weight};
use crate::running::account::{CopyAccount, Deed};
use crate::running::context::Context;
use crate::running::run::Names;
use crate::running::step::{Deadline, RunTarget, Step, Undo};

mod completeness;
mod limits;
mod making;

/// How long an environment that Railway knows may stay invisible: its reads lag its writes.
const EXISTS_WITHIN: Duration = Duration::from_secs(10);

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
    /// Settings that Railway itself gave the copy otherwise, or not at all.
    pub not_copied: Vec<String>,
    /// Services that run other code than production's.
    pub sources: BTreeMap<String, CodeSource>,
}

impl Step for CreateEnv {
    const NAME: &'static str = "create-env";
    const ABOUT: &'static str = "Make the copy's environment, deploying nothing but its gate";
    const DEADLINE: Deadline = Deadline::Fixed(Duration::from_mins(11));
    type Input = CloneRequest;
    type Output = Output;

    fn in_short(output: &Output) -> String {
        format!("{}, {}", output.environment_name, counted(output.services, "service", "services"))
    }

    async fn run(ctx: &Context, request: CloneRequest) -> Result<Output> {
        let names = ctx.run.names(&request);
        guard::ensure_unprotected(&ctx.policy, names.field, &names.target)?;
        let railway = &ctx.railway;
        let project = railway.project(&request.project_id, Weight::Repeatable).await?;
        let source = guard::source(&project, &request)?;
        granted::ensure(&ctx.policy, &project, source, &request)?;
        code::ensure_possible(source, &request)?;
        gate::ensure_possible(&ctx.env, source, &request)?;
        let (id, created) = match existing(ctx, &project, &names) {
            Some((environment, record)) => {
                record.iter().try_for_each(|record| guard::ensure_goes_on(environment, record, &request))?;
                let is_ready = record.as_ref().is_some_and(|record| record.state == State::Ready);
                // Until it has its name, what it is to be follows from the source as it is now.
                if environment.name != names.target && !is_ready {
                    ensure_nothing_live(ctx, source, &request)?;
                    plan_hash::ensure_unmoved(ctx, &project, source, &request).await?;
                }
                (environment.id.clone(), false)
            }
            None => {
                if let Some(first) = same_key::first(ctx, &project, &names, &request)? {
                    bail!(first);
                }
                ensure_free(ctx, &project, &names)?;
                ensure_nothing_live(ctx, source, &request)?;
                plan_hash::ensure_unmoved(ctx, &project, source, &request).await?;
                (make(ctx, &request.project_id, &names, &source.id).await?, true)
            }
        };
        let (project, compared) = completeness::complete(ctx, &request, &id, &source.id).await?;
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
                making.ensure_within_limits().await?;
            }
            making.ensure_unmoved().await?;
            making.settle(&record).await?;
            making.ensure_only_one_of_its_key().await?;
            tracing::info!("environment `{}` is there, nothing deployed", names.target);
            for setting in &record.made.not_copied {
                tracing::warn!("Railway did not copy as it is: {setting}");
            }
        }
        if request.enable_basic_auth && record.state != State::Ready {
            gate::bring_up(ctx, &request).await?;
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
            not_copied: record.made.not_copied,
            sources: record.made.sources,
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
        let found = ctx.within("the environment", VISIBLE_WITHIN, Duration::from_secs(1), look).await?;
        let Some(project) = found else { return remove_gate(ctx, target).await };
        let (environment, record) = existing(ctx, &project, &target.names).context("find the environment again")?;
        if record.as_ref().is_some_and(|r| r.state == State::Ready) {
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
        own(&project, environment)?;
        let copy = (&project.id, &environment.id, environment.name.as_str());
        let deed = |deed| CopyAccount::of(deed, copy, record.as_ref());
        if let Some(record) = record.clone() {
            mark(ctx, &project, environment, &Record { state: State::RollingBack, lease: None, ..record }).await;
        }
        let asked_at = record::now();
        let removed = removal::remove(ctx, &target.project_id, &environment.id, own).await;
        match &removed {
            Ok(_) => ctx.account_for(deed(Deed::RolledBack).gone(asked_at)),
            Err(_) => ctx.account_for(deed(Deed::Left)),
        }
        let mut removed: Vec<_> = removed?.into_iter().map(|name| format!("environment `{name}`")).collect();
        removed.extend(remove_gate(ctx, target).await?);
        Ok(removed)
    }
}

/// Takes back the row of the run's gate, which is the project's and so outlives the environment.
async fn remove_gate(ctx: &Context, target: &RunTarget) -> Result<Vec<String>> {
    let removed = gate::remove_row(ctx, &target.project_id, &target.names.run_hash).await?;
    Ok(removed.into_iter().map(|name| format!("service `{name}`")).collect())
}

/// Tells every step that still comes to this copy, and the sweep, that it is being taken back. It is taken back all the same
/// when that cannot be told.
async fn mark(ctx: &Context, project: &Project, environment: &Environment, record: &Record) {
    let marked = ctx.railway.change(&project.id, &environment.id, &recorded::writing(ctx, record)).await;
    if let Err(error) = marked {
        tracing::info!(
            "the record of `{}` does not tell that it is being rolled back: {}",
            environment.name,
            chain(&error)
        );
    }
}

/// This run's environment: by its record, or by the name that only this run uses.
fn existing<'a>(ctx: &Context, project: &'a Project, names: &Names) -> Option<(&'a Environment, Option<Record>)> {
    let recorded = guard::own(ctx, project, names).map(|(environment, record)| (environment, Some(record)));
    let is_free = |e: &&Environment| e.name == names.making && !guard::is_anothers(ctx, project, e, names);
    recorded.or_else(|| project.environments.iter().find(is_free).map(|e| (e, None)))
}

fn source_of<'a>(project: &'a Project, id: &EnvironmentId) -> Result<&'a Environment> {
    project.environment_by_id(id).context("find the source again")
}

fn ensure_free(ctx: &Context, project: &Project, names: &Names) -> Result<()> {
    if project.environment(&names.target).is_some() {
        bail!(taken(names));
    }
    limits::ensure_room(ctx, project)
}

/// Refuses a copy whose variables would act live.
fn ensure_nothing_live(ctx: &Context, source: &Environment, request: &CloneRequest) -> Result<()> {
    let plan = changes(&ctx.policy, &ctx.env, source, source, request)?;
    let live = live::planned(source, request, &plan);
    let told: Vec<_> = live.iter().map(|live| format!("`{}`: {}", live.variable(), live.told())).collect();
    ensure!(told.is_empty(), Failure::invalid(listed(&told)));
    Ok(())
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
    let is_taken = said.is_some_and(|e| e.say("already exists"));
    if (said.is_some() && !is_taken) || failure(&error).is_none_or(|f| f.exit != Exit::Outside) {
        return Err(error.context("create the environment"));
    }
    tracing::warn!("whether the environment was created is unknown ({}); looking for it", chain(&error));
    // Under its own name, or already under the wished one: another process of this run may have made it.
    let look = || async move {
        let project = railway.project(project_id, Weight::Poll).await?;
        Ok(existing(ctx, &project, names).map(|(environment, _)| environment.id.clone()))
    };
    let within = if is_taken { EXISTS_WITHIN } else { APPEARS_WITHIN };
    let found = ctx.within("the environment to appear", within, Duration::from_secs(2), look).await;
    let late = || match is_taken {
        // Railway keeps a name for a while after its environment is gone.
        true => Failure::invalid("what this run had made was taken back").hint("start a new run"),
        false => {
            Failure::deadline(format!("gave up waiting for the environment to appear after {} s", within.as_secs()))
        }
    };
    let doing = || format!("create the environment: {}", chain(&error));
    found.and_then(|found| found.ok_or_else(|| late().into())).with_context(doing)
}
