//! Copies of several databases that take their places together: each waits, once it is built, until all others are.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use tokio::sync::watch;

use crate::error::Failure;

/// One of several copies that take their places together; they are built in turn.
#[derive(Clone, Debug)]
pub struct Together {
    state: Arc<watch::Sender<State>>,
    number: usize,
    count: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// How many are built.
    built: usize,
    is_given_up: bool,
}

impl Together {
    /// Each of so many copies.
    pub(crate) fn of(count: usize) -> Vec<Self> {
        let state = Arc::new(watch::Sender::new(State::default()));
        (0..count).map(|number| Self { state: state.clone(), number, count }).collect()
    }

    /// Waits until this copy may be begun: the others before it are built.
    ///
    /// # Errors
    /// When one of the others is given up.
    pub(crate) async fn turn(&self) -> Result<()> {
        self.until(self.number).await
    }

    /// Waits, now that this copy is built, until all are.
    ///
    /// # Errors
    /// When one of the others is given up.
    pub(crate) async fn built(&self) -> Result<()> {
        self.pass();
        self.until(self.count).await
    }

    /// Lets the others go on: this copy is built, or was in its place before.
    pub(crate) fn pass(&self) {
        self.state.send_modify(|state| state.built = state.built.max(self.number + 1));
    }

    /// Gives all of them up; whether this is the first that does.
    pub(crate) fn give_up(&self) -> bool {
        let mut is_first = false;
        self.state.send_modify(|state| is_first = !std::mem::replace(&mut state.is_given_up, true));
        is_first
    }

    async fn until(&self, built: usize) -> Result<()> {
        let mut states = self.state.subscribe();
        let state =
            *states.wait_for(|state| state.is_given_up || state.built >= built).await.context("wait for the others")?;
        ensure!(!state.is_given_up, Failure::outside("another database was not copied, so this one is left as it was"));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn none_takes_its_place_before_all_are_built_and_none_does_when_one_is_given_up() {
        let [first, second] = Together::of(2).try_into().unwrap();
        first.turn().await.unwrap();
        let waiting = tokio::spawn({
            let first = first.clone();
            async move { first.built().await }
        });
        second.turn().await.unwrap();
        assert!(!waiting.is_finished());
        second.built().await.unwrap();
        waiting.await.unwrap().unwrap();

        let [first, second] = Together::of(2).try_into().unwrap();
        let waiting = tokio::spawn(async move { first.built().await });
        second.turn().await.unwrap();
        assert!(second.give_up() && !second.give_up());
        assert!(waiting.await.unwrap().is_err());
    }
}
