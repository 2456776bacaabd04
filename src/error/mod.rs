//! What went wrong, sorted by who can mend it: the exit codes, and the error that carries one.

pub(crate) mod caught;

use std::fmt;

use crate::inert::inert_block;

/// The exit codes of `railstage`; the README's table is made from them.
///
/// ```
/// use railstage::error::{Exit, Failure};
///
/// let failure = Failure::outside("Railway does not answer").hint("run it again");
/// let error = anyhow::Error::new(failure).context("look up environment `pr-42`");
/// assert_eq!(Exit::of(&error).code(), 4);
/// assert_eq!(Exit::of(&anyhow::anyhow!("something else")), Exit::Failed);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Done = 0,
    Failed = 1,
    Invalid = 2,
    Program = 3,
    Outside = 4,
    Deadline = 5,
    Incomplete = 6,
    Interrupted = 130,
    Terminated = 143,
}

impl Exit {
    /// Every code with what it means to the person who reads it.
    pub const ALL: &[(Exit, &str)] = &[
        (Exit::Done, "done"),
        (Exit::Failed, "failed, see the log"),
        (Exit::Invalid, "the input is not valid, or what it asks for is refused"),
        (Exit::Program, "a program is missing or not signed in"),
        (Exit::Outside, "an outside program or server failed; a rerun is safe"),
        (Exit::Deadline, "past its deadline"),
        (Exit::Incomplete, "undo incomplete, something is left behind: a person, now"),
        (Exit::Interrupted, "stopped by SIGINT"),
        (Exit::Terminated, "stopped by SIGTERM or SIGHUP"),
    ];

    /// The number the process ends with.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The code that an error calls for: that of the [`Failure`] behind it, else [`Exit::Failed`].
    pub fn of(error: &anyhow::Error) -> Exit {
        failure(error).map_or(Exit::Failed, |f| f.exit)
    }
}

/// An error that code must tell apart: it names its exit code, and what to change when that is known.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    pub message: String,
    pub hint: Option<String>,
}

impl Failure {
    /// A failure of the given kind.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None }
    }

    /// The input is wrong or refused.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Exit::Invalid, message)
    }

    /// A program or server outside of us failed.
    pub fn outside(message: impl Into<String>) -> Self {
        Self::new(Exit::Outside, message)
    }

    /// Something took longer than it may.
    pub fn deadline(message: impl Into<String>) -> Self {
        Self::new(Exit::Deadline, message)
    }

    /// Adds what to change.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// The [`Failure`] behind an error, under whatever context.
pub fn failure(error: &anyhow::Error) -> Option<&Failure> {
    error.downcast_ref()
}

/// The chain of an error on one line. What a cause only repeats is said once.
pub(crate) fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// So many of a thing, for people: `1 copy`, `2 copies`.
pub(crate) fn counted(count: impl fmt::Display, one: &str, many: &str) -> String {
    let count = count.to_string();
    format!("{count} {}", if count == "1" { one } else { many })
}

/// Several problems in one message: each on a line of its own, where there is more than one.
pub(crate) fn listed(problems: &[String]) -> String {
    let head = if problems.len() == 1 { String::new() } else { format!("{} problems\n  ", problems.len()) };
    format!("{head}{}", problems.join("\n  "))
}

/// An error in the parts that a person reads, each ready to be printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// What was being done, and what was said to it.
    pub(crate) error: String,
    /// What to change, where that is known.
    pub(crate) hint: Option<String>,
}

impl Told {
    /// What `what` failed of.
    pub(crate) fn of(what: &str, error: &anyhow::Error) -> Self {
        Self {
            error: inert_block(&format!("{what} failed: {}", chain(error))),
            hint: failure(error).and_then(|f| f.hint.as_deref()).map(inert_block),
        }
    }
}

/// The error, then the hint on a line of its own.
impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error)?;
        self.hint.iter().try_for_each(|hint| write!(f, "\nhint: {hint}"))
    }
}

/// The whole error as a person reads it: the chain, then the hint on its own line.
pub fn describe(what: &str, error: &anyhow::Error) -> String {
    Told::of(what, error).to_string()
}

/// Tells a refusal, the inner error, from what kept a check from being made.
pub(crate) fn refused<T>(check: anyhow::Result<T>) -> anyhow::Result<Result<T, String>> {
    match check {
        Ok(passed) => Ok(Ok(passed)),
        Err(error) => match failure(&error).map(|failure| failure.message.clone()) {
            Some(message) => Ok(Err(message)),
            None => Err(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_nothing_twice_and_only_its_own_hint_is_one() {
        let said = anyhow::anyhow!("Railway says: Project not found\nhint: run this")
            .context("Railway says: Project not found\nhint: run this");
        let error = said.context(Failure::invalid("no project `p`").hint("name another"));
        let told =
            "validate failed: no project `p`: Railway says: Project not found\n  hint: run this\nhint: name another";
        assert_eq!(describe("validate", &error), told);
    }
}
