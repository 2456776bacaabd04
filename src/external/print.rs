//! The only writer to stdout and stderr. What it writes is inert and holds no known secret, and a reader that went away is no failure of
//! ours: the run goes on, to its end or to its rollback.

use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::ProgressBar;

use crate::inert::inert;
use crate::secret::scrub;

/// Prints lines on stdout.
pub(crate) fn out(text: &str) {
    raw_out(format!("{}\n", inert(&scrub(text))).as_bytes());
}

/// Prints lines on stderr.
pub(crate) fn err(text: &str) {
    labelled_err("", text);
}

/// The same after a label of ours, which may hold colours.
pub(crate) fn labelled_err(label: &str, text: &str) {
    write(std::io::stderr, format!("{label}{}\n", inert(&scrub(text))).as_bytes());
}

/// Writes to stdout what is no text for people, such as Kestra's lines, as it is.
pub(crate) fn raw_out(bytes: &[u8]) {
    write(std::io::stdout, bytes);
}

/// What is drawn on the terminal: it is taken off while a line is printed, and drawn again below.
static DRAWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Has lines printed above what this bar draws.
pub(crate) fn start_drawing(bar: &ProgressBar) {
    *drawn() = Some(bar.clone());
}

/// Nothing is drawn any more.
pub(crate) fn stop_drawing() {
    *drawn() = None;
}

fn drawn() -> MutexGuard<'static, Option<ProgressBar>> {
    DRAWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// In one write, so that lines of several threads do not mix; what becomes of it is nobody's business. What is drawn is asked
/// for before the stream is: drawing takes the stream, too.
fn write<S: Write>(stream: fn() -> S, bytes: &[u8]) {
    let drawn = drawn();
    let write = || {
        let mut stream = stream();
        stream.write_all(bytes).and_then(|()| stream.flush())
    };
    let _ = match &*drawn {
        Some(bar) => bar.suspend(write),
        None => write(),
    };
}
