//! `sweep-envs`: deletes what has expired or was left over, and says why it spares the rest.

use std::fmt;
use std::time::Duration;

use anyhow::{Result, bail};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::ids::{EnvironmentId, ProjectId};
use crate::contract::record::State;
use crate::contract::request::SweepRequest;
use crate::contract::signature::Reading;
use crate::environment::recorded::reading;
use crate::environment::removal::Asked;
use crate::environment::{clock, deletion_rules, guard, proxies, removal};
use crate::error::{Exit, Failure, chain, counted, listed};
use crate::railway::{Environment, Project, Weight};
use crate::running::context::Context;
use crate::running::outcome::Partly;
use crate::running::shown::table;
use crate::running::step::{Deadline, Deletes, Group, Step};

/// The step.
pub(super) struct SweepEnvs;

/// What the sweep did, or in a dry run would have done.
#[derive(Default, Serialize, JsonSchema)]
pub(super) struct Output {
    pub dry_run: bool,
    /// Deleted and verified gone; in a dry run, what would be.
    pub deleted: Vec<Swept>,
    pub spared: Vec<Spared>,
    /// Copies that stay and had TCP proxies open, which a step that was killed had left so: closed now.
    pub closed: Vec<String>,
    /// Railway was asked to delete them, and they were not seen to be gone.
    pub left: Vec<Swept>,
    /// Projects that may be copied and that the policy has left out of the sweep: nothing deletes their copies.
    pub unswept: Vec<ProjectId>,
}

/// A copy whose time is up.
#[derive(Serialize, JsonSchema)]
pub(super) struct Swept {
    pub project_id: ProjectId,
    pub environment_id: EnvironmentId,
    pub name: String,
}

/// Why a copy stays that was over a moment ago: it was extended meanwhile, or Railway has shown an older state.
#[derive(Debug)]
struct Stays(String);

impl fmt::Display for Stays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it {}", self.0)
    }
}

impl std::error::Error for Stays {}

/// A copy that stays.
#[derive(Serialize, JsonSchema)]
pub(super) struct Spared {
    pub project_id: ProjectId,
    pub name: String,
    /// What keeps it.
    pub reason: String,
}

impl Step for SweepEnvs {
    const NAME: &'static str = "sweep-envs";
    const ABOUT: &'static str = "Delete copies whose time is up; a dry run unless told otherwise";
    const GROUP: Group = Group::Lifecycle;
    const DEADLINE: Deadline = Deadline::Fixed(Duration::from_mins(29));
    const DELETES: Deletes = Deletes::WhatIsOver;
    type Input = SweepRequest;
    type Output = Output;

    fn shown(output: &Output) -> String {
        let (deleted, left) = (if output.dry_run { "would be deleted" } else { "deleted" }, "NOT gone, asked to be");
        let swept = |what: &str, of: &[Swept]| of.iter().map(|one| [one.name.clone(), what.to_owned()]).collect();
        let mut rows: Vec<[String; 2]> = swept(deleted, &output.deleted);
        rows.extend::<Vec<_>>(swept(left, &output.left));
        rows.extend(output.spared.iter().map(|one| [one.name.clone(), format!("stays: it {}", one.reason)]));
        if rows.is_empty() { "there is no copy".to_owned() } else { table(["COPY", "WHAT BECOMES OF IT"], &rows) }
    }

    async fn run(ctx: &Context, request: SweepRequest) -> Result<Output> {
        if !ctx.record_keys.can_sign() {
            tracing::warn!(
                "RAILSTAGE_RECORD_KEY is not set, so no record is proved and no copy that has one is deleted"
            );
        }
        let projects = match &request.project_id {
            Some(id) => vec![id.clone()],
            None => ctx.policy.allowed_projects.clone(),
        };
        let (unswept, projects): (Vec<_>, Vec<_>) =
            projects.into_iter().partition(|id| ctx.policy.unswept_projects.contains(id));
        for id in &unswept {
            tracing::warn!("project `{id}` is not swept: it is one of the policy's `unswept_projects`");
        }
        // By a clock that is wrong it only tells.
        let wrong_clock = clock::ensure_right(ctx).await.err();
        if let Some(error) = &wrong_clock {
            tracing::warn!("nothing is deleted: {}", chain(error));
        }
        let dry_run = request.dry_run || wrong_clock.is_some();
        let (mut output, mut failures) = (Output { dry_run, unswept, ..Output::default() }, Vec::new());
        let mut asked = Vec::new();
        for project_id in &projects {
            // One project that cannot be read must not keep the others from being swept.
            if let Err(error) = ask(ctx, project_id, &mut output, &mut asked, &mut failures).await {
                failures.push(error);
            }
        }
        // All were asked for before one is waited for: one that hangs holds up no other.
        for of_project in asked {
            for (one, gone) in removal::watch(ctx, of_project).await {
                match gone {
                    Ok(()) => output.deleted.push(Swept::of(one)),
                    Err(error) => {
                        output.left.push(Swept::of(one));
                        failures.push(error);
                    }
                }
            }
        }
        if let Some(error) = wrong_clock.filter(|_| !request.dry_run) {
            failures.push(error.context(output.undone()));
        }
        if failures.is_empty() { Ok(output) } else { bail!(Partly::done(output, failed(&failures))) }
    }
}

