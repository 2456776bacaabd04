//! The one map from production's hosts to the copy's, used for variables and data alike.

mod network;

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};

use crate::contract::request::CloneRequest;
use crate::engines::SiteAddress;
use crate::environment::guard::Target;
use crate::environment::services::{Role, web, with_role};
use crate::error::Failure;
use crate::railway::{DomainChange, Environment, ServiceDomain, ServiceInstance};
use crate::rewriting::UrlPair;
use crate::running::run::slug;

/// The longest DNS label.
const LONGEST_LABEL: usize = 63;

/// What Railway's own domains end with, where no existing one tells.
pub(crate) const SUFFIX: &str = "up.railway.app";

/// The host under which people visit the copy: the custom domain that was asked for, or Railway's.
///
/// # Errors
/// When the copy's web service has no domain yet.
pub(crate) fn public_host(target: &Target, request: &CloneRequest) -> Result<String> {
    match &request.custom_domain {
        Some(custom) => Ok(custom.clone()),
        None => railway_host(target, request),
    }
}

/// The `*.up.railway.app` host of the copy's web service.
///
/// # Errors
/// When it has none yet.
pub(crate) fn railway_host(target: &Target, request: &CloneRequest) -> Result<String> {
    let service = web(target.source(), request).context("find the web service")?;
    let instance =
        target.environment().service_by_id(&service.service_id).context("find the web service in the copy")?;
    let domain = instance.domains.service_domains.first().map(|d| d.domain.clone());
    domain.with_context(|| {
        Failure::outside(format!("service `{}` has no Railway domain in the copy yet", service.service_name))
            .hint("run assign-domain first")
    })
}

impl Target {
    /// Takes a domain that a service is about to have, itself or its gate for it, for given.
    pub(crate) fn take_for_given(&mut self, change: &DomainChange) {
        let DomainChange { service_id, gate, domain_id, domain, target_port } = change;
        let instances = &mut self.project.environments[self.environment].service_instances;
        let Some(service) = instances.iter_mut().find(|s| s.service_id == *service_id) else { return };
        let domains = &mut service.domains.service_domains;
        match domains.first_mut() {
            Some(first) => domain.clone_into(&mut first.domain),
            None => domains.push(ServiceDomain {
                id: domain_id.clone().unwrap_or_default(),
                domain: domain.clone(),
                suffix: None,
                target_port: *target_port,
                gate: gate.clone(),
            }),
        }
    }
}

/// Production's hosts, each with the copy's in its place. `sites` are what the data itself says. A host with `www.` and one
/// without are one site where neither is named otherwise.
///
/// # Errors
/// As [`public_host`].
pub(crate) fn map(target: &Target, request: &CloneRequest, sites: &[SiteAddress]) -> Result<Vec<UrlPair>> {
    let of_copy = |service: &ServiceInstance| {
        let copy = target.environment().service_by_id(&service.service_id)?;
        copy.domains.service_domains.first().map(|d| d.domain.clone())
    };
    Ok(pairs(target.source(), request, sites, &public_host(target, request)?, &of_copy))
}

/// The same for a copy that people visit at `public` and whose services are at the hosts that `of_copy` tells.
pub(crate) fn pairs(
    source: &Environment,
    request: &CloneRequest,
    sites: &[SiteAddress],
    public: &str,
    of_copy: &dyn Fn(&ServiceInstance) -> Option<String>,
) -> Vec<UrlPair> {
    let web_id = web(source, request).map(|s| &s.service_id);
    let (mut pairs, mut of_web) = (Vec::new(), Vec::new());
    for service in with_role(source, request, &[Role::App, Role::Cron, Role::LeftOut]) {
        let is_web = Some(&service.service_id) == web_id;
        let new = if is_web { Some(public.to_owned()) } else { of_copy(service) };
        let list = if is_web { &mut of_web } else { &mut pairs };
        list.extend(service.hosts().zip(std::iter::repeat(new)).filter_map(|(old, new)| Some(pair(old, &new?))));
    }
    add_new(&mut pairs, network::pairs(sites, public));
    add_new(&mut pairs, of_web);
    let urls: BTreeSet<_> = sites.iter().flat_map(|site| &site.urls).filter_map(|url| host_of(url)).collect();
    add_new(&mut pairs, urls.iter().map(|host| pair(host, public)).collect());
    let siblings = pairs.iter().filter_map(sibling).collect();
    add_new(&mut pairs, siblings);
    pairs.retain(|p| p.old != p.new);
    pairs
}

