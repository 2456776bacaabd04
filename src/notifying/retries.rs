//! Sends something until it is taken, refused, or too late.

use std::fmt;
use std::time::Duration;

use anyhow::{Result, anyhow};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::{Failure, chain, counted};

/// How long it is tried.
const PATIENCE: Duration = Duration::from_mins(10);

/// The longest pause between two attempts, unless the receiver asks for a longer one.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Why something was not taken.
pub(super) struct Trouble {
    error: anyhow::Error,
    /// Whether it may be taken later.
    passes: bool,
    /// How long the receiver asks to be left alone.
    wait: Option<Duration>,
}

impl Trouble {
    /// The same would come of it again.
    pub(super) fn lasting(error: anyhow::Error) -> Self {
        Self { error, passes: false, wait: None }
    }

    pub(super) fn passing(error: anyhow::Error) -> Self {
        Self { error, passes: true, wait: None }
    }

    pub(super) fn waiting(self, wait: Option<Duration>) -> Self {
        Self { wait, ..self }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&chain(&self.error))
    }
}

/// Sends by `attempt`, which gets its number from 0, with pauses that grow from a second; returns how often it took.
///
/// # Errors
/// What an attempt said that lasts, or the last one when the time is over; and when the process is asked to end.
pub(super) async fn until_taken<F>(stop: &CancellationToken, mut attempt: impl FnMut(u32) -> F) -> Result<u32>
where
    F: Future<Output = Result<(), Trouble>>,
{
    let end = Instant::now() + PATIENCE;
    for number in 0.. {
        let tried = tokio::select! {
            tried = attempt(number) => tried,
            () = stop.cancelled() => return Err(anyhow!("stopped while sending")),
        };
        let Err(trouble) = tried else { return Ok(number + 1) };
        if !trouble.passes {
            return Err(trouble.error);
        }
        let own = Duration::from_secs(1 << number.min(6)).min(LONGEST_PAUSE);
        let pause = trouble.wait.unwrap_or_default().max(own);
        if Instant::now() + pause > end {
            return Err(trouble
                .error
                .context(Failure::outside(format!("gave up after {}", counted(number + 1, "attempt", "attempts")))));
        }
        tracing::info!("not taken yet, again in {} s: {trouble}", pause.as_secs());
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return Err(anyhow!("stopped while waiting to send again")),
        }
    }
    unreachable!("the loop ends by returning")
}
