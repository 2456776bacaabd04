//! Trying again while the line does not hold.

use std::time::Duration;

use anyhow::Result;

use crate::copying::transient::may_pass;
use crate::error::chain;

/// How often one piece of work is tried, and how long it is between at first.
const ATTEMPTS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Tries work again while the line does not hold, from its beginning each time.
pub(super) async fn retried<T, W: Future<Output = Result<T>>>(work: impl Fn() -> W) -> Result<T> {
    let mut pause = FIRST_PAUSE;
    for attempt in 1.. {
        match work().await {
            Err(error) if attempt < ATTEMPTS && error.chain().any(may_pass) => {
                tracing::warn!("trying again: {}", chain(&error));
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            done => return done,
        }
    }
    unreachable!("the loop ends by returning")
}
