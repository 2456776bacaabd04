//! The phases of an attempt: how long each took and how much arrived in it, told to whoever watches.

use std::time::Instant;

use super::progress::Progress;
use super::report::PhaseTime;

/// The clock of one attempt.
pub(crate) struct PhaseTimer<'a> {
    progress: &'a Progress,
    times: Vec<PhaseTime>,
    began: Instant,
    /// Bytes that had arrived by then.
    bytes: u64,
}

impl<'a> PhaseTimer<'a> {
    pub(crate) fn new(progress: &'a Progress) -> Self {
        Self { progress, times: Vec::new(), began: Instant::now(), bytes: progress.arrived() }
    }

    /// Ends the phase before, whose seconds are returned, and begins this one.
    pub(crate) fn enter(&mut self, phase: &'static str) -> f64 {
        let seconds = self.stop();
        self.progress.enter(phase);
        self.times.push(PhaseTime { phase: phase.to_owned(), ..PhaseTime::default() });
        seconds
    }

    /// Ends the last phase.
    pub(crate) fn end(mut self) -> Vec<PhaseTime> {
        self.stop();
        self.times
    }

    fn stop(&mut self) -> f64 {
        let (seconds, bytes) = (self.began.elapsed().as_secs_f64(), self.progress.arrived());
        if let Some(last) = self.times.last_mut() {
            last.seconds = seconds;
            last.bytes = bytes.saturating_sub(self.bytes);
        }
        (self.began, self.bytes) = (Instant::now(), bytes);
        seconds
    }
}
