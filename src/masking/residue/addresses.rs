//! Addresses of computers in bytes: those that lead to somebody, and that no version or way to a file only looks like.

use std::net::{Ipv4Addr, Ipv6Addr};

/// No address is longer.
const LONGEST: usize = 39;
/// Where all four numbers are smaller it is a version, as `3.18.0.4`.
const LARGEST_OF_VERSION: u8 = 32;
/// So far before an address the word may stand that says that it is a version.
const WORD_BEFORE: usize = 24;

/// Whether an address begins with the digits that begin here.
pub(super) fn is_at(text: &[u8], begin: usize) -> bool {
    let digits = text[begin..].iter().take(5).take_while(|b| b.is_ascii_digit()).count();
    match text.get(begin + digits) {
        Some(b'.') if digits <= 3 => is_v4(text, begin),
        // Those that are given out begin with a 2 or a 3.
        _ if matches!(text[begin], b'2' | b'3') && text.get(begin + 4) == Some(&b':') => is_v6(text, begin),
        _ => false,
    }
}

fn is_v4(text: &[u8], begin: usize) -> bool {
    let len = text[begin..].iter().take(16).take_while(|b| b.is_ascii_digit() || **b == b'.').count();
    let written = &text[begin..begin + len];
    let written = written.strip_suffix(b".").unwrap_or(written);
    let end = begin + written.len();
    let Some(ip) = parsed::<Ipv4Addr>(written).filter(|_| is_apart(text, begin, end)) else { return false };
    let [a, b, c, d] = ip.octets();
    let is_version = [a, b, c, d].iter().all(|octet| *octet < LARGEST_OF_VERSION)
        || [b, c, d] == [0; 3]
        || is_called_version(&text[begin.saturating_sub(WORD_BEFORE)..begin]);
    let is_nobodys = a == 0 || a == 127 || a >= 224 || a == 198 && matches!(b, 18 | 19);
    !is_version && !is_nobodys
}

fn is_v6(text: &[u8], begin: usize) -> bool {
    let len = text[begin..].iter().take(LONGEST + 1).take_while(|b| b.is_ascii_hexdigit() || **b == b':').count();
    let written = &text[begin..begin + len];
    let is_strangers = |ip: Ipv6Addr| ip.segments()[..3] == [0x2001, 2, 0];
    is_apart(text, begin, begin + len) && parsed::<Ipv6Addr>(written).is_some_and(|ip| !is_strangers(ip))
}

fn parsed<T: std::str::FromStr>(written: &[u8]) -> Option<T> {
    std::str::from_utf8(written).ok()?.parse().ok()
}

/// Whether neither a word, a number nor a way to a file goes on before or behind.
fn is_apart(text: &[u8], begin: usize, end: usize) -> bool {
    let is_word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_' || *b >= 0x80;
    let is_begun = match text[..begin] {
        [.., b'/', b'/'] | [] => true,
        [.., b'.' | b'-' | b'/' | b':' | b'@'] => false,
        [.., b] => !is_word(&b),
    };
    let is_over = match text[end..] {
        [b'.' | b'-' | b':', b, ..] => !b.is_ascii_alphabetic(),
        [b, ..] => !is_word(&b),
        [] => true,
    };
    is_begun && is_over
}

fn is_called_version(before: &[u8]) -> bool {
    let before = before.to_ascii_lowercase();
    [&b"version"[..], b"release", b"firmware", b"build", b"ver.", b"ver:"]
        .iter()
        .any(|word| memchr::memmem::find(&before, word).is_some())
}

/// Whether a column or key of this name has versions, and no addresses.
pub(crate) fn holds_versions(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    memchr::memmem::find(&name, b"version").is_some() || name.ends_with(b"_ver") || name.ends_with(b"release")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_found(text: &str) -> bool {
        (0..text.len()).any(|at| text.as_bytes()[at].is_ascii_digit() && is_at(text.as_bytes(), at))
    }

    #[test]
    fn addresses_are_told_from_versions_and_from_what_strangers_have() {
        for text in [
            "203.0.113.77",
            "from 203.0.113.77.",
            "http://203.0.113.77:80/",
            "2001:db8::1",
            "\"ip\";s:12:\"203.0.113.77\"",
        ] {
            assert!(is_found(text), "{text}");
        }
        for text in [
            "198.18.4.200",
            "198.19.1.2",
            "2001:2:0:1:3:5:7:9",
            "127.0.0.1",
            "0.0.0.0",
            "255.255.255.0",
            "3.18.0.4",
            "version 8.40.100.2",
            "Chrome/120.0.6099.109",
            "Chrome/120.0.60.109",
            "1.203.0.113.77",
            "203.0.113.77.5",
            "203.0.113.777",
            "2024:05:06 10:20:30",
            "3.5:1",
            "logo-203.0.113.77",
        ] {
            assert!(!is_found(text), "{text}");
        }
    }
}
