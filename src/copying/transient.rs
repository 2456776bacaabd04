//! A failure that the next attempt need not meet.

use std::fmt;

/// A reason to try again that is ours, not the server's: a stall, a lock that others wait for, a snapshot that is gone.
#[derive(Debug)]
pub(crate) struct Transient(pub(crate) String);

impl fmt::Display for Transient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Transient {}
