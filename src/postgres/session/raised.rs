//! What functions of a database say when they raise an error: the words that they were written with, which are told in
//! the place of the message that they made of them and of a row.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Longer formats, and more of them, than anybody writes.
const LONGEST: usize = 1000;
const MOST: usize = 100_000;

/// The formats of all functions that were read.
static FORMATS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Remembers what a function in PL/pgSQL may raise.
pub(crate) fn learn(function: &str) {
    let mut known = FORMATS.lock().unwrap_or_else(PoisonError::into_inner);
    let found = formats(function).filter(|format| format.len() <= LONGEST);
    let room = MOST.saturating_sub(known.len());
    known.extend(found.take(room));
}

/// The first text behind each `RAISE`.
pub(crate) fn formats(function: &str) -> impl Iterator<Item = String> {
    const RAISE: &[u8] = b"raise";
    let bytes = function.as_bytes();
    let at =
        |at: &usize| bytes[*at..].len() >= RAISE.len() && bytes[*at..*at + RAISE.len()].eq_ignore_ascii_case(RAISE);
    let raises = (0..bytes.len()).filter(at);
    raises.filter_map(|at| {
        let statement = function.get(at..)?;
        let begin = statement.find('\'').filter(|begin| !statement[..*begin].contains(';'))?;
        literal(&statement[begin + 1..])
    })
}

/// The text up to the quote that ends it.
fn literal(text: &str) -> Option<String> {
    let mut literal = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\'' && chars.clone().next() != Some('\'') {
            return Some(literal);
        }
        if c == '\'' {
            chars.next();
        }
        literal.push(c);
    }
    None
}

/// The format that a message was made of, with `%` where values stood; the one that says most.
pub(super) fn format_of(message: &str) -> Option<String> {
    let known = FORMATS.lock().unwrap_or_else(PoisonError::into_inner);
    known.iter().filter(|format| makes(format, message)).max_by_key(|format| format.len()).cloned()
}

/// Whether a message can have been made of a format.
fn makes(format: &str, message: &str) -> bool {
    let plain = format.replace("%%", "\0");
    let mut parts = plain.split('%').map(|part| part.replace('\0', "%"));
    let Some(mut rest) = parts.next().and_then(|first| message.strip_prefix(&first)) else { return false };
    let parts: Vec<_> = parts.collect();
    let Some((last, between)) = parts.split_last() else { return rest.is_empty() };
    for part in between {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_told_in_the_words_it_was_written_with() {
        learn("BEGIN Raise Notice 'x'; RAISE EXCEPTION USING MESSAGE = 'it''s 100%% not % for %'; raise; RAISE 'short");
        assert_eq!(format_of("it's 100% not canary for canary").unwrap(), "it's 100%% not % for %");
        assert_eq!(format_of("it is canary"), None);
    }

    #[test]
    fn a_format_makes_what_it_makes() {
        for (format, message, is_made) in [
            ("no", "no", true),
            ("no", "nono", false),
            ("no %", "no key", true),
            ("% and %", "a and b and c", true),
            ("%%", "%", true),
            ("a%b%c", "abc", true),
            ("a%b", "a", false),
        ] {
            assert_eq!(makes(format, message), is_made, "{format} {message}");
        }
    }
}
