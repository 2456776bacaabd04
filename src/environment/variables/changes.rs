//! What is set in a copy's variables before any URL is known: its type, passwords and secrets of its own, and what the request asks for.

use anyhow::{Context as _, Result, ensure};

use super::{Owner, Plan, plan};
use crate::contract::environment_type::EnvironmentType;
use crate::contract::policy::Policy;
use crate::contract::request::CloneRequest;
use crate::contract::variable_override::Override;
use crate::environment::services::{Role, is_data_server, with_role};
use crate::error::{Failure, listed};
use crate::external::process_env::ProcessEnv;
use crate::railway::Environment;
use crate::rewriting::Rewriter;
use crate::secret::Secret;

/// Every variable that differs from the source's before any URL is known: those of services, and those that all share. Before there is a copy,
/// the source is both.
///
/// # Errors
/// [`crate::error::Exit::Invalid`] when a database cannot get a password of its own, or there is no secret that the request names.
pub(crate) fn changes(
    policy: &Policy,
    env: &ProcessEnv,
    source: &Environment,
    copy: &Environment,
    request: &CloneRequest,
) -> Result<Plan> {
    let mut plan = plan(policy, source, copy, request);
    ensure!(plan.problems.is_empty(), Failure::invalid(listed(&plan.problems)));
    for service in with_role(source, request, &[Role::App]) {
        plan.ask(
            Owner::Service(service.service_id.clone()),
            EnvironmentType::VARIABLE,
            Some(request.environment_type.as_wordpress()),
        );
    }
    for service in &source.service_instances {
        if is_data_server(service) {
            continue;
        }
        for (name, wish) in asked(request, &service.service_name) {
            let owner = Owner::Service(service.service_id.clone());
            match wish {
                Override::Value(value) => plan.ask(owner, name, Some(value)),
                Override::Blank => plan.ask(owner, name, Some("")),
                Override::Remove => plan.ask(owner, name, None),
                Override::Secret(secret) => {
                    plan.ask(owner, name, Some(wished_secret(env, "variables", secret)?.expose()));
                }
            }
        }
    }
    Ok(plan)
}

/// What a request makes of variables of an app, by name; what it says of one app goes before what it says of all.
pub(crate) fn asked<'a>(
    request: &'a CloneRequest,
    service: &str,
) -> impl Iterator<Item = (&'a str, &'a Override)> + use<'a> {
    let own = [request.variables.get("*"), request.variables.get(service)];
    own.into_iter().flatten().flatten().map(|(name, wish)| (name.as_str(), wish))
}

/// The value of `RAILSTAGE_SECRET_<name>`, which a field of a request needs.
///
/// # Errors
/// [`crate::error::Exit::Invalid`] when there is none.
pub(crate) fn wished_secret(env: &ProcessEnv, field: &str, name: &str) -> Result<Secret> {
    let variable = format!("RAILSTAGE_SECRET_{name}");
    env.secret(&variable).with_context(|| {
        Failure::invalid(format!("`{field}`: there is no secret `{name}`"))
            .hint(format!("the flow's author must set `{variable}` in the task's env"))
    })
}

/// The value of an app's variable with the copy's own URLs in it; `None` where none of production's stands there, and of what the request sets.
pub(crate) fn with_own_urls(
    rewriter: &Rewriter,
    request: &CloneRequest,
    service: &str,
    name: &str,
    value: &str,
) -> Option<String> {
    let is_asked = asked(request, service).any(|(asked, _)| asked == name);
    if is_asked { None } else { rewriter.rewrite_text(value) }
}

impl Plan {
    /// Sets a variable as the request asks, or takes it out.
    fn ask(&mut self, owner: Owner, name: &str, value: Option<&str>) {
        let Owner::Service(id) = &owner else { return };
        self.variables.entry(id.clone()).or_default().insert(name.to_owned(), value.map(str::to_owned));
        match value {
            Some(value) => self.after.set((owner, name.to_owned()), value.to_owned()),
            None => self.after.remove(&(owner, name.to_owned())),
        }
    }
}
