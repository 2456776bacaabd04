//! How far a step has come: counters and beginnings that the work bumps and a reporter reads; it prints nothing itself.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::event::{Event, EventState};

/// The phases in which rows and files move: of no other is it known how much is left.
pub(crate) const ROWS: &str = "data";
pub(crate) const FILES: &str = "files";

/// Counters of one running copy, shared between the engine and whoever shows them.
#[derive(Debug, Default)]
pub struct Progress {
    /// What is expected in all, and what had arrived before that was said.
    expected: Mutex<(u64, u64)>,
    done_bytes: AtomicU64,
    /// How many files are expected, and how many have arrived, where it is files that move.
    expected_files: AtomicU64,
    done_files: AtomicU64,
    /// What is being done right now, by worker: a table's name or a phase.
    doing: Mutex<BTreeMap<usize, String>>,
    phase: Mutex<&'static str>,
    /// The databases that are copied: the last one, and those that wait for it to take their places together.
    copies: Mutex<Vec<CopyUnderWay>>,
    /// Services that were begun and have not ended.
    under_way: Mutex<Vec<String>>,
    /// What nobody has read yet.
    events: Mutex<Vec<Event>>,
}

/// A database that is copied.
#[derive(Debug)]
struct CopyUnderWay {
    service: String,
    /// What had arrived before it was begun.
    before: u64,
    /// What has arrived of it, once another one is copied.
    bytes: Option<u64>,
}

impl CopyUnderWay {
    /// What has arrived of it, of `arrived` in all.
    fn bytes(&self, arrived: u64) -> u64 {
        self.bytes.unwrap_or(arrived.saturating_sub(self.before))
    }
}

impl Progress {
    /// Sets how many bytes are expected from now on (an estimate from the source's catalog): of this database, by this attempt.
    pub fn expect(&self, bytes: u64) {
        *locked(&self.expected) = (bytes, self.arrived());
    }

    /// Sets how many files are expected from now on, and how many bytes in them.
    pub(crate) fn expect_files(&self, files: u64, bytes: u64) {
        self.expected_files.store(files, Ordering::Relaxed);
        self.done_files.store(0, Ordering::Relaxed);
        self.expect(bytes);
    }

    /// Counts files that have reached the target.
    pub(crate) fn add_files(&self, files: u64) {
        self.done_files.fetch_add(files, Ordering::Relaxed);
    }

    /// How many bytes have reached targets, of all that was ever sent.
    pub(crate) fn arrived(&self) -> u64 {
        self.done_bytes.load(Ordering::Relaxed)
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
        let arrived = self.arrived();
        let mut copies = locked(&self.copies);
        if let Some(last) = copies.last_mut() {
            last.bytes = Some(last.bytes(arrived));
        }
        copies.push(CopyUnderWay { service: service.to_owned(), before: arrived, bytes: None });
        self.expect_files(0, 0);
        self.tell(service, EventState::Started, None);
    }

    /// Says that the database of `service` is not copied any more. What was counted is nothing that a later step should show.
    pub(crate) fn end_copy(&self, service: &str, error: Option<String>) {
        let mut copies = locked(&self.copies);
        let Some(at) = copies.iter().position(|copy| copy.service == service) else { return };
        let (copy, arrived) = (copies.remove(at), self.arrived());
        if copies.is_empty() {
            *locked(&self.expected) = (0, arrived);
            *locked(&self.phase) = "";
            locked(&self.doing).clear();
        }
        let state = if error.is_some() { EventState::Failed } else { EventState::Done };
        let bytes = Some(copy.bytes(arrived));
        locked(&self.events).push(Event { service: Some(copy.service), state, bytes, error, ..Event::default() });
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
        let copied: Vec<_> = locked(&self.copies).iter().map(|copy| copy.service.clone()).collect();
        for service in copied {
            self.end_copy(&service, error.cloned());
        }
        *locked(&self.phase) = "";
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
        let (total, before) = *locked(&self.expected);
        let done_bytes = self.arrived().saturating_sub(before);
        let (files, done_files) =
            (self.expected_files.load(Ordering::Relaxed), self.done_files.load(Ordering::Relaxed));
        Reading {
            // What was expected is an estimate; there cannot be more than all.
            total_bytes: if total == 0 { 0 } else { total.max(done_bytes) },
            done_bytes,
            total_files: files.max(done_files),
            done_files,
            phase: *locked(&self.phase),
            doing: locked(&self.doing).values().chain(locked(&self.under_way).iter()).cloned().collect(),
            database: locked(&self.copies).last().map(|copy| copy.service.clone()),
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
    /// None where it is rows that move.
    pub total_files: u64,
    pub done_files: u64,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(progress: &Progress) -> Vec<(String, EventState, Option<u64>)> {
        let events = progress.take_events().into_iter().filter(|event| event.state != EventState::Started);
        events.map(|event| (event.service.unwrap_or_default(), event.state, event.bytes)).collect()
    }

    #[test]
    fn of_databases_that_take_their_places_together_each_ends_with_what_arrived_of_it() {
        let progress = Progress::default();
        progress.begin_copy("first");
        progress.expect(10);
        progress.add(10);
        progress.begin_copy("second");
        progress.expect(40);
        progress.add(20);
        let now = progress.read();
        assert_eq!((now.done_bytes, now.total_bytes, now.database.as_deref()), (20, 40, Some("second")));
        progress.end_copy("first", None);
        assert_eq!(progress.read().total_bytes, 40, "the other is copied still");
        progress.end_copy("second", Some("broken".into()));
        let expected =
            [("first".to_owned(), EventState::Done, Some(10)), ("second".to_owned(), EventState::Failed, Some(20))];
        assert_eq!(ends(&progress), expected);
        assert_eq!((progress.read().total_bytes, progress.read().database), (0, None));
    }

    #[test]
    fn another_attempt_begins_anew_and_what_was_never_ended_ends_with_the_step() {
        let progress = Progress::default();
        progress.begin_copy("one");
        progress.expect(10);
        progress.add(9);
        progress.expect(10);
        assert_eq!((progress.read().done_bytes, progress.read().total_bytes), (0, 10));
        progress.end_all(Some(&"stopped".to_owned()));
        assert_eq!(ends(&progress), [("one".to_owned(), EventState::Failed, Some(9))]);
    }
}
