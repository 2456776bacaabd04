//! The order of answers, decided by a seed: requests wait until chance lets one of them go on, and reads are of any age.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// How long nobody must have come before the next is chosen among those that wait.
const QUIET: Duration = Duration::from_millis(25);

/// The most that waits before one is chosen anyway.
const CROWD: usize = 6;

/// As they come, unless a seed was given.
#[derive(Default, Clone)]
pub(crate) struct Order(Arc<Mutex<Option<Chances>>>);

struct Chances {
    state: u64,
    waiting: Vec<oneshot::Sender<()>>,
    /// How many have come.
    came: u64,
}

impl Order {
    /// Lets chance decide from now on, or nobody.
    pub(crate) fn set(&self, seed: Option<u64>) {
        // Whoever waits goes on when its sender is dropped.
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            seed.map(|state| Chances { state, waiting: Vec::new(), came: 0 });
    }

    fn with<T>(&self, act: impl FnOnce(&mut Chances) -> T) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(act)
    }

    /// Waits for its turn.
    pub(crate) async fn turn(&self) {
        let joined = self.with(|chances| {
            let (go, gone) = oneshot::channel();
            chances.waiting.push(go);
            chances.came += 1;
            gone
        });
        let Some(mut gone) = joined else { return };
        // Each that waits looks after all: whoever finds that nobody has come for a while lets one go on.
        loop {
            let before = self.with(|chances| chances.came);
            tokio::select! {
                _ = &mut gone => return,
                () = tokio::time::sleep(QUIET) => {}
            }
            self.with(|chances| {
                if Some(chances.came) == before || chances.waiting.len() >= CROWD {
                    let chosen = chances.below(chances.waiting.len());
                    if chosen < chances.waiting.len() {
                        chances.waiting.swap_remove(chosen).send(()).ok();
                        chances.came += 1;
                    }
                }
            });
        }
    }

    /// How old a state a read gets to see.
    pub(crate) fn age(&self, lag: Duration) -> Duration {
        self.with(|chances| lag.mul_f64(chances.below(101) as f64 / 100.0)).unwrap_or(lag)
    }
}

impl Chances {
    /// A number below `end`, by splitmix64.
    fn below(&mut self, end: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end.max(1) as u64).unwrap_or_default()
    }
}
