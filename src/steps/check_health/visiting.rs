//! One page of a copy that is visited, and what it is judged by.

use anyhow::{Context as _, Result, bail};
use schemars::JsonSchema;
use serde::Serialize;

use super::places::{Places, links_within, names};
use crate::contract::health_check::HealthCheck;
use crate::contract::request::CloneRequest;
use crate::environment::gate::Login;
use crate::environment::guard::Target;
use crate::environment::hosts::host_of;
use crate::environment::services::web;
use crate::error::{Exit, Failure};
use crate::external::http::{self, Page};
use crate::railway::{Environment, ServiceInstance};

/// How many redirects within the copy are followed.
const REDIRECTS: usize = 5;

/// Whose content the page shows, judged by the hosts that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Content {
    /// It names the copy's host, or what `health` says that it contains, or links within itself; `production` tells where it names production's.
    Copy,
    /// It names neither the copy's host nor production's.
    NoHostNamed,
    /// It names production's host, and the request asked for no rewriting.
    Source,
    /// It leads on to the custom domain, whose DNS is not set yet.
    CustomDomainPending,
    /// It answers as `health` says, with a status at which there is no content.
    NotJudged,
}

/// A page as it was seen.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Visited {
    pub service: String,
    pub url: String,
    /// HTTP status of the last answer.
    pub http_status: u16,
    pub content: Content,
    /// Where the page names production's hosts in links: a theme with a fixed address, or what is served from production.
    pub production: Places,
}

/// One visit, with what it is judged by.
pub(super) struct Visit<'a> {
    target: &'a Target,
    request: &'a CloneRequest,
    service: &'a ServiceInstance,
    pub(super) url: String,
    is_web: bool,
    /// What opens the copy's gate; sent to the copy's own hosts alone.
    login: Option<Login>,
    pub(super) check: HealthCheck,
}

/// What came of a look.
pub(super) enum Seen {
    Answer(Visited),
    NotYet(String),
}

/// The visits that a request asks for; the service that people visit is visited in any case.
///
/// # Errors
/// When a service has no domain in the copy.
pub(super) fn visits<'a>(target: &'a Target, request: &'a CloneRequest) -> Result<Vec<Visit<'a>>> {
    let web = web(target.source(), request).context("find the web service")?;
    let is_webs = |check: &HealthCheck| check.service.as_ref().is_none_or(|name| *name == web.service_name);
    let mut checks = request.health.clone();
    if !checks.iter().any(is_webs) {
        checks.push(HealthCheck::of_web());
    }
    checks.sort_by_key(|check| !is_webs(check));
    let visit = |check: HealthCheck| {
        let name = check.service.as_ref().unwrap_or(&web.service_name);
        let missing = || Failure::outside(format!("service `{name}` has no Railway domain in the copy"));
        let service = target.environment().service(name).with_context(missing)?;
        let domain = service.domains.service_domains.first().with_context(missing)?;
        let url = format!("https://{}{}", domain.domain, check.path);
        let is_web = service.service_id == web.service_id;
        let login = Login::at(target.environment(), domain);
        Ok(Visit { target, request, service, url, is_web, login, check })
    };
    checks.into_iter().map(visit).collect()
}

