//! `check-health`: visits the copy until it answers with its own content, then marks it ready.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use schemars::JsonSchema;
use serde::Serialize;

use self::places::Places;
use self::visiting::{Content, Seen, Visit, Visited};
use crate::contract::ids::EnvironmentId;
use crate::contract::record::{self, Record, State};
use crate::contract::request::CloneRequest;
use crate::environment::fidelity::{self, Fidelity};
use crate::environment::gate::{self, GateOutput};
use crate::environment::guard::{Readiness, Target};
use crate::environment::hosts::public_host;
use crate::environment::lease::{self, Turn};
use crate::environment::proxies;
use crate::error::counted;
use crate::external::http;
use crate::railway::Change;
use crate::running::account::{CopyAccount, Deed};
use crate::running::context::Context;
use crate::running::step::{Deadline, Step};

mod guarded;
mod places;
mod visiting;

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
    /// HTTP status of its last answer.
    pub http_status: u16,
    pub content: Content,
    /// Every page that was visited; the one that people visit first.
    pub visits: Vec<Visited>,
    /// The gate before the copy: where somebody finds how to get in; absent without one.
    pub gate: Option<GateOutput>,
    /// How the copy compares with its source; absent when it was ready before.
    pub fidelity: Option<Fidelity>,
    /// When the copy expires (RFC 3339); absent when it is kept.
    pub expires_at: Option<String>,
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
        lease::in_turn(ctx, &request, Readiness::HasFiles, |ctx, request, target, turn| {
            Box::pin(visit_until_ready(ctx, request, target, turn))
        })
        .await
    }
}

async fn visit_until_ready(ctx: &Context, request: &CloneRequest, target: Target, turn: &Turn) -> Result<Output> {
    let public = public_host(&target, request)?;
    let mut fidelity = None;
    if !target.is_ready() {
        fidelity = Some(fidelity::ensure(ctx, request, &target).await?);
    }
    let client = http::client()?;
    let began = Instant::now();
    let mut visited = Vec::new();
    let gate = gate::told(&target);
    for visit in visiting::visits(&target, request)? {
        if gate.is_some() {
            shut(ctx, &client, &target, &visit, began).await?;
        }
        let seen = answered(ctx, &client, &visit, began).await?;
        tell(&seen);
        visited.push(seen);
    }
    guarded::ensure(ctx, &client, &target, &visited).await?;
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
    let web = visited.first().context("visit the web service")?;
    Ok(Output {
        environment_id: target.environment().id.clone(),
        environment_name: target.environment().name.clone(),
        url: format!("https://{public}"),
        checked_url: web.url.clone(),
        http_status: web.http_status,
        content: web.content,
        visits: visited,
        gate,
        fidelity,
        expires_at: (!record.keep).then(|| record.expires_at.to_string()),
    })
}

/// Looks again until a page answers as it must, within its own time from the step's beginning.
async fn answered(ctx: &Context, client: &http::Client, visit: &Visit<'_>, began: Instant) -> Result<Visited> {
    let last = Mutex::new(String::from("no answer yet"));
    let look = || async {
        match visit.look(client).await? {
            Seen::Answer(visited) => Ok(Some(visited)),
            Seen::NotYet(why) => {
                *last.lock().unwrap_or_else(PoisonError::into_inner) = why;
                Ok(None)
            }
        }
    };
    // One look in any case.
    let left = visit.check.timeout.duration().saturating_sub(began.elapsed());
    let found = ctx.until("the copy to answer", left, Duration::from_secs(1), look).await;
    found.with_context(|| format!("visit {}: {}", visit.url, last.lock().unwrap_or_else(PoisonError::into_inner)))
}

/// Looks again until a page is refused to whoever has no password, and no app can be reached past the gate.
async fn shut(ctx: &Context, client: &http::Client, target: &Target, visit: &Visit<'_>, began: Instant) -> Result<()> {
    let last = Mutex::new(None);
    let look = || async {
        match gate::ensure_shut(client, target.environment(), &visit.url).await {
            Ok(()) => Ok(Some(())),
            Err(error) => {
                *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Ok(None)
            }
        }
    };
    let left = visit.check.timeout.duration().saturating_sub(began.elapsed());
    let found = ctx.within("the copy's gate", left, Duration::from_secs(1), look).await?;
    let last = last.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.ok_or_else(|| last.unwrap_or_else(|| anyhow::anyhow!("the copy's gate does not answer")))
}

/// Tells where a page names production: that fails nothing, and somebody may want to change it.
fn tell(visited: &Visited) {
    let Places { first, all } = &visited.production;
    if *all > 0 && visited.content != Content::Source {
        let places: Vec<_> = first.iter().map(|place| format!("line {}: {}", place.line, place.link)).collect();
        let links = counted(all, "link", "links");
        tracing::warn!("{} names production in {links}: {}", visited.url, places.join(", "));
    }
}
