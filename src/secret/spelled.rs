//! The ways in which a text may spell a secret: each is undone for the search, with the places kept; and logins in URLs.

use std::ops::Range;

/// A text with one way of spelling undone.
pub(super) struct Reading {
    pub(super) bytes: Vec<u8>,
    /// Where in the text each byte begins, and after them its end.
    begins: Vec<usize>,
}

impl Reading {
    /// Where in the text a range of this reading stands.
    pub(super) fn place(&self, range: Range<usize>) -> Range<usize> {
        self.begins[range.start]..self.begins[range.end]
    }

    /// Reads byte by byte; `unit` says what stands at a place that is more than itself: bytes, and how many of the text spell them.
    fn of(text: &str, unit: impl Fn(&[u8]) -> Option<(Vec<u8>, usize)>) -> Self {
        let (mut bytes, mut begins, mut at) = (Vec::with_capacity(text.len()), Vec::with_capacity(text.len() + 1), 0);
        while let Some(rest) = text.as_bytes().get(at..).filter(|rest| !rest.is_empty()) {
            let (read, len) = unit(rest).unwrap_or_else(|| (vec![rest[0]], 1));
            begins.extend(std::iter::repeat_n(at, read.len()));
            bytes.extend(read);
            at += len;
        }
        begins.push(at);
        Self { bytes, begins }
    }
}

/// The text as it is, and with each way of spelling undone that it may have.
pub(super) fn readings(text: &str) -> Vec<Reading> {
    let mut readings = vec![Reading::of(text, |_| None)];
    if text.contains('%') {
        readings.push(Reading::of(text, percent));
    }
    if text.contains('+') {
        readings.push(Reading::of(text, |rest| if rest[0] == b'+' { Some((vec![b' '], 1)) } else { percent(rest) }));
    }
    if text.contains('\\') {
        readings.push(Reading::of(text, backslash));
    }
    readings
}

fn percent(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    let digits = rest.strip_prefix(b"%")?.get(..2)?;
    Some((vec![u8::try_from(hex(digits)?).ok()?], 3))
}

/// As JSON and Rust's `Debug` escape.
fn backslash(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    let escaped = *rest.strip_prefix(b"\\")?.first()?;
    let byte = match escaped {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'"' | b'\'' | b'\\' | b'/' => escaped,
        b'u' => {
            let unit = hex(rest.get(2..6)?)?;
            let second = || hex(rest.get(6..)?.strip_prefix(b"\\u")?.get(..4)?);
            let (code, len) = match (unit, second()) {
                (0xd800..0xdc00, Some(low @ 0xdc00..0xe000)) => {
                    (0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00), 12)
                }
                _ => (unit, 6),
            };
            return Some((char::from_u32(code)?.to_string().into_bytes(), len));
        }
        _ => return None,
    };
    Some((vec![byte], 2))
}

fn hex(digits: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u32::from_str_radix(text, 16).ok()
}

/// The login in our own examples.
const EXAMPLE: &str = "user:password";

/// Where the user and password of each URL stand, but for those of our own examples.
pub(super) fn told_logins(text: &str) -> Vec<Range<usize>> {
    logins(text).into_iter().filter(|login| text[login.clone()] != *EXAMPLE).collect()
}

/// Where the user and password of each URL stand. Only of web addresses is the end of the host looked for: a database's password may hold a `/`
/// that nobody encoded.
pub(crate) fn logins(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("://") {
        let begin = at + 3;
        let rest = &text[begin..];
        let is_web = text[..at].ends_with("http") || text[..at].ends_with("https");
        let ends = |c: char| {
            c.is_whitespace() || matches!(c, '`' | '"' | '\'' | '<' | '>') || is_web && matches!(c, '/' | '?' | '#')
        };
        let authority = &rest[..rest.find(ends).unwrap_or(rest.len())];
        let authority = authority.split("://").next().unwrap_or_default();
        if let Some(len) = authority.rfind('@').filter(|len| *len > 0) {
            found.push(begin..begin + len);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(text: &str) -> String {
        super::super::starred(text, logins(text))
    }

    #[test]
    fn logins_in_urls_are_found_and_nothing_else() {
        assert_eq!(
            without("at `postgres://me:p/w@db.example:5432/x`, so"),
            "at `postgres://***@db.example:5432/x`, so"
        );
        assert_eq!(
            without("jdbc:postgresql://a:b@c/d and https://t0ken@host/p"),
            "jdbc:postgresql://***@c/d and https://***@host/p"
        );
        for harmless in ["https://medium.com/@someone", "mail me@example.com", "https://host/?q=a@b", "file:///tmp/x"] {
            assert_eq!(without(harmless), harmless);
        }
    }
}
