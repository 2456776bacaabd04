//! What a plan says of domains, and of the URLs that are rewritten to them.

use schemars::JsonSchema;
use serde::Serialize;

use super::UNKNOWN_HASH;
use crate::contract::request::CloneRequest;
use crate::engines::SiteAddress;
use crate::environment::hosts;
use crate::environment::services::web;
use crate::railway::{Environment, ServiceInstance};
use crate::rewriting::UrlPair;

/// The domains of a service.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct DomainPlan {
    pub service: String,
    /// Those of the source, which keeps them.
    pub before: Vec<String>,
    /// That of the copy at Railway; `xxxxx` is made of the run's id.
    pub after: Option<String>,
    /// The one that the request asks for.
    pub custom: Option<String>,
}

pub(super) fn of(source: &Environment, request: &CloneRequest, environment_name: &str) -> Vec<DomainPlan> {
    let given = hosts::public(source, request);
    let web_id = web(source, request).map(|web| &web.service_id);
    let one = |service: &ServiceInstance| {
        let is_given = given.iter().any(|given| given.service_id == service.service_id);
        let is_web = Some(&service.service_id) == web_id;
        let label = || hosts::label(&service.service_name, environment_name, UNKNOWN_HASH);
        let plan = DomainPlan {
            service: service.service_name.clone(),
            before: service.hosts().map(str::to_owned).collect(),
            after: is_given.then(|| format!("{}.{}", label(), hosts::SUFFIX)),
            custom: request.custom_domain.clone().filter(|_| is_web),
        };
        (plan.after.is_some() || !plan.before.is_empty()).then_some(plan)
    };
    source.service_instances.iter().filter_map(one).collect()
}

/// Production's URLs with those of the copy in their place.
pub(super) fn rewritten(
    source: &Environment,
    request: &CloneRequest,
    sites: &[SiteAddress],
    domains: &[DomainPlan],
) -> Vec<UrlPair> {
    if !request.wordpress_url_replace {
        return Vec::new();
    }
    // What is not given one by us has one of Railway's choice.
    let of_copy = |service: &ServiceInstance| {
        let own = domains.iter().find(|domain| domain.service == service.service_name);
        let made = || format!("{}-{UNKNOWN_HASH}.{}", crate::running::run::slug(&service.service_name), hosts::SUFFIX);
        let has_one = !service.domains.service_domains.is_empty();
        own.and_then(|own| own.after.clone()).or_else(|| has_one.then(made))
    };
    let Some(web) = web(source, request) else { return Vec::new() };
    let Some(public) = request.custom_domain.clone().or_else(|| of_copy(web)) else { return Vec::new() };
    hosts::pairs(source, request, sites, &public, &of_copy)
}
