//! The TCP proxies of a copy's services: open for as long as a step needs them, and closed otherwise, since they lead there from anywhere.

use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::contract::ids::ServiceId;
use crate::engines::Kind;
use crate::environment::deployments;
use crate::environment::guard::Target;
use crate::environment::services::kind;
use crate::error::counted;
use crate::external::tcp;
use crate::railway::{Change, Deploy, Environment, Project, ServiceInstance};
use crate::running::context::Context;

/// How long a proxy that was taken away may still answer, and how often that is tried.
const CLOSED_WITHIN: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How long a database may take to come up again.
const UP_AGAIN: Duration = Duration::from_mins(10);

/// A TCP proxy of a service, by the port that it leads to.
pub(crate) type ProxyKey = (ServiceId, u16);

/// Where a proxy listens.
pub(crate) struct Listening {
    pub service: String,
    pub host: String,
    pub port: u16,
}

/// The proxies by which databases are reached.
pub(crate) fn of_databases(services: &[&ServiceInstance]) -> Vec<ProxyKey> {
    let port = |kind: Kind| kind.traits().port;
    services.iter().filter_map(|s| Some((s.service_id.clone(), port(kind(s)?)))).collect()
}

/// All proxies of a copy that no step needs, unless the policy leaves them open.
pub(crate) fn to_close(ctx: &Context, environment: &Environment) -> Vec<ProxyKey> {
    if ctx.policy.may_be_public { Vec::new() } else { open_ones(environment) }
}

/// The same with those of databases that a step has opened since the environment was read.
pub(crate) fn to_close_all(ctx: &Context, environment: &Environment, opened: Vec<ProxyKey>) -> Vec<ProxyKey> {
    if ctx.policy.may_be_public {
        return Vec::new();
    }
    let mut all = opened;
    all.extend(open_ones(environment));
    all.sort();
    all.dedup();
    all
}

/// All proxies that an environment has.
fn open_ones(environment: &Environment) -> Vec<ProxyKey> {
    let all = environment.config.services.iter();
    all.flat_map(|(id, service)| service.tcp_proxies().map(|port| (id.clone(), port))).collect()
}

/// Opens those of `wanted` that are closed. A proxy acts from the service's next deployment on, so what runs already is deployed anew:
/// how many services.
///
/// # Errors
/// When Railway refuses, or a service does not come up again.
pub(crate) async fn open(ctx: &Context, target: &Target, wanted: &[ProxyKey], logs: bool) -> Result<usize> {
    let open = open_ones(target.environment());
    let closed: Vec<_> = wanted.iter().filter(|key| !open.contains(key)).cloned().collect();
    if closed.is_empty() {
        return Ok(0);
    }
    let change = Change { tcp_proxies: closed.clone(), ..Change::default() };
    let changed = ctx.railway.change(&target.project.id, &target.environment().id, &change).await;
    changed.context("open the TCP proxies of the copy's databases")?;
    let count = closed.len();
    let deploys = closed.into_iter().map(|(service_id, _)| Deploy { service_id, commit: None }).collect();
    let deployed = deployments::redeploy(ctx, target, deploys, UP_AGAIN, logs).await;
    deployed.context("deploy the databases with their TCP proxies")?;
    Ok(count)
}

/// Deploys the services anew of proxies at which nobody listens: whoever opened them has not come as far as that. How many services.
///
/// # Errors
/// When a service does not come up again.
pub(crate) async fn let_act(ctx: &Context, target: &Target, opened: &[&Listening], logs: bool) -> Result<usize> {
    let mut silent = Vec::new();
    for proxy in opened {
        if tcp::is_refused(&proxy.host, proxy.port).await {
            silent.push(*proxy);
        }
    }
    let deploys = deploys_of(target, &silent);
    if silent.is_empty() {
        return Ok(0);
    }
    let deployed = deployments::redeploy(ctx, target, deploys, UP_AGAIN, logs).await;
    deployed.context("deploy the databases with their TCP proxies")?;
    Ok(silent.len())
}

fn deploys_of(target: &Target, proxies: &[&Listening]) -> Vec<Deploy> {
    let ids = proxies.iter().filter_map(|proxy| Some(target.environment().service(&proxy.service)?.service_id.clone()));
    ids.map(|service_id| Deploy { service_id, commit: None }).collect()
}

/// What became of proxies that were taken away.
pub(crate) struct Closed {
    /// Services of those that still answer, or of which nobody can tell.
    pub open: Vec<String>,
    /// How many services were deployed anew for it.
    pub restarts: usize,
}

/// Waits until nobody answers at proxies that were taken away, if need be by deploying their services anew.
///
/// # Errors
/// When a service does not come up again.
pub(crate) async fn still_open(ctx: &Context, target: &Target, were: &[Listening], logs: bool) -> Result<Closed> {
    let open = answering(ctx, were.iter().collect()).await?;
    if open.is_empty() {
        return Ok(Closed { open: Vec::new(), restarts: 0 });
    }
    let restarts = open.len();
    tracing::info!("the TCP proxies of {} still answer; deploying anew", counted(open.len(), "database", "databases"));
    let deployed = deployments::redeploy(ctx, target, deploys_of(target, &open), UP_AGAIN, logs).await;
    deployed.context("deploy the databases without their TCP proxies")?;
    let open = answering(ctx, open).await?;
    for proxy in &open {
        tracing::warn!(
            "database `{}` of the copy can still be reached from the internet, at `{}:{}`: its TCP proxy was taken away, and no connection is refused",
            proxy.service,
            proxy.host,
            proxy.port
        );
    }
    Ok(Closed { open: open.into_iter().map(|proxy| proxy.service.clone()).collect(), restarts })
}

async fn answering<'a>(ctx: &Context, mut open: Vec<&'a Listening>) -> Result<Vec<&'a Listening>> {
    let end = tokio::time::Instant::now() + CLOSED_WITHIN;
    loop {
        let mut left = Vec::new();
        for proxy in open {
            if !tcp::is_refused(&proxy.host, proxy.port).await {
                left.push(proxy);
            }
        }
        open = left;
        if open.is_empty() || tokio::time::Instant::now() > end {
            return Ok(open);
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = ctx.stop.cancelled() => anyhow::bail!("stopped while waiting for the TCP proxies to close"),
        }
    }
}

/// Closes the proxies that a step which was killed has left open in a copy; how many.
///
/// # Errors
/// When Railway refuses.
pub(crate) async fn close_left(ctx: &Context, project: &Project, environment: &Environment) -> Result<usize> {
    let closed_proxies = to_close(ctx, environment);
    let count = closed_proxies.len();
    let change = Change { closed_proxies, ..Change::default() };
    ctx.railway.change(&project.id, &environment.id, &change).await.context("close the copy's TCP proxies")?;
    Ok(count)
}
