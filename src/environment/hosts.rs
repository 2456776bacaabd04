//! The one map from production's hosts to the copy's, used for variables and data alike.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};

use crate::contract::request::CloneRequest;
use crate::environment::guard::Target;
use crate::environment::services::{Role, web, with_role};
use crate::error::Failure;
use crate::rewriting::UrlPair;

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

/// Production's hosts, each with the copy's in its place. `site_urls` are what the data itself says (`siteurl`, `home`).
///
/// # Errors
/// As [`public_host`].
pub(crate) fn map(target: &Target, request: &CloneRequest, site_urls: &[String]) -> Result<Vec<UrlPair>> {
    let public = public_host(target, request)?;
    let web_id = web(target.source(), request).map(|s| &s.service_id);
    let mut pairs = Vec::new();
    for service in with_role(target.source(), request, &[Role::App, Role::Cron, Role::LeftOut]) {
        let copy =
            target.environment().service_by_id(&service.service_id).and_then(|s| s.domains.service_domains.first());
        let new =
            if Some(&service.service_id) == web_id { Some(public.as_str()) } else { copy.map(|d| d.domain.as_str()) };
        pairs.extend(service.hosts().zip(std::iter::repeat(new)).filter_map(|(old, new)| Some(pair(old, new?))));
    }
    let site_hosts: BTreeSet<_> = site_urls.iter().filter_map(|url| host_of(url)).collect();
    for host in site_hosts {
        if !pairs.iter().any(|p: &UrlPair| host_of(&p.old).as_deref() == Some(&host)) {
            pairs.push(pair(&host, &public));
        }
    }
    pairs.retain(|p| p.old != p.new);
    Ok(pairs)
}

fn pair(old: &str, new: &str) -> UrlPair {
    UrlPair { old: format!("https://{old}"), new: format!("https://{new}") }
}

/// The host, with its port when there is one, of a URL.
pub(crate) fn host_of(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}