impl Visit<'_> {
    pub(super) async fn look(&self, client: &http::Client) -> Result<Seen> {
        let mut url = self.url.clone();
        for _ in 0..REDIRECTS {
            let login = self.login.as_ref().map(Login::credentials);
            let page = match http::visit(client, &url, login.as_ref()).await {
                Ok(page) => page,
                Err(error) => return Ok(Seen::NotYet(format!("{error:#}"))),
            };
            let outside = self.outside(&page)?;
            if let Some(wanted) = self.check.expect_status {
                if page.status == wanted {
                    return self.answer(client, &page).await;
                }
            } else if (200..=299).contains(&page.status) {
                return self.answer(client, &page).await;
            }
            match (page.status, &page.location, outside) {
                (300..=399, Some(_), Some(host)) => return Ok(self.led_outside(&page, &host)),
                (300..=399, Some(next), None) => next.clone_into(&mut url),
                (status, _, _) => return Ok(Seen::NotYet(format!("HTTP status {status}"))),
            }
        }
        Ok(Seen::NotYet(format!("more than {REDIRECTS} redirects")))
    }

    /// The host outside the copy that an answer leads to; that of production is refused.
    fn outside(&self, page: &Page) -> Result<Option<String>> {
        let Some(next) = &page.location else { return Ok(None) };
        let host = host_of(next).unwrap_or_default();
        if production(self.target).contains(&host) {
            bail!(from_source(format!("service `{}` redirects to production, `{host}`", self.service.service_name)));
        }
        let services = &self.target.environment().service_instances;
        let is_own = services.iter().flat_map(|s| &s.domains.service_domains).any(|own| own.domain == host);
        Ok((!is_own).then_some(host))
    }

    fn led_outside(&self, page: &Page, host: &str) -> Seen {
        if self.check.expect_status.is_some() || self.check.contains.is_some() {
            return Seen::NotYet(format!("HTTP status {}, which leads to `{host}`", page.status));
        }
        let is_pending = self.is_web && Some(host) == self.request.custom_domain.as_deref();
        let content = if is_pending { Content::CustomDomainPending } else { Content::NoHostNamed };
        Seen::Answer(self.visited(page, content, Places::default()))
    }

    async fn answer(&self, client: &http::Client, page: &Page) -> Result<Seen> {
        if self.check.contains.as_ref().is_some_and(|text| !page.body.contains(text)) {
            return Ok(Seen::NotYet(format!("HTTP status {}, without what `health.contains` asks for", page.status)));
        }
        if !(200..=299).contains(&page.status) {
            return Ok(Seen::Answer(self.visited(page, Content::NotJudged, Places::default())));
        }
        let production = Places::of(&page.body, production(self.target).iter().map(String::as_str));
        if production.all > 0 && !self.request.wordpress_url_replace {
            return Ok(Seen::Answer(self.visited(page, Content::Source, production)));
        }
        let mut own = self.target.environment().hosts().chain(self.request.custom_domain.as_deref());
        let names_own = own.any(|host| names(&page.body, host)) || self.check.contains.is_some();
        if names_own || links_within(&page.body) {
            let is_copys = names_own || production.all > 0;
            let content = if is_copys { Content::Copy } else { Content::NoHostNamed };
            return Ok(Seen::Answer(self.visited(page, content, production)));
        }
        match (self.source_shows_some(client).await, production.first.first()) {
            (Some(false), _) | (None, None) => Ok(Seen::Answer(self.visited(page, Content::NoHostNamed, production))),
            (_, Some(place)) => {
                let name = &self.service.service_name;
                bail!(from_source(format!(
                    "the page of service `{name}` shows nothing of the copy, and names production in line {}: {}",
                    place.line, place.link
                )))
            }
            (Some(true), None) => Ok(Seen::NotYet(format!(
                "HTTP status {}, and a page without any link of its own, as production's has",
                page.status
            ))),
        }
    }

    /// Whether production's own front page links within itself; none where it cannot be seen. No other page of production is asked for: one
    /// that a caller names may do something.
    async fn source_shows_some(&self, client: &http::Client) -> Option<bool> {
        if self.check.path != "/" {
            return None;
        }
        let service = self.target.source().service_by_id(&self.service.service_id)?;
        for host in service.hosts() {
            let Ok(page) = http::visit(client, &format!("https://{host}/"), None).await else { continue };
            if (200..=299).contains(&page.status) {
                return Some(service.hosts().any(|host| names(&page.body, host)) || links_within(&page.body));
            }
        }
        None
    }

    fn visited(&self, page: &Page, content: Content, production: Places) -> Visited {
        Visited {
            service: self.service.service_name.clone(),
            url: self.url.clone(),
            http_status: page.status,
            content,
            production,
        }
    }
}

/// The hosts of the source, and of what that was copied from itself: with `www.` and without, which are one site.
fn production(target: &Target) -> Vec<String> {
    let ancestors = target.record.ancestors.iter().filter_map(|a| target.project.environment_by_id(&a.id));
    let hosts = std::iter::once(target.source()).chain(ancestors).flat_map(Environment::hosts);
    let both = |host: &str| match host.strip_prefix("www.") {
        Some(rest) => [host.to_owned(), rest.to_owned()],
        None => [host.to_owned(), format!("www.{host}")],
    };
    hosts.flat_map(both).collect()
}

fn from_source(message: String) -> Failure {
    Failure::new(Exit::Failed, message).hint("a URL of production is left in the copy's variables or data")
}
