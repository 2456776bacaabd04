//! The row of a gate in its project. Rows are the project's and not an environment's, so a gate's is the one service that is deleted by itself:
//! by its exact name, and only when it is in no environment.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jiff::{SignedDuration, Timestamp};

use crate::contract::gate;
use crate::contract::ids::{ProjectId, ServiceId};
use crate::environment::recorded::reading;
use crate::error::{Exit, Failure, chain};
use crate::railway::{Project, Service, Weight};
use crate::running::context::Context;
use crate::running::run::{Names, making_hash};

/// How long a row may stay invisible that was made: Railway's reads lag its writes, and after a timeout what was asked for comes late.
const APPEARS_WITHIN: Duration = Duration::from_mins(1);

/// A row without a copy counts as left over after this time.
const LEFT_OVER_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// The row of a run's gate; makes it where it is missing, and never twice.
///
/// # Errors
/// When Railway refuses, or the row does not appear.
pub(crate) async fn ensure_row(ctx: &Context, project: &Project, names: &Names) -> Result<ServiceId> {
    let name = gate::service_name(&names.run_hash);
    if let Some(row) = named(project, &name) {
        return Ok(row.id.clone());
    }
    let error = match ctx.railway.create_service_row(&project.id, &name).await {
        Ok(id) => return Ok(id),
        Err(error) => error,
    };
    // Another process of this run may have made it, or this one, and the answer was lost.
    tracing::info!("whether `{name}` was made is unknown ({}); looking for it", chain(&error));
    let look = || async {
        let project = ctx.railway.project(&project.id, Weight::Poll).await?;
        Ok(named(&project, &name).map(|row| row.id.clone()))
    };
    let found = ctx.within("the gate's row", APPEARS_WITHIN, Duration::from_secs(1), look).await?;
    found.ok_or(error).context("make the copy's gate")
}

/// Deletes the row of a run's gate, if there is one: its name.
///
/// # Errors
/// [`Exit::Incomplete`] when it is in an environment still, or Railway refuses.
pub(crate) async fn remove_row(ctx: &Context, project_id: &ProjectId, run_hash: &str) -> Result<Option<String>> {
    let name = gate::service_name(run_hash);
    let project = ctx.railway.project(project_id, Weight::Repeatable).await?;
    let Some(row) = named(&project, &name) else { return Ok(None) };
    let place = environment_of(&project, row);
    ensure!(
        place.is_none(),
        Failure::new(
            Exit::Incomplete,
            format!("service `{name}` is left: it is in environment `{}`", place.unwrap_or_default())
        )
        .hint("look at it in Railway's dashboard, and delete it there if it is of no more use")
    );
    let deleted = ctx.railway.delete_service_row(&row.id).await;
    deleted.map_err(|error| Failure::new(Exit::Incomplete, format!("service `{name}` is left: {}", chain(&error))))?;
    Ok(Some(name))
}

/// The hashes of runs whose gates are left in a project without any copy.
pub(crate) fn abandoned<'p>(ctx: &Context, project: &'p Project, now: Timestamp) -> Vec<&'p str> {
    let hash = |service: &'p Service| gate::run_hash(&service.name).map(|hash| (service, hash));
    let is_left = |(service, hash): &(&Service, &str)| {
        let is_old = now.duration_since(service.created_at) > LEFT_OVER_AFTER;
        let has_copy = project.environments.iter().any(|environment| {
            let recorded = reading(ctx, project, environment);
            making_hash(&environment.name) == Some(hash) || recorded.record().is_some_and(|r| r.run_hash == *hash)
        });
        is_old && !has_copy && environment_of(project, service).is_none()
    };
    project.services.iter().filter_map(hash).filter(is_left).map(|(_, hash)| hash).collect()
}

fn named<'p>(project: &'p Project, name: &str) -> Option<&'p Service> {
    project.services.iter().find(|service| service.name == name)
}

/// An environment in which a service is, by its instances or by its configuration.
fn environment_of<'p>(project: &'p Project, service: &Service) -> Option<&'p str> {
    let mut all = project.environments.iter();
    let found = all.find(|e| e.service_by_id(&service.id).is_some() || e.config.services.contains_key(&service.id));
    found.map(|environment| environment.name.as_str())
}
