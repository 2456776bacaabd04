//! Old hosts in base64 or hexadecimal, perhaps compressed: each text that is encoded so is opened, rewritten and put back,
//! as `formats` reads it. What cannot be opened where the letters of a host stand is told.

use std::ops::Range;

use super::{Left, Rewriter};
use crate::formats::encoded::{self, Decoded};

/// So often may one be within another.
const DEEPEST: usize = 3;

/// A piece of a text that is encoded and names an old host.
pub(super) struct Encoded {
    pub(super) place: Range<usize>,
    /// What it becomes, unless it stays.
    pub(super) new: Option<Vec<u8>>,
    /// Why an old host is in it still.
    pub(super) left: Option<Left>,
}

/// All such pieces of a text, in order.
pub(super) fn all(rewriter: &Rewriter, text: &[u8], depth: usize) -> Vec<Encoded> {
    let mut all: Vec<Encoded> = Vec::new();
    let mut from = 0;
    while let Some(hit) = rewriter.encoded.first(text, from) {
        let run = run_around(text, hit.place.start);
        from = run.end.max(hit.place.end);
        if depth < DEEPEST {
            all.extend(piece(rewriter, text, &run, hit.is_host, depth));
        }
    }
    all
}

fn piece(rewriter: &Rewriter, text: &[u8], run: &Range<usize>, is_host: bool, depth: usize) -> Option<Encoded> {
    let told = || Some(Encoded { place: run.clone(), new: None, left: Some(Left::Encoded) }).filter(|_| is_host);
    let escaped = &text[run.clone()];
    let is_escaped = memchr::memmem::find(escaped, b"\\/").is_some();
    let letters = if is_escaped { without_escapes(escaped) } else { escaped.to_vec() };
    let Some(Decoded::Text(opened)) = encoded::decoded(&letters, true) else { return told() };
    let inner = rewriter.rewrite_within(&opened.plain, depth + 1, |_, _| false)?;
    if inner.value == opened.plain {
        return Some(Encoded { place: run.clone(), new: None, left: inner.left });
    }
    if !opened.is_packed && opened.again(&opened.plain) != letters {
        return told();
    }
    let mut new = opened.again(&inner.value);
    if is_escaped {
        new = with_escapes(&new);
    }
    Some(Encoded { place: run.clone(), new: Some(new), left: inner.left })
}

/// The letters of base64 around a place, with the lines that they are broken into, and what they end with.
fn run_around(text: &[u8], at: usize) -> Range<usize> {
    let is_letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_');
    let mut start = at;
    while start > 0 {
        match text[start - 1] {
            b if is_letter(b) => start -= 1,
            b'\\' if text[start] == b'/' => start -= 1,
            // PostgreSQL writes bytes so.
            b'\\' if text[start] == b'x' => {
                start -= 1;
                break;
            }
            b'\n' if is_line(&text[..start - 1]) => start -= 1,
            b'\r' if text[start] == b'\n' => start -= 1,
            _ => break,
        }
    }
    let mut end = at;
    while let Some(b) = text.get(end) {
        match b {
            b if is_letter(*b) => end += 1,
            b'\\' if text.get(end + 1) == Some(&b'/') => end += 2,
            b'\r' if text.get(end + 1) == Some(&b'\n') => end += 1,
            b'\n' if text.get(end + 1).is_some_and(|b| is_letter(*b)) && end - start >= SHORTEST_LINE => end += 1,
            _ => break,
        }
    }
    end += text[end..].iter().take(2).take_while(|b| **b == b'=').count();
    start..end
}

/// No line of base64 that is broken into lines is shorter, but the last.
const SHORTEST_LINE: usize = 60;

/// Whether a text ends with a whole line of base64.
fn is_line(text: &[u8]) -> bool {
    let is_letter = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'\r');
    text.iter().rev().take(SHORTEST_LINE).filter(|b| is_letter(b)).count() == SHORTEST_LINE
}

fn without_escapes(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|b| *b != b'\\').collect()
}

fn with_escapes(text: &[u8]) -> Vec<u8> {
    text.iter().flat_map(|b| if *b == b'/' { &b"\\/"[..] } else { std::slice::from_ref(b) }).copied().collect()
}
