//! What a step is, and how one is run from a JSON document to a JSON report.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use anyhow::Result;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::contract::ids::ProjectId;
use crate::contract::policy::Policy;
use crate::contract::request::Asked;
use crate::contract::{bounds, input, record};
use crate::error::{Exit, Failure};
use crate::external::kestra::Metric;
use crate::running::account::Account;
use crate::running::context::Context;
use crate::running::first::First;
use crate::running::outcome::{Cost, Outcome, Report, Status, Words, failed, gave_way, metrics};
use crate::running::run::Names;
use crate::running::shown;

/// One subcommand, one Kestra task. It finds what it needs from its input and the world, never from another step.
pub(crate) trait Step: 'static {
    /// Subcommand and schema stem; its `snake_case` is the Kestra task's id.
    const NAME: &'static str;
    /// One line of `--help`, without a period.
    const ABOUT: &'static str;
    /// When it is run.
    const GROUP: Group = Group::Clone;
    /// When it is given up; a flow's `timeout` for it is a little longer.
    const DEADLINE: Deadline;
    /// Whether it copies data, of which a sheet can be written.
    const COPIES_DATA: bool = false;
    /// Whether it changes nothing, so that it can be run outside a run.
    const ONLY_LOOKS: bool = false;
    /// Whether it asks Railway anything, for which it is signed in.
    const ASKS_RAILWAY: bool = true;
    /// What it deletes, which a person confirms.
    const DELETES: Deletes = Deletes::Nothing;
    /// Whether it makes a plan, which can be written to a file.
    const TELLS_A_PLAN: bool = false;
    /// Whether it ends a run, of which it gives an account.
    const ENDS_RUN: bool = false;
    type Input: Asked + DeserializeOwned + JsonSchema + Send;
    type Output: Serialize + JsonSchema + Send;

    /// Refuses what the policy does not grant, before anything outside is asked.
    ///
    /// # Errors
    /// [`Exit::Invalid`], naming each refused field.
    fn ensure_granted(policy: &Policy, input: &Self::Input) -> Result<()> {
        ensure_project(policy, input)?;
        bounds::ensure_none(&input.refusals(policy))
    }

    /// Does the work. A second run with the same input is harmless.
    fn run(ctx: &Context, input: Self::Input) -> impl Future<Output = Result<Self::Output>> + Send;

    /// What becomes of a request that cannot be read, or is refused.
    ///
    /// # Errors
    /// The reason, unless the step has nothing to do then.
    fn without_input(error: anyhow::Error) -> Result<Self::Output> {
        Err(error)
    }

    /// What was done, in a few words, beside the step's name in a list of steps.
    fn in_short(_output: &Self::Output) -> String {
        String::new()
    }

    /// What a person reads who ran the step by itself.
    fn shown(output: &Self::Output) -> String {
        shown::of(output)
    }

    /// What else is worth a measurement.
    fn metrics(_output: &Self::Output) -> Vec<Metric> {
        Vec::new()
    }
}

/// When a step is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// In every clone, in the order of the table.
    Clone,
    /// In a flow of its own, which is a run by itself: it changes what is there.
    Change,
    /// When a clone or a refresh has failed or was killed.
    Recovery,
    /// In a flow of its own; it belongs to no run.
    Lifecycle,
}

/// What a step deletes at a caller's word. What a rollback deletes is named by its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletes {
    Nothing,
    /// The copy that the field `environment` names, if the field `confirm` has its name.
    OneByName,
    /// Every copy whose time is up, if the field `dry_run` is false.
    WhatIsOver,
}

/// When a step is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deadline {
    /// After this time.
    Fixed(Duration),
    /// After what the other steps leave of the policy's `longest_run`. Of two such steps the second has what the first has left.
    RestOfRun,
}

impl Deadline {
    /// The time that a step has under any policy.
    pub(crate) fn fixed(self) -> Option<Duration> {
        match self {
            Self::Fixed(time) => Some(time),
            Self::RestOfRun => None,
        }
    }

    /// The time that a step has under a policy.
    pub fn under(self, policy: &Policy) -> Duration {
        match self {
            Self::Fixed(time) => time,
            Self::RestOfRun => policy.time_for_databases(),
        }
    }
}

/// A step whose work must be taken back when a run fails.
pub(crate) trait Undo: Step {
    /// Removes what `run` made; finding nothing to remove is success. Gets the target, never an output:
    /// a step that died before its outputs line must be undoable too.
    fn undo(ctx: &Context, target: &RunTarget) -> impl Future<Output = Result<Vec<String>>> + Send;
}

/// What a rollback looks for: all it has is the run.
pub(crate) struct RunTarget {
    pub project_id: ProjectId,
    pub names: Names,
}

type Running<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

type UndoFn = for<'a> fn(&'a Context, &'a RunTarget) -> Running<'a, Result<Vec<String>>>;

