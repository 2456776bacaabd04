//! Deploying services of a copy and waiting until each is up, or telling why it is not.

use std::time::Duration;

use anyhow::{Result, bail};

use crate::contract::ids::{DeploymentId, ServiceId};
use crate::environment::guard::{self, Target};
use crate::environment::variables;
use crate::error::{Exit, Failure, counted};
use crate::inert::one_line;
use crate::railway::{
    Deploy, DeploymentStatus, Environment, EnvironmentStatus, Project, ServiceInstance, ServiceStatus, Weight,
};
use crate::running::context::Context;

/// How many of a failed deployment's last log lines an error shows.
const LOG_LINES: u32 = 20;

/// How often a failed deployment is tried again: a Postgres on a fresh volume was seen to fail its first.
const RETRIES: u32 = 1;

/// The environment that is deployed in.
#[derive(Clone, Copy)]
pub(crate) struct Site<'a> {
    pub project: &'a Project,
    pub environment: &'a Environment,
    /// What it was copied from, if it is a copy.
    pub source: Option<&'a Environment>,
}

impl<'a> From<&'a Target> for Site<'a> {
    fn from(target: &'a Target) -> Self {
        Self { project: &target.project, environment: target.environment(), source: Some(target.source()) }
    }
}

/// Deploys what is not up yet, and waits for all of it. `logs`: whether the log lines of what fails are told, or only where they are.
///
/// # Errors
/// [`Exit::Failed`] with the last log lines of a deployment that failed twice; [`Exit::Deadline`].
pub(crate) async fn deploy<'a>(
    ctx: &Context,
    site: impl Into<Site<'a>>,
    services: Vec<Deploy>,
    deadline: Duration,
    logs: bool,
) -> Result<()> {
    deploy_over(ctx, site, services, &[], deadline, logs).await
}

/// The same where these deployments are not what is wanted: a service of which one is the latest is deployed anew.
///
/// # Errors
/// As [`deploy`].
pub(crate) async fn deploy_over<'a>(
    ctx: &Context,
    site: impl Into<Site<'a>>,
    services: Vec<Deploy>,
    stale: &[DeploymentId],
    deadline: Duration,
    logs: bool,
) -> Result<()> {
    let site = site.into();
    let is_stale = |id: &ServiceId| standing(site, id).is_some_and(|latest| stale.contains(&latest));
    let is_there = |id: &ServiceId| is_under_way(site.environment, id) && !is_stale(id);
    let wanted = services.iter().filter(|d| !is_there(&d.service_id)).cloned().collect();
    bring_up(ctx, site, &services, wanted, deadline, logs).await
}

/// The same for services that are up already: they are deployed anew.
///
/// # Errors
/// As [`deploy`].
pub(crate) async fn redeploy<'a>(
    ctx: &Context,
    site: impl Into<Site<'a>>,
    services: Vec<Deploy>,
    deadline: Duration,
    logs: bool,
) -> Result<()> {
    bring_up(ctx, site.into(), &services, services.clone(), deadline, logs).await
}

async fn bring_up(
    ctx: &Context,
    site: Site<'_>,
    asked: &[Deploy],
    mut wanted: Vec<Deploy>,
    deadline: Duration,
    logs: bool,
) -> Result<()> {
    let ids: Vec<_> = asked.iter().map(|d| d.service_id.clone()).collect();
    let name = |id: &ServiceId| site.project.service_name(id).unwrap_or(id.as_ref()).to_owned();
    for deploy in &wanted {
        ctx.progress.begin_service(&name(&deploy.service_id));
    }
    let mut replaced: Vec<_> = wanted.iter().filter_map(|d| standing(site, &d.service_id)).collect();
    for attempt in 0..=RETRIES {
        if !wanted.is_empty() {
            ctx.railway.deploy(&site.environment.id, &wanted).await?;
        }
        let failed = settled(ctx, site, &ids, &replaced, deadline).await?;
        if failed.is_empty() {
            return Ok(());
        }
        if attempt == RETRIES {
            for failed in &failed {
                ctx.progress.end_service(&name(&failed.service_id), Some("its deployment failed".to_owned()));
            }
            return Err(explain(ctx, site, &failed, logs).await);
        }
        tracing::warn!("the deployment of {} failed; trying once more", counted(failed.len(), "service", "services"));
        replaced.extend(failed.iter().map(|f| f.deployment_id.clone()));
        wanted = asked.iter().filter(|d| failed.iter().any(|f| f.service_id == d.service_id)).cloned().collect();
    }
    unreachable!("the loop ends by returning")
}

