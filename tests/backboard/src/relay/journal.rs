//! What was done by way of the relay, in order, for tests to assert what was never done.

use jiff::Timestamp;
use serde::Serialize;
use std::sync::{Mutex, PoisonError};

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Relayed {
    pub at: Timestamp,
    /// Where; nowhere when a key is registered or removed, or when the relay knows no such target.
    pub environment_id: Option<String>,
    /// The service's name.
    pub service: Option<String>,
    pub deed: Deed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    KeyRegistered {
        id: String,
        name: String,
    },
    KeyRemoved {
        id: String,
    },
    Login {
        user: String,
        fingerprint: String,
    },
    /// A key was shown that the relay does not know, or not yet.
    Refused {
        user: String,
        fingerprint: String,
    },
    /// A command as it was sent; an interactive shell is the empty one. Whether it could run.
    Command {
        text: String,
        ran: bool,
    },
    Forward {
        host: String,
        port: u32,
        opened: bool,
    },
    /// By SFTP: what, such as `read`, `write`, `list` or `remove`, and to which path.
    File {
        what: &'static str,
        path: String,
    },
}

#[derive(Default)]
pub(crate) struct Journal(Mutex<Vec<Relayed>>);

impl Journal {
    /// Notes what was done, and where: an environment's id and a service's name.
    pub(crate) fn note(&self, place: Option<(String, String)>, deed: Deed) {
        let (environment_id, service) = place.unzip();
        let relayed = Relayed { at: Timestamp::now(), environment_id, service, deed };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(relayed);
    }

    pub(crate) fn all(&self) -> Vec<Relayed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
