//! What every step is given beside its input: the run, the policy, Railway, and word of when to stop.

use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Result, anyhow};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::contract::policy::Policy;
use crate::copying::progress::Progress;
use crate::error::{Exit, Failure};
use crate::railway::Railway;
use crate::running::run::Run;
use crate::secret::env_secret;

/// The surroundings of one run's steps.
pub struct Context {
    pub run: Run,
    pub policy: Policy,
    /// How far a copy has come, for whoever shows it.
    pub progress: Arc<Progress>,
    /// Cancelled when the process is asked to end.
    pub stop: CancellationToken,
    railway: OnceLock<Railway>,
}

impl Context {
    /// A context that signs in to Railway when a step first needs it.
    pub fn new(run: Run, policy: Policy, stop: CancellationToken) -> Self {
        Self { run, policy, progress: Arc::default(), stop, railway: OnceLock::new() }
    }

    /// Railway, signed in with `RAILWAY_API_TOKEN`.
    ///
    /// # Errors
    /// [`Exit::Program`] when there is no token or no `railway` program.
    pub fn railway(&self) -> Result<&Railway> {
        if let Some(railway) = self.railway.get() {
            return Ok(railway);
        }
        let token = env_secret("RAILWAY_API_TOKEN").ok_or_else(|| {
            Failure::new(Exit::Program, "there is no RAILWAY_API_TOKEN")
                .hint("set it to a Railway account token; in Kestra, as the secret RAILWAY_API_TOKEN")
        })?;
        let railway = Railway::new(token)?;
        Ok(self.railway.get_or_init(|| railway))
    }

    /// How many calls of Railway were made so far, polls aside.
    pub fn railway_calls(&self) -> u32 {
        self.railway.get().map_or(0, Railway::calls)
    }

    /// Looks again every `pause` until `look` finds something.
    ///
    /// # Errors
    /// [`Exit::Deadline`], naming `what`, after `deadline`; whatever `look` fails with; and when the process is asked to end.
    pub async fn until<T, F>(
        &self,
        what: &str,
        deadline: Duration,
        pause: Duration,
        mut look: impl FnMut() -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        let end = Instant::now() + deadline;
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            if Instant::now() + pause > end {
                return Err(
                    Failure::deadline(format!("gave up waiting for {what} after {} s", deadline.as_secs())).into()
                );
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stop.cancelled() => return Err(anyhow!("stopped while waiting for {what}")),
            }
        }
    }
}
