//! A failure that the next attempt need not meet.

use std::fmt;
use std::io::ErrorKind;

/// A reason to try again that is ours, not the server's: a stall, a lock that others wait for, a snapshot that is gone.
#[derive(Debug)]
pub(crate) struct Transient(pub(crate) String);

impl fmt::Display for Transient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Transient {}

/// Whether a line that broke in this way may hold the next time.
pub(crate) fn is_transient_io(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionRefused
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof
            | ErrorKind::TimedOut
    )
}

/// Whether a cause of a failure is one that the next attempt need not meet, whatever server it is about.
pub(crate) fn may_pass(cause: &(dyn std::error::Error + 'static)) -> bool {
    cause.is::<Transient>() || cause.downcast_ref::<std::io::Error>().is_some_and(|error| is_transient_io(error.kind()))
}
