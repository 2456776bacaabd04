//! SIGINT, SIGTERM and SIGHUP: the word to stop, which of them it was, and a step's work that heeds it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::error::Exit;
use crate::error::caught::caught;
use crate::running::context::Context;
use crate::running::outcome::{Cost, Outcome};
use crate::running::relay_key;
use crate::running::step::{StepDef, Work};

/// How long a step may take to tidy up after a signal before it is dropped.
const GRACE: Duration = Duration::from_secs(8);

/// Listens for signals from its making on.
#[derive(Clone)]
pub(crate) struct Stop {
    /// Cancelled by the first signal.
    pub token: CancellationToken,
    by: Arc<OnceLock<Exit>>,
}

impl Stop {
    /// Starts to listen.
    ///
    /// # Errors
    /// When the system allows no handler.
    pub(crate) fn listen() -> Result<Self> {
        let stop = Self::listen_again()?;
        // Under `nohup` a closed window is no reason to stop.
        if !is_ignored(HANGUP)? {
            stop.heed(SignalKind::hangup(), Exit::Terminated)?;
        }
        Ok(stop)
    }

    /// Starts to listen anew, while taking back what was made. A closed window does not end that: shells send SIGHUP more than once.
    ///
    /// # Errors
    /// When the system allows no handler.
    pub(crate) fn listen_again() -> Result<Self> {
        let stop = Self { token: CancellationToken::new(), by: Arc::default() };
        stop.heed(SignalKind::interrupt(), Exit::Interrupted)?;
        stop.heed(SignalKind::terminate(), Exit::Terminated)?;
        Ok(stop)
    }

    fn heed(&self, kind: SignalKind, exit: Exit) -> Result<()> {
        let mut signals = signal(kind).context("listen for signals")?;
        let stop = self.clone();
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                stop.by.get_or_init(|| exit);
                stop.token.cancel();
            }
        });
        Ok(())
    }

    /// The exit code that the first signal asks for.
    pub(crate) fn exit(&self) -> Option<Exit> {
        self.by.get().copied()
    }

    /// Does a step's work to its end; a signal ends it within seconds, and a panic is a failure of it.
    pub(crate) async fn run(&self, step: &'static StepDef, ctx: &Context, work: Work) -> Outcome {
        let failed = |error: anyhow::Error| {
            let (railway_calls, railway_requests) = (ctx.railway.calls(), ctx.railway.requests());
            Outcome::failed(step, &error, Cost { seconds: 0.0, railway_calls, railway_requests })
        };
        ctx.relay_key.begin(step, step.deadline.under(&ctx.policy));
        let done = {
            let work = caught(async { work(ctx).await });
            tokio::pin!(work);
            tokio::select! {
                done = &mut work => done,
                () = self.token.cancelled() => match tokio::time::timeout(GRACE, &mut work).await {
                    Ok(done) => done,
                    Err(_) => Err(anyhow!("stopped by a signal")),
                },
            }
        };
        // Whatever became of it.
        relay_key::end(ctx).await;
        let mut outcome = done.unwrap_or_else(failed);
        if let Some(signal) = self.exit().filter(|_| outcome.exit() != Exit::Done) {
            outcome.stopped_by(signal);
        }
        outcome
    }
}

/// SIGHUP's number on every system that runs us.
const HANGUP: u32 = 1;

/// Whether this process was started with a signal ignored.
fn is_ignored(signal: u32) -> Result<bool> {
    let status = std::fs::read_to_string("/proc/self/status").context("read which signals are ignored")?;
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or_default().trim();
    Ok(u64::from_str_radix(mask, 16).unwrap_or(0) >> (signal - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::contract::policy::Policy;
    use crate::external::process_env::ProcessEnv;
    use crate::running::outcome::Status;
    use crate::running::run::Run;
    use crate::secret::{Secret, scrub_outputs};

    fn context(stop: &Stop) -> (Context, tempfile::TempDir) {
        let programs = tempfile::tempdir().unwrap();
        let railway = programs.path().join("railway");
        std::fs::write(&railway, "#!/bin/sh\nexit 97\n").unwrap();
        std::fs::set_permissions(&railway, std::fs::Permissions::from_mode(0o755)).unwrap();
        let env = [
            ("PATH", programs.path().as_os_str().to_owned()),
            ("RAILWAY_API_TOKEN", OsString::from("canary-token-of-stop")),
        ];
        let env = ProcessEnv::new(env.map(|(name, value)| (OsString::from(name), value)));
        let run = Run { id: "panics".into() };
        (Context::sign_in(run, Policy::default(), env, stop.token.clone()).unwrap(), programs)
    }

    #[tokio::test]
    async fn a_panic_in_a_step_is_a_failure_of_it_and_tells_no_secret() {
        let _secret = Secret::new("canary-in-a-panic");
        let stop = Stop::listen().unwrap();
        let (ctx, _programs) = context(&stop);
        let work: Work = Box::new(|_| Box::pin(async { panic!("at canary-in-a-panic\n::stop-commands::x") }));
        let outcome = stop.run(&crate::steps::STEPS[0], &ctx, work).await;
        assert_eq!((outcome.exit(), outcome.report.status), (Exit::Failed, Status::Failed));
        let report = scrub_outputs(serde_json::to_value(&outcome.report).unwrap());
        assert_eq!(report["error"], "validate failed: it panicked: at ***\\n::stop-commands::x");
        assert_eq!(report["exit_code"], 1);
    }
}
