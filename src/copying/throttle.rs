//! A limit on bytes per second that all sessions of a copy share, so that production's line is not filled.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A limit on bytes per second that all pairs of sessions share.
#[derive(Debug)]
pub(crate) struct Throttle {
    bytes_per_second: Option<f64>,
    /// When all that has moved should have taken.
    free_at: Mutex<Instant>,
}

/// So much may be caught up after a pause.
const BURST: Duration = Duration::from_millis(100);

impl Default for Throttle {
    fn default() -> Self {
        Self::new(None)
    }
}

impl Throttle {
    /// Megabytes (1,000,000 bytes) per second; `None` for no limit.
    pub(crate) fn new(max_mb_per_s: Option<f64>) -> Self {
        Self { bytes_per_second: max_mb_per_s.map(|rate| rate * 1e6), free_at: Mutex::new(Instant::now()) }
    }

    /// Waits until so many bytes that have moved may be followed by more.
    pub(crate) async fn wait(&self, bytes: usize) {
        if let Some(until) = self.reserve(bytes, Instant::now()) {
            tokio::time::sleep_until(until.into()).await;
        }
    }

    /// When so many bytes that have moved by `now` may be followed by more.
    fn reserve(&self, bytes: usize, now: Instant) -> Option<Instant> {
        let rate = self.bytes_per_second?;
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        *free_at = (*free_at).max(earliest) + Duration::from_secs_f64(bytes as f64 / rate);
        Some(*free_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_holds_over_all_that_share_it_and_a_pause_is_not_saved_up() {
        let rate = Throttle::new(Some(1.0));
        let now = Instant::now();
        let after = |until: Option<Instant>, now: Instant| until.unwrap().duration_since(now).as_secs_f64();
        rate.reserve(600_000, now);
        assert!((0.9..1.1).contains(&after(rate.reserve(400_000, now), now)));
        let later = now + Duration::from_mins(1);
        assert!((0.8..=0.9).contains(&after(rate.reserve(1_000_000, later), later)));
        assert!(Throttle::new(None).reserve(1, now).is_none());
    }
}
