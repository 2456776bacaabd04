//! SIGINT and SIGTERM: the word to stop, which of the two it was, and a step's work that heeds it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::error::Exit;
use crate::running::context::Context;
use crate::running::step::{Outcome, StepDef, Work};

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
        let stop = Self { token: CancellationToken::new(), by: Arc::default() };
        for (kind, exit) in [(SignalKind::interrupt(), Exit::Interrupted), (SignalKind::terminate(), Exit::Terminated)]
        {
            let mut signals = signal(kind).context("listen for signals")?;
            let stop = stop.clone();
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    stop.by.get_or_init(|| exit);
                    stop.token.cancel();
                }
            });
        }
        Ok(stop)
    }

    /// The exit code that the first signal asks for.
    pub(crate) fn exit(&self) -> Option<Exit> {
        self.by.get().copied()
    }

    /// Does a step's work to its end; a signal ends it within seconds.
    pub(crate) async fn run(&self, step: &StepDef, ctx: &Context, work: Work) -> Outcome {
        let work = work(ctx);
        tokio::pin!(work);
        let mut outcome = tokio::select! {
            outcome = &mut work => outcome,
            () = self.token.cancelled() => match tokio::time::timeout(GRACE, &mut work).await {
                Ok(outcome) => outcome,
                Err(_) => Outcome::failed(step.name, &anyhow!("stopped by a signal"), 0.0, ctx.railway.calls()),
            },
        };
        if let Some(signal) = self.exit().filter(|_| outcome.exit != Exit::Done) {
            outcome.exit = signal;
        }
        outcome
    }
}
