//! What a step is, and how one is run from a JSON document to a JSON report.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use anyhow::Result;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::contract::input;
use crate::environment::guard::RunTarget;
use crate::error::{Exit, Failure, describe};
use crate::external::kestra::Metric;
use crate::running::context::Context;

/// One subcommand, one Kestra task. It finds what it needs from its input and the world, never from another step.
pub trait Step: 'static {
    /// Subcommand and schema stem; its snake_case is the Kestra task's id.
    const NAME: &'static str;
    /// One line of `--help`, without a period.
    const ABOUT: &'static str;
    /// When it is run.
    const PART: Part = Part::Clone;
    /// When it is given up; a flow's `timeout` for it is a little longer.
    const DEADLINE: Duration;
    type Input: DeserializeOwned + JsonSchema + Send;
    type Output: Serialize + JsonSchema + Send;

    /// Does the work. A second run with the same input is harmless.
    fn run(ctx: &Context, input: Self::Input) -> impl Future<Output = Result<Self::Output>> + Send;

    /// What becomes of a request that cannot be read.
    ///
    /// # Errors
    /// The reason, unless the step has nothing to do then.
    fn without_input(error: anyhow::Error) -> Result<Self::Output> {
        Err(error)
    }

    /// What else is worth a measurement.
    fn metrics(_output: &Self::Output) -> Vec<Metric> {
        Vec::new()
    }
}

/// When a step is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// In every clone, in the order of the table.
    Clone,
    /// When a clone has failed or was killed.
    Recovery,
    /// In a flow of its own; it belongs to no run.
    Lifecycle,
}

/// A step whose work must be taken back when a run fails.
pub trait Undo: Step {
    /// Removes what `run` made; finding nothing to remove is success. Gets the target, never an output:
    /// a step that died before its outputs line must be undoable too.
    fn undo(ctx: &Context, target: &RunTarget) -> impl Future<Output = Result<Vec<String>>> + Send;
}

type Running<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

type UndoFn = for<'a> fn(&'a Context, &'a RunTarget) -> Running<'a, Result<Vec<String>>>;

/// One row of the table of steps.
pub struct StepDef {
    pub name: &'static str,
    pub about: &'static str,
    pub part: Part,
    pub deadline: Duration,
    pub input_schema: fn() -> Schema,
    pub output_schema: fn() -> Schema,
    run: for<'a> fn(&'a Context, Result<Value>) -> Running<'a, Finished>,
    /// Takes the step's work back; returns what it removed.
    pub undo: Option<UndoFn>,
}

/// How a step ended: what goes into its outputs, and its exit code.
pub struct Finished {
    pub report: Report<Value>,
    pub metrics: Vec<Metric>,
    pub exit: Exit,
}

/// What every step prints at its end, whether it succeeded or not.
#[derive(Serialize, JsonSchema)]
pub struct Report<T> {
    pub status: Status,
    /// What went wrong, as it stands in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Seconds that the step took.
    pub seconds: f64,
    /// Calls of the `railway` program, polls aside.
    pub railway_calls: u32,
    #[serde(flatten)]
    pub output: T,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Ok,
    Failed,
}

impl StepDef {
    /// The row of a step.
    pub const fn of<S: Step>() -> Self {
        Self {
            name: S::NAME,
            about: S::ABOUT,
            part: S::PART,
            deadline: S::DEADLINE,
            input_schema: input::schema_of::<S::Input>,
            output_schema: input::schema_of::<Report<S::Output>>,
            run: |ctx, input| Box::pin(run_json::<S>(ctx, input)),
            undo: None,
        }
    }

    /// The row of a step that can be taken back.
    pub const fn undoable<S: Undo>() -> Self {
        Self { undo: Some(|ctx, target| Box::pin(S::undo(ctx, target))), ..Self::of::<S>() }
    }

    /// The step's task id in a flow.
    pub fn task_id(&self) -> String {
        self.name.replace('-', "_")
    }

    /// Runs the step on a request as it came, which may not even have been readable.
    pub async fn run(&self, ctx: &Context, request: Result<Value>) -> Finished {
        (self.run)(ctx, request).await
    }
}

async fn run_json<S: Step>(ctx: &Context, request: Result<Value>) -> Finished {
    let (started, calls_before) = (Instant::now(), ctx.railway_calls());
    let result = run_typed::<S>(ctx, request).await;
    let seconds = (started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    let railway_calls = ctx.railway_calls() - calls_before;
    let mut metrics =
        vec![Metric::Timer("step_duration", seconds), Metric::Counter("railway_calls", railway_calls.into())];
    let (status, error, output, exit) = match result {
        Ok(output) => {
            metrics.extend(S::metrics(&output));
            (Status::Ok, None, serde_json::to_value(output).expect("outputs are plain data"), Exit::Done)
        }
        Err(error) => {
            (Status::Failed, Some(describe(S::NAME, &error)), Value::Object(Default::default()), Exit::of(&error))
        }
    };
    Finished { report: Report { status, error, seconds, railway_calls, output }, metrics, exit }
}

async fn run_typed<S: Step>(ctx: &Context, request: Result<Value>) -> Result<S::Output> {
    let input = match request.and_then(|value| input::read::<S::Input>("request", value)) {
        Ok(input) => input,
        Err(error) => return S::without_input(error),
    };
    let late = || Failure::deadline(format!("not done within {} s", S::DEADLINE.as_secs()));
    tokio::time::timeout(S::DEADLINE, S::run(ctx, input)).await.map_err(|_| late())?
}
