//! How a step ended: what it tells, whether it succeeded or not, and its exit code.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Exit, Told};
use crate::external::kestra::Metric;
use crate::running::account::Account;
use crate::running::first::First;
use crate::running::shown;
use crate::running::step::{Group, StepDef};

/// How a step ended: what goes into its outputs, and its exit code.
pub(crate) struct Outcome {
    pub report: Report<Value>,
    /// The same for a person.
    pub words: Words,
    pub metrics: Vec<Metric>,
    pub(super) exit: Exit,
}

/// What a person reads of a step.
#[derive(Default)]
pub(crate) struct Words {
    /// What was done, in a few words; empty when the name of the step says it.
    pub in_short: String,
    /// What is read of a step that was run by itself.
    pub shown: String,
}

/// What every step prints at its end, whether it succeeded or not.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Report<T> {
    pub status: Status,
    /// The step.
    pub step: &'static str,
    /// What went wrong, as it stands in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What to change, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The code that the process ends with when the step failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<u8>,
    /// When the step failed: whether something may be left behind that a person must look after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needs_person: Option<bool>,
    /// When the step did nothing, since another run came first with the same `idempotency_key`: that run and its copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<Box<First>>,
    /// Of a step that ends a run: what the run did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Box<Account>>,
    #[serde(flatten)]
    pub cost: Cost,
    #[serde(flatten)]
    pub output: T,
}

/// What a step took.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Cost {
    /// Seconds that the step took.
    pub seconds: f64,
    /// Calls of the `railway` program, polls aside.
    pub railway_calls: u32,
    /// Requests that were sent to Railway, polls and repetitions included.
    pub railway_requests: u32,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Ok,
    Failed,
    /// Another run came first with the same `idempotency_key`, and is under way.
    AlreadyRunning,
    /// Another run came first with the same `idempotency_key`, and its copy is ready.
    Ready,
}

/// A failure of a step that has done something all the same, which its report tells.
#[derive(Debug)]
pub(crate) struct Partly {
    output: Value,
    error: anyhow::Error,
}

impl Partly {
    /// What was done, and what failed.
    pub(crate) fn done(output: impl Serialize, error: anyhow::Error) -> Self {
        Self { output: serde_json::to_value(output).expect("outputs are plain data"), error }
    }
}

impl fmt::Display for Partly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Partly {}

/// The output of a step that has done nothing.
fn nothing() -> Value {
    Value::Object(serde_json::Map::default())
}

pub(super) fn metrics(cost: Cost) -> Vec<Metric> {
    vec![
        Metric::Timer("step_duration", cost.seconds),
        Metric::Counter("railway_calls", cost.railway_calls.into()),
        Metric::Counter("railway_requests", cost.railway_requests.into()),
    ]
}

/// A request that is sent twice is no failure of the second run.
pub(super) fn gave_way(step: &'static str, first: &First, cost: Cost) -> Outcome {
    tracing::info!("nothing is done: {first}");
    let report = Report { first: Some(Box::new(first.clone())), ..Report::new(step, first.status, cost) };
    let words = Words { shown: first.to_string(), ..Words::default() };
    Outcome { report, words, metrics: metrics(cost), exit: Exit::Done }
}

pub(super) fn failed(step: &'static str, group: Group, error: &anyhow::Error, cost: Cost) -> Outcome {
    let (error, output) = match error.downcast_ref::<Partly>() {
        Some(Partly { output, error }) => (error, output.clone()),
        None => (error, nothing()),
    };
    let (Told { error: words, hint }, exit) = (Told::of(step, error), Exit::of(error));
    let report = Report {
        output,
        error: Some(words),
        hint,
        exit_code: Some(exit.code()),
        needs_person: Some(exit == Exit::Incomplete || group == Group::Recovery),
        ..Report::new(step, Status::Failed, cost)
    };
    // Of a step that has done something all the same, that is told too.
    let words = Words { shown: shown::of(&report.output), ..Words::default() };
    Outcome { report, words, metrics: metrics(cost), exit }
}

impl Report<Value> {
    pub(super) fn new(step: &'static str, status: Status, cost: Cost) -> Self {
        Self {
            status,
            step,
            error: None,
            hint: None,
            exit_code: None,
            needs_person: None,
            first: None,
            account: None,
            cost,
            output: nothing(),
        }
    }
}

impl Outcome {
    /// How a step ended that failed, or could not even begin.
    pub(crate) fn failed(step: &StepDef, error: &anyhow::Error, cost: Cost) -> Self {
        failed(step.name, step.group, error, cost)
    }

    /// The code that the process ends with.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// A failure that a signal is the reason of.
    pub(super) fn stopped_by(&mut self, signal: Exit) {
        self.exit = signal;
        self.report.exit_code = Some(signal.code());
    }
}

impl<T> Report<T> {
    /// What went wrong, if anything did.
    pub(crate) fn told(&self) -> Option<Told> {
        Some(Told { error: self.error.clone()?, hint: self.hint.clone() })
    }
}
