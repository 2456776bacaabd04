//! `extend-env`: gives one copy another end, within the policy's longest life counted from when the copy was ready.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::expiry;
use crate::contract::extend_request::ExtendRequest;
use crate::contract::ids::EnvironmentId;
use crate::contract::policy::Policy;
use crate::contract::record::{self, Record, Refreshing, State};
use crate::contract::signature::Reading;
use crate::contract::ttl::Ttl;
use crate::environment::named;
use crate::environment::{clock, costs, deletion_rules, guard, recorded};
use crate::error::Failure;
use crate::railway::{Environment, Project, Weight};
use crate::running::account::{CopyAccount, Deed};
use crate::running::context::Context;
use crate::running::step::{Deadline, Group, Step};

/// The step.
pub(super) struct ExtendEnv;

/// The copy with its new end.
#[derive(Serialize, JsonSchema)]
pub(super) struct Output {
    pub environment_id: EnvironmentId,
    pub environment_name: String,
    /// When it expires now (RFC 3339); absent when it is kept for ever.
    pub expires_at: Option<String>,
    /// When it would have expired; absent when it was kept for ever.
    pub expired_at_before: Option<String>,
    /// The latest end that the policy's `max_ttl` allows, counted from when the copy became ready.
    pub latest_end: String,
    pub keep: bool,
}

impl Step for ExtendEnv {
    const NAME: &'static str = "extend-env";
    const ABOUT: &'static str = "Give one copy another end, within the policy's longest life";
    const GROUP: Group = Group::Lifecycle;
    const DEADLINE: Deadline = Deadline::Fixed(Duration::from_mins(4));
    const ENDS_RUN: bool = true;
    type Input = ExtendRequest;
    type Output = Output;

    fn shown(output: &Output) -> String {
        let Output { environment_name: name, expires_at, expired_at_before, latest_end, .. } = output;
        let before = expired_at_before.as_ref().map_or("for ever".to_owned(), |end| format!("until {end}"));
        match expires_at {
            Some(end) => format!("{name} lives until {end}, and not {before}; {latest_end} is the latest that may be"),
            None => format!("{name} is kept for ever, and not {before}"),
        }
    }

    async fn run(ctx: &Context, request: ExtendRequest) -> Result<Output> {
        guard::ensure_unprotected(&ctx.policy, "environment", &request.environment)?;
        // By a clock that is wrong the copy would go at the wrong time.
        clock::ensure_right(ctx).await?;
        let project = ctx.railway.project(&request.project_id, Weight::Repeatable).await?;
        let environment = named::environment(&project, "environment", &request.environment)?;
        let before = extendable(ctx, &project, environment)?;
        let another = |environment: &Environment, reading: Reading| {
            guard::ensure_unprotected(&ctx.policy, "environment", &environment.name)?;
            extended(&ctx.policy, ready(environment, reading)?, request.ttl).map(Some)
        };
        let written = recorded::amend(ctx, &project.id, &environment.id, another).await?;
        let record = written.context("find the copy's record again")?;
        let copy = (&project.id, &environment.id, environment.name.as_str());
        let cost = costs::so_far(ctx, &project.id, environment).await;
        ctx.account_for(CopyAccount::of(Deed::Extended, copy, Some(&record)).at_cost(cost));
        let end = |record: &Record| (!record.keep).then(|| record.expires_at.to_string());
        match end(&record) {
            Some(end) => tracing::info!("`{}` lives until {end}", environment.name),
            None => tracing::info!("`{}` is kept for ever", environment.name),
        }
        Ok(Output {
            environment_id: environment.id.clone(),
            environment_name: environment.name.clone(),
            expires_at: end(&record),
            expired_at_before: end(&before),
            latest_end: record.latest_end(ctx.policy.max_ttl).to_string(),
            keep: record.keep,
        })
    }
}

/// The record of a copy whose end may be changed: ours and ready, and nobody's own by now.
fn extendable(ctx: &Context, project: &Project, environment: &Environment) -> Result<Record> {
    let reading = recorded::reading(ctx, project, environment);
    let source_id = reading.record().map(|record| &record.source_id);
    guard::ensure_not_production(&ctx.policy, project, environment, source_id)?;
    if let Some(host) = deletion_rules::promoted_host(environment, &reading) {
        bail!(
            refused(environment, &format!("carries the domain `{host}`, which railstage did not attach"))
                .hint("no sweep deletes it either; take the domain off to have it end")
        );
    }
    ready(environment, reading)
}

/// The record of a copy that is ours and ready.
fn ready(environment: &Environment, reading: Reading) -> Result<Record> {
    let refused = |what: &str| refused(environment, what);
    let record = match reading {
        Reading::Signed(record) => *record,
        Reading::Unsigned(_) => {
            bail!(refused("has a record that is not signed").hint("sign it by `railstage adopt`"))
        }
        Reading::Absent => bail!(refused("has no record of railstage").hint("`railstage list-envs` tells the copies")),
        Reading::Unreadable(why) => bail!(guard::unreadable(environment, why)),
    };
    if let Some(Refreshing { run, give_up_at }) = record.refresh_at(record::now()) {
        let what = format!("is being refreshed by run `{run}`, which is given up at {give_up_at}");
        bail!(refused(&what).hint("wait until that is over"));
    }
    let (what, hint) = match record.state {
        State::Ready => return Ok(record),
        State::Cloning => ("is being made: its life begins when it is ready", "wait until its clone is done"),
        State::Failed => ("failed, and is kept for a look for a day at most", "make a new copy"),
        State::RollingBack => ("is being rolled back", "make a new copy"),
    };
    bail!(refused(what).hint(hint))
}

fn refused(environment: &Environment, what: &str) -> Failure {
    Failure::invalid(format!("`environment`: `{}` {what}, and is not extended", environment.name))
}

/// The record with another end, if the policy lets a copy of this age live until then.
fn extended(policy: &Policy, record: Record, ttl: Option<Ttl>) -> Result<Record> {
    let (now, latest) = (record::now(), record.latest_end(policy.max_ttl));
    let asked = record.living(ttl, now);
    ensure!(
        asked.keep || asked.expires_at <= latest,
        Failure::invalid(format!(
            "`ttl`: the copy would live until {}, and the policy's `max_ttl`, {}, counted from {}, when it became ready, ends at {latest}",
            asked.expires_at,
            policy.max_ttl,
            asked.ready_since()
        ))
        .hint(way_past(policy, latest, now))
    );
    Ok(asked)
}

fn way_past(policy: &Policy, latest: Timestamp, now: Timestamp) -> String {
    let left = latest.duration_since(now);
    let minutes = Ttl::try_from(format!("PT{}M", left.as_mins().max(0))).ok();
    let less = match minutes.filter(|left| *left >= policy.min_ttl) {
        Some(left) => format!("ask for {left} ({}) at most", expiry::told(left.signed())),
        None => "it can live no longer".to_owned(),
    };
    format!("{less}; a new copy lives anew, and a longer `max_ttl` in the policy would allow it")
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn who_asks_for_too_much_is_told_how_much_is_left() {
        let (policy, now) = (Policy::default(), Timestamp::UNIX_EPOCH);
        let told = |left| way_past(&policy, now + left, now);
        assert!(told(SignedDuration::from_secs(3 * 3_600 + 59)).starts_with("ask for PT3H (3 hours) at most"));
        for none in [SignedDuration::from_mins(59), SignedDuration::ZERO, SignedDuration::from_hours(-9)] {
            assert!(told(none).starts_with("it can live no longer"), "{none}");
        }
    }
}
