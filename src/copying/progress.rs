//! How far a step has come: counters and beginnings that the work bumps and a reporter reads; it prints nothing itself.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::event::{Event, EventState};

/// The phase in which rows move: of no other is it known how much is left.
pub(crate) const ROWS: &str = "data";

/// Counters of one running copy, shared between the engine and whoever shows them.
#[derive(Debug, Default)]
pub struct Progress {
    total_bytes: AtomicU64,
    done_bytes: AtomicU64,
    /// What is being done right now, by worker: a table's name or a phase.
    doing: Mutex<BTreeMap<usize, String>>,
    phase: Mutex<&'static str>,
    /// The service whose database is copied.
    database: Mutex<Option<String>>,
    /// Services that were begun and have not ended.
    under_way: Mutex<Vec<String>>,
    /// What nobody has read yet.
    events: Mutex<Vec<Event>>,
}

impl Progress {
    /// Sets how many bytes are expected in all (an estimate from the source's catalog).
    pub fn expect(&self, bytes: u64) {
        self.total_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Counts bytes that have reached the target.
    pub fn add(&self, bytes: u64) {
        self.done_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Says which phase the copy is in.
    pub fn enter(&self, phase: &'static str) {
        *locked(&self.phase) = phase;
    }

    /// Says what worker `worker` is at; `None` when it is idle.
    pub fn doing(&self, worker: usize, what: Option<String>) {
        let mut doing = locked(&self.doing);
        match what {
            Some(what) => doing.insert(worker, what),
            None => doing.remove(&worker),
        };
    }

    /// Says that the database of `service` is copied from now on.
    pub(crate) fn begin_copy(&self, service: &str) {
        *locked(&self.database) = Some(service.to_owned());
        self.tell(service, EventState::Started, None);
    }

    /// Says that no database is copied any more. What was counted is nothing that a later step should show.
    pub(crate) fn end_copy(&self, error: Option<String>) {
        self.total_bytes.store(0, Ordering::Relaxed);
        let bytes = self.done_bytes.swap(0, Ordering::Relaxed);
        *locked(&self.phase) = "";
        locked(&self.doing).clear();
        let Some(service) = locked(&self.database).take() else { return };
        let state = if error.is_some() { EventState::Failed } else { EventState::Done };
        let event = Event { service: Some(service), state, bytes: Some(bytes), error, ..Event::default() };
        locked(&self.events).push(event);
    }

    /// Says that a service is waited for.
    pub(crate) fn begin_service(&self, service: &str) {
        locked(&self.under_way).push(service.to_owned());
        self.tell(service, EventState::Started, None);
    }

    /// Says that a service which was waited for is there, or why it is not.
    pub(crate) fn end_service(&self, service: &str, error: Option<String>) {
        let mut under_way = locked(&self.under_way);
        let Some(at) = under_way.iter().position(|one| one == service) else { return };
        under_way.remove(at);
        self.tell(service, if error.is_some() { EventState::Failed } else { EventState::Done }, error);
    }

    /// Says that the step is over, and with it all that was under way.
    pub(crate) fn end_all(&self, error: Option<&String>) {
        self.end_copy(error.cloned());
        let under_way = std::mem::take(&mut *locked(&self.under_way));
        let state = if error.is_some() { EventState::Failed } else { EventState::Done };
        for service in &under_way {
            self.tell(service, state, error.cloned());
        }
    }

    fn tell(&self, service: &str, state: EventState, error: Option<String>) {
        locked(&self.events).push(Event { service: Some(service.to_owned()), state, error, ..Event::default() });
    }

    /// The beginnings and ends that nobody has read yet.
    pub(crate) fn take_events(&self) -> Vec<Event> {
        std::mem::take(&mut *locked(&self.events))
    }

    /// The counters as of now.
    pub fn read(&self) -> Reading {
        let (total, done_bytes) = (self.total_bytes.load(Ordering::Relaxed), self.done_bytes.load(Ordering::Relaxed));
        Reading {
            // What was expected is an estimate; there cannot be more than all.
            total_bytes: if total == 0 { 0 } else { total.max(done_bytes) },
            done_bytes,
            phase: *locked(&self.phase),
            doing: locked(&self.doing).values().chain(locked(&self.under_way).iter()).cloned().collect(),
            database: locked(&self.database).clone(),
        }
    }
}

/// What is behind the lock is whole at any time, so a panic elsewhere is no reason for one here.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One reading of a [`Progress`].
#[derive(Clone, Debug)]
pub struct Reading {
    pub total_bytes: u64,
    pub done_bytes: u64,
    pub phase: &'static str,
    pub doing: Vec<String>,
    /// The service whose database is copied.
    pub database: Option<String>,
}

impl Reading {
    /// What is being done, for a message: the phase and what it is at.
    pub(crate) fn told(&self) -> String {
        let at = if self.doing.is_empty() { String::new() } else { format!(", at {}", self.doing.join(", ")) };
        format!("in phase `{}`{at}", self.phase)
    }
}
