//! The sessions that make post-data in the new database. While rows still arrive there are few, so that the largest tables,
//! whose indexes take longest, are there soon; pairs of sessions that have nothing left to load make room for more.

use std::collections::BinaryHeap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use tokio::sync::oneshot::{Receiver, Sender, channel};

use super::computing::ComputingSettings;
use super::connect::Session;
use super::endpoint::Endpoint;
use super::settings::Purpose;

/// Sessions in the new database, each used by one at a time. Who works on the largest table gets one first.
pub(crate) struct SessionPool {
    target: Endpoint,
    computing: ComputingSettings,
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
struct Waiter(u64, Sender<Place>);

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

/// Room for one session. It comes back when this is dropped, wherever that is: on its way to somebody who has left, or
/// with a session that failed.
struct Place(Arc<SessionPool>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.slots().free += 1;
        self.0.serve_waiters();
    }
}

/// A session in its place.
pub(crate) struct PooledSession {
    session: Session,
    place: Place,
}

impl PooledSession {
    /// Leaves the session to whoever comes next; one that is only dropped is closed.
    pub(crate) fn give_back(self) {
        let Self { session, place } = self;
        place.0.slots().idle.push(session);
    }
}

impl Deref for PooledSession {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl SessionPool {
    /// A pool with room for one, and in the end for so many.
    pub(crate) fn new(target: Endpoint, computing: ComputingSettings, most: usize) -> Arc<Self> {
        let slots = Slots { reserved: most.saturating_sub(1), free: 1, idle: Vec::new(), waiters: BinaryHeap::new() };
        Arc::new(Self { target, computing, slots: Mutex::new(slots) })
    }

    /// Makes room for one more, unless there is enough of it.
    pub(crate) fn grow(self: &Arc<Self>) {
        let mut slots = self.slots();
        if let Some(reserved) = slots.reserved.checked_sub(1) {
            (slots.reserved, slots.free) = (reserved, slots.free + 1);
        }
        drop(slots);
        self.serve_waiters();
    }

    /// Waits for a session, to work on a table of so many bytes.
    pub(crate) async fn take(self: &Arc<Self>, bytes: u64) -> Result<PooledSession> {
        let place = self.enqueue(bytes).await.context("wait for a session")?;
        let idle = self.slots().idle.pop();
        let session = match idle {
            Some(session) => session,
            None => self.open().await?,
        };
        Ok(PooledSession { session, place })
    }

    /// A session like the others, beside them.
    pub(crate) async fn open(&self) -> Result<Session> {
        self.computing.open(&self.target).await
    }

    /// A session for queries of ours.
    pub(crate) async fn open_plain(&self) -> Result<Session> {
        Session::open(&self.target, Purpose::Fill).await
    }

    fn enqueue(self: &Arc<Self>, bytes: u64) -> Receiver<Place> {
        let (sender, turn) = channel();
        self.slots().waiters.push(Waiter(bytes, sender));
        self.serve_waiters();
        turn
    }

    /// Hands free places to those who wait, and passes over who has left.
    fn serve_waiters(self: &Arc<Self>) {
        loop {
            let mut slots = self.slots();
            if slots.free == 0 {
                return;
            }
            let Some(Waiter(_, sender)) = slots.waiters.pop() else { return };
            if sender.is_closed() {
                continue;
            }
            slots.free -= 1;
            drop(slots);
            // Who leaves in this moment leaves the place too.
            let _ = sender.send(Place(self.clone()));
        }
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

    fn pool() -> Arc<SessionPool> {
        SessionPool::new(Endpoint::parse("postgresql://u@localhost/d").unwrap(), ComputingSettings::default(), 3)
    }

    #[test]
    fn the_largest_table_comes_first_and_room_grows() {
        let pool = pool();
        let mut turns = [1, 5, 3, 7].map(|bytes| pool.enqueue(bytes));
        let mut held = Vec::new();
        let mut had = |turns: &mut [Receiver<Place>; 4]| {
            turns.each_mut().map(|turn| {
                turn.try_recv().is_ok_and(|place| {
                    held.push(place);
                    true
                })
            })
        };
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

    #[test]
    fn a_place_comes_back_whatever_becomes_of_who_has_it() {
        let pool = pool();
        let (mut first, unseen, mut third) = (pool.enqueue(1), pool.enqueue(3), pool.enqueue(2));
        let place = first.try_recv().unwrap();
        drop(place);
        // The second has its place now and never looks.
        assert!(third.try_recv().is_err());
        drop(unseen);
        drop(third.try_recv().expect("what nobody took is the next one's"));
        assert!(pool.enqueue(1).try_recv().is_ok());
        assert_eq!(pool.slots().free, 1);
    }
}
