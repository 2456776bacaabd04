//! How far a copy has come: counters that the copy engine bumps and a reporter reads; it prints nothing itself.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Counters of one running copy, shared between the engine and whoever shows them.
#[derive(Debug, Default)]
pub struct Progress {
    total_bytes: AtomicU64,
    done_bytes: AtomicU64,
    /// What is being done right now, by worker: a table's name or a phase.
    doing: Mutex<BTreeMap<usize, String>>,
    phase: Mutex<&'static str>,
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

    /// The counters as of now.
    pub fn read(&self) -> Reading {
        let (total, done_bytes) = (self.total_bytes.load(Ordering::Relaxed), self.done_bytes.load(Ordering::Relaxed));
        Reading {
            // What was expected is an estimate; there cannot be more than all.
            total_bytes: if total == 0 { 0 } else { total.max(done_bytes) },
            done_bytes,
            phase: *locked(&self.phase),
            doing: locked(&self.doing).values().cloned().collect(),
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
}

impl Reading {
    /// What is being done, for a message: the phase and what it is at.
    pub(crate) fn told(&self) -> String {
        let at = if self.doing.is_empty() { String::new() } else { format!(", at {}", self.doing.join(", ")) };
        format!("in phase `{}`{at}", self.phase)
    }
}
