//! Where a copy's databases and their sources can be reached: at the TCP proxies that Railway names, or where the owner says; no
//! variable decides it.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::contract::ids::{EnvironmentId, ProjectId};
use crate::contract::policy::Policy;
use crate::engines::{Endpoint, Kind, KindTraits, Login, LoginNames, Named};
use crate::environment::guard::Target;
use crate::environment::proxies::Listening;
use crate::environment::services::kind;
use crate::error::Failure;
use crate::external::process_env::ProcessEnv;
use crate::railway::{Reachable, Rendered, ServiceInstance, Weight};
use crate::running::context::Context;
use crate::secret::Secret;

/// How long a TCP proxy may take to become active.
const PROXY_ACTIVE: Duration = Duration::from_mins(3);

/// One database to copy.
pub(crate) struct DatabasePair {
    pub service: String,
    pub source: Endpoint,
    pub target: Endpoint,
    /// The copy's TCP proxy.
    pub listening: Listening,
}

/// One of the copy's databases.
pub(crate) struct Reached {
    pub endpoint: Endpoint,
    /// Its TCP proxy.
    pub listening: Listening,
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
) -> Result<Vec<Endpoint>> {
    let seen = look(ctx, project_id, environment_id, services).await?;
    services.iter().zip(&seen).map(|(service, seen)| source(ctx, service, seen)).collect()
}

/// Where a source can be reached, and as whom.
///
/// # Errors
/// [`crate::error::Exit::Invalid`] when it is not public, or nobody is known who may log in.
pub(crate) fn source(ctx: &Context, service: &ServiceInstance, seen: &Reachable) -> Result<Endpoint> {
    let (name, kind) = (&service.service_name, kind_of(service)?);
    let url = |variable: &&'static str| {
        let value = seen.variables.get(*variable).cloned().flatten()?;
        Some((*variable, kind.named_in(&value)?))
    };
    let urls: Vec<_> = kind.traits().public_urls.iter().filter_map(url).collect();
    let (host, port) = place(&ctx.policy, name, kind, seen, &urls)?;
    let mut identity = Identity::of_reader(kind, &seen.variables, &urls);
    let login = &ctx.policy.source_login;
    if !login.is_named() {
        return Ok(identity
            .at(&ctx.policy, name, kind, (&host, port), End::Source)?
            .no_faster_than(ctx.policy.fastest_mb_per_s()));
    }
    let reader = secret(&ctx.env, &login.user_secret)?.expose().to_owned();
    let writer = std::mem::replace(&mut identity.user, reader);
    identity.password = Some(secret(&ctx.env, &login.password_secret)?);
    Ok(identity
        .at(&ctx.policy, name, kind, (&host, port), End::Source)?
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
    Identity::of_administrator(kind, &seen.variables).at(&ctx.policy, name, kind, ("", 0), End::Copy).map(drop)
}

fn kind_of(service: &ServiceInstance) -> Result<Kind> {
    kind(service).with_context(|| Failure::invalid(format!("service `{}` is no database", service.service_name)))
}

/// The TCP proxy of a source, or the host in a URL of its that the owner allows.
fn place(policy: &Policy, name: &str, kind: Kind, seen: &Reachable, urls: &[(&str, Named)]) -> Result<(String, u16)> {
    let is_allowed = |named: &Named| {
        let with_port = format!("{}:{}", named.host, named.port);
        !named.host.starts_with('/') && policy.source_hosts.iter().any(|host| *host == named.host || *host == with_port)
    };
    if let Some((_, named)) = urls.iter().find(|(_, named)| is_allowed(named)) {
        return Ok((named.host.clone(), named.port));
    }
    if let Some(proxy) = &seen.proxy {
        return Ok(proxy.clone());
    }
    let no_proxy =
        format!("database `{name}` cannot be reached from outside: it has no TCP proxy to port {}", kind.traits().port);
    let hint = match urls.first() {
        Some((variable, Named { host, port, .. })) => format!(
            "add Public Access (a TCP proxy) to `{name}` in the source environment; its `{variable}` names `{host}`, which is used only with `source_hosts: [\"{host}:{port}\"]` in the policy"
        ),
        None => format!("add Public Access (a TCP proxy) to `{name}` in the source environment"),
    };
    bail!(Failure::invalid(no_proxy).hint(hint))
}

/// The value of `RAILSTAGE_SECRET_<name>`.
fn secret(env: &ProcessEnv, name: &str) -> Result<Secret> {
    let variable = format!("RAILSTAGE_SECRET_{name}");
    env.secret(&variable).with_context(|| {
        Failure::invalid(format!("the policy's `source_login`: there is no secret `{name}`"))
            .hint(format!("the flow's author must set `{variable}` in the task's env"))
    })
}

/// Which end of a copy a database is.
#[derive(Clone, Copy)]
enum End {
    Source,
    Copy,
}

/// Who logs in, to which database, as a service's variables say.
#[derive(Default)]
struct Identity {
    user: String,
    password: Option<Secret>,
    database: Option<String>,
}

