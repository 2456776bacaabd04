//! `check-health`: visits the copy until it answers with its own content, then marks it ready.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::ids::EnvironmentId;
use crate::contract::record::{self, Record, State};
use crate::contract::request::CloneRequest;
use crate::environment::guard::{Readiness, Target};
use crate::environment::hosts::{host_of, public_host, railway_host};
use crate::environment::lease::{self, Turn};
use crate::environment::proxies;
use crate::error::{Exit, Failure};
use crate::external::http::{self, Page};
use crate::railway::Change;
use crate::running::account::{CopyAccount, Deed};
use crate::running::context::Context;
use crate::running::step::{Deadline, Step};

/// How long the copy may take to answer: domains and certificates need a while.
const ANSWERS_WITHIN: Duration = Duration::from_mins(10);

/// How many redirects within the copy are followed.
const REDIRECTS: usize = 5;

/// The step.
pub(super) struct CheckHealth;

/// The finished copy.
#[derive(Serialize, JsonSchema)]
pub(super) struct Output {
    pub environment_id: EnvironmentId,
    pub environment_name: String,
    /// Where people visit the copy.
    pub url: String,
    /// Where it was visited: Railway's own domain, which needs no DNS of yours.
    pub checked_url: String,
    /// HTTP status of the last answer.
    pub http_status: u16,
    pub content: Content,
    /// When the copy expires (RFC 3339); absent when it is kept.
    pub expires_at: Option<String>,
}

/// Whose content the page shows, judged by the hosts that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Content {
    /// It names the copy's host, and none of production's.
    Copy,
    /// It names neither.
    NoHostNamed,
    /// It names production's host, and the request asked for no rewriting.
    Source,
    /// It leads on to the custom domain, whose DNS is not set yet.
    CustomDomainPending,
}

impl Step for CheckHealth {
    const NAME: &'static str = "check-health";
    const ABOUT: &'static str = "Visit the copy until it answers, and mark it ready";
    const DEADLINE: Deadline = Deadline::Fixed(Duration::from_mins(11));
    const ENDS_RUN: bool = true;
    type Input = CloneRequest;
    type Output = Output;

    fn in_short(output: &Output) -> String {
        format!("HTTP status {}", output.http_status)
    }

    async fn run(ctx: &Context, request: CloneRequest) -> Result<Output> {
        lease::in_turn(ctx, &request, Readiness::HasData, |ctx, request, target, turn| {
            Box::pin(visit_until_ready(ctx, request, target, turn))
        })
        .await
    }
}

/// One visit, with what it is judged by.
struct Visit<'a> {
    target: &'a Target,
    request: &'a CloneRequest,
    public: &'a str,
    railway: &'a str,
}

