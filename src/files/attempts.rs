//! Trying again while the line does not hold.

use std::time::Duration;

use anyhow::Result;

use crate::copying::transient::{Transient, is_transient_io};
use crate::error::chain;

/// How often one piece of work is tried, and how long it is between at first.
const ATTEMPTS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Tries work again while the line does not hold, from its beginning each time.
pub(super) async fn retried<T, W: Future<Output = Result<T>>>(work: impl Fn() -> W) -> Result<T> {
    let mut pause = FIRST_PAUSE;
    for attempt in 1.. {
        match work().await {
            Err(error) if attempt < ATTEMPTS && is_transient(&error) => {
                tracing::warn!("trying again: {}", chain(&error));
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            done => return done,
        }
    }
    unreachable!("the loop ends by returning")
}

fn is_transient(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.is::<Transient>()
            || cause.downcast_ref::<std::io::Error>().is_some_and(|error| is_transient_io(error.kind()))
    })
}
