//! What a server, or the way to it, said: worded for people, sorted by whether a new attempt can help.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::time::Duration;

use postgres_protocol::message::backend::ErrorResponseBody;

use super::remedy::Remedy;
use super::server_words::ServerWords;
use crate::copying::transient::{is_transient_io, may_pass};
use crate::error::{Exit, Failure, failure};

/// An error of a connection: the server's own words with SQLSTATE, or why the connection broke.
#[derive(Debug)]
pub(crate) struct Fault {
    /// Empty when the server itself said nothing.
    pub(crate) sqlstate: String,
    text: String,
    transient: bool,
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        if let Some(said) = error.as_db_error() {
            return Self::said(ServerWords::from(said));
        }
        let io = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
        let transient = error.is_closed() || io.is_some_and(|e| is_transient_io(e.kind()));
        let text = match error.source() {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        };
        Self { sqlstate: String::new(), text, transient }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Fault {}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self { sqlstate: String::new(), transient: is_transient_io(error.kind()), text: error.to_string() }
    }
}

impl Fault {
    /// What there is to say of a server that says nothing.
    pub(crate) fn no_answer(limit: Duration) -> Self {
        let text = format!("no answer within {} s", limit.as_secs_f32());
        Self { sqlstate: String::new(), text, transient: true }
    }

    /// The same as one that another attempt may get past.
    pub(crate) fn of_the_moment(self) -> Self {
        Self { transient: true, ..self }
    }

    /// An answer that is none.
    pub(crate) fn of_answer(text: &str) -> Self {
        Self { sqlstate: String::new(), text: text.to_owned(), transient: false }
    }

    /// What a server said on a line that its driver does not read.
    pub(crate) fn from_response(body: &ErrorResponseBody) -> io::Result<Self> {
        Ok(Self::said(ServerWords::of(body)?))
    }

    fn said(words: ServerWords) -> Self {
        Self { transient: is_transient(&words.sqlstate), text: words.told(), sqlstate: words.sqlstate }
    }
}

/// Only these end by themselves; everything else would fail again in the same way.
fn is_transient(sqlstate: &str) -> bool {
    sqlstate.starts_with("08")
        || matches!(sqlstate, "57P01" | "57P02" | "57P03" | "53300" | "40001" | "40P01" | "55P03" | "25P03")
}

/// Whether a whole new attempt may succeed.
pub(crate) fn is_worth_retrying(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<Fault>().is_some_and(|fault| fault.transient) || may_pass(cause))
}

/// The fault in an error's chain, when a server or the way to it caused it.
pub(crate) fn fault(error: &anyhow::Error) -> Option<&Fault> {
    error.chain().find_map(|cause| cause.downcast_ref())
}

/// Gives an error its exit code and, where the SQLSTATE tells, what to change.
pub(crate) fn classified(error: anyhow::Error) -> anyhow::Error {
    if failure(&error).is_some() {
        return error;
    }
    let outside = fault(&error).is_some() || is_worth_retrying(&error);
    let exit = if outside { Exit::Outside } else { Exit::Failed };
    let hint = match error.downcast_ref::<Remedy>() {
        Some(remedy) => Some(remedy.hint.clone()),
        None => fault(&error).and_then(|fault| hint_for(&fault.sqlstate)).map(str::to_owned),
    };
    let classified = Failure::new(exit, format!("{error:#}"));
    match hint {
        Some(hint) => classified.hint(hint).into(),
        None => classified.into(),
    }
}

fn hint_for(sqlstate: &str) -> Option<&'static str> {
    Some(match sqlstate {
        "28P01" | "28000" => "check user and password in the database URL, and `sslmode` where the server asks for TLS",
        "3D000" => "check the database name at the end of the database URL",
        "42501" => {
            "the login needs this right: read on every table of the source, CREATEDB and ownership on the target"
        }
        "53100" => "the target's disk is full: it must hold the old and the new database at once",
        "53200" => {
            "the server has no memory left: where it speaks of shared memory, raise its `max_locks_per_transaction` and restart it"
        }
        "57P02" | "57P03" => {
            "the server crashed or is starting: its own log says why, and a full disk is the usual reason"
        }
        "53300" => "the server has no connection left for this login",
        "55P03" => "another session holds a lock on this table: wait until its work is done",
        _ => return None,
    })
}
