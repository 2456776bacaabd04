//! What a server, or the way to it, said: worded for people, sorted by whether a new attempt can help.

use std::fmt;
use std::io::{self, ErrorKind};
use std::time::Duration;

use super::server_words;
use crate::copying::transient::{is_transient_io, may_pass};
use crate::error::{Exit, Failure, failure};

/// An error of a session: the server's own words with their number, or why the line broke.
#[derive(Debug)]
pub(crate) struct Fault {
    /// None when the server itself said nothing.
    pub(crate) number: Option<u16>,
    text: String,
    transient: bool,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Fault {}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        let text = match error.kind() {
            ErrorKind::UnexpectedEof => CLOSED.to_owned(),
            _ => error.to_string(),
        };
        Self { number: None, transient: is_transient_io(error.kind()), text }
    }
}

/// What is said of a line that ends.
const CLOSED: &str = "the server closed the line";

impl Fault {
    /// The same, where nothing was heard before: who is there may be no server at all.
    pub(super) fn at_first(self) -> Self {
        match self.number {
            None if self.text == CLOSED => Self {
                text: "whoever answers there closes the line without a word: a proxy (such as HAProxy) may have no server behind it".to_owned(),
                ..self
            },
            None if !self.transient => Self::of_answer("what answers there is no MySQL or MariaDB server"),
            _ => self,
        }
    }

    /// What a server said, without what it quotes of rows.
    pub(super) fn said(number: u16, message: &str) -> Self {
        let text = format!("{} (error {number})", server_words::told(number, message));
        Self { number: Some(number), text, transient: is_transient(number) }
    }

    /// What there is to say of a server that says nothing.
    pub(crate) fn no_answer(limit: Duration) -> Self {
        let text = format!("no answer within {} s", limit.as_secs_f32());
        Self { number: None, text, transient: true }
    }

    /// An answer that is none.
    pub(crate) fn of_answer(text: &str) -> Self {
        Self { number: None, text: text.to_owned(), transient: false }
    }
}

/// Only these end by themselves; everything else would fail again in the same way: too many sessions, a shutdown, a lost line, locks,
/// a definition that has changed since the snapshot, a server that is read-only because another has taken its place, and a
/// command or a session that somebody has ended, and a server that another copy has told not to take rows any more.
fn is_transient(number: u16) -> bool {
    matches!(
        number,
        1040 | 1053 | 1077 | 1080 | 1152 | 1158
            ..=1161
                | 1184
                | 1203
                | 1205
                | 1213
                | 1290
                | 1317
                | 1412
                | 1836
                | 1927
                | 2006
                | 2013
                | 3100
                | 3101
                | 3169
                | 3948
                | 4031
                | 4166
    )
}

/// Whether a whole new attempt may succeed.
pub(crate) fn is_worth_retrying(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<Fault>().is_some_and(|fault| fault.transient) || may_pass(cause))
}

/// The fault in an error's chain, when a server or the way to it caused it.
pub(crate) fn fault(error: &anyhow::Error) -> Option<&Fault> {
    error.chain().find_map(|cause| cause.downcast_ref())
}

/// Gives an error its exit code and, where the number tells, what to change.
pub(crate) fn classified(error: anyhow::Error) -> anyhow::Error {
    if failure(&error).is_some() {
        return error;
    }
    let outside = fault(&error).is_some() || is_worth_retrying(&error);
    let exit = if outside { Exit::Outside } else { Exit::Failed };
    let classified = Failure::new(exit, format!("{error:#}"));
    match fault(&error).and_then(|fault| hint_for(fault.number?)) {
        Some(hint) => classified.hint(hint).into(),
        None => classified.into(),
    }
}

fn hint_for(number: u16) -> Option<&'static str> {
    Some(match number {
        1045 | 1698 => "check user and password in the database URL, and from where this login may come",
        1044 | 1142 | 1143 | 1227 | 1370 => {
            "the login needs this right: SELECT and LOCK TABLES on the source's database, all rights on the target's server (its `root`)"
        }
        1049 => "check the database name at the end of the database URL",
        1129 | 1130 => "the server does not let this machine in: FLUSH HOSTS, or the host of its login",
        1021 | 1114 | 3168 => "the target's disk is full: it must hold the old and the new database at once",
        1037 | 1038 | 1041 => "the server has no memory left",
        1040 | 1203 => "the server has no connection left for this login",
        1205 => "another session holds a lock on this table: wait until its work is done",
        1301 => "a value is longer than the server's `max_allowed_packet`: raise it there",
        1153 => "a row is longer than the server takes: raise its `max_allowed_packet`",
        3948 | 1148 => "the server takes no rows from its clients: SET GLOBAL local_infile = ON",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_sorted_by_what_a_new_attempt_can_change() {
        for (number, is_worth) in
            [(1205, true), (1412, true), (1053, true), (1045, false), (1114, false), (1062, false)]
        {
            let error = anyhow::Error::from(Fault::said(number, "words")).context("do something");
            assert_eq!(is_worth_retrying(&error), is_worth, "{number}");
        }
        assert!(is_worth_retrying(&Fault::from(io::Error::from(ErrorKind::UnexpectedEof)).into()));
        assert!(!is_worth_retrying(&Fault::of_answer("garbled").into()));
    }

    #[test]
    fn a_fault_is_told_with_what_mends_it() {
        let told =
            classified(anyhow::Error::from(Fault::said(1114, "The table 't' is full")).context("copy table `a.t`"));
        let failure = failure(&told).unwrap();
        assert_eq!(failure.exit, Exit::Outside);
        assert!(
            failure.message.contains("copy table `a.t`: The table 't' is full (error 1114)"),
            "{}",
            failure.message
        );
        assert!(failure.hint.as_ref().unwrap().contains("disk is full"));
    }
}
