//! `start-apps`: deploys the copy's apps at production's commits, once nothing of theirs points at production.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::code_source::CodeSource;
use crate::contract::request::CloneRequest;
use crate::environment::code;
use crate::environment::deployments;
use crate::environment::granted;
use crate::environment::guard::{Readiness, Target};
use crate::environment::lease::{self, Turn};
use crate::environment::live;
use crate::environment::neighbours::Neighbours;
use crate::environment::services::{Role, with_role};
use crate::error::{Failure, counted, listed};
use crate::railway::{Deploy, Environment, Rendered, ServiceInstance, Weight};
use crate::running::context::Context;
use crate::running::step::{Deadline, Step};

/// How long an app may take to build and start.
const APP_UP: Duration = Duration::from_mins(32);

/// The step.
pub(super) struct StartApps;

/// What was started.
#[derive(Serialize, JsonSchema)]
pub(super) struct Output {
    pub started: Vec<Started>,
    /// Services that stay undeployed: left out by the request, or with a cron schedule.
    pub left_out: Vec<String>,
    /// Variables that name a host outside the copy which holds no data, as far as can be told.
    pub outside: Vec<Outside>,
}

/// A variable that names a host outside the copy.
#[derive(Serialize, JsonSchema)]
pub(super) struct Outside {
    pub service: String,
    /// The variable.
    pub name: String,
    /// What it names: `host` or `host:port`.
    pub host: String,
}

/// One app that is up.
#[derive(Serialize, JsonSchema)]
pub(super) struct Started {
    pub service: String,
    /// The commit it runs, production's own unless the request names another; absent for an image, and for the newest of a branch.
    pub commit: Option<String>,
    /// What the request had it run in the place of production's code.
    pub other_code: Option<CodeSource>,
}

impl Step for StartApps {
    const NAME: &'static str = "start-apps";
    const ABOUT: &'static str = "Deploy the copy's apps at production's commits, or the request's";
    const DEADLINE: Deadline = Deadline::Fixed(Duration::from_mins(34));
    type Input = CloneRequest;
    type Output = Output;

    fn in_short(output: &Output) -> String {
        format!("{} up", counted(output.started.len(), "app", "apps"))
    }

    async fn run(ctx: &Context, request: CloneRequest) -> Result<Output> {
        lease::in_turn(ctx, &request, Readiness::HasData, |ctx, request, target, turn| {
            Box::pin(start(ctx, request, target, turn))
        })
        .await
    }
}

async fn start(ctx: &Context, request: &CloneRequest, target: Target, _turn: &Turn) -> Result<Output> {
    granted::ensure(&ctx.policy, &target.project, target.source(), request)?;
    let outside = if target.is_ready() { Vec::new() } else { ensure_isolated(ctx, &target, request).await? };
    let apps = with_role(target.source(), request, &[Role::App]);
    let deploys: Vec<_> = apps.iter().map(|service| code::deploy(service, request)).collect();
    let started = |(service, deploy): (&&ServiceInstance, &Deploy)| Started {
        service: service.service_name.clone(),
        commit: deploy.commit.clone(),
        other_code: request.sources.get(&service.service_name).cloned(),
    };
    let started: Vec<_> = apps.iter().zip(&deploys).map(started).collect();
    if !target.is_ready() {
        deployments::deploy(ctx, &target, deploys, APP_UP, request.logs).await?;
    }
    for app in &started {
        let other = app.other_code.as_ref().map(|code| format!(" with `{}`", code.told())).unwrap_or_default();
        tracing::info!("service `{}` is up{other}", app.service);
    }
    let left_out = with_role(target.source(), request, &[Role::LeftOut, Role::Cron]);
    let left_out = left_out.into_iter().map(|s| s.service_name.clone()).collect();
    Ok(Output { started, left_out, outside })
}

/// Refuses while an app that would start names a server of data outside the copy that the policy does not allow, or any TCP proxy of
/// production; tells the other hosts outside.
async fn ensure_isolated(ctx: &Context, target: &Target, request: &CloneRequest) -> Result<Vec<Outside>> {
    let (source, copy) = (target.source(), target.environment());
    let asked: Vec<_> = [source, copy]
        .into_iter()
        .flat_map(|e| e.service_instances.iter().map(move |s| (&e.id, &s.service_id)))
        .collect();
    let rendered = ctx.railway.rendered(&target.project.id, &asked, Weight::Repeatable).await?;
    let (of_source, of_copy) = rendered.split_at(source.service_instances.len());
    let of_source: Vec<_> = source.service_instances.iter().zip(of_source).collect();
    let of_copy: Vec<_> = copy.service_instances.iter().zip(of_copy).collect();
    let neighbours = Neighbours::of(&ctx.policy, source, &of_source)
        .with_own(copy.hosts().chain(request.custom_domain.as_deref()))
        .with_own_proxies(&of_copy);
    let (mut stops, mut outside) = (Vec::new(), Vec::new());
    for (app, variables) in of_copy.iter().filter(|(s, _)| Role::of(s, request) == Role::App) {
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
    let of_apps: Vec<_> = of_copy.iter().filter(|(s, _)| Role::of(s, request) == Role::App).copied().collect();
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