/// One row of the table of steps.
pub struct StepDef {
    pub name: &'static str,
    pub about: &'static str,
    pub group: Group,
    pub deadline: Deadline,
    /// Whether it copies data, of which a sheet can be written.
    pub copies_data: bool,
    /// Whether it changes nothing, so that it can be run outside a run.
    pub only_looks: bool,
    /// Whether it asks Railway anything, for which it is signed in.
    pub asks_railway: bool,
    pub deletes: Deletes,
    /// Whether it makes a plan, which can be written to a file.
    pub tells_a_plan: bool,
    /// Whether it ends a run, of which it gives an account.
    pub ends_run: bool,
    pub input_schema: fn() -> Schema,
    pub output_schema: fn() -> Schema,
    prepare: fn(&Policy, Result<Value>) -> Prepared,
    /// Takes the step's work back; returns what it removed.
    pub(crate) undo: Option<UndoFn>,
}

/// A step whose request was read.
pub(crate) enum Prepared {
    /// What is left to do.
    Ready(Work),
    /// There was nothing to do, or the request is not valid.
    Ended(Box<Outcome>),
}

/// The work of a step.
pub(crate) type Work = Box<dyn for<'a> FnOnce(&'a Context) -> Running<'a, Outcome> + Send>;

impl StepDef {
    /// The row of a step.
    pub(crate) const fn of<S: Step>() -> Self {
        Self {
            name: S::NAME,
            about: S::ABOUT,
            group: S::GROUP,
            deadline: S::DEADLINE,
            copies_data: S::COPIES_DATA,
            only_looks: S::ONLY_LOOKS,
            asks_railway: S::ASKS_RAILWAY,
            deletes: S::DELETES,
            tells_a_plan: S::TELLS_A_PLAN,
            ends_run: S::ENDS_RUN,
            input_schema: input::schema_of::<S::Input>,
            output_schema: input::schema_of::<Report<S::Output>>,
            prepare: prepare::<S>,
            undo: None,
        }
    }

    /// The row of a step that can be taken back.
    pub(crate) const fn undoable<S: Undo>() -> Self {
        Self { undo: Some(|ctx, target| Box::pin(S::undo(ctx, target))), ..Self::of::<S>() }
    }

    /// The step's task id in a flow.
    pub fn task_id(&self) -> String {
        self.name.replace('-', "_")
    }

    /// Reads a request as it came, which may not even have been readable, and refuses a project that the policy does not
    /// allow. Nothing outside is asked for that.
    pub(crate) fn prepare(&self, policy: &Policy, request: Result<Value>) -> Prepared {
        (self.prepare)(policy, request)
    }
}

/// Reads a request, and refuses a project that the policy does not allow.
///
/// # Errors
/// [`Exit::Invalid`], naming each wrong field.
pub(crate) fn read<I: Asked + DeserializeOwned + JsonSchema>(policy: &Policy, request: Value) -> Result<I> {
    let input: I = input::read("request", request)?;
    ensure_project(policy, &input)?;
    Ok(input)
}

/// Refuses a project that the policy does not allow.
///
/// # Errors
/// [`Exit::Invalid`].
pub(crate) fn ensure_project(policy: &Policy, input: &impl Asked) -> Result<()> {
    input.project_id().map_or(Ok(()), |id| policy.check_project(id))
}

fn prepare<S: Step>(policy: &Policy, request: Result<Value>) -> Prepared {
    let read = || {
        let input: S::Input = input::read("request", request?)?;
        S::ensure_granted(policy, &input)?;
        Ok(input)
    };
    match read() {
        Ok(input) => Prepared::Ready(Box::new(|ctx| Box::pin(run::<S>(ctx, input)))),
        Err(error) => Prepared::Ended(Box::new(outcome::<S>(S::without_input(error), Cost::default()))),
    }
}

async fn run<S: Step>(ctx: &Context, input: S::Input) -> Outcome {
    let (started, calls_before, requests_before) = (Instant::now(), ctx.railway.calls(), ctx.railway.requests());
    let deadline = S::DEADLINE.under(&ctx.policy);
    let late = || Failure::deadline(format!("not done within {} s", deadline.as_secs())).into();
    let done = tokio::time::timeout(deadline, S::run(ctx, input)).await.unwrap_or_else(|_| Err(late()));
    let cost = Cost {
        seconds: (started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
        railway_calls: ctx.railway.calls() - calls_before,
        railway_requests: ctx.railway.requests() - requests_before,
    };
    let mut outcome = outcome::<S>(done, cost);
    let copies = ctx.take_deeds();
    if S::ENDS_RUN {
        outcome.report.account = Some(Box::new(Account {
            written_at: record::now().to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            run_id: ctx.run.id.clone(),
            step: S::NAME.to_owned(),
            status: outcome.report.status,
            error: outcome.report.error.clone(),
            took: cost,
            copies,
        }));
    }
    outcome
}

fn outcome<S: Step>(done: Result<S::Output>, cost: Cost) -> Outcome {
    let output = match done {
        Ok(output) => output,
        Err(error) => {
            return match error.downcast_ref::<First>() {
                Some(first) => gave_way(S::NAME, first, cost),
                None => failed(S::NAME, S::GROUP, &error, cost),
            };
        }
    };
    let mut metrics = metrics(cost);
    metrics.extend(S::metrics(&output));
    let words = Words { in_short: S::in_short(&output), shown: S::shown(&output) };
    let output = serde_json::to_value(output).expect("outputs are plain data");
    let report = Report { output, ..Report::new(S::NAME, Status::Ok, cost) };
    Outcome { report, words, metrics, exit: Exit::Done }
}
