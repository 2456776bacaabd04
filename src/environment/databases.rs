//! Where a copy's databases and their sources can be reached: at the TCP proxies that Railway names, in their containers, or where the owner says;
//! no variable decides it.

mod identity;

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::contract::connect::Connect;
use crate::contract::ids::{EnvironmentId, ProjectId};
use crate::engines::{Endpoint, Kind, Named};
use crate::environment::databases::identity::{Identity, Place, secret};
use crate::environment::guard::Target;
use crate::environment::proxies::Listening;
use crate::environment::services::kind;
use crate::environment::ways::{self, End, Way};
use crate::error::Failure;
use crate::railway::{Reachable, ServiceInstance, Weight};
use crate::running::context::Context;

/// How long a TCP proxy may take to become active.
const PROXY_ACTIVE: Duration = Duration::from_mins(3);

/// One database to copy.
pub(crate) struct DatabasePair {
    pub service: String,
    pub source: Endpoint,
    pub target: Endpoint,
    /// The copy's TCP proxy, where it is reached by one.
    pub listening: Option<Listening>,
}

/// One of the copy's databases.
pub(crate) struct Reached {
    pub service: String,
    pub endpoint: Endpoint,
    /// Its TCP proxy, where it is reached by one.
    pub listening: Option<Listening>,
}

/// What Railway says of services, and of where their databases are if they are any, in the order of `services`, all of environment `environment_id`.
///
/// # Errors
/// When Railway does not say it.
pub(crate) async fn look(
    ctx: &Context,
    project_id: &ProjectId,
    environment_id: &EnvironmentId,
    services: &[&ServiceInstance],
) -> Result<Vec<Reachable>> {
    if services.is_empty() {
        return Ok(Vec::new());
    }
    // No proxy leads to port 0.
    let port = |s: &ServiceInstance| kind(s).map_or(0, |kind| kind.traits().port);
    let instances: Vec<_> = services.iter().map(|s| ((environment_id, &s.service_id), port(s))).collect();
    ctx.railway.reachable(project_id, &instances, Weight::Repeatable).await
}

/// Where the sources can be reached, in the order of `services`, all of environment `environment_id`.
///
/// # Errors
/// As [`source`].
pub(crate) async fn sources(
    ctx: &Context,
    project_id: &ProjectId,
    environment_id: &EnvironmentId,
    services: &[&ServiceInstance],
    connect: Connect,
) -> Result<Vec<Endpoint>> {
    let seen = look(ctx, project_id, environment_id, services).await?;
    let mut endpoints = Vec::new();
    for (service, seen) in services.iter().zip(&seen) {
        endpoints.push(source(ctx, service, seen, connect).await?);
    }
    Ok(endpoints)
}

/// Where a source can be reached, and as whom.
///
/// # Errors
/// [`crate::error::Exit::Invalid`] when there is no way to it, or nobody is known who may log in.
pub(crate) async fn source(
    ctx: &Context,
    service: &ServiceInstance,
    seen: &Reachable,
    connect: Connect,
) -> Result<Endpoint> {
    let (name, kind) = (&service.service_name, kind_of(service)?);
    let url = |variable: &&'static str| {
        let value = seen.variables.get(*variable).cloned().flatten()?;
        Some((*variable, kind.named_in(&value)?))
    };
    let urls: Vec<_> = kind.traits().public_urls.iter().filter_map(url).collect();
    let place = place(ctx, service, kind, seen, &urls, connect).await?;
    let mut identity = Identity::of_reader(kind, &seen.variables, &urls);
    let login = &ctx.policy.source_login;
    if !login.is_named() {
        return Ok(identity
            .at(&ctx.policy, name, kind, &place, End::Source)?
            .no_faster_than(ctx.policy.fastest_mb_per_s()));
    }
    let reader = secret(&ctx.env, &login.user_secret)?.expose().to_owned();
    let writer = std::mem::replace(&mut identity.user, reader);
    identity.password = Some(secret(&ctx.env, &login.password_secret)?);
    Ok(identity
        .at(&ctx.policy, name, kind, &place, End::Source)?
        .written_by(writer)
        .no_faster_than(ctx.policy.fastest_mb_per_s()))
}

/// Refuses a source whose copy nobody could make: it is made by a login that may make databases, whose password the copy's own variable
/// must hold.
///
/// # Errors
/// [`crate::error::Exit::Invalid`], naming the variable.
pub(crate) fn ensure_can_be_made(ctx: &Context, service: &ServiceInstance, seen: &Reachable) -> Result<()> {
    let (name, kind) = (&service.service_name, kind_of(service)?);
    Identity::of_administrator(kind, &seen.variables)
        .at(&ctx.policy, name, kind, &Place::At(String::new(), 0), End::Copy)
        .map(drop)
}

fn kind_of(service: &ServiceInstance) -> Result<Kind> {
    kind(service).with_context(|| Failure::invalid(format!("service `{}` is no database", service.service_name)))
}

/// The host in a URL of a source that the owner allows, its TCP proxy, or its container.
async fn place(
    ctx: &Context,
    service: &ServiceInstance,
    kind: Kind,
    seen: &Reachable,
    urls: &[(&str, Named)],
    connect: Connect,
) -> Result<Place> {
    let (policy, port) = (&ctx.policy, kind.traits().port);
    let is_allowed = |named: &Named| {
        let with_port = format!("{}:{}", named.host, named.port);
        !named.host.starts_with('/') && policy.source_hosts.iter().any(|host| *host == named.host || *host == with_port)
    };
    let allowed = urls.iter().find(|(_, named)| is_allowed(named));
    if let Some((_, named)) = allowed.filter(|_| connect.under(policy) != Connect::Private) {
        return Ok(Place::At(named.host.clone(), named.port));
    }
    if Way::of(policy, connect, service, seen.proxy.is_some()) == Way::Private {
        let line = ways::line(ctx, service, port, End::Source).await;
        return Ok(Place::In(line.with_context(|| format!("reach database `{}`", service.service_name))?, port));
    }
    match &seen.proxy {
        Some((host, port)) => Ok(Place::At(host.clone(), *port)),
        None => bail!(no_way(&service.service_name, port, urls)),
    }
}

