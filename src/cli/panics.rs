//! What is told of a panic, wherever it happens: one line in our log, scrubbed, in place of Rust's own on stderr.

use std::panic::{self, PanicHookInfo};

use crate::error::caught::words_of;
use crate::inert::one_line;

/// Tells panics from now on.
pub(crate) fn tell() {
    panic::set_hook(Box::new(|info| tracing::warn!("{}", line(info))));
}

fn line(info: &PanicHookInfo<'_>) -> String {
    let place = info.location().map(|at| format!(" at {}:{}", at.file(), at.line())).unwrap_or_default();
    one_line(&format!("railstage panicked{place}: {}", words_of(info.payload())))
}
