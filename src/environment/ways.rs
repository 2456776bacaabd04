//! By which way each database is reached, decided from the request, the policy and what Railway has written down: the public one at a TCP proxy, or
//! the private one through the relay. A copy and its source are each asked for themselves.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use crate::contract::connect::Connect;
use crate::contract::policy::Policy;
use crate::contract::request::CloneRequest;
use crate::engines::Kind;
use crate::environment::proxies::{self, ProxyKey};
use crate::environment::services::kind;
use crate::environment::waking;
use crate::railway::{Environment, ServiceInstance};
use crate::relay::Line;
use crate::running::context::Context;
use crate::running::relay_key;

/// From this version on a MariaDB proves itself by the password.
const PROVES_SINCE: (u32, u32) = (11, 4);

/// How long a container may take until it is reached.
const SOURCE_WITHIN: Duration = Duration::from_secs(40);
const COPY_WITHIN: Duration = Duration::from_mins(3);

/// A way to a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Public,
    Private,
}

/// Which end of a copy a database is.
#[derive(Clone, Copy)]
pub(crate) enum End {
    Source,
    Copy,
}

impl Way {
    /// The way to a database that has a TCP proxy, or has none, or to its copy.
    pub(crate) fn of(policy: &Policy, connect: Connect, service: &ServiceInstance, has_proxy: bool) -> Self {
        let is_better = !has_proxy || !may_be_proven(policy, service);
        match connect.under(policy) {
            Connect::Private => Self::Private,
            Connect::Auto if is_better && !policy.relay_host_keys.is_empty() => Self::Private,
            Connect::Auto | Connect::Public => Self::Public,
        }
    }

    /// The way to the copy of a database of `source`.
    pub(crate) fn to_copy(policy: &Policy, connect: Connect, source: &Environment, service: &ServiceInstance) -> Self {
        let port = kind(service).map(|kind| kind.traits().port);
        let config = source.config.services.get(&service.service_id);
        let has_proxy = config.is_some_and(|config| config.tcp_proxies().any(|to| Some(to) == port));
        Self::of(policy, connect, service, has_proxy)
    }
}

/// The proxies by which those of a copy's databases are reached that are reached so.
pub(crate) fn proxies_of_copy(
    policy: &Policy,
    request: &CloneRequest,
    source: &Environment,
    databases: &[&ServiceInstance],
) -> Vec<ProxyKey> {
    let is_public = |s: &&&ServiceInstance| Way::to_copy(policy, request.connect, source, s) == Way::Public;
    let public: Vec<_> = databases.iter().filter(is_public).copied().collect();
    proxies::of_databases(&public)
}

/// Whether something would prove a server at its TCP proxy: of a Postgres the password, of the others a certificate that is pinned, or a version that
/// proves itself.
fn may_be_proven(policy: &Policy, service: &ServiceInstance) -> bool {
    match kind(service) {
        Some(Kind::Postgres) => true,
        _ if policy.pinned_certificates.contains_key(&service.service_name) => true,
        Some(Kind::Mariadb) => service.image().and_then(version).is_some_and(|version| version >= PROVES_SINCE),
        Some(Kind::Mysql) | None => false,
    }
}

/// The version that an image's tag names, as `mariadb:11.4.2` does.
fn version(image: &str) -> Option<(u32, u32)> {
    let tag = image.split('@').next()?.rsplit_once(':')?.1;
    let mut numbers = tag.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    // One that names no minor version is the newest of its major one.
    Some((numbers.next()?.ok()?, numbers.next().and_then(Result::ok).unwrap_or(u32::MAX)))
}

/// The line to the container of a database, once it answers there.
///
/// # Errors
/// What is in the way, told for people; [`crate::error::Exit::Program`] when the token may not register a key.
pub(crate) async fn line(ctx: &Context, instance: &ServiceInstance, port: u16, end: End) -> Result<Arc<Line>> {
    let key = relay_key::of_step(ctx).await?;
    let line = ctx.relay.line(&instance.service_name, instance.id.as_ref(), &key)?;
    let patience = match end {
        End::Source => SOURCE_WITHIN,
        End::Copy => COPY_WITHIN,
    };
    tokio::select! {
        ready = waking::reached(instance, patience, |patience| line.ready(port, patience)) => ready.map(|_| line.clone()),
        () = ctx.stop.cancelled() => anyhow::bail!("stopped on the way to service `{}`", instance.service_name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_of_an_image_tells_whether_its_server_proves_itself() {
        assert_eq!(version("mariadb:11.4.2"), Some((11, 4)));
        assert_eq!(version("ghcr.io:443/acme/mariadb:10.6@sha256:ab"), Some((10, 6)));
        assert_eq!(version("mariadb:12"), Some((12, u32::MAX)));
        assert_eq!(version("mariadb:lts"), None);
        assert_eq!(version("mariadb"), None);
    }
}
