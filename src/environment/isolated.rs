//! Whether apps of a copy may start: nothing of theirs may name a server of data outside it, or act live.

use std::collections::BTreeSet;

use anyhow::{Result, bail, ensure};
use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::request::CloneRequest;
use crate::environment::guard::Target;
use crate::environment::live;
use crate::environment::neighbours::Neighbours;
use crate::error::{Failure, listed};
use crate::railway::{Environment, Rendered, ServiceInstance, VariableChanges, Weight};
use crate::running::context::Context;

/// A variable that names a host outside the copy.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Outside {
    pub service: String,
    /// The variable.
    pub name: String,
    /// What it names: `host` or `host:port`.
    pub host: String,
}

/// Refuses while an app that would start names a server of data outside the copy that the policy does not allow, or any TCP proxy of
/// production; tells the other hosts outside. `changes` are variables that are about to be set, their references resolved.
///
/// # Errors
/// [`crate::error::Exit::Invalid`], naming each such variable.
pub(crate) async fn ensure(
    ctx: &Context,
    target: &Target,
    request: &CloneRequest,
    starts: impl Fn(&ServiceInstance) -> bool,
    changes: &VariableChanges,
) -> Result<Vec<Outside>> {
    let (source, copy) = (target.source(), target.environment());
    let asked: Vec<_> = [source, copy]
        .into_iter()
        .flat_map(|e| e.service_instances.iter().map(move |s| (&e.id, &s.service_id)))
        .collect();
    let mut of_source = ctx.railway.rendered(&target.project.id, &asked, Weight::Repeatable).await?;
    let mut of_copy = of_source.split_off(source.service_instances.len());
    for (service, rendered) in copy.service_instances.iter().zip(&mut of_copy) {
        for (name, value) in changes.get(&service.service_id).into_iter().flatten() {
            rendered.insert(name.clone(), value.clone());
        }
    }
    let of_source: Vec<_> = source.service_instances.iter().zip(&of_source).collect();
    let of_copy: Vec<_> = copy.service_instances.iter().zip(&of_copy).collect();
    let neighbours = Neighbours::of(&ctx.policy, source, &of_source)
        .with_own(copy.hosts().chain(request.custom_domain.as_deref()))
        .with_own_proxies(&of_copy);
    let of_apps: Vec<_> = of_copy.iter().filter(|(s, _)| starts(s)).copied().collect();
    let (mut stops, mut outside) = (Vec::new(), Vec::new());
    for (app, variables) in &of_apps {
        let name = &app.service_name;
        for objection in neighbours.objections(&written(copy, app, variables)) {
            let told = format!("`{}` of service `{name}` names {}", objection.variable, objection.what);
            if objection.stops {
                stops.push(told);
            } else {
                tracing::warn!("{told}");
                outside.push(Outside { service: name.clone(), name: objection.variable, host: objection.host });
            }
        }
    }
    let live = live::rendered(request, &of_source, &of_apps);
    ensure!(
        live.is_empty(),
        Failure::invalid(listed(&live.iter().map(|l| format!("`{}`: {}", l.variable(), l.told())).collect::<Vec<_>>()))
    );
    if stops.is_empty() {
        return Ok(outside);
    }
    bail!(Failure::invalid(format!("the copy's apps are not started: {}", stops.join("; "))).hint(
        "set the variable in `variables`, make it a reference such as `${{Postgres.DATABASE_URL}}`, or add the host to the policy's `allowed_hosts`"
    ))
}

/// The variables of a service that somebody has set; the others are Railway's own, and name the copy.
fn written<'a>(
    copy: &'a Environment,
    service: &ServiceInstance,
    rendered: &'a Rendered,
) -> impl Iterator<Item = (&'a str, &'a str)> + Clone {
    let set: BTreeSet<_> = copy.variables(&service.service_id).map(|(name, _)| name).collect();
    let with_value = rendered.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_deref()?)));
    with_value.filter(move |(name, _)| !name.starts_with("RAILWAY_") || set.contains(name))
}