async fn visit_until_ready(ctx: &Context, request: &CloneRequest, target: Target, turn: &Turn) -> Result<Output> {
    let (public, railway) = (public_host(&target, request)?, railway_host(&target, request)?);
    let visit = Visit { target: &target, request, public: &public, railway: &railway };
    let checked_url = format!("https://{railway}/");
    let client = http::client()?;
    let (visit, client, first) = (&visit, &client, checked_url.as_str());
    let last = std::sync::Mutex::new(String::from("no answer yet"));
    let last_seen = &last;
    let look = || async move {
        match visit.look(client, first).await {
            Ok(Visited::Answer(status, content)) => Ok(Some((status, content))),
            Ok(Visited::NotYet(why)) => {
                *last_seen.lock().unwrap() = why;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    };
    let found = ctx.until("the copy to answer", ANSWERS_WITHIN, Duration::from_secs(1), look).await;
    let (http_status, content) = found.with_context(|| format!("visit {checked_url}: {}", last.lock().unwrap()))?;
    let mut record = target.record.clone();
    if !target.is_ready() {
        let now = record::now();
        record = Record { state: State::Ready, ready_at: Some(now), expires_at: request.ttl.after(now), ..record };
        let closed_proxies = proxies::to_close(ctx, target.environment());
        let change = Change { closed_proxies, ..turn.last_word(ctx, record.clone()).await? };
        let changed = ctx.railway.change(&target.project.id, &target.environment().id, &change).await;
        changed.context("mark the copy as ready")?;
    }
    let environment = target.environment();
    let copy = (&target.project.id, &environment.id, environment.name.as_str());
    ctx.account_for(CopyAccount::of(Deed::Made, copy, Some(&record)));
    tracing::info!("the copy is ready at https://{public}");
    Ok(Output {
        environment_id: target.environment().id.clone(),
        environment_name: target.environment().name.clone(),
        url: format!("https://{public}"),
        checked_url,
        http_status,
        content,
        expires_at: (!record.keep).then(|| record.expires_at.to_string()),
    })
}

enum Visited {
    Answer(u16, Content),
    NotYet(String),
}

impl Visit<'_> {
    async fn look(&self, client: &http::Client, first: &str) -> Result<Visited> {
        let mut url = first.to_owned();
        for _ in 0..REDIRECTS {
            let page = match http::visit(client, &url).await {
                Ok(page) => page,
                Err(error) => return Ok(Visited::NotYet(format!("{error:#}"))),
            };
            match (page.status, &page.location) {
                (300..=399, Some(next)) => match self.follow(&page, next)? {
                    Some(seen) => return Ok(seen),
                    None => next.clone_into(&mut url),
                },
                (200..=299, _) => return Ok(Visited::Answer(page.status, self.judge(&page.body)?)),
                (status, _) => return Ok(Visited::NotYet(format!("HTTP status {status}"))),
            }
        }
        Ok(Visited::NotYet(format!("more than {REDIRECTS} redirects")))
    }

    /// Where a redirect leads: `None` to go on within the copy.
    fn follow(&self, page: &Page, next: &str) -> Result<Option<Visited>> {
        let host = host_of(next).unwrap_or_default();
        if host == self.railway {
            return Ok(None);
        }
        if Some(host.as_str()) == self.request.custom_domain.as_deref() {
            return Ok(Some(Visited::Answer(page.status, Content::CustomDomainPending)));
        }
        if self.target.source().hosts().any(|source| source == host) {
            bail!(from_source(format!("it redirects to production, `{host}`")));
        }
        Ok(Some(Visited::Answer(page.status, Content::NoHostNamed)))
    }

    fn judge(&self, body: &str) -> Result<Content> {
        if let Some(host) = self.target.source().hosts().find(|host| names(body, host)) {
            if self.request.wordpress_url_replace {
                bail!(from_source(format!("its page names production's host `{host}`")));
            }
            return Ok(Content::Source);
        }
        let own = names(body, self.public) || names(body, self.railway);
        Ok(if own { Content::Copy } else { Content::NoHostNamed })
    }
}

fn from_source(message: String) -> Failure {
    Failure::new(Exit::Failed, message).hint("a URL of production is left in the copy's variables or data")
}

/// Whether `body` names `host` in a URL, and not as a part of a longer name.
fn names(body: &str, host: &str) -> bool {
    body.match_indices(host).any(|(at, _)| {
        let (before, after) = (&body[..at], &body[at + host.len()..]);
        let starts = before.ends_with("//") || before.ends_with(r"\/\/");
        let mut rest = after.chars();
        let ends = match rest.next() {
            Some('.') => !rest.next().is_some_and(|c| c.is_ascii_alphanumeric()),
            Some(c) => !c.is_ascii_alphanumeric() && c != '-',
            None => true,
        };
        starts && ends
    })
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn a_host_is_named_by_a_url_only_and_whole() {
        assert!(names(r#"<a href="https://shop.example/x">"#, "shop.example"));
        assert!(names(r#"{"u":"https:\/\/shop.example\/"}"#, "shop.example"));
        assert!(!names("https://shop.example.au/", "shop.example"));
        assert!(!names("write to info@shop.example", "shop.example"));
        assert!(!names("https://my-shop.example/", "shop.example"));
    }
}
