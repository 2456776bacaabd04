//! Where a copy's databases and their sources can be reached; a target is never looked up in a variable.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::environment::guard::Target;
use crate::error::Failure;
use crate::postgres;
use crate::railway::{Endpoint, Rendered, ServiceInstance, Weight};
use crate::running::context::Context;

/// The variables that may name a source, best first: a pooled one cannot give a snapshot.
const PUBLIC_URLS: &[&str] = &["DATABASE_PUBLIC_UNPOOLED_URL", "DATABASE_PUBLIC_URL"];

/// How long a TCP proxy may take to become active.
const PROXY_ACTIVE: Duration = Duration::from_secs(180);

/// One database to copy.
pub struct Pair {
    pub service: String,
    pub source: postgres::Endpoint,
    pub target: postgres::Endpoint,
}

/// Where the sources can be reached, in the order of `services`, all of environment `environment_id`.
///
/// # Errors
/// [`crate::error::Exit::Invalid`] for a database that is not public.
pub async fn sources(
    ctx: &Context,
    project_id: &str,
    environment_id: &str,
    services: &[&ServiceInstance],
) -> Result<Vec<postgres::Endpoint>> {
    let pairs: Vec<_> = services.iter().map(|s| (environment_id, s.service_id.as_str())).collect();
    let rendered = ctx.railway()?.rendered(project_id, &pairs, Weight::Repeatable).await?;
    services.iter().zip(&rendered).map(|(service, rendered)| source(service, rendered)).collect()
}

/// Where a source can be reached.
///
/// # Errors
/// [`crate::error::Exit::Invalid`] when it is not public.
pub fn source(service: &ServiceInstance, rendered: &Rendered) -> Result<postgres::Endpoint> {
    let name = &service.service_name;
    let urls = PUBLIC_URLS.iter().filter_map(|variable| Some((*variable, rendered.get(*variable)?.clone()?)));
    let (variable, url) = urls.into_iter().next().with_context(|| {
        Failure::invalid(format!("database `{name}` cannot be reached from outside: it has no `DATABASE_PUBLIC_URL`"))
            .hint(format!("add Public Access (a TCP proxy) to `{name}` in the source environment"))
    })?;
    postgres::Endpoint::parse(&url).with_context(|| format!("read `{variable}` of `{name}`"))
}

/// Waits for the TCP proxies of the copy's own database instances and pairs each with its source.
///
/// # Errors
/// [`crate::error::Exit::Deadline`] when a proxy stays away; [`crate::error::Exit::Invalid`] when it is the source's.
pub async fn pairs(ctx: &Context, target: &Target, services: &[&ServiceInstance]) -> Result<Vec<Pair>> {
    let (railway, project_id) = (ctx.railway()?, &target.project.id);
    let (source_id, target_id) = (&target.source().id, &target.environment().id);
    let both: Vec<_> = services
        .iter()
        .flat_map(|s| [(source_id.as_str(), s.service_id.as_str()), (target_id.as_str(), s.service_id.as_str())])
        .collect();
    let both = &both;
    let look = || async move {
        let endpoints = railway.endpoints(project_id, both, Weight::Poll).await?;
        let ready = endpoints.chunks(2).all(|pair| pair[1].proxy.is_some());
        Ok(ready.then_some(endpoints))
    };
    let endpoints = ctx.until("the copy's TCP proxies", PROXY_ACTIVE, Duration::from_secs(1), look).await?;
    services.iter().zip(endpoints.chunks(2)).map(|(service, ends)| pair(service, &ends[0], &ends[1])).collect()
}

fn pair(service: &ServiceInstance, source: &Endpoint, target: &Endpoint) -> Result<Pair> {
    let name = &service.service_name;
    ensure!(
        source.proxy != target.proxy,
        Failure::invalid(format!("database `{name}`: the copy's TCP proxy is the source's own"))
    );
    let proxy = target.proxy.as_ref().context("find the copy's TCP proxy")?;
    let value = |names: [&str; 2]| {
        let value = names.iter().find_map(|n| target.variables.get(*n).cloned().flatten());
        value.with_context(|| Failure::invalid(format!("database `{name}` of the copy has no `{}`", names[0])))
    };
    let (user, password) = (value(["PGUSER", "POSTGRES_USER"])?, value(["POSTGRES_PASSWORD", "PGPASSWORD"])?);
    let database = value(["PGDATABASE", "POSTGRES_DB"])?;
    Ok(Pair {
        service: name.clone(),
        source: self::source(service, &source.variables)?,
        target: postgres::Endpoint::of_proxy(&proxy.0, proxy.1, &user, &password, &database),
    })
}
