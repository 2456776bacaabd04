//! What every step is given beside its input: the run, the policy, Railway, and word of when to stop.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, anyhow};
use rand::distr::{Alphanumeric, SampleString as _};
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::contract::policy::Policy;
use crate::contract::signature::{KEY_VARIABLE, OLD_KEY_VARIABLE, RecordKeys};
use crate::copying::{CopyReport, Progress};
use crate::error::Failure;
use crate::external::process_env::ProcessEnv;
use crate::files::FilesReport;
use crate::railway::{Railway, Weather};
use crate::relay::Relay;
use crate::running::account::CopyAccount;
use crate::running::relay_key::StepKey;
use crate::running::run::Run;

/// The surroundings of one run's steps.
pub(crate) struct Context {
    pub run: Run,
    pub policy: Policy,
    /// What proves that a record is ours.
    pub(crate) record_keys: RecordKeys,
    /// Signed in.
    pub railway: Railway,
    /// The relay to the containers of services, and the key of the step that runs.
    pub relay: Relay,
    pub(crate) relay_key: StepKey,
    /// What this process was started with: the flow author's secrets among it.
    pub env: ProcessEnv,
    /// How far a copy has come, for whoever shows it.
    pub progress: Arc<Progress>,
    /// What was copied into the database of each service, with all that is told: outputs hold so much of it at most.
    copies: Arc<Mutex<Vec<(String, CopyReport)>>>,
    /// What was copied onto the volume of each service.
    files: Arc<Mutex<Vec<(String, FilesReport)>>>,
    /// The plan that was made, whole.
    plan: Arc<Mutex<Option<Value>>>,
    /// What was done with copies, for the run's account.
    deeds: Arc<Mutex<Vec<CopyAccount>>>,
    /// What this process calls itself beside others that work at the same run, by chance.
    pub(crate) holder: String,
    /// Whether this process runs all steps of its run, one right behind the other: then it keeps its turn at the copy from each to the next.
    pub(crate) keeps_turn: bool,
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
        Self::with(railway, run, policy, env, stop)
    }

    /// A context for what asks Railway nothing, and needs no token.
    ///
    /// # Errors
    /// When no folder can be made.
    pub(crate) fn signed_out(run: Run, policy: Policy, env: ProcessEnv, stop: CancellationToken) -> Result<Self> {
        let railway = Railway::signed_out()?;
        Self::with(railway, run, policy, env, stop)
    }

    fn with(railway: Railway, run: Run, policy: Policy, env: ProcessEnv, stop: CancellationToken) -> Result<Self> {
        let keys = [KEY_VARIABLE, OLD_KEY_VARIABLE].map(|name| env.secret(name));
        let record_keys = RecordKeys::new(keys[0].as_ref(), keys[1].as_ref())?;
        let holder = Alphanumeric.sample_string(&mut rand::rng(), 16);
        let (progress, copies, plan, deeds) = (Arc::default(), Arc::default(), Arc::default(), Arc::default());
        let files = Arc::default();
        let relay = Relay::new(&env, &policy.relay_host_keys);
        Ok(Self {
            run,
            policy,
            record_keys,
            railway,
            relay,
            relay_key: StepKey::default(),
            env,
            progress,
            copies,
            files,
            plan,
            deeds,
            holder,
            keeps_turn: false,
            stop,
        })
    }

    /// Keeps what was copied, for whoever writes a sheet.
    pub(crate) fn keep_copy(&self, service: &str, copy: &CopyReport) {
        self.copies.lock().unwrap_or_else(PoisonError::into_inner).push((service.to_owned(), copy.clone()));
    }

    /// Keeps what was copied onto a volume, for whoever writes a sheet.
    pub(crate) fn keep_files(&self, service: &str, files: &FilesReport) {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).push((service.to_owned(), files.clone()));
    }

    /// What was copied onto volumes so far, by service.
    pub(crate) fn files(&self) -> Vec<(String, FilesReport)> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts what was done with a copy into the run's account.
    pub(crate) fn account_for(&self, deed: CopyAccount) {
        self.deeds.lock().unwrap_or_else(PoisonError::into_inner).push(deed);
    }

    /// What was done with copies and is in no account yet.
    pub(crate) fn take_deeds(&self) -> Vec<CopyAccount> {
        std::mem::take(&mut *self.deeds.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What was copied so far, by service.
    pub(crate) fn copies(&self) -> Vec<(String, CopyReport)> {
        self.copies.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps a plan, for whoever writes it to a file.
    pub(crate) fn keep_plan(&self, plan: Value) {
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = Some(plan);
    }

    /// The plan that was made.
    pub(crate) fn plan(&self) -> Option<Value> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks again until `look` finds something: every `pause` at first, then slower, up to every 15 s. Trouble at Railway
    /// that passes is waited out.
    ///
    /// # Errors
    /// [`crate::error::Exit::Deadline`], naming `what`, after `deadline`; whatever else `look` fails with; and when the process
    /// is asked to end.
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
        let late = || Failure::deadline(format!("gave up waiting for {what} after {} s", deadline.as_secs()));
        self.within(what, deadline, pause, look).await?.ok_or_else(|| late().into())
    }

    /// The same, with `None` when there is still nothing after `deadline`. Time that is lost in trouble does not count: it is the
    /// step's own deadline that ends a wait through trouble.
    ///
    /// # Errors
    /// Whatever else `look` fails with, and when the process is asked to end.
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
        let mut end = Instant::now() + deadline;
        let mut is_told = false;
        for number in 0.. {
            let began = Instant::now();
            let mut pause = pace(number, pause);
            match look().await {
                Ok(Some(found)) => return Ok(Some(found)),
                Ok(None) => {}
                Err(error) => {
                    let Some(weather) = Weather::behind(&error) else { return Err(error) };
                    pause = pause.max(weather.wait.unwrap_or_default());
                    if !std::mem::replace(&mut is_told, true) {
                        tracing::info!("waiting for {what} through trouble at Railway: {weather}");
                    }
                    end += began.elapsed() + pause;
                }
            }
            if Instant::now() + pause > end {
                return Ok(None);
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stop.cancelled() => return Err(anyhow!("stopped while waiting for {what}")),
            }
        }
        unreachable!("the loop ends by returning")
    }
}

/// The pause after the look of this number: what takes long may be looked at less often, and Railway counts requests.
fn pace(number: u32, first: Duration) -> Duration {
    let at_least = match number {
        0..3 => 0,
        3..6 => 2,
        6..9 => 5,
        _ => 15,
    };
    first.max(Duration::from_secs(at_least))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clones_requests_stay_under_120_however_ten_minutes_of_waiting_are_shared_out() {
        // What `clone` takes beside polls; a test of whole clones holds it to that.
        const CALLS: usize = 22;
        let looks = |time: Duration| {
            let mut waited = Duration::ZERO;
            let is_within = |number: &u32| {
                waited += pace(*number, Duration::from_millis(500));
                waited < time
            };
            (0..1000).take_while(is_within).count()
        };
        // At the most six waits are long: for services, databases, their proxies, apps, and what was written to show.
        for waits in 1..=6 {
            let polls = looks(Duration::from_mins(10) / waits) * waits as usize;
            assert!(polls + CALLS < 120, "{polls} polls in {waits} waits");
        }
    }
}
