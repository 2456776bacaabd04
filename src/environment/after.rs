//! Commands that a request has run in containers of its copy when its apps are up; never in the source's. What they say may be personal, so it is
//! told only where log lines are.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::Instant;

use crate::contract::files_request::{AfterCommand, AfterFailure};
use crate::contract::request::CloneRequest;
use crate::environment::guard::Target;
use crate::error::{Exit, Failure, chain};
use crate::inert::one_line;
use crate::running::context::Context;
use crate::running::relay_key;

/// How long a command may take.
const LONGEST: Duration = Duration::from_mins(5);
/// How many of the last lines that it says are shown, and how much is kept of it for that.
const SHOWN_LINES: usize = 20;
const KEPT_BYTES: usize = 64 << 10;

/// A command that was run in a container of the copy.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Ran {
    pub service: String,
    pub command: String,
    /// The code that it ended with; absent where it did not end in time, or its container ended before it.
    pub exit_code: Option<u32>,
    pub seconds: f64,
}

/// Runs the request's commands in their order, until `end` at the latest.
///
/// # Errors
/// [`Exit::Failed`] for one that fails and whose failure is the clone's; when the process is asked to end.
pub(crate) async fn run(ctx: &Context, target: &Target, request: &CloneRequest, end: Instant) -> Result<Vec<Ran>> {
    let mut all = Vec::new();
    for asked in &request.after {
        let began = Instant::now();
        let limit = LONGEST.min(end.saturating_duration_since(began));
        let (mut said, mut exit_code) = (Vec::new(), None);
        let running = async {
            exit_code = run_one(ctx, target, asked, limit, &mut said).await?;
            anyhow::Ok(())
        };
        let done = tokio::select! {
            done = tokio::time::timeout(limit, running) => done,
            () = ctx.stop.cancelled() => bail!("stopped in the middle of a command in service `{}`", asked.service),
        };
        let problem = match (done, exit_code) {
            (Err(_), _) => Some(format!("did not end within {} s", limit.as_secs())),
            (Ok(Err(error)), _) => Some(format!("was not run to its end: {}", chain(&error))),
            (Ok(Ok(())), None) => Some("was never heard to end: its container ended, or started anew".to_owned()),
            (Ok(Ok(())), Some(0)) => None,
            (Ok(Ok(())), Some(code)) => Some(format!("ended with code {code}")),
        };
        let seconds = (began.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
        tell(asked, problem, request.logs.then(|| last_lines(&said)))?;
        all.push(Ran { service: asked.service.clone(), command: asked.command.clone(), exit_code, seconds });
    }
    Ok(all)
}

/// Runs one; what it says is put into `said`, the last of it at the least, also where it never ends.
async fn run_one(
    ctx: &Context,
    target: &Target,
    asked: &AfterCommand,
    limit: Duration,
    said: &mut Vec<u8>,
) -> Result<Option<u32>> {
    let service = target.environment().service(&asked.service);
    let service = service.with_context(|| format!("the copy has no service `{}`", asked.service))?;
    let key = relay_key::of_step(ctx).await?;
    let line = ctx.relay.line(&asked.service, service.id.as_ref(), &key)?;
    line.ready_for_commands(limit).await?;
    let mut command = line.run(&asked.command).await?;
    // It has nothing to read.
    command.finish_feeding().await?;
    while let Some(piece) = command.hear().await? {
        said.extend_from_slice(&piece);
        if said.len() > 2 * KEPT_BYTES {
            said.drain(..said.len() - KEPT_BYTES);
        }
    }
    let ended = command.end().await?;
    said.extend_from_slice(ended.complained.as_bytes());
    Ok(ended.exit_code)
}

/// Tells how a command ended; fails where that is the clone's failure.
fn tell(asked: &AfterCommand, problem: Option<String>, shown: Option<String>) -> Result<()> {
    let what = format!("`{}` in service `{}`", one_line(&asked.command), asked.service);
    let is_said = shown.is_some();
    let shown = shown.unwrap_or_default();
    let Some(problem) = problem else {
        tracing::info!("{what} is done{shown}");
        return Ok(());
    };
    let told = format!("{what} {problem}{shown}");
    if asked.on_failure == AfterFailure::Warn {
        tracing::warn!("{told}");
        return Ok(());
    }
    let failure = Failure::new(Exit::Failed, format!("`after`: {told}"));
    let hint = "`logs: true` in the request prints the last lines that it says, which may hold personal data";
    ensure!(is_said, failure.hint(hint));
    bail!(failure)
}

/// The last lines that a command said, each on one of its own, whatever it says.
fn last_lines(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let lines: Vec<_> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(SHOWN_LINES)..];
    last.iter().map(|line| format!("\n  {}", one_line(line))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_shown_and_none_of_them_acts() {
        let many: Vec<_> = (0..50).map(|n| n.to_string()).collect();
        let shown = last_lines(many.join("\n").as_bytes());
        assert_eq!((shown.lines().count(), shown.lines().last()), (SHOWN_LINES + 1, Some("  49")));
        assert!(!last_lines(b"\x1b[2Jgone\xff\n::{\"outputs\":{}}::").contains('\x1b'));
        assert_eq!(last_lines(b""), "");
    }
}
