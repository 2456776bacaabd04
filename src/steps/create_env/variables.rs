//! What `create-env` sets in a copy's variables: its type, passwords and secrets of its own, and what the request asks for.

use anyhow::{Context as _, Result, ensure};

use crate::contract::environment_type::EnvironmentType;
use crate::contract::request::CloneRequest;
use crate::contract::variable_override::Override;
use crate::environment::services::{Role, is_data_server, with_role};
use crate::environment::variables;
use crate::error::{Failure, listed};
use crate::external::process_env::ProcessEnv;
use crate::railway::{Environment, SharedChanges, VariableChanges};
use crate::running::context::Context as RunContext;
use crate::secret::Secret;

/// Every variable that differs from the source's before any URL is known: those of services, and those that all share.
///
/// # Errors
/// [`crate::error::Exit::Invalid`] when a database cannot get a password of its own, or there is no secret that the request names.
pub(super) fn changes(
    ctx: &RunContext,
    environment: &Environment,
    source: &Environment,
    request: &CloneRequest,
) -> Result<(VariableChanges, SharedChanges)> {
    let plan = variables::plan(&ctx.policy, source, environment, request);
    ensure!(plan.problems.is_empty(), Failure::invalid(listed(&plan.problems)));
    let mut changes = plan.variables;
    for service in with_role(source, request, &[Role::App]) {
        let environment_type = request.environment_type.as_wordpress().to_owned();
        changes
            .entry(service.service_id.clone())
            .or_default()
            .insert(EnvironmentType::VARIABLE.to_owned(), Some(environment_type));
    }
    for service in &source.service_instances {
        if is_data_server(service) {
            continue;
        }
        let own = [request.variables.get("*"), request.variables.get(&service.service_name)];
        for (name, wish) in own.into_iter().flatten().flatten() {
            let value = match wish {
                Override::Value(value) => Some(value.clone()),
                Override::Remove => None,
                Override::Secret(secret) => Some(wished_secret(&ctx.env, secret)?.expose().to_owned()),
            };
            changes.entry(service.service_id.clone()).or_default().insert(name.clone(), value);
        }
    }
    Ok((changes, plan.shared))
}

/// The value of `RAILSTAGE_SECRET_<name>`.
pub(in crate::steps) fn wished_secret(env: &ProcessEnv, name: &str) -> Result<Secret> {
    let variable = format!("RAILSTAGE_SECRET_{name}");
    env.secret(&variable).with_context(|| {
        Failure::invalid(format!("`variables`: there is no secret `{name}`"))
            .hint(format!("the flow's author must set `{variable}` in the task's env"))
    })
}
