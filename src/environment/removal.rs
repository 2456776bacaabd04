//! Deleting an environment: checked on a reading made right before, then watched until it is gone.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::contract::gate::service_name as gate_name;
use crate::contract::ids::{EnvironmentId, ProjectId};
use crate::environment::recorded::reading;
use crate::environment::{custom_domain, gate};
use crate::error::{Exit, Failure, chain};
use crate::railway::{Environment, GraphqlErrors, Project, Weight};
use crate::running::context::Context;
use crate::running::run::making_hash;

/// How long Railway may take to delete an environment.
const GONE: Duration = Duration::from_mins(10);

/// How long we look whether it is gone all the same when Railway refused to delete it.
const REFUSED: Duration = Duration::from_secs(5);

/// A deletion that Railway was asked for.
pub(crate) struct Asked {
    pub project_id: ProjectId,
    pub environment_id: EnvironmentId,
    pub name: String,
    /// The hash of the run whose gate stands before it.
    gate_of: Option<String>,
    /// What came instead of a yes. Whatever became of the request, what counts is whether the environment is still there.
    answer: Result<()>,
    at: Instant,
}

/// Deletes the environment with this id if `check` still passes; returns its name, or `None` when it was gone already.
///
/// # Errors
/// Whatever `check` refuses with; [`Exit::Incomplete`] when Railway does not confirm that it is gone.
pub(crate) async fn remove(
    ctx: &Context,
    project_id: &ProjectId,
    environment_id: &EnvironmentId,
    check: impl Fn(&Project, &Environment) -> Result<()>,
) -> Result<Option<String>> {
    let Some(asked) = ask(ctx, project_id, environment_id, check).await? else { return Ok(None) };
    let name = asked.name.clone();
    match watch(ctx, vec![asked]).await.pop() {
        Some((_, Err(error))) => Err(error),
        _ => Ok(Some(name)),
    }
}

/// Asks Railway to delete the environment with this id if `check` still passes; `None` when it was gone already.
///
/// # Errors
/// Whatever `check` refuses with, or when Railway cannot be read.
pub(crate) async fn ask(
    ctx: &Context,
    project_id: &ProjectId,
    environment_id: &EnvironmentId,
    check: impl Fn(&Project, &Environment) -> Result<()>,
) -> Result<Option<Asked>> {
    let project = ctx.railway.project(project_id, Weight::Repeatable).await?;
    let Some(environment) = project.environment_by_id(environment_id) else {
        return Ok(None);
    };
    check(&project, environment)?;
    let name = environment.name.clone();
    let recorded = reading(ctx, &project, environment);
    let hash = recorded.record().map(|record| record.run_hash.clone());
    let hash = hash.or_else(|| making_hash(&name).map(str::to_owned));
    let has_row = |hash: &String| project.services.iter().any(|service| service.name == gate_name(hash));
    let gate_of = hash.filter(has_row);
    tracing::info!("deleting environment `{name}`");
    custom_domain::detach(ctx, &project, environment).await;
    let answer = ctx.railway.delete_environment(environment_id).await;
    let (project_id, environment_id) = (project_id.clone(), environment_id.clone());
    Ok(Some(Asked { project_id, environment_id, name, gate_of, answer, at: Instant::now() }))
}

/// Waits until environments of one project are gone, all of them together; tells of each whether it is.
pub(crate) async fn watch(ctx: &Context, asked: Vec<Asked>) -> Vec<(Asked, Result<()>)> {
    let (refused, accepted): (Vec<_>, Vec<_>) = asked.into_iter().partition(Asked::was_refused);
    let mut watched = watch_for(ctx, accepted, GONE).await;
    watched.extend(watch_for(ctx, refused, REFUSED).await);
    for (one, gone) in &mut watched {
        let Some(hash) = one.gate_of.as_ref().filter(|_| gone.is_ok()) else { continue };
        *gone = gate::remove_row(ctx, &one.project_id, hash).await.map(drop);
    }
    watched
}

async fn watch_for(ctx: &Context, asked: Vec<Asked>, within: Duration) -> Vec<(Asked, Result<()>)> {
    let Some(first) = asked.first() else { return Vec::new() };
    // Who waits for several projects in turn has waited for this one meanwhile.
    let left = within.saturating_sub(first.at.elapsed()).max(REFUSED);
    let there = Mutex::new(None);
    let look = || async {
        let ids = ctx.railway.environment_ids(&first.project_id).await?;
        let all_gone = !asked.iter().any(|one| ids.contains(&one.environment_id));
        *there.lock().unwrap_or_else(PoisonError::into_inner) = Some(ids);
        Ok(all_gone.then_some(()))
    };
    let waited = ctx.until("the environment to be gone", left, Duration::from_secs(1), look).await;
    let there = there.into_inner().unwrap_or_else(PoisonError::into_inner);
    let error = waited.err();
    let outcome = |one: &Asked| match &error {
        None => Ok(()),
        Some(_) if there.as_ref().is_some_and(|ids: &Vec<EnvironmentId>| !ids.contains(&one.environment_id)) => Ok(()),
        Some(error) => Err(one.left(error)),
    };
    asked.into_iter().map(|one| (outcome(&one), one)).map(|(outcome, one)| (one, outcome)).collect()
}

impl Asked {
    fn was_refused(&self) -> bool {
        // Asked again after a lost answer, Railway may know it no more.
        let is_refusal = |said: &GraphqlErrors| !said.say("not found");
        self.answer.as_ref().is_err_and(|error| error.downcast_ref::<GraphqlErrors>().is_some_and(is_refusal))
    }

    /// Why it is not known to be gone.
    fn left(&self, waited: &anyhow::Error) -> anyhow::Error {
        let id = &self.environment_id;
        let asked = self.answer.as_ref().err().map(|error| format!(": {}", chain(error))).unwrap_or_default();
        let failure = if Exit::of(waited) == Exit::Deadline {
            Failure::new(Exit::Incomplete, format!("environment `{id}` is still there: {}", chain(waited)))
                .hint("delete it in Railway's dashboard, or run delete-env")
        } else {
            // What was not seen is not known to be left.
            Failure::outside(format!("whether environment `{id}` is gone is unknown: {}", chain(waited)))
        };
        anyhow::Error::new(failure).context(format!("delete environment `{}`{asked}", self.name))
    }
}