/// Waits until this one deployment has come up: what is told of it is of no other.
///
/// # Errors
/// [`Exit::Failed`] with its last log lines, or where these are, when it does not; [`Exit::Outside`] when another has taken its place.
pub(crate) async fn come_up(
    ctx: &Context,
    site: Site<'_>,
    service_id: &ServiceId,
    deployment_id: &DeploymentId,
    deadline: Duration,
    logs: bool,
) -> Result<()> {
    let name = site.project.service_name(service_id).unwrap_or(service_id.as_ref());
    ctx.progress.begin_service(name);
    let look = || async {
        let status = match ctx.railway.deployment(deployment_id, Weight::Poll).await {
            Ok(deployment) => deployment.status,
            // Railway's reads lag its writes.
            Err(error) if guard::is_not_found(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok((status != DeploymentStatus::Pending).then_some(status))
    };
    let status = ctx.until("the deployment", deadline, Duration::from_secs(1), look).await?;
    if status.is_up() {
        ctx.progress.end_service(name, None);
        return Ok(());
    }
    ctx.progress.end_service(name, Some("its deployment failed".to_owned()));
    if matches!(status, DeploymentStatus::Removed | DeploymentStatus::Skipped) {
        let gone =
            format!("deployment `{deployment_id}` of service `{name}` was taken away: another has taken its place");
        bail!(Failure::outside(gone).hint("somebody else has deployed the service at the same time; run it again"));
    }
    let failed = FailedDeployment { service_id: service_id.clone(), deployment_id: deployment_id.clone() };
    Err(explain(ctx, site, &[failed], logs).await)
}

/// A deployment that did not come up.
struct FailedDeployment {
    service_id: ServiceId,
    deployment_id: DeploymentId,
}

/// The deployment that stood before, and so says nothing of a new one.
fn standing(site: Site<'_>, service_id: &ServiceId) -> Option<DeploymentId> {
    Some(site.environment.service_by_id(service_id)?.latest_deployment.as_ref()?.id.clone())
}

fn is_up(service: &ServiceStatus, replaced: &[DeploymentId]) -> bool {
    use DeploymentStatus::{Sleeping, Success};
    let deployment = service.latest_deployment.as_ref().filter(|d| !replaced.contains(&d.id));
    deployment.is_some_and(|deployment| matches!(deployment.status, Success | Sleeping))
}

fn is_under_way(environment: &Environment, service_id: &ServiceId) -> bool {
    use DeploymentStatus::{NeedsApproval, Pending, Sleeping, Success};
    let status = environment.service_by_id(service_id).and_then(ServiceInstance::status);
    matches!(status, Some(Success | Sleeping | Pending | NeedsApproval))
}

/// Waits until no deployment of `ids` is on its way; returns those that failed.
async fn settled(
    ctx: &Context,
    site: Site<'_>,
    ids: &[ServiceId],
    replaced: &[DeploymentId],
    deadline: Duration,
) -> Result<Vec<FailedDeployment>> {
    let environment_id = &site.environment.id;
    let look = || async move {
        let status = ctx.railway.environment_status(environment_id).await?;
        for service in status.service_instances.iter().filter(|service| is_up(service, replaced)) {
            let name = site.project.service_name(&service.service_id).unwrap_or(service.service_id.as_ref());
            ctx.progress.end_service(name, None);
        }
        Ok(outcome(&status, ids, replaced))
    };
    ctx.until("deployments", deadline, Duration::from_secs(1), look).await
}

/// The failed deployments among `ids`, once none is on its way.
fn outcome(status: &EnvironmentStatus, ids: &[ServiceId], replaced: &[DeploymentId]) -> Option<Vec<FailedDeployment>> {
    use DeploymentStatus::{Crashed, Failed, NeedsApproval, Pending, Removed, Skipped, Sleeping, Success};
    let mut failed = Vec::new();
    for id in ids {
        let service = status.service_instances.iter().find(|service| service.service_id == *id)?;
        let deployment = service.latest_deployment.as_ref().filter(|d| !replaced.contains(&d.id))?;
        match deployment.status {
            Success | Sleeping => {}
            Pending => return None,
            Failed | Crashed | Removed | Skipped | NeedsApproval => {
                failed.push(FailedDeployment { service_id: id.clone(), deployment_id: deployment.id.clone() });
            }
        }
    }
    Some(failed)
}

async fn explain(ctx: &Context, site: Site<'_>, failed: &[FailedDeployment], logs: bool) -> anyhow::Error {
    let mut text = Vec::new();
    for failure in failed {
        let name = site.project.service_name(&failure.service_id).unwrap_or(failure.service_id.as_ref());
        let more = if logs {
            let lines = ctx.railway.logs(&failure.deployment_id, LOG_LINES).await.unwrap_or_default();
            lines.iter().map(|line| format!("\n  {}", one_line(line))).collect()
        } else {
            format!("; its log: {}", address(site, failure))
        };
        let replaced = site.source.map(|source| variables::replaced(source, site.environment, &failure.service_id));
        let replaced = match replaced.as_deref().unwrap_or_default() {
            [] => String::new(),
            names => format!(" (not production's, but the copy's own: `{}`)", names.join("`, `")),
        };
        text.push(format!("service `{name}` did not come up{replaced}{more}"));
    }
    let failure = Failure::new(Exit::Failed, text.join("\n"));
    let hint = "`logs: true` in the request prints the last lines of its log, which may hold personal data";
    if logs { failure.into() } else { failure.hint(hint).into() }
}

/// Where Railway's dashboard shows a deployment's log (the CLI's `src/commands/up.rs` prints the same).
fn address(site: Site<'_>, failed: &FailedDeployment) -> String {
    let (project, environment) = (&site.project.id, &site.environment.id);
    let FailedDeployment { service_id, deployment_id } = failed;
    format!("https://railway.com/project/{project}/service/{service_id}?environmentId={environment}&id={deployment_id}")
}
