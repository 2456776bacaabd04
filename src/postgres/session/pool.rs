//! The sessions that make post-data in the new database. While rows still arrive there are few, so that the largest tables,
//! whose indexes take longest, are there soon; pairs of sessions that have nothing left to load make room for more.

use std::collections::BinaryHeap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use tokio::sync::oneshot::{Receiver, Sender, channel};

use super::connect::{Session, open_target};
use super::endpoint::Endpoint;

/// Sessions in the new database, each used by one at a time. Who works on the largest table gets one first.
pub(crate) struct SessionPool {
    target: Endpoint,
    search_path: String,
    slots: Mutex<Slots>,
}

struct Slots {
    /// How many more there may be.
    reserved: usize,
    free: usize,
    idle: Vec<Session>,
    waiters: BinaryHeap<Waiter>,
}

/// Somebody who waits for a session, for a table of so many bytes.
struct Waiter(u64, Sender<()>);

impl PartialEq for Waiter {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Waiter {}

impl PartialOrd for Waiter {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiter {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

impl Slots {
    /// Hands a free slot to the first of those who wait and still want it.
    fn serve_waiters(&mut self) {
        while self.free > 0
            && let Some(Waiter(_, sender)) = self.waiters.pop()
        {
            self.free -= usize::from(sender.send(()).is_ok());
        }
    }
}

impl SessionPool {
    /// A pool with room for one, and in the end for so many.
    pub(crate) fn new(target: Endpoint, search_path: String, most: usize) -> Self {
        let slots = Slots { reserved: most.saturating_sub(1), free: 1, idle: Vec::new(), waiters: BinaryHeap::new() };
        Self { target, search_path, slots: Mutex::new(slots) }
    }

    /// Makes room for one more, unless there is enough of it.
    pub(crate) fn grow(&self) {
        let mut slots = self.slots();
        if let Some(reserved) = slots.reserved.checked_sub(1) {
            (slots.reserved, slots.free) = (reserved, slots.free + 1);
        }
        slots.serve_waiters();
    }

    /// Waits for a session, to work on a table of so many bytes. One that is not given back has failed, and so has all.
    pub(crate) async fn take(&self, bytes: u64) -> Result<Session> {
        let turn = self.enqueue(bytes);
        turn.await.context("wait for a session")?;
        let idle = self.slots().idle.pop();
        match idle {
            Some(session) => Ok(session),
            None => open_target(&self.target, &self.search_path).await,
        }
    }

    fn enqueue(&self, bytes: u64) -> Receiver<()> {
        let (sender, turn) = channel();
        let mut slots = self.slots();
        slots.waiters.push(Waiter(bytes, sender));
        slots.serve_waiters();
        turn
    }

    pub(crate) fn give_back(&self, session: Session) {
        let mut slots = self.slots();
        slots.idle.push(session);
        slots.free += 1;
        slots.serve_waiters();
    }

    pub(crate) async fn close(&self) {
        let idle = std::mem::take(&mut self.slots().idle);
        for session in idle {
            session.close().await;
        }
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_table_comes_first_and_room_grows() {
        let pool = SessionPool::new(Endpoint::parse("postgresql://u@localhost/d").unwrap(), String::new(), 3);
        let mut turns = [1, 5, 3, 7].map(|bytes| pool.enqueue(bytes));
        let had = |turns: &mut [Receiver<()>; 4]| turns.each_mut().map(|turn| turn.try_recv().is_ok());
        assert_eq!(had(&mut turns), [true, false, false, false], "the first had no one before it");
        pool.grow();
        assert_eq!(had(&mut turns), [false, false, false, true]);
        turns[1].close();
        pool.grow();
        assert_eq!(had(&mut turns), [false, false, true, false], "who left is passed over");
        let mut late = pool.enqueue(9);
        pool.grow();
        assert!(late.try_recv().is_err(), "there is room for three");
    }
}
