//! Running one step to its end, or to the end that a signal asks for.

use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use crate::error::Exit;
use crate::running::context::Context;
use crate::running::step::{Finished, Report, Status, StepDef};
use crate::running::stop::Stop;

/// How long a step may take to tidy up after a signal before it is dropped.
const GRACE: Duration = Duration::from_secs(8);

/// Runs `step`; a signal ends it within seconds.
pub async fn run(step: &StepDef, ctx: &Context, stop: &Stop, request: Result<Value>) -> Finished {
    let work = step.run(ctx, request);
    tokio::pin!(work);
    let mut finished = tokio::select! {
        finished = &mut work => finished,
        () = stop.token.cancelled() => match tokio::time::timeout(GRACE, &mut work).await {
            Ok(finished) => finished,
            Err(_) => dropped(step),
        },
    };
    if let Some(signal) = stop.exit().filter(|_| finished.exit != Exit::Done) {
        finished.exit = signal;
    }
    finished
}

fn dropped(step: &StepDef) -> Finished {
    let report = Report {
        status: Status::Failed,
        error: Some(format!("{} failed: stopped by a signal", step.name)),
        seconds: 0.0,
        railway_calls: 0,
        output: Value::Object(serde_json::Map::default()),
    };
    Finished { report, metrics: Vec::new(), exit: Exit::Terminated }
}
