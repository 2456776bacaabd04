//! The gate of a copy: a service of ours that asks for a password, and leads on to the apps that were public in the source.
//!
//! `service` is what it is in the copy, `caddy` its configuration, `login` who gets in, `row` its row in the project, and `references` what of
//! the apps' variables names their own hosts, which are the gate's.

mod caddy;
mod login;
mod references;
mod row;
mod service;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use schemars::JsonSchema;
use serde::Serialize;

pub(crate) use self::login::Login;
pub(crate) use self::references::{names_host, without_hosts_of_apps};
pub(crate) use self::row::{abandoned, ensure_row, remove_row};
pub(crate) use self::service::{PORT, own_service};
use crate::contract::gate;
use crate::contract::ids::ServiceId;
use crate::contract::request::CloneRequest;
use crate::environment::guard::{self, Readiness, Target};
use crate::environment::{deployments, hosts};
use crate::error::{Exit, Failure, chain, listed};
use crate::external::http;
use crate::external::process_env::ProcessEnv;
use crate::railway::{Deploy, Environment, ServiceInstance};
use crate::running::context::Context;

/// How long a gate may take to come up.
const UP: Duration = Duration::from_mins(4);

/// How long what was written may stay invisible: Railway's reads lag its writes.
const SHOWS_WITHIN: Duration = Duration::from_secs(30);

/// Where somebody finds how to get in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct GateOutput {
    /// The service in the copy.
    pub service: String,
    /// The name that it asks for.
    pub user: String,
    /// The variable of the service that holds the password.
    pub in_variable: String,
    /// The header by which a program gets in that can give no password.
    pub program_header: String,
    /// The variable of the service that holds what the header must say.
    pub program_variable: String,
}

/// The gate that this run's copy has.
pub(crate) fn of<'e>(copy: &'e Environment, run_hash: &str) -> Option<&'e ServiceInstance> {
    let name = gate::service_name(run_hash);
    copy.gates.iter().find(|gate| gate.service_name == name)
}

/// Why a copy cannot have the gate that its request asks for: fields, and what is wrong with each.
pub(crate) fn problems(env: &ProcessEnv, source: &Environment, request: &CloneRequest) -> Vec<(&'static str, String)> {
    if !request.enable_basic_auth {
        return Vec::new();
    }
    let public = hosts::public(source, request).into_iter();
    let unknown = public.filter(|service| service::port(source, service, request).is_none());
    let mut problems: Vec<_> =
        unknown.map(|service| ("enable_basic_auth", service::unknown_port(&service.service_name))).collect();
    problems.extend(login::problem(env, request).map(|error| ("basic_auth.secret", chain(&error))));
    problems
}

/// Refuses a gate that a copy cannot have.
///
/// # Errors
/// [`Exit::Invalid`], naming all that is wrong.
pub(crate) fn ensure_possible(env: &ProcessEnv, source: &Environment, request: &CloneRequest) -> Result<()> {
    let problems = problems(env, source, request);
    let told: Vec<_> = problems.iter().map(|(field, problem)| format!("`{field}`: {problem}")).collect();
    ensure!(told.is_empty(), Failure::invalid(listed(&told)));
    Ok(())
}

/// The gates that a copy has from its source: each environment has one of its own, or none.
pub(crate) fn inherited(copy: &Environment, run_hash: &str) -> Vec<ServiceId> {
    let own = gate::service_name(run_hash);
    copy.gates.iter().filter(|gate| gate.service_name != own).map(|gate| gate.service_id.clone()).collect()
}

/// Where somebody finds how to get into this copy.
pub(crate) fn told(target: &Target) -> Option<GateOutput> {
    let gate = of(target.environment(), &target.record.run_hash)?;
    let user = Login::of(target.environment(), gate)?.user;
    Some(GateOutput {
        service: gate.service_name.clone(),
        user,
        in_variable: gate::PASSWORD.to_owned(),
        program_header: gate::BYPASS_HEADER.to_owned(),
        program_variable: gate::BYPASS.to_owned(),
    })
}

/// Deploys the gate of the run's copy, and waits until it is up.
///
/// # Errors
/// As [`guard::own_target`] and [`deployments::deploy`].
pub(crate) async fn bring_up(ctx: &Context, request: &CloneRequest) -> Result<()> {
    let look = || async {
        let target = guard::own_target_now(ctx, request, Readiness::Created).await?;
        let gate = of(target.environment(), &target.record.run_hash).map(|gate| gate.service_id.clone());
        Ok(gate.map(|gate| (target, gate)))
    };
    let (target, service_id) = ctx.until("the copy's gate", SHOWS_WITHIN, Duration::from_millis(500), look).await?;
    if target.is_ready() {
        return Ok(());
    }
    let deploys = vec![Deploy { service_id, commit: None }];
    deployments::deploy(ctx, &target, deploys, UP, request.logs).await.context("start the copy's gate")
}

/// The hosts of a service that are not its gate's.
pub(crate) fn past_gate(service: &ServiceInstance) -> impl Iterator<Item = &str> {
    let railway = service.domains.service_domains.iter().filter(|domain| domain.gate.is_none());
    let custom = service.domains.custom_domains.iter().filter(|domain| domain.gate.is_none());
    railway.map(|domain| domain.domain.as_str()).chain(custom.map(|domain| domain.domain.as_str()))
}

/// Refuses a copy that somebody can see without the password: past its gate, or since that does not ask.
///
/// # Errors
/// [`Exit::Failed`].
pub(crate) async fn ensure_shut(client: &http::Client, copy: &Environment, url: &str) -> Result<()> {
    let open = copy.service_instances.iter().find_map(|service| Some((service, past_gate(service).next()?)));
    if let Some((service, host)) = open {
        let message = format!("service `{}` answers at `{host}`, past the copy's gate", service.service_name);
        return Err(Failure::new(Exit::Failed, message).into());
    }
    let page = http::visit(client, url, None).await?;
    ensure!(
        page.status == 401 && page.is_noindex(),
        Failure::new(Exit::Failed, format!("{url} answers {} without the password", page.status))
    );
    Ok(())
}
