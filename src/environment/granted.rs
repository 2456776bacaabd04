//! What the policy grants of a request, judged by what the project has; what shows without it is in `contract/bounds.rs`.

use anyhow::Result;

use crate::contract::bounds::{self, Refusal};
use crate::contract::policy::Policy;
use crate::contract::request::CloneRequest;
use crate::environment::services::is_data_server;
use crate::railway::{Environment, Project};
use crate::running::run::is_making_name;

/// What of a request the policy does not grant.
pub(crate) fn refusals(
    policy: &Policy,
    project: &Project,
    source: &Environment,
    request: &CloneRequest,
) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    if request.environment_name.as_deref().is_some_and(is_making_name) {
        refusals.push(Refusal::never("environment_name", "a name that runs give to what they are making"));
    }
    refusals.extend(self::source(policy, project, source, "source_environment"));
    for service in &source.service_instances {
        let name = &service.service_name;
        let is_cron = service.cron_schedule.is_some() && request.include_services.contains(name);
        if is_cron && !policy.cron_services.contains(name) {
            let what = format!("service `{name}`, which has a cron schedule,");
            refusals.push(Refusal::new("include_services", what, format!("cron_services: [{name}]")));
        }
        if is_data_server(service) && request.variables.contains_key(name) {
            refusals.push(Refusal::never("variables", format!("a variable of the database service `{name}`")));
        }
    }
    refusals
}

/// That an environment is copied from by a request's `field`, unless the policy grants it.
pub(super) fn source(policy: &Policy, project: &Project, source: &Environment, field: &'static str) -> Option<Refusal> {
    let is_named = policy.sources.iter().any(|name| project.environment(name).is_some_and(|e| e.id == source.id));
    let is_granted = is_named || policy.sources.is_empty() && project.is_main(&source.id);
    let what = || format!("to copy from environment `{}`", source.name);
    (!is_granted).then(|| Refusal::new(field, what(), format!("sources: [{}]", source.name)))
}

/// Refuses a request of which the policy does not grant all.
///
/// # Errors
/// [`crate::error::Exit::Invalid`], naming each refused field.
pub(crate) fn ensure(policy: &Policy, project: &Project, source: &Environment, request: &CloneRequest) -> Result<()> {
    bounds::ensure_none(&refusals(policy, project, source, request))
}
