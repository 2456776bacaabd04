//! What a gate is in a copy: an image with its start command and its variables, which say to whom it leads.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use super::caddy::{self, Behind};
use super::login::Login;
use crate::contract::gate::{self, Route, Routes};
use crate::contract::ids::ServiceId;
use crate::contract::request::CloneRequest;
use crate::contract::variable_override::Override;
use crate::environment::hosts;
use crate::environment::services::web;
use crate::environment::variables::changes::asked;
use crate::error::Failure;
use crate::railway::{Environment, OwnService, ServiceInstance};
use crate::running::context::Context;
use crate::running::run::{Names, slug};

/// Railway runs a start command as a program with arguments, so the shell of a pipe must be named. The configuration comes by a pipe since it
/// is in a variable.
const START_COMMAND: &str = "/bin/sh -c \"printenv RAILSTAGE_GATE_CONFIG | caddy run --config -\"";

/// The port at which a gate listens, in its own variable `PORT`.
pub(crate) const PORT: u16 = 8080;

/// The gate of a run's copy.
///
/// # Errors
/// [`crate::error::Exit::Invalid`] when it is not known where an app listens, or the request's secret is no password.
pub(crate) fn own_service(
    ctx: &Context,
    service_id: ServiceId,
    source: &Environment,
    request: &CloneRequest,
    names: &Names,
) -> Result<OwnService> {
    let login = Login::made(ctx, &names.run_hash, request)?;
    let (routes, behind) = behind(source, request, names)?;
    let config = caddy::config(&login, &behind)?;
    let variables = [
        ("PORT", PORT.to_string()),
        (gate::USER, login.user.clone()),
        (gate::PASSWORD, login.password.expose().to_owned()),
        (gate::BYPASS, login.bypass.expose().to_owned()),
        (gate::AUTHORIZATION, login.header().expose().to_owned()),
        (gate::CONFIG, config),
        (gate::ROUTES, serde_json::to_string(&routes)?),
    ];
    Ok(OwnService { service_id, image: caddy::IMAGE, start_command: START_COMMAND, variables: variables.into() })
}

/// The port at which an app listens: what the request or the source's domain says, else the `PORT` that is set.
pub(crate) fn port(source: &Environment, service: &ServiceInstance, request: &CloneRequest) -> Option<u16> {
    let wished = asked(request, &service.service_name).filter(|(name, _)| *name == "PORT").last();
    if let Some((_, Override::Value(value))) = wished {
        return value.trim().parse().ok();
    }
    let of_domain = service.domains.service_domains.iter().find_map(|domain| domain.target_port);
    let of_custom = || service.domains.custom_domains.iter().find_map(|domain| domain.target_port);
    let set = || {
        let mut variables = source.variables(&service.service_id);
        variables.find(|(name, _)| *name == "PORT")?.1.value.as_deref()?.trim().parse().ok()
    };
    of_domain.or_else(of_custom).or_else(set)
}

/// Where the gate leads, by host, and the same for its configuration: the service that people visit last, since it gets what is left.
fn behind(source: &Environment, request: &CloneRequest, names: &Names) -> Result<(Routes, Vec<Behind>)> {
    let web_id = web(source, request).map(|web| web.service_id.clone());
    let mut public = hosts::public(source, request);
    public.sort_by_key(|service| Some(&service.service_id) == web_id.as_ref());
    let (mut routes, mut behind) = (BTreeMap::new(), Vec::new());
    for service in public {
        let name = &service.service_name;
        let port = port(source, service, request)
            .with_context(|| Failure::invalid(format!("`enable_basic_auth`: {}", unknown_port(name))))?;
        let label = hosts::label(name, &names.target, &names.run_hash);
        let route = Route { service: service.service_id.clone(), port };
        if Some(&service.service_id) == web_id.as_ref() {
            routes.extend(request.custom_domain.clone().map(|custom| (custom, route.clone())));
        }
        routes.insert(label.clone(), route);
        behind.push(Behind { label, dial: format!("{}:{port}", private_host(name)) });
    }
    Ok((routes, behind))
}

/// Why a gate cannot lead to a service.
pub(crate) fn unknown_port(service: &str) -> String {
    format!(
        "nothing says at which port service `{service}` listens: give its domain a target port in Railway, or set `PORT` in its variables"
    )
}

/// The host of a service within its environment: what Railway says it is, where its name can be written in a reference.
fn private_host(service: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ' ');
    if service.chars().all(is_plain) {
        format!("${{{{{service}.RAILWAY_PRIVATE_DOMAIN}}}}")
    } else {
        format!("{}.railway.internal", slug(service))
    }
}
