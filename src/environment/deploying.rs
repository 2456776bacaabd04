//! Where a request may deploy: a copy that is ready, or an environment that the policy names; production only where it is spelled out.

use anyhow::{Result, bail, ensure};

use crate::contract::bounds::{self, Refusal};
use crate::contract::deploy_policy::DeployPolicy;
use crate::contract::deploy_request::DeployRequest;
use crate::contract::signature::Reading;
use crate::environment::deletion_rules::promoted_host;
use crate::environment::deployments::Site;
use crate::environment::guard::Target;
use crate::environment::recorded::reading;
use crate::environment::refreshing::{ensure_free, ready_record, target};
use crate::environment::services::is_data_server;
use crate::environment::{guard, named};
use crate::error::Failure;
use crate::railway::{Environment, PlacedDeployment, Project, ServiceInstance, Weight};
use crate::running::context::Context;
use crate::running::run::is_making_name;

/// Where something is deployed.
pub(crate) enum Destination {
    /// A copy of ours, which is ready.
    Copy(Box<Target>),
    /// Any other environment of a project.
    Other(Project, usize),
}

impl Destination {
    pub(crate) fn site(&self) -> Site<'_> {
        match self {
            Self::Copy(target) => (&**target).into(),
            Self::Other(project, n) => Site { project, environment: &project.environments[*n], source: None },
        }
    }

    /// The copy with its record, if it is one.
    pub(crate) fn copy(&self) -> Option<&Target> {
        match self {
            Self::Copy(target) => Some(target),
            Self::Other(..) => None,
        }
    }
}

/// Reads the project and returns where the request deploys, if it may.
///
/// # Errors
/// [`crate::error::Exit::Invalid`], saying what is in the way.
pub(crate) async fn claim(ctx: &Context, request: &DeployRequest) -> Result<Destination> {
    let project = ctx.railway.project(&request.project_id, Weight::Repeatable).await?;
    let environment = named::environment(&project, "environment", &request.environment)?;
    let reading = reading(ctx, &project, environment);
    let mut refusals = of_environment(ctx, &project, environment, &reading, request);
    refusals.extend(of_service(ctx, environment, &reading, request));
    bounds::ensure_none(&refusals)?;
    let id = environment.id.clone();
    let position = project.environments.iter().position(|e| e.id == id).unwrap_or_default();
    if matters_to_somebody(ctx, &project, environment, &reading) || matches!(reading, Reading::Absent) {
        return Ok(Destination::Other(project, position));
    }
    let record = ready_record(ctx, &project, environment, "deployed into")?;
    let target = target(ctx, project, position, record)?;
    ensure_free(ctx, &target)?;
    Ok(Destination::Copy(Box::new(target)))
}

/// Whether an environment is production, whatever it is called: protected, the project's main one, or promoted by somebody.
fn matters_to_somebody(ctx: &Context, project: &Project, environment: &Environment, reading: &Reading) -> bool {
    let is_promoted = !matches!(reading, Reading::Absent) && promoted_host(environment, reading).is_some();
    ctx.policy.protects(&environment.name) || project.is_main(&environment.id) || is_promoted
}

/// What the policy does not grant of an environment, and a name that was not typed.
fn of_environment(
    ctx: &Context,
    project: &Project,
    environment: &Environment,
    reading: &Reading,
    request: &DeployRequest,
) -> Vec<Refusal> {
    let (name, field) = (&environment.name, "environment");
    let line = || format!("deploy: {{environments: [\"{name}\"]}}");
    let named = &ctx.policy.deploy.environments;
    let mut refusals = Vec::new();
    if matters_to_somebody(ctx, project, environment, reading) {
        if !named.contains(name) {
            let what = format!("to deploy into `{name}`, which is production or as good as that,");
            refusals.push(Refusal::new(field, what, line()));
        }
        if request.confirm.is_none() {
            refusals
                .push(Refusal::wrong("confirm", format!("type the environment's name, `{name}`, to deploy into it")));
        }
    } else if is_making_name(name) {
        refusals.push(Refusal::never(field, format!("to deploy into `{name}`, which is being made,")));
    } else if matches!(reading, Reading::Absent) && !DeployPolicy::names(named, name) {
        let what = format!("to deploy into `{name}`, which is no copy of ours,");
        refusals.push(Refusal::new(field, what, line()));
    }
    if request.confirm.as_ref().is_some_and(|confirm| confirm != name) {
        refusals.push(Refusal::wrong("confirm", format!("expected the environment's name, `{name}`")));
    }
    refusals
}