/// That nothing leads to a database, and what would.
fn no_way(name: &str, port: u16, urls: &[(&str, Named)]) -> Failure {
    let private = "or pin the host key of Railway's SSH relay (`relay_host_keys` in the policy), through which nothing has to be open";
    let hint = match urls.first() {
        Some((variable, Named { host, port, .. })) => format!(
            "add Public Access (a TCP proxy) to `{name}` in the source environment, {private}; its `{variable}` names `{host}`, which is used only with `source_hosts: [\"{host}:{port}\"]` in the policy"
        ),
        None => format!("add Public Access (a TCP proxy) to `{name}` in the source environment, {private}"),
    };
    Failure::invalid(format!("database `{name}` cannot be reached from outside: it has no TCP proxy to port {port}"))
        .hint(hint)
}

/// Waits for the TCP proxies of those of the copy's own databases that are reached by one, and pairs each with its source.
///
/// # Errors
/// [`crate::error::Exit::Deadline`] when a proxy stays away; [`crate::error::Exit::Invalid`] when it is the source's.
pub(crate) async fn pairs(
    ctx: &Context,
    target: &Target,
    services: &[&ServiceInstance],
    connect: Connect,
) -> Result<Vec<DatabasePair>> {
    let (source_id, target_id) = (&target.source().id, &target.environment().id);
    let ways = &ways_to_copies(ctx, target, services, connect);
    let kinds: Vec<_> = services.iter().map(|s| kind_of(s)).collect::<Result<_>>()?;
    let both: Vec<_> = services
        .iter()
        .zip(&kinds)
        .flat_map(|(s, kind)| [source_id, target_id].map(|id| ((id, &s.service_id), kind.traits().port)))
        .collect();
    let both = &both;
    let look = || async move {
        let ends = ctx.railway.reachable(&target.project.id, both, Weight::Poll).await?;
        let ready = ends.chunks(2).zip(ways).all(|(pair, way)| *way == Way::Private || pair[1].proxy.is_some());
        Ok(ready.then_some(ends))
    };
    let ends = ctx.until("the copy's TCP proxies", PROXY_ACTIVE, Duration::from_secs(1), look).await?;
    let mut pairs = Vec::new();
    for ((service, way), ends) in services.iter().zip(ways).zip(ends.chunks(2)) {
        let Reached { service: name, endpoint, listening } =
            reach(ctx, target, service, *way, &ends[0], &ends[1]).await?;
        let source = source(ctx, service, &ends[0], connect).await?;
        pairs.push(DatabasePair { service: name, source, target: endpoint, listening });
    }
    Ok(pairs)
}

/// The copy's databases that can be reached just now: those that have a TCP proxy, and those that need none.
///
/// # Errors
/// When Railway does not say it; [`crate::error::Exit::Invalid`] when a proxy is the source's.
pub(crate) async fn reached(
    ctx: &Context,
    target: &Target,
    services: &[&ServiceInstance],
    connect: Connect,
) -> Result<Vec<Reached>> {
    let of_source = look(ctx, &target.project.id, &target.source().id, services).await?;
    let of_target = look(ctx, &target.project.id, &target.environment().id, services).await?;
    let ways = ways_to_copies(ctx, target, services, connect);
    let mut reached = Vec::new();
    for ((service, way), (source, target_end)) in services.iter().zip(ways).zip(of_source.iter().zip(&of_target)) {
        if way == Way::Private || target_end.proxy.is_some() {
            reached.push(reach(ctx, target, service, way, source, target_end).await?);
        }
    }
    Ok(reached)
}

fn ways_to_copies(ctx: &Context, target: &Target, services: &[&ServiceInstance], connect: Connect) -> Vec<Way> {
    services.iter().map(|service| Way::to_copy(&ctx.policy, connect, target.source(), service)).collect()
}

async fn reach(
    ctx: &Context,
    target: &Target,
    service: &ServiceInstance,
    way: Way,
    source_end: &Reachable,
    target_end: &Reachable,
) -> Result<Reached> {
    let (name, kind) = (&service.service_name, kind_of(service)?);
    let (place, listening) = match way {
        Way::Private => {
            let own = target.environment().service(name).context("find the copy's own database")?;
            ensure!(
                own.id != service.id,
                Failure::invalid(format!("database `{name}`: the copy's container is the source's own"))
            );
            let port = kind.traits().port;
            let line = ways::line(ctx, own, port, End::Copy).await;
            (Place::In(line.with_context(|| format!("reach the copy's database `{name}`"))?, port), None)
        }
        Way::Public => {
            ensure!(
                source_end.proxy != target_end.proxy,
                Failure::invalid(format!("database `{name}`: the copy's TCP proxy is the source's own"))
            );
            let (host, port) = target_end.proxy.clone().context("find the copy's TCP proxy")?;
            let listening = Listening { service: name.clone(), host: host.clone(), port };
            (Place::At(host, port), Some(listening))
        }
    };
    let identity = Identity::of_administrator(kind, &target_end.variables);
    let endpoint = identity.at(&ctx.policy, name, kind, &place, End::Copy)?;
    Ok(Reached { service: name.clone(), endpoint, listening })
}