impl Identity {
    /// Who reads a database. A URL of the service decides nothing but the password, where it is this very user's.
    fn of_reader(kind: Kind, variables: &Rendered, urls: &[(&str, Named)]) -> Self {
        Self::first(kind, kind.traits().logins, variables, urls)
    }

    /// Who makes a copy.
    fn of_administrator(kind: Kind, variables: &Rendered) -> Self {
        Self::first(kind, kind.traits().administrator, variables, &[])
    }

    /// The first of a kind's logins of which the variables say all.
    fn first(kind: Kind, logins: &[LoginNames], variables: &Rendered, urls: &[(&str, Named)]) -> Self {
        let read = || logins.iter().filter_map(|login| Self::read(kind, login, variables, urls));
        read().find(|identity| identity.password.is_some()).or_else(|| read().next()).unwrap_or_default()
    }

    /// One of a kind's logins, if the variables say whose.
    fn read(kind: Kind, login: &LoginNames, variables: &Rendered, urls: &[(&str, Named)]) -> Option<Self> {
        let value = |names: &[&str]| {
            let values = names.iter().filter_map(|name| variables.get(*name).cloned().flatten());
            values.into_iter().find(|value| !value.is_empty())
        };
        let user = value(login.user).or_else(|| login.usual_user.map(str::to_owned))?;
        let of_url = urls.iter().find(|(_, named)| named.user == user).and_then(|(_, named)| named.password.clone());
        let password = of_url.or_else(|| value(login.password).map(Secret::new));
        let KindTraits { database, is_called_like_login, .. } = kind.traits();
        let database = value(database).or_else(|| is_called_like_login.then(|| user.clone()));
        Some(Self { user, password, database })
    }

    fn at(&self, policy: &Policy, name: &str, kind: Kind, (host, port): (&str, u16), end: End) -> Result<Endpoint> {
        let traits = kind.traits();
        let usual = traits.administrator.iter().find_map(|login| login.password.first()).copied().unwrap_or_default();
        let password = self.password.as_ref().with_context(|| {
            Failure::invalid(format!("database `{name}` has no `{usual}` that could be read")).hint(format!(
                "a sealed variable cannot be read: give `source_login` in the policy, or `{usual}` unsealed"
            ))
        })?;
        let Some(database) = &self.database else {
            let usual = traits.database.first().copied().unwrap_or_default();
            bail!(
                Failure::invalid(format!("no variable of `{name}` says which of its databases is the site's"))
                    .hint(format!("give it `{usual}`"))
            )
        };
        let is_weak = policy.weak_lines.iter().any(|service| service == name);
        let (pinned, must_be_proven) = match end {
            End::Source => {
                (policy.pinned_certificates.get(name).map_or(&[][..], Vec::as_slice), policy.proven_servers_only)
            }
            // Its certificate is made with it, and known to nobody before.
            End::Copy => (&[][..], false),
        };
        let login = Login { host, port, user: &self.user, password, database, is_weak, pinned, must_be_proven };
        kind.at(&login).with_context(|| format!("reach database `{name}`"))
    }
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
    paired.map(|((service, kind), ends)| pair(ctx, service, kind, &ends[0], &ends[1])).collect()
}

/// The copy's databases that have a TCP proxy just now.
///
/// # Errors
/// When Railway does not say it; [`crate::error::Exit::Invalid`] when a proxy is the source's.
pub(crate) async fn reached(ctx: &Context, target: &Target, services: &[&ServiceInstance]) -> Result<Vec<Reached>> {
    let of_source = look(ctx, &target.project.id, &target.source().id, services).await?;
    let of_target = look(ctx, &target.project.id, &target.environment().id, services).await?;
    let ends = services.iter().zip(of_source.iter().zip(&of_target));
    let open = ends.filter(|(_, (_, target))| target.proxy.is_some());
    open.map(|(service, (source, target))| reach(ctx, service, kind_of(service)?, source, target)).collect()
}

fn pair(
    ctx: &Context,
    service: &ServiceInstance,
    kind: Kind,
    source: &Reachable,
    target: &Reachable,
) -> Result<DatabasePair> {
    let Reached { endpoint, listening } = reach(ctx, service, kind, source, target)?;
    let (service, source) = (service.service_name.clone(), self::source(ctx, service, source)?);
    Ok(DatabasePair { service, source, target: endpoint, listening })
}

fn reach(
    ctx: &Context,
    service: &ServiceInstance,
    kind: Kind,
    source: &Reachable,
    target: &Reachable,
) -> Result<Reached> {
    let name = &service.service_name;
    ensure!(
        source.proxy != target.proxy,
        Failure::invalid(format!("database `{name}`: the copy's TCP proxy is the source's own"))
    );
    let (host, port) = target.proxy.as_ref().context("find the copy's TCP proxy")?;
    let endpoint =
        Identity::of_administrator(kind, &target.variables).at(&ctx.policy, name, kind, (host, *port), End::Copy)?;
    Ok(Reached { endpoint, listening: Listening { service: name.clone(), host: host.clone(), port: *port } })
}
