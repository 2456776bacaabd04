//! Failures on order: per root field, a number of times.

use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

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
    /// What the relay does.
    Relay(RelayFault),
}

/// What shall go wrong with the relay, each at an operation of its own.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RelayFault {
    /// The relay knows a key that is registered only this much later.
    KeyLate { secs: f64 },
    /// It shows another host key than before.
    HostKeyChanged,
    /// It says that there are too many connections, and hangs up.
    TooMany,
    /// This much is added to the time that a byte and its answer take, from the login on.
    RoundTrip { millis: u64 },
    /// From the login on, no more than this passes in each direction.
    Throttled { bytes_per_sec: u64 },
    /// The connection is cut when this many bytes have passed since the login, in both directions together.
    CutAfter { bytes: u64 },
    /// The same, and the key is registered no more.
    KeyRevoked { after_bytes: u64 },
    /// It answers for the target, with success, and runs nothing.
    NotReady,
    /// There is no shell in the container.
    NoShell,
    /// A bit of what a command is fed changes, once it has been fed a megabyte.
    Damaged,
    /// It opens no way to a port.
    ForwardRefused,
}

impl RelayFault {
    /// What a client does when it strikes.
    fn operation(self) -> &'static str {
        match self {
            Self::KeyLate { .. } => "sshPublicKeyCreate",
            Self::HostKeyChanged | Self::TooMany => "relayConnect",
            Self::RoundTrip { .. } | Self::Throttled { .. } | Self::CutAfter { .. } | Self::KeyRevoked { .. } => {
                "relayLogin"
            }
            Self::NotReady | Self::NoShell => "relayCommand",
            Self::Damaged => "relayFed",
            Self::ForwardRefused => "relayForward",
        }
    }
}

fn once() -> u32 {
    1
}

impl Fault {
    pub fn new(operation: &str, effect: FaultEffect) -> Self {
        Fault { operation: operation.to_owned(), effect, when: When::Before, times: 1, skip: 0, environment_id: None }
    }

    /// A fault of the relay: at a connection, a login, a command or a forward, or when a key is registered.
    pub fn relay(fault: RelayFault) -> Self {
        Fault::new(fault.operation(), FaultEffect::Relay(fault))
    }

    /// The same fault, for one environment alone, by its id.
    pub fn at(mut self, environment_id: &str) -> Self {
        self.environment_id = Some(environment_id.to_owned());
        self
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

    /// The next fault of the relay for an operation of the wanted sort, if it strikes this time.
    pub(crate) fn strike_relay(
        &self,
        operation: &str,
        environment: Option<Uuid>,
        wanted: impl Fn(RelayFault) -> bool,
    ) -> Option<RelayFault> {
        let environments: Vec<String> = environment.iter().map(Uuid::to_string).collect();
        let is_it = |effect: &FaultEffect| matches!(effect, FaultEffect::Relay(fault) if wanted(*fault));
        match self.strike(operation, &environments, is_it)? {
            (FaultEffect::Relay(fault), _) => Some(fault),
            _ => None,
        }
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