/// The services of a copy that get a Railway domain: the web service, and each app that has a public host in the source.
pub(crate) fn public<'a>(source: &'a Environment, request: &CloneRequest) -> Vec<&'a ServiceInstance> {
    let web_id = web(source, request).map(|s| &s.service_id);
    let apps = with_role(source, request, &[Role::App]).into_iter();
    apps.filter(|s| Some(&s.service_id) == web_id || s.hosts().next().is_some()).collect()
}

/// The label of a service's Railway domain: `<service>-<copy>`, with some of the run's hash behind it where the copy's name does not hold it
/// already: a label is taken once for all of Railway.
pub(crate) fn label(service: &str, name: &str, run_hash: &str) -> String {
    let hash = &run_hash[..5];
    let tail = if name.ends_with(hash) { name.to_owned() } else { format!("{name}-{hash}") };
    let service = Some(slug(service)).filter(|slug| !slug.is_empty()).unwrap_or_else(|| "app".to_owned());
    let room = LONGEST_LABEL - tail.len() - 1;
    format!("{}-{tail}", service[..service.len().min(room)].trim_end_matches('-'))
}

/// Adds those whose old host is not there yet.
fn add_new(pairs: &mut Vec<UrlPair>, more: Vec<UrlPair>) {
    let known: BTreeSet<_> = pairs.iter().filter_map(|pair| host_of(&pair.old)).collect();
    pairs.extend(more.into_iter().filter(|pair| !host_of(&pair.old).is_some_and(|host| known.contains(&host))));
}

fn pair(old: &str, new: &str) -> UrlPair {
    UrlPair { old: format!("https://{old}"), new: format!("https://{new}") }
}

/// The same for the host with `www.`, or without.
fn sibling(pair: &UrlPair) -> Option<UrlPair> {
    let rest = pair.old.strip_prefix("https://")?;
    let host = host_of(&pair.old)?;
    let is_named = host.contains('.') && !host.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b':'));
    if !is_named || host.ends_with(RAILWAYS) {
        return None;
    }
    let other = rest.strip_prefix("www.").map_or_else(|| format!("www.{rest}"), str::to_owned);
    Some(UrlPair { old: format!("https://{other}"), new: pair.new.clone() })
}

/// What Railway's own domains end with; nobody has one with `www.` before it.
const RAILWAYS: &str = ".up.railway.app";

/// The host, with its port when there is one, of a URL.
pub(crate) fn host_of(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_with_www_and_one_without_belong_together() {
        let sibling = |old: &str| sibling(&pair(old, "copy.test")).map(|pair| pair.old);
        assert_eq!(sibling("www.shop.test").as_deref(), Some("https://shop.test"));
        assert_eq!(sibling("shop.test").as_deref(), Some("https://www.shop.test"));
        assert_eq!(sibling("shop.test/blog").as_deref(), Some("https://www.shop.test/blog"));
        for host in ["web.up.railway.app", "localhost", "192.0.2.1", "localhost:3000"] {
            assert_eq!(sibling(host), None, "{host}");
        }
        let mut pairs = vec![pair("www.shop.test", "a.test")];
        add_new(&mut pairs, vec![pair("www.shop.test", "b.test"), pair("shop.test", "b.test")]);
        assert_eq!(pairs, [pair("www.shop.test", "a.test"), pair("shop.test", "b.test")]);
    }
}