/// What of the service and its code cannot be.
fn of_service(ctx: &Context, environment: &Environment, reading: &Reading, request: &DeployRequest) -> Vec<Refusal> {
    let name = &request.service;
    let Some(service) = environment.service(name) else {
        let known: Vec<_> = environment.service_instances.iter().map(|s| s.service_name.as_str()).collect();
        let told = format!("there is no service `{name}` in `{}`; it has {}", environment.name, known.join(", "));
        return vec![Refusal::wrong("service", told)];
    };
    let mut refusals = Vec::new();
    if is_data_server(service) {
        refusals.push(Refusal::never("service", format!("to deploy the database service `{name}`")));
    }
    let is_cron = service.cron_schedule.is_some() && !ctx.policy.cron_services.contains(name);
    if is_cron && !matches!(reading, Reading::Absent) {
        let what = format!("to deploy service `{name}`, whose schedule would begin in the copy,");
        refusals.push(Refusal::new("service", what, format!("cron_services: [{name}]")));
    }
    if request.image.is_some() && service.has_repo() {
        let told = format!("service `{name}` is built from a repository: name a `repository` and a `ref` of it");
        refusals.push(Refusal::wrong("image", told));
    }
    refusals.extend(of_pages(environment, service, request));
    refusals
}

/// Pages that nobody could visit.
fn of_pages(environment: &Environment, deployed: &ServiceInstance, request: &DeployRequest) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    for check in &request.health {
        let name = check.service.as_ref().unwrap_or(&deployed.service_name);
        match environment.service(name) {
            Some(service) if !service.domains.service_domains.is_empty() => {}
            Some(_) => refusals.push(Refusal::wrong("health.service", format!("`{name}` has no Railway domain"))),
            None => refusals.push(Refusal::wrong("health.service", format!("there is no service `{name}`"))),
        }
    }
    refusals
}

/// The deployment that the request brings back; one that is none of this very service in this very environment, or runs already, is refused.
///
/// # Errors
/// [`crate::error::Exit::Invalid`].
pub(crate) async fn coming_back(
    ctx: &Context,
    site: Site<'_>,
    request: &DeployRequest,
) -> Result<Option<PlacedDeployment>> {
    let Some(id) = &request.rollback_to else { return Ok(None) };
    let name = &request.service;
    let wrong = |what: String| Failure::invalid(format!("`rollback_to`: {what}"));
    let none = || wrong(format!("service `{name}` has no deployment `{id}` in `{}`", site.environment.name));
    let found = match ctx.railway.deployment(id, Weight::Repeatable).await {
        Ok(found) => found,
        Err(error) if guard::is_not_found(&error) => bail!(none()),
        Err(error) => return Err(error),
    };
    let service = site.environment.service(name);
    let is_of = |s: &ServiceInstance| found.service_id.as_ref() == Some(&s.service_id);
    ensure!(found.environment_id == site.environment.id && service.is_some_and(is_of), none());
    let runs = service.and_then(ServiceInstance::running).is_some_and(|running| running.id == *id);
    ensure!(!runs, wrong(format!("deployment `{id}` runs already")));
    ensure!(found.can_rollback, wrong(format!("Railway no longer has what deployment `{id}` ran")));
    Ok(Some(found))
}
