//! E-mail addresses in a text, whatever stands for their `@`.

use std::ops::Range;

/// No local part or label is longer.
const LONGEST: usize = 254;
/// What stands for an `@`.
const SIGNS: [&str; 5] = ["@", "%40", "&#64;", "&#x40;", "\\u0040"];

/// An address in a text.
pub(super) struct FoundEmail<'a> {
    pub(super) range: Range<usize>,
    /// What stands for its `@`.
    pub(super) sign: &'a str,
}

impl FoundEmail<'_> {
    /// The address as it is meant.
    pub(super) fn plain(&self, text: &str) -> String {
        text[self.range.clone()].replacen(self.sign, "@", 1)
    }
}

/// The addresses in a text, one after the other.
pub(super) fn in_text(text: &str) -> impl Iterator<Item = FoundEmail<'_>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let (at, sign) = next_sign(text, from)?;
            from = at + sign.len();
            let is_local = |c: &char| c.is_alphanumeric() || "._+-'".contains(*c);
            let before: usize = text[..at].chars().rev().take(LONGEST).take_while(is_local).map(char::len_utf8).sum();
            let start = at - text[at - before..at].trim_start_matches(['.', '-', '\'']).len();
            let is_domain = |c: &char| c.is_alphanumeric() || matches!(c, '.' | '-');
            let behind: usize = text[from..].chars().take(LONGEST).take_while(is_domain).map(char::len_utf8).sum();
            let domain = text[from..from + behind].trim_end_matches(['.', '-']);
            if start < at && domain.contains('.') {
                let end = from + domain.len();
                from = end;
                return Some(FoundEmail { range: start..end, sign });
            }
        }
    })
}

fn next_sign(text: &str, from: usize) -> Option<(usize, &'static str)> {
    let bytes = text.as_bytes();
    let plain = memchr::memchr(b'@', &bytes[from..]).map(|at| from + at);
    let end = plain.unwrap_or(bytes.len());
    let escaped = memchr::memchr3_iter(b'%', b'&', b'\\', &bytes[from..end]).find_map(|at| {
        let at = from + at;
        SIGNS[1..].iter().find(|sign| bytes[at..].starts_with(sign.as_bytes())).map(|sign| (at, *sign))
    });
    escaped.or(plain.map(|at| (at, SIGNS[0])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_whatever_stands_for_the_sign() {
        let text = "<Zoë.q@example.com>, b%40example.net&c&#64;example.org; d\\u0040sub.example.net. x@y @ @z.de";
        let found: Vec<_> = in_text(text).map(|found| found.plain(text)).collect();
        assert_eq!(found, ["Zoë.q@example.com", "b@example.net", "c@example.org", "d@sub.example.net"]);
        assert_eq!(in_text("…@… 'a@b @c.de -@d.de %40 &#64;").count(), 0);
    }
}
