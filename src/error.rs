//! What went wrong, sorted by who can mend it: the exit codes, and the error that carries one.

use std::fmt;

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
        (Exit::Terminated, "stopped by SIGTERM"),
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

/// The whole error as a person reads it: the chain on one line, then the hint on its own.
pub fn describe(what: &str, error: &anyhow::Error) -> String {
    let mut text = format!("{what} failed: {error:#}");
    if let Some(hint) = failure(error).and_then(|f| f.hint.as_deref()) {
        text.push_str("\nhint: ");
        text.push_str(hint);
    }
    text
}
