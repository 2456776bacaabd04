//! The sessions that finish tables in the new database. While rows still arrive there are few, so that the largest tables,
//! whose indexes take longest, are there soon; pairs of sessions that have nothing left to load make room for more.

use std::collections::BinaryHeap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use tokio::sync::oneshot::{Receiver, Sender, channel};

use crate::postgres::session::connect::{Session, open_target};
use crate::postgres::session::endpoint::Endpoint;

/// Sessions in the new database, each used by one at a time. Who works on the largest table gets one first.
pub(crate) struct Pool {
    target: Endpoint,
    search_path: String,
    places: Mutex<Places>,
}

struct Places {
    /// How many more there may be.
    to_come: usize,
    free: usize,
    idle: Vec<Session>,
    waiting: BinaryHeap<Waiting>,
}

/// Somebody who waits for a session, for a table of so many bytes.
struct Waiting(u64, Sender<()>);

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

impl Places {
    /// Hands a free place to the first of those who wait and still want it.
    fn hand_over(&mut self) {
        while self.free > 0
            && let Some(Waiting(_, sender)) = self.waiting.pop()
        {
            self.free -= usize::from(sender.send(()).is_ok());
        }
    }
}

impl Pool {
    /// A pool with room for one, and in the end for so many.
    pub(crate) fn new(target: Endpoint, search_path: String, most: usize) -> Self {
        let places = Places { to_come: most.saturating_sub(1), free: 1, idle: Vec::new(), waiting: BinaryHeap::new() };
        Self { target, search_path, places: Mutex::new(places) }
    }

    /// Makes room for one more, unless there is enough of it.
    pub(crate) fn grow(&self) {
        let mut places = self.places();
        if let Some(to_come) = places.to_come.checked_sub(1) {
            (places.to_come, places.free) = (to_come, places.free + 1);
        }
        places.hand_over();
    }

    /// Waits for a session, to work on a table of so many bytes. One that is not given back has failed, and so has all.
    pub(crate) async fn take(&self, bytes: u64) -> Result<Session> {
        let turn = self.line_up(bytes);
        turn.await.context("wait for a session")?;
        let idle = self.places().idle.pop();
        match idle {
            Some(session) => Ok(session),
            None => open_target(&self.target, &self.search_path).await,
        }
    }

    fn line_up(&self, bytes: u64) -> Receiver<()> {
        let (sender, turn) = channel();
        let mut places = self.places();
        places.waiting.push(Waiting(bytes, sender));
        places.hand_over();
        turn
    }

    pub(crate) fn give(&self, session: Session) {
        let mut places = self.places();
        places.idle.push(session);
        places.free += 1;
        places.hand_over();
    }

    pub(crate) async fn close(&self) {
        let idle = std::mem::take(&mut self.places().idle);
        for session in idle {
            session.close().await;
        }
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_table_comes_first_and_room_grows() {
        let pool = Pool::new(Endpoint::parse("postgresql://u@localhost/d").unwrap(), String::new(), 3);
        let mut turns = [1, 5, 3, 7].map(|bytes| pool.line_up(bytes));
        let had = |turns: &mut [Receiver<()>; 4]| turns.each_mut().map(|turn| turn.try_recv().is_ok());
        assert_eq!(had(&mut turns), [true, false, false, false], "the first had no one before it");
        pool.grow();
        assert_eq!(had(&mut turns), [false, false, false, true]);
        turns[1].close();
        pool.grow();
        assert_eq!(had(&mut turns), [false, false, true, false], "who left is passed over");
        let mut late = pool.line_up(9);
        pool.grow();
        assert!(late.try_recv().is_err(), "there is room for three");
    }
}
