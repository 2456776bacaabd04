//! The pages that a deployed service must answer with.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::deploy_request::DeployRequest;
use crate::contract::health_check::HealthCheck;
use crate::environment::deployments::Site;
use crate::environment::gate::Login;
use crate::environment::hosts::host_of;
use crate::error::{Exit, Failure};
use crate::external::http::{self, Client, Page};
use crate::railway::ServiceInstance;
use crate::running::context::Context;

/// A page as it was seen.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Visited {
    pub service: String,
    pub url: String,
    /// HTTP status of the last answer.
    pub http_status: u16,
}

/// Visits every page until it answers as it must; the front page of the service in any case, if it has a domain.
///
/// # Errors
/// [`crate::error::Exit::Deadline`], with what was seen last, when one does not.
pub(super) async fn all(
    ctx: &Context,
    site: Site<'_>,
    request: &DeployRequest,
    began: Instant,
) -> Result<Vec<Visited>> {
    let client = http::client()?;
    let is_own = |check: &HealthCheck| check.service.as_ref().is_none_or(|name| *name == request.service);
    let mut checks = request.health.clone();
    if !checks.iter().any(is_own) {
        checks.push(HealthCheck::of_web());
    }
    let mut visited = Vec::new();
    for check in &checks {
        let name = check.service.as_ref().unwrap_or(&request.service);
        let Some(service) = site.environment.service(name) else { continue };
        let Some(domain) = service.domains.service_domains.first() else { continue };
        let url = format!("https://{}{}", domain.domain, check.path);
        let http_status = answered(ctx, &client, (site, service, &url), check, began).await?;
        visited.push(Visited { service: name.clone(), url, http_status });
    }
    Ok(visited)
}

/// The status with which a page answers as it must. Where it leads elsewhere is not followed: that may be anybody's.
async fn answered(
    ctx: &Context,
    client: &Client,
    (site, service, url): (Site<'_>, &ServiceInstance, &str),
    check: &HealthCheck,
    began: Instant,
) -> Result<u16> {
    let login = service.domains.service_domains.first().and_then(|domain| Login::at(site.environment, domain));
    let login = login.as_ref();
    let last = Mutex::new(String::from("no answer yet"));
    let look = || async {
        let seen = match http::visit(client, url, login.map(Login::credentials).as_ref()).await {
            Err(error) => Err(format!("{error:#}")),
            Ok(page) => {
                if let Some(host) = leads_to_source(site, &page) {
                    bail!(Failure::new(
                        Exit::Failed,
                        format!("service `{}` leads to production, `{host}`", service.service_name)
                    ));
                }
                let is_right = match check.expect_status {
                    Some(wanted) => page.status == wanted,
                    None => (200..400).contains(&page.status),
                };
                let has = check.contains.as_ref().is_none_or(|text| page.body.contains(text));
                match (is_right, has) {
                    (true, true) => Ok(page.status),
                    (true, false) => Err(format!("HTTP status {}, without `health.contains`", page.status)),
                    (false, _) => Err(format!("HTTP status {}", page.status)),
                }
            }
        };
        Ok(seen.map_err(|why| *last.lock().unwrap_or_else(PoisonError::into_inner) = why).ok())
    };
    let left = check.timeout.duration().saturating_sub(began.elapsed());
    let found = ctx.until("the service to answer", left, Duration::from_secs(1), look).await;
    found.with_context(|| format!("visit {url}: {}", last.lock().unwrap_or_else(PoisonError::into_inner)))
}

/// The host of what a copy was made from, where a page of the copy leads there.
fn leads_to_source(site: Site<'_>, page: &Page) -> Option<String> {
    let host = host_of(page.location.as_ref()?)?;
    site.source?.hosts().any(|of_source| of_source == host).then_some(host)
}