impl Output {
    /// What was not done, for whoever reads the error alone.
    fn undone(&self) -> String {
        let names: Vec<_> = self.deleted.iter().map(|swept| format!("`{}`", swept.name)).collect();
        let what = if names.is_empty() { "no copy".to_owned() } else { names.join(", ") };
        format!("nothing was deleted; by our clock {what} would have been")
    }
}

/// All failures in one: something is left only where that was seen.
fn failed(failures: &[anyhow::Error]) -> anyhow::Error {
    let told: Vec<_> = failures.iter().map(chain).collect();
    let is_left = failures.iter().any(|error| Exit::of(error) == Exit::Incomplete);
    let exit = if is_left { Exit::Incomplete } else { Exit::of(&failures[0]) };
    Failure::new(exit, listed(&told)).into()
}

/// Looks at a project's copies, and asks Railway to delete those whose time is up.
async fn ask(
    ctx: &Context,
    project_id: &ProjectId,
    output: &mut Output,
    asked: &mut Vec<Vec<Asked>>,
    failures: &mut Vec<anyhow::Error>,
) -> Result<()> {
    let project = ctx.railway.project(project_id, Weight::Repeatable).await?;
    let mut of_project = Vec::new();
    for environment in project.environments.iter().filter(|e| guard::is_copy_of_ours(ctx, &project, e)) {
        let spare = |reason| Spared { project_id: project_id.clone(), name: environment.name.clone(), reason };
        if let Some(reason) = reason(ctx, &project, environment) {
            tracing::info!("`{}` stays: it {reason}", environment.name);
            if let Err(error) = close_left(ctx, &project, environment, output).await {
                failures.push(error.context(format!("close environment `{}`", environment.name)));
            }
            output.spared.push(spare(reason));
        } else if output.dry_run {
            tracing::info!("`{}` would be deleted", environment.name);
            let (environment_id, name) = (environment.id.clone(), environment.name.clone());
            output.deleted.push(Swept { project_id: project_id.clone(), environment_id, name });
        } else {
            match removal::ask(ctx, project_id, &environment.id, |p, e| still_over(ctx, p, e)).await {
                Ok(one) => of_project.extend(one),
                Err(error) => match error.downcast::<Stays>() {
                    Ok(Stays(reason)) => output.spared.push(spare(reason)),
                    Err(error) => failures.push(error.context(format!("delete environment `{}`", environment.name))),
                },
            }
        }
    }
    asked.push(of_project);
    Ok(())
}

impl Swept {
    fn of(asked: Asked) -> Self {
        let Asked { project_id, environment_id, name, .. } = asked;
        Self { project_id, environment_id, name }
    }
}

/// Closes what a step that was killed has left open in a copy of ours that is no longer made.
async fn close_left(ctx: &Context, project: &Project, environment: &Environment, output: &mut Output) -> Result<()> {
    let reading = reading(ctx, project, environment);
    let is_promoted = deletion_rules::promoted_host(environment, &reading).is_some();
    let Reading::Signed(record) = reading else { return Ok(()) };
    if is_promoted || record.state == State::Cloning || output.dry_run || proxies::to_close(ctx, environment).is_empty()
    {
        return Ok(());
    }
    guard::ensure_not_production(&ctx.policy, project, environment, Some(&record.source_id))?;
    let count = proxies::close_left(ctx, project, environment).await?;
    tracing::warn!("`{}` had {} left open, closed now", environment.name, counted(count, "TCP proxy", "TCP proxies"));
    output.closed.push(environment.name.clone());
    Ok(())
}

fn reason(ctx: &Context, project: &Project, environment: &Environment) -> Option<String> {
    deletion_rules::reason_to_spare(ctx, project, environment, None, Timestamp::now())
}

fn still_over(ctx: &Context, project: &Project, environment: &Environment) -> Result<()> {
    match reason(ctx, project, environment) {
        None => Ok(()),
        Some(reason) => bail!(Stays(reason)),
    }
}
