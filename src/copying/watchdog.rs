//! The watchdog: a transfer that moves no byte for too long is given up. Postgres has no limit that covers a COPY which
//! waits for its client.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;

use super::transient::Transient;

/// Fed with every piece of data.
#[derive(Default)]
pub(crate) struct Watchdog(AtomicU64);

impl Watchdog {
    pub(crate) fn feed(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Runs `work` until it ends, or until it has not been fed for `stall`.
    pub(crate) async fn watch<T>(&self, stall: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            done = work => done,
            () = self.starved(stall) => Err(Transient(format!("no byte came or went for {} s", stall.as_secs_f32())).into()),
        }
    }

    async fn starved(&self, stall: Duration) {
        let mut last = self.0.load(Ordering::Relaxed);
        loop {
            tokio::time::sleep(stall).await;
            let now = self.0.load(Ordering::Relaxed);
            if now == last {
                return;
            }
            last = now;
        }
    }
}
