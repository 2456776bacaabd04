//! The custom domain of a copy: never one that another environment has, and nobody's address before it leads there.

use crate::contract::bounds::Refusal;
use crate::contract::record::Record;
use crate::contract::request::CloneRequest;
use crate::environment::guard;
use crate::environment::hosts::SUFFIX;
use crate::environment::recorded::reading;
use crate::error::chain;
use crate::railway::{CustomDomain, Environment, Project, ServiceInstance};
use crate::running::context::Context;

/// The field of a request that asks for one.
const FIELD: &str = "custom_domain";

/// Why the custom domain of a request is not attached; `own` is the copy, where it is there already.
pub(crate) fn refusal(project: &Project, own: Option<&Environment>, request: &CloneRequest) -> Option<Refusal> {
    let domain = request.custom_domain.as_ref()?;
    if domain.strip_suffix(SUFFIX).is_some_and(|rest| rest.ends_with('.')) || domain == SUFFIX {
        return Some(Refusal::wrong(FIELD, format!("`{domain}` is one of Railway's own; every copy has one of these")));
    }
    let others = project.environments.iter().filter(|other| own.is_none_or(|own| own.id != other.id));
    let has = |other: &&Environment| other.hosts().any(|host| host.eq_ignore_ascii_case(domain));
    let holder = others.into_iter().find(has)?;
    let message = format!(
        "`{domain}` leads to environment `{}`, and is never taken from it; ask for another, or have it taken off there first",
        holder.name
    );
    Some(Refusal::wrong(FIELD, message))
}

/// Whether a copy has the custom domain of its request already.
pub(crate) fn is_attached(copy: &Environment, request: &CloneRequest) -> bool {
    request.custom_domain.as_ref().is_some_and(|domain| copy.hosts().any(|host| host == domain))
}

/// The custom domains that a copy has by its record, each with its service.
pub(crate) fn attached<'a>(copy: &'a Environment, record: &Record) -> Vec<(&'a ServiceInstance, &'a CustomDomain)> {
    let of = |service: &'a ServiceInstance| service.domains.custom_domains.iter().map(move |domain| (service, domain));
    let all = copy.service_instances.iter().flat_map(of);
    all.filter(|(_, custom)| record.domains.contains(&custom.domain)).collect()
}

/// Takes off a copy that is about to be deleted what it has by its record, so that it can be attached elsewhere: nothing says
/// that Railway gives a domain free with its environment. That it fails is told, and stops no deletion.
pub(super) async fn detach(ctx: &Context, project: &Project, copy: &Environment) {
    let reading = reading(ctx, project, copy);
    let Some(record) = reading.record() else { return };
    let ids: Vec<_> = attached(copy, record).into_iter().map(|(_, custom)| custom.id.as_str()).collect();
    if ids.is_empty() {
        return;
    }
    match ctx.railway.detach(&ids).await {
        // Asked again after a lost answer, Railway may know it no more.
        Err(error) if !guard::is_not_found(&error) => {
            tracing::warn!("the domain of `{}` was not detached before it is deleted: {}", copy.name, chain(&error));
        }
        _ => tracing::info!("detached the domain of `{}`", copy.name),
    }
}

/// Where a copy answers: at its custom domain once that was seen to lead there, at Railway's until then.
pub(crate) fn url(copy: &Environment, record: &Record) -> Option<String> {
    let first = record.domains.first()?;
    let customs = attached(copy, record).into_iter().filter(|_| record.domain_seen_at.is_none());
    let pending = customs.into_iter().find(|(_, custom)| custom.domain == *first);
    let railways = pending.and_then(|(service, _)| service.domains.service_domains.first()).map(|one| &one.domain);
    Some(format!("https://{}", railways.unwrap_or(first)))
}
