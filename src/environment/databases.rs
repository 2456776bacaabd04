//! Where a copy's databases and their sources can be reached; a target is never looked up in a variable.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::contract::ids::{EnvironmentId, ProjectId};
use crate::engines::{Endpoint, Kind, Login};
use crate::environment::guard::Target;
use crate::environment::services::kind;
use crate::error::Failure;
use crate::railway::{Reachable, Rendered, ServiceInstance, Weight};
use crate::running::context::Context;

/// How long a TCP proxy may take to become active.
const PROXY_ACTIVE: Duration = Duration::from_mins(3);

/// One database to copy.
pub(crate) struct DatabasePair {
    pub service: String,
    pub source: Endpoint,
    pub target: Endpoint,
}

/// Where the sources can be reached, in the order of `services`, all of environment `environment_id`.
///
/// # Errors
/// [`crate::error::Exit::Invalid`] for a database that is not public.
pub(crate) async fn sources(
    ctx: &Context,
    project_id: &ProjectId,
    environment_id: &EnvironmentId,
    services: &[&ServiceInstance],
) -> Result<Vec<Endpoint>> {
    let instances: Vec<_> = services.iter().map(|s| (environment_id, &s.service_id)).collect();
    let rendered = ctx.railway.rendered(project_id, &instances, Weight::Repeatable).await?;
    services.iter().zip(&rendered).map(|(service, rendered)| source(service, rendered)).collect()
}

/// Where a source can be reached.
///
/// # Errors
/// [`crate::error::Exit::Invalid`] when it is not public.
pub(crate) fn source(service: &ServiceInstance, rendered: &Rendered) -> Result<Endpoint> {
    let (name, kind) = (&service.service_name, kind_of(service)?);
    let variables = kind.traits().public_urls;
    let urls = variables.iter().filter_map(|variable| Some((*variable, rendered.get(*variable)?.clone()?)));
    let (variable, url) = urls.into_iter().next().with_context(|| {
        let usual = variables.last().copied().unwrap_or_default();
        Failure::invalid(format!("database `{name}` cannot be reached from outside: it has no `{usual}`"))
            .hint(format!("add Public Access (a TCP proxy) to `{name}` in the source environment"))
    })?;
    kind.endpoint(&url).with_context(|| format!("read `{variable}` of `{name}`"))
}

fn kind_of(service: &ServiceInstance) -> Result<Kind> {
    kind(service).with_context(|| Failure::invalid(format!("service `{}` is no database", service.service_name)))
}

/// Waits for the TCP proxies of the copy's own database instances and pairs each with its source.
///
/// # Errors
/// [`crate::error::Exit::Deadline`] when a proxy stays away; [`crate::error::Exit::Invalid`] when it is the source's.
pub(crate) async fn pairs(ctx: &Context, target: &Target, services: &[&ServiceInstance]) -> Result<Vec<DatabasePair>> {
    let (source_id, target_id) = (&target.source().id, &target.environment().id);
    let kinds: Vec<_> = services.iter().map(|s| kind_of(s)).collect::<Result<_>>()?;
    let both: Vec<_> = services
        .iter()
        .zip(&kinds)
        .flat_map(|(s, kind)| [source_id, target_id].map(|id| ((id, &s.service_id), kind.traits().port)))
        .collect();
    let both = &both;
    let look = || async move {
        let ends = ctx.railway.reachable(&target.project.id, both, Weight::Poll).await?;
        let ready = ends.chunks(2).all(|pair| pair[1].proxy.is_some());
        Ok(ready.then_some(ends))
    };
    let ends = ctx.until("the copy's TCP proxies", PROXY_ACTIVE, Duration::from_secs(1), look).await?;
    let paired = services.iter().zip(kinds).zip(ends.chunks(2));
    paired.map(|((service, kind), ends)| pair(service, kind, &ends[0], &ends[1])).collect()
}

fn pair(service: &ServiceInstance, kind: Kind, source: &Reachable, target: &Reachable) -> Result<DatabasePair> {
    let name = &service.service_name;
    ensure!(
        source.proxy != target.proxy,
        Failure::invalid(format!("database `{name}`: the copy's TCP proxy is the source's own"))
    );
    let (host, port) = target.proxy.as_ref().context("find the copy's TCP proxy")?;
    let value = |names: &[&str]| {
        let value = names.iter().find_map(|n| target.variables.get(*n).cloned().flatten());
        let usual = names.first().copied().unwrap_or_default();
        value.with_context(|| Failure::invalid(format!("database `{name}` of the copy has no `{usual}`")))
    };
    let traits = kind.traits();
    let (user, password) = (value(traits.user)?, value(traits.password)?);
    let database = value(traits.database)?;
    Ok(DatabasePair {
        service: name.clone(),
        source: self::source(service, &source.variables)?,
        target: kind.behind_proxy(&Login { host, port: *port, user: &user, password: &password, database: &database }),
    })
}
