//! Failures on order: per root field, a number of times.

use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};

/// What shall go wrong with an operation.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The root field, such as `environmentCreate`, whatever its alias.
    pub operation: String,
    pub effect: FaultEffect,
    #[serde(default)]
    pub when: When,
    /// How many times it strikes.
    #[serde(default = "once")]
    pub times: u32,
    /// How many times the operation is let through first.
    #[serde(default)]
    pub skip: u32,
    /// Only when the operation names this environment.
    #[serde(default)]
    pub environment_id: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The deed is not done.
    #[default]
    Before,
    /// The deed is done, and the caller does not learn of it.
    After,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultEffect {
    /// No answer for this long, then 504.
    Timeout { secs: f64 },
    /// An HTML page with this status, as a proxy in front of Railway gives.
    Http { status: u16 },
    /// HTTP 429 with a `Retry-After` header.
    RateLimited { retry_after_secs: u64 },
    /// A GraphQL error with this text; the deed is not done.
    Error { message: String },
    /// An answer like any other, this much later.
    Delay { secs: f64 },
}

fn once() -> u32 {
    1
}

impl Fault {
    pub fn new(operation: &str, effect: FaultEffect) -> Self {
        Fault { operation: operation.to_owned(), effect, when: When::Before, times: 1, skip: 0, environment_id: None }
    }

    /// The same fault, striking once the deed is done.
    pub fn after_the_deed(mut self) -> Self {
        self.when = When::After;
        self
    }

    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    pub fn skip(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }
}

#[derive(Default)]
pub(crate) struct Faults {
    waiting: Mutex<Vec<Fault>>,
}

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    pub(crate) fn clear(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn waiting(&self) -> Vec<Fault> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The next fault for an operation of the wanted sort, if it strikes this time.
    pub(crate) fn strike(
        &self,
        operation: &str,
        environments: &[String],
        wanted: impl Fn(&FaultEffect) -> bool,
    ) -> Option<(FaultEffect, When)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let position = waiting.iter().position(|fault| {
            let concerns = fault.environment_id.as_ref().is_none_or(|id| environments.contains(id));
            fault.operation == operation && concerns && wanted(&fault.effect)
        })?;
        let fault = &mut waiting[position];
        if fault.skip > 0 {
            fault.skip -= 1;
            return None;
        }
        fault.times = fault.times.saturating_sub(1);
        let struck = (fault.effect.clone(), fault.when);
        if fault.times == 0 {
            waiting.remove(position);
        }
        Some(struck)
    }
}
