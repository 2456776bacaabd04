//! `sweep-envs`: deletes what has expired or was left over, and says why it spares the rest.

mod told;
mod warnings;

use std::fmt;
use std::time::Duration;

use anyhow::{Result, bail};
use jiff::Timestamp;

use self::told::{Output, Spared, Swept};
use crate::contract::gate::service_name;
use crate::contract::ids::ProjectId;
use crate::contract::record::{self, State};
use crate::contract::request::SweepRequest;
use crate::contract::signature::Reading;
use crate::environment::recorded::reading;
use crate::environment::removal::Asked;
use crate::environment::{clock, costs, deletion_rules, gate, guard, proxies, removal};
use crate::error::{Exit, Failure, chain, counted, listed};
use crate::railway::{Environment, Project, Weight};
use crate::running::account::{CopyAccount, Deed};
use crate::running::context::Context;
use crate::running::outcome::Partly;
use crate::running::relay_key;
use crate::running::step::{Deadline, Deletes, Group, Step};

/// How often the flow sweeps.
const EVERY_SECS: i64 = 900;

/// The step.
pub(super) struct SweepEnvs;

/// Why a copy stays that was over a moment ago: it was extended meanwhile, or Railway has shown an older state.
#[derive(Debug)]
struct Stays(String);

impl fmt::Display for Stays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it {}", self.0)
    }
}

impl std::error::Error for Stays {}

impl Step for SweepEnvs {
    const NAME: &'static str = "sweep-envs";
    const ABOUT: &'static str = "Delete copies whose time is up; a dry run unless told otherwise";
    const GROUP: Group = Group::Lifecycle;
    const DEADLINE: Deadline = Deadline::Fixed(Duration::from_mins(29));
    const DELETES: Deletes = Deletes::WhatIsOver;
    const ENDS_RUN: bool = true;
    type Input = SweepRequest;
    type Output = Output;

    fn shown(output: &Output) -> String {
        output.shown()
    }

    async fn run(ctx: &Context, request: SweepRequest) -> Result<Output> {
        if !ctx.record_keys.can_sign() {
            tracing::warn!(
                "RAILSTAGE_RECORD_KEY is not set, so no record is proved and no copy that has one is deleted"
            );
        }
        let projects = match &request.project_id {
            Some(id) => vec![id.clone()],
            None => ctx.policy.allowed_projects.clone(),
        };
        let (unswept, projects): (Vec<_>, Vec<_>) =
            projects.into_iter().partition(|id| ctx.policy.unswept_projects.contains(id));
        for id in &unswept {
            tracing::warn!("project `{id}` is not swept: it is one of the policy's `unswept_projects`");
        }
        // By a clock that is wrong it only tells.
        let wrong_clock = clock::ensure_right(ctx).await.err();
        if let Some(error) = &wrong_clock {
            tracing::warn!("nothing is deleted: {}", chain(error));
        }
        let dry_run = request.dry_run || wrong_clock.is_some();
        let (mut output, mut failures) = (Output { dry_run, unswept, ..Output::default() }, Vec::new());
        let mut asked = Vec::new();
        for project_id in &projects {
            let before: usize = asked.iter().map(Vec::len).sum();
            let room = (request.max_deletions as usize).saturating_sub(before + output.deleted.len());
            // One project that cannot be read must not keep the others from being swept.
            match ask(ctx, project_id, room, &mut output, &mut failures).await {
                Ok(of_project) => asked.push(of_project),
                Err(error) => failures.push(error),
            }
        }
        // All were asked for before one is waited for: one that hangs holds up no other.
        for of_project in asked {
            let (mut deletions, of_project): (Vec<_>, Vec<_>) = of_project.into_iter().unzip();
            for (one, gone) in removal::watch(ctx, of_project).await {
                let deletion = deletions.iter().position(|deletion| deletion.copy.environment_id == one.environment_id);
                let Some(Deletion { reason, copy, asked_at }) = deletion.map(|n| deletions.swap_remove(n)) else {
                    continue;
                };
                let swept = Swept::of(one, reason);
                match gone {
                    Ok(()) => {
                        ctx.account_for(copy.gone(asked_at));
                        output.deleted.push(swept);
                    }
                    Err(error) => {
                        ctx.account_for(CopyAccount { deed: Deed::Left, ..copy });
                        output.left.push(swept);
                        failures.push(error);
                    }
                }
            }
        }
        if !dry_run {
            let left = relay_key::remove_left_over(ctx).await;
            failures.extend(left.map(|count| output.ssh_keys = count).err());
        }
        if let Some(error) = wrong_clock.filter(|_| !request.dry_run) {
            failures.push(error.context(output.undone()));
        }
        if failures.is_empty() { Ok(output) } else { bail!(Partly::done(output, failed(&failures))) }
    }
}

