//! What every step is given beside its input: the run, the policy, Railway, and word of when to stop.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::contract::policy::Policy;
use crate::copying::Progress;
use crate::error::Failure;
use crate::external::process_env::ProcessEnv;
use crate::railway::Railway;
use crate::running::run::Run;

/// The surroundings of one run's steps.
pub(crate) struct Context {
    pub run: Run,
    pub policy: Policy,
    /// Signed in.
    pub railway: Railway,
    /// What this process was started with: the flow author's secrets among it.
    pub env: ProcessEnv,
    /// How far a copy has come, for whoever shows it.
    pub progress: Arc<Progress>,
    /// Cancelled when the process is asked to end.
    pub stop: CancellationToken,
}

impl Context {
    /// A context that is signed in to Railway.
    ///
    /// # Errors
    /// [`crate::error::Exit::Program`] when there is no token or no `railway` program.
    pub(crate) fn sign_in(run: Run, policy: Policy, env: ProcessEnv, stop: CancellationToken) -> Result<Self> {
        let railway = Railway::sign_in(&env)?;
        Ok(Self { run, policy, railway, env, progress: Arc::default(), stop })
    }

    /// Looks again every `pause` until `look` finds something.
    ///
    /// # Errors
    /// [`crate::error::Exit::Deadline`], naming `what`, after `deadline`; whatever `look` fails with; and when the process is
    /// asked to end.
    pub(crate) async fn until<T, F>(
        &self,
        what: &str,
        deadline: Duration,
        pause: Duration,
        look: impl FnMut() -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        let found = self.within(what, deadline, pause, look).await?;
        found.ok_or_else(|| {
            Failure::deadline(format!("gave up waiting for {what} after {} s", deadline.as_secs())).into()
        })
    }

    /// The same, with `None` when there is still nothing after `deadline`.
    ///
    /// # Errors
    /// Whatever `look` fails with; and when the process is asked to end.
    pub(crate) async fn within<T, F>(
        &self,
        what: &str,
        deadline: Duration,
        pause: Duration,
        mut look: impl FnMut() -> F,
    ) -> Result<Option<T>>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        let end = Instant::now() + deadline;
        loop {
            if let Some(found) = look().await? {
                return Ok(Some(found));
            }
            if Instant::now() + pause > end {
                return Ok(None);
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stop.cancelled() => return Err(anyhow!("stopped while waiting for {what}")),
            }
        }
    }
}
