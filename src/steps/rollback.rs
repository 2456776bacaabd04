//! `rollback`: takes back what a run made, whichever step it died in, and says what is left.

use std::time::Duration;

use anyhow::{Context as _, Result};
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::Serialize;

use super::STEPS;
use crate::contract::policy::Policy;
use crate::contract::record::{self, State};
use crate::contract::request::{CloneRequest, OnFailure};
use crate::contract::ttl::Ttl;
use crate::environment::services::kind;
use crate::environment::{guard, proxies, recorded};
use crate::error::{Exit, Failure, chain, failure};
use crate::railway::{Change, Weight};
use crate::running::account::{CopyAccount, Deed};
use crate::running::context::Context;
use crate::running::relay_key;
use crate::running::step::{Deadline, Group, RunTarget, Step};

/// How long a failed copy is left for a look.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The step.
pub(super) struct Rollback;

/// What was taken back.
#[derive(Default, Serialize, JsonSchema)]
pub(super) struct Output {
    /// What was removed and is verified gone.
    pub removed: Vec<String>,
    /// The copy that stays: a failed one that was left for a look, as the request asks, or one that was ready already.
    pub kept: Option<String>,
    /// How many SSH keys its steps had left on the account, which are removed.
    pub ssh_keys: usize,
}

impl Step for Rollback {
    const NAME: &'static str = "rollback";
    const ABOUT: &'static str = "Take back what a run made, and verify that it is gone";
    const GROUP: Group = Group::Recovery;
    const DEADLINE: Deadline = Deadline::Fixed(Duration::from_mins(14));
    const ENDS_RUN: bool = true;
    type Input = CloneRequest;
    type Output = Output;

    /// What was made is taken back, whatever the policy says by now.
    fn ensure_granted(_: &Policy, _: &CloneRequest) -> Result<()> {
        Ok(())
    }

    fn in_short(output: &Output) -> String {
        match &output.kept {
            Some(name) => format!("`{name}` stays"),
            None if output.removed.is_empty() => "nothing was there".to_owned(),
            None => format!("{} gone", output.removed.join(", ")),
        }
    }

    fn shown(output: &Output) -> String {
        Self::in_short(output)
    }

    async fn run(ctx: &Context, request: CloneRequest) -> Result<Output> {
        let keys = relay_key::remove_of_run(ctx).await.context("remove the run's SSH keys");
        let taken_back = take_back(ctx, &request).await?;
        Ok(Output { ssh_keys: keys?, ..taken_back })
    }

    fn without_input(error: anyhow::Error) -> Result<Output> {
        tracing::info!("nothing was made, since the request was refused: {}", chain(&error));
        Ok(Output::default())
    }
}

async fn take_back(ctx: &Context, request: &CloneRequest) -> Result<Output> {
    let target = RunTarget { project_id: request.project_id.clone(), names: ctx.run.names(request) };
    if request.on_failure == OnFailure::Keep
        && ctx.policy.may_keep_failed
        && let Some(kept) = keep(ctx, &target, request.ttl).await?
    {
        return Ok(Output { kept: Some(kept), ..Output::default() });
    }
    let mut output = undo_all(ctx, &target).await?;
    if output.removed.is_empty() {
        output.kept = ready(ctx, &target).await?;
    }
    Ok(output)
}

/// Undoes every step, last first; a failure does not stop the next.
async fn undo_all(ctx: &Context, target: &RunTarget) -> Result<Output> {
    let (mut output, mut failures) = (Output::default(), Vec::new());
    for step in STEPS.iter().rev() {
        let Some(undo) = step.undo else { continue };
        match undo(ctx, target).await {
            Ok(removed) => output.removed.extend(removed),
            Err(error) => failures.push(error.context(format!("undo {}", step.name))),
        }
    }
    for removed in &output.removed {
        tracing::info!("{removed} is gone");
    }
    if failures.is_empty() {
        return Ok(output);
    }
    let all: Vec<_> = failures.iter().map(chain).collect();
    // Nothing of this run was seen: then the reason is that of whoever could not look, and nothing else is known.
    let Some(left) = failures.iter().find(|error| Exit::of(error) == Exit::Incomplete) else {
        return Err(failures.swap_remove(0));
    };
    let look = "look into the project in Railway's dashboard; what is left is deleted by the sweep once its time is up";
    let hint = failure(left).and_then(|failure| failure.hint.clone()).unwrap_or_else(|| look.to_owned());
    Err(Failure::new(Exit::Incomplete, format!("something is left behind: {}", all.join("; "))).hint(hint).into())
}

/// The run's copy, if it was ready before whatever failed.
async fn ready(ctx: &Context, target: &RunTarget) -> Result<Option<String>> {
    let project = ctx.railway.project(&target.project_id, Weight::Repeatable).await?;
    let own = guard::own(ctx, &project, &target.names).filter(|(_, record)| record.state == State::Ready);
    Ok(own.map(|(environment, _)| environment.name.clone()))
}

/// Leaves a failed copy for a look: marked as failed, its apps off, for a day at most. `None` when there is nothing to keep.
async fn keep(ctx: &Context, target: &RunTarget, ttl: Ttl) -> Result<Option<String>> {
    let railway = &ctx.railway;
    let project = railway.project(&target.project_id, Weight::Repeatable).await?;
    let Some((environment, mut record)) = guard::own(ctx, &project, &target.names) else {
        return Ok(None);
    };
    match record.state {
        State::Cloning => {}
        State::Failed => return Ok(Some(environment.name.clone())),
        State::Ready | State::RollingBack => return Ok(None),
    }
    guard::ensure_not_production(&ctx.policy, &project, environment, Some(&record.source_id))?;
    let now = record::now();
    record.state = State::Failed;
    record.lease = None;
    record.keep = false;
    record.expires_at = ttl.after(now).min(now.checked_add(KEPT_FOR).unwrap_or(now));
    let apps = environment.with_gates().filter(|s| kind(s).is_none());
    let running = apps.filter_map(|s| s.latest_deployment.as_ref().map(|d| d.id.clone())).collect();
    let closed_proxies = proxies::to_close(ctx, environment);
    let change = Change { stop_deployments: running, closed_proxies, ..recorded::writing(ctx, &record) };
    railway.change(&project.id, &environment.id, &change).await.context("mark the copy as failed")?;
    let copy = (&project.id, &environment.id, environment.name.as_str());
    ctx.account_for(CopyAccount::of(Deed::KeptFailed, copy, Some(&record)));
    tracing::info!("environment `{}` is kept for a look until {}, its apps off", environment.name, record.expires_at);
    Ok(Some(environment.name.clone()))
}
