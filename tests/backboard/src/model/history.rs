//! Reads lag writes: a query sees the state as it was a moment ago.

use super::Model;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) struct History {
    now: Arc<Model>,
    /// States that were current until the given instant, oldest first.
    past: VecDeque<(Instant, Arc<Model>)>,
    lag: Duration,
}

impl History {
    pub(crate) fn new(model: Model) -> Self {
        let lag = model.habits.lag;
        History { now: Arc::new(model), past: VecDeque::new(), lag }
    }

    pub(crate) fn current(&self) -> Arc<Model> {
        self.now.clone()
    }

    /// What a read gets to see that lags this far behind.
    pub(crate) fn lagging(&self, age: Duration) -> Arc<Model> {
        let now = Instant::now();
        let stale = self.past.iter().find(|(until, _)| *until + age > now);
        stale.map_or_else(|| self.now.clone(), |(_, model)| model.clone())
    }

    pub(crate) fn replace(&mut self, model: Arc<Model>) {
        let now = Instant::now();
        let before = std::mem::replace(&mut self.now, model);
        self.past.retain(|(until, _)| *until + self.lag > now);
        if !self.lag.is_zero() {
            self.past.push_back((now, before));
        }
    }
}