/// All failures in one: something is left only where that was seen.
fn failed(failures: &[anyhow::Error]) -> anyhow::Error {
    let told: Vec<_> = failures.iter().map(chain).collect();
    let is_left = failures.iter().any(|error| Exit::of(error) == Exit::Incomplete);
    let exit = if is_left { Exit::Incomplete } else { Exit::of(&failures[0]) };
    Failure::new(exit, listed(&told)).into()
}

/// What a sweep of one project has to do with.
struct Sweep<'a> {
    ctx: &'a Context,
    project: &'a Project,
    output: &'a mut Output,
    failures: &'a mut Vec<anyhow::Error>,
    /// How many deletions more this run may ask for.
    room: usize,
}

/// A deletion that was asked for.
struct Deletion {
    /// Why.
    reason: String,
    /// What the account will say of it.
    copy: CopyAccount,
    asked_at: Timestamp,
}

/// Looks at a project's environments, and asks Railway to delete those whose time is up.
async fn ask(
    ctx: &Context,
    project_id: &ProjectId,
    room: usize,
    output: &mut Output,
    failures: &mut Vec<anyhow::Error>,
) -> Result<Vec<(Deletion, Asked)>> {
    let project = ctx.railway.project(project_id, Weight::Repeatable).await?;
    let mut sweep = Sweep { ctx, project: &project, output, failures, room };
    let (mut asked, mut over) = (Vec::new(), Vec::new());
    let is_ours = |e: &&Environment| guard::is_copy_of_ours(ctx, &project, e);
    let (ours, others): (Vec<_>, Vec<_>) = project.environments.iter().partition(is_ours);
    for environment in ours {
        match verdict(ctx, &project, environment) {
            Verdict::Stays(reason) => sweep.spare(environment, reason).await,
            Verdict::Over(reason) => over.push((environment, reason)),
        }
    }
    sweep.gates().await;
    // What cannot be deleted must not take the place of the others every time.
    let turn = usize::try_from(Timestamp::now().as_second() / EVERY_SECS).unwrap_or_default();
    let first = turn.checked_rem(over.len()).unwrap_or_default();
    over.rotate_left(first);
    for (environment, reason) in over {
        asked.extend(sweep.delete(environment, reason).await);
    }
    for environment in others {
        let is_main = project.is_main(&environment.id);
        let what = if is_main { "is the project's base or primary environment" } else { "has no record of railstage" };
        let spared = sweep.spared(environment, false, format!("is not ours: it {what}"));
        sweep.output.spared.push(spared);
    }
    Ok(asked)
}

