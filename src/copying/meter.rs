//! What is told of every piece of rows that moves: the watchdog, whoever watches, and the limit on production's line.

use super::progress::Progress;
use super::throttle::Throttle;
use super::watchdog::Watchdog;

/// All that counts the bytes of one worker.
pub(crate) struct Meter<'a> {
    pub(crate) watchdog: &'a Watchdog,
    pub(crate) progress: &'a Progress,
    pub(crate) throttle: &'a Throttle,
}

impl Meter<'_> {
    /// So many bytes were read and have been passed on.
    pub(crate) async fn moved(&self, bytes: usize) {
        self.watchdog.feed();
        self.progress.add(bytes as u64);
        self.throttle.wait(bytes).await;
        self.watchdog.feed();
    }
}
