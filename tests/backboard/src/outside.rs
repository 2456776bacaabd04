//! What is asked of hosts that nobody here is: nothing leaves this machine, and whoever looks finds all of it.

use serde::Serialize;
use std::sync::{Mutex, PoisonError};

/// A request to a host of somebody else's.
#[derive(Debug, Clone, Serialize)]
pub struct Sent {
    pub method: String,
    pub url: String,
    /// What the program that sent it calls itself.
    pub agent: String,
    pub body: String,
}

#[derive(Default)]
pub(crate) struct Outside(Mutex<Vec<Sent>>);

impl Outside {
    pub(crate) fn note(&self, sent: Sent) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(sent);
    }

    pub(crate) fn all(&self) -> Vec<Sent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
