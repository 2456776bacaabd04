//! Running one step to its end, or to the end that a signal asks for, while its progress is shown.

use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use crate::context::Context;
use crate::error::Exit;
use crate::step::{Finished, Report, Status, StepDef};
use crate::stop::Stop;
use crate::ticker::Ticker;

/// How long a step may take to tidy up after a signal before it is dropped.
const GRACE: Duration = Duration::from_secs(8);

/// Runs `step`; a signal ends it within seconds.
pub async fn run(step: &StepDef, ctx: &Context, stop: &Stop, request: Result<Value>) -> Finished {
    let ticker = Ticker::start(ctx.progress.clone());
    let work = step.run(ctx, request);
    tokio::pin!(work);
    let finished = tokio::select! {
        finished = &mut work => finished,
        () = stop.token.cancelled() => match tokio::time::timeout(GRACE, &mut work).await {
            Ok(finished) if finished.exit == Exit::Done => finished,
            _ => stopped(step, stop.exit().unwrap_or(Exit::Terminated)),
        },
    };
    ticker.stop().await;
    finished
}

fn stopped(step: &StepDef, exit: Exit) -> Finished {
    let signal = if exit == Exit::Interrupted { "SIGINT" } else { "SIGTERM" };
    let report = Report {
        status: Status::Failed,
        error: Some(format!("{} failed: stopped by {signal}", step.name)),
        seconds: 0.0,
        railway_calls: 0,
        output: Value::Object(serde_json::Map::default()),
    };
    Finished { report, metrics: Vec::new(), exit }
}
