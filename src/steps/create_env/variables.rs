//! What `create-env` sets in a copy's variables: its type, passwords of its own, and what the request asks for.

use anyhow::{Context as _, Result};
use rand::distr::{Alphanumeric, SampleString as _};

use crate::contract::request::{CloneRequest, Override};
use crate::environment::services::{Role, kind, with_role};
use crate::error::Failure;
use crate::external::process_env::ProcessEnv;
use crate::railway::{Environment, VariableChanges};
use crate::secret::Secret;

/// Every variable that differs from the source's before any URL is known.
pub(super) fn changes(
    env: &ProcessEnv,
    environment: &Environment,
    source: &Environment,
    request: &CloneRequest,
) -> Result<VariableChanges> {
    let mut changes = VariableChanges::new();
    for service in with_role(source, request, &[Role::App]) {
        let environment_type = request.environment_type.as_wordpress().to_owned();
        changes
            .entry(service.service_id.clone())
            .or_default()
            .insert("WP_ENVIRONMENT_TYPE".to_owned(), Some(environment_type));
    }
    replace_passwords(&mut changes, environment, source);
    for service in &source.service_instances {
        if kind(service).is_some() {
            continue;
        }
        let own = [request.variables.get("*"), request.variables.get(&service.service_name)];
        for (name, wish) in own.into_iter().flatten().flatten() {
            let value = match wish {
                Override::Value(value) => Some(value.clone()),
                Override::Remove => None,
                Override::Secret(secret) => Some(wished_secret(env, secret)?.expose().to_owned()),
            };
            changes.entry(service.service_id.clone()).or_default().insert(name.clone(), value);
        }
    }
    Ok(changes)
}

/// The value of `RAILSTAGE_SECRET_<name>`.
pub(in crate::steps) fn wished_secret(env: &ProcessEnv, name: &str) -> Result<Secret> {
    let variable = format!("RAILSTAGE_SECRET_{name}");
    env.secret(&variable).with_context(|| {
        Failure::invalid(format!("`variables`: there is no secret `{name}`"))
            .hint(format!("the flow's author must set `{variable}` in the task's env"))
    })
}

/// Gives each database a password of its own, so that no copy holds production's; what spells the old one out follows.
/// The volume is empty before the first deploy, so the new one costs nothing.
fn replace_passwords(changes: &mut VariableChanges, environment: &Environment, source: &Environment) {
    for (database, kind) in source.service_instances.iter().filter_map(|s| Some((s, kind(s)?))) {
        let (id, variable) = (&database.service_id, kind.traits().password_variable);
        let password =
            |e: &Environment| e.variables(id).find(|(n, _)| *n == variable).and_then(|(_, v)| v.value.clone());
        let old = password(source);
        if old.as_ref().is_some_and(|value| value.contains("${{")) || password(environment) != old {
            continue;
        }
        let new = Secret::new(Alphanumeric.sample_string(&mut rand::rng(), 32));
        changes.entry(id.clone()).or_default().insert(variable.to_owned(), Some(new.expose().to_owned()));
        let Some(old) = old.map(Secret::new) else { continue };
        for service in &environment.service_instances {
            for (name, held) in environment.variables(&service.service_id) {
                let value = held.value.as_deref().unwrap_or_default();
                if name != variable && !old.expose().is_empty() && value.contains(old.expose()) {
                    let value = value.replace(old.expose(), new.expose());
                    changes.entry(service.service_id.clone()).or_default().insert(name.to_owned(), Some(value));
                }
            }
        }
    }
}
