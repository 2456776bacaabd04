//! The only writer to stdout and stderr. What it writes is inert and holds no known secret, and a reader that went away is no failure of
//! ours: the run goes on, to its end or to its rollback.

use std::io::Write;

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
    write(&mut std::io::stderr().lock(), format!("{label}{}\n", inert(&scrub(text))).as_bytes());
}

/// Writes to stdout what is no text for people, such as Kestra's lines, as it is.
pub(crate) fn raw_out(bytes: &[u8]) {
    write(&mut std::io::stdout().lock(), bytes);
}

/// In one write, so that lines of several threads do not mix; what becomes of it is nobody's business.
fn write(stream: &mut impl Write, bytes: &[u8]) {
    let _ = stream.write_all(bytes).and_then(|()| stream.flush());
}