impl Sweep<'_> {
    fn spared(&self, environment: &Environment, ours: bool, reason: String) -> Spared {
        Spared { project_id: self.project.id.clone(), name: environment.name.clone(), ours, reason }
    }

    /// Leaves a copy as it is, but for what was left open in it; warns whom it is about when its end is near.
    async fn spare(&mut self, environment: &Environment, reason: String) {
        tracing::info!("`{}` stays: it {reason}", environment.name);
        self.output.spared.push(self.spared(environment, true, reason));
        if let Err(error) = close_left(self.ctx, self.project, environment, self.output).await {
            self.failures.push(error.context(format!("close environment `{}`", environment.name)));
        }
        if self.output.dry_run {
            return;
        }
        match warnings::warn(self.ctx, self.project, environment).await {
            Ok(warning) => self.output.warned.extend(warning),
            Err(error) => self.failures.push(error.context(format!("warn of the end of `{}`", environment.name))),
        }
    }

    /// Deletes the rows of gates whose copies are gone, which a run that was killed can have left.
    async fn gates(&mut self) {
        for hash in gate::abandoned(self.ctx, self.project, Timestamp::now()) {
            let removed = match self.output.dry_run {
                true => Ok(Some(service_name(hash))),
                false => gate::remove_row(self.ctx, &self.project.id, hash).await,
            };
            match removed {
                Ok(name) => self.output.gates.extend(name),
                Err(error) => self.failures.push(error),
            }
        }
    }

    /// Asks Railway to delete a copy whose time is up, if this run may delete one more.
    async fn delete(&mut self, environment: &Environment, reason: String) -> Option<(Deletion, Asked)> {
        let (id, name) = (&environment.id, &environment.name);
        if self.room == 0 {
            tracing::info!("`{name}` {reason}, and waits for the next sweep");
            let reason = format!("{reason}, and waits for the next sweep: this one has deleted as many as it may");
            self.output.spared.push(self.spared(environment, true, reason));
            return None;
        }
        if self.output.dry_run {
            self.room -= 1;
            tracing::info!("`{name}` would be deleted: it {reason}");
            let project_id = self.project.id.clone();
            self.output.deleted.push(Swept { project_id, environment_id: id.clone(), name: name.clone(), reason });
            return None;
        }
        tracing::info!("`{name}` {reason}");
        let read = reading(self.ctx, self.project, environment);
        let of = (&self.project.id, id, name.as_str());
        let cost = costs::so_far(self.ctx, &self.project.id, environment).await;
        let copy = CopyAccount::of(Deed::Deleted, of, read.record()).at_cost(cost);
        let asked_at = record::now();
        match removal::ask(self.ctx, &self.project.id, id, |p, e| still_over(self.ctx, p, e)).await {
            Ok(Some(asked)) => {
                self.room -= 1;
                return Some((Deletion { reason, copy, asked_at }, asked));
            }
            Ok(None) => {}
            Err(error) => match error.downcast::<Stays>() {
                Ok(Stays(reason)) => self.output.spared.push(self.spared(environment, true, reason)),
                Err(error) => self.failures.push(error.context(format!("delete environment `{name}`"))),
            },
        }
        None
    }
}

/// Closes what a step that was killed has left open in a copy of ours that is no longer made.
async fn close_left(ctx: &Context, project: &Project, environment: &Environment, output: &mut Output) -> Result<()> {
    let reading = reading(ctx, project, environment);
    let is_promoted = deletion_rules::promoted_host(environment, &reading).is_some();
    let Reading::Signed(record) = reading else { return Ok(()) };
    let is_at_work = record.state == State::Cloning || record.refresh_at(Timestamp::now()).is_some();
    if is_promoted || is_at_work || output.dry_run || proxies::to_close(ctx, environment).is_empty() {
        return Ok(());
    }
    guard::ensure_not_production(&ctx.policy, project, environment, Some(&record.source_id))?;
    let count = proxies::close_left(ctx, project, environment).await?;
    tracing::warn!("`{}` had {} left open, closed now", environment.name, counted(count, "TCP proxy", "TCP proxies"));
    output.closed.push(environment.name.clone());
    Ok(())
}

/// What is to become of a copy, and why.
enum Verdict {
    Stays(String),
    Over(String),
}

fn verdict(ctx: &Context, project: &Project, environment: &Environment) -> Verdict {
    if let Some(reason) = deletion_rules::reason_to_spare(ctx, project, environment, None, Timestamp::now()) {
        return Verdict::Stays(reason);
    }
    Verdict::Over(match reading(ctx, project, environment).record() {
        None => "is left over from a run that died".to_owned(),
        Some(record) => match record.state {
            State::Cloning => format!("was given up at {}", record.give_up_at),
            State::RollingBack => "was being rolled back".to_owned(),
            State::Ready | State::Failed => format!("expired at {}", record.expires_at),
        },
    })
}

fn still_over(ctx: &Context, project: &Project, environment: &Environment) -> Result<()> {
    match verdict(ctx, project, environment) {
        Verdict::Over(_) => Ok(()),
        Verdict::Stays(reason) => bail!(Stays(reason)),
    }
}
