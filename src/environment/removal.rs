//! Deleting an environment: checked on a reading made right before, then watched until it is gone.

use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::contract::ids::{EnvironmentId, ProjectId};
use crate::error::{Exit, Failure, chain};
use crate::railway::{Environment, GraphqlErrors, Project, Weather, Weight};
use crate::running::context::Context;

/// How long Railway may take to delete an environment.
const GONE: Duration = Duration::from_mins(10);

/// How long we look whether it is gone all the same when Railway refused to delete it.
const REFUSED: Duration = Duration::from_secs(5);

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
    let railway = &ctx.railway;
    let project = railway.project(project_id, Weight::Repeatable).await?;
    let Some(environment) = project.environment_by_id(environment_id) else {
        return Ok(None);
    };
    check(&project, environment)?;
    let name = environment.name.clone();
    tracing::info!("deleting environment `{name}`");
    let asked = railway.delete_environment(environment_id).await;
    // Whatever became of the request, what counts is whether the environment is still there.
    let refused = asked.as_ref().is_err_and(|error| error.downcast_ref::<GraphqlErrors>().is_some());
    gone(ctx, project_id, environment_id, if refused { REFUSED } else { GONE }).await.with_context(
        || match &asked {
            Ok(()) => format!("delete environment `{name}`"),
            Err(error) => format!("delete environment `{name}`: {}", chain(error)),
        },
    )?;
    Ok(Some(name))
}

async fn gone(ctx: &Context, project_id: &ProjectId, environment_id: &EnvironmentId, within: Duration) -> Result<()> {
    let look = || async move {
        let there = ctx.railway.environment_ids(project_id).await?;
        Ok((!there.contains(environment_id)).then_some(()))
    };
    ctx.until("the environment to be gone", within, Duration::from_secs(1), look).await.map_err(|error| {
        // What was not seen is not known to be left.
        if Exit::of(&error) != Exit::Deadline || Weather::behind(&error).is_some() {
            return error
                .context(Failure::outside(format!("whether environment `{environment_id}` is gone is unknown")));
        }
        let message = format!("environment `{environment_id}` is still there");
        error.context(
            Failure::new(Exit::Incomplete, message).hint("delete it in Railway's dashboard, or run delete-env"),
        )
    })
}
