//! What an old URL looks like around its host: slashes and colons in whatever spelling, the port, the path, the bounds.

use data_encoding::{HEXLOWER, HEXUPPER};

use super::site_url::{HostFinder, SiteUrl};
use crate::formats::escapes;

/// What is put in the place of `start..end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) bytes: Vec<u8>,
}

/// An old host, and the pairs whose old URL is on it, longest first.
#[derive(Clone, Debug)]
pub(super) struct OldHost {
    pub(super) name: String,
    pub(super) finder: HostFinder,
    pub(super) pairs: Vec<(SiteUrl, SiteUrl)>,
}

/// No port, user or password is longer; it bounds the search for the end of one.
const LONGEST_USER: usize = 256;

impl OldHost {
    /// The edit of the URL whose host begins at `at`, when one of the pairs is meant.
    pub(super) fn url(&self, text: &[u8], at: usize) -> Option<Edit> {
        let spelling = Spelling::before(&text[..at])?;
        let end = at + self.name.len();
        if continues_host(&text[end..]) || is_user(&text[end..]) {
            return None;
        }
        self.pairs.iter().find_map(|(old, new)| spelling.edit(text, at, end, old, new))
    }

    /// The new host in the place of an old one that stands alone in `start..end`.
    pub(super) fn bare(&self, text: &[u8], start: usize, end: usize) -> Option<Edit> {
        let is_whole =
            |old: &SiteUrl| old.path.is_empty() && text[start..end].eq_ignore_ascii_case(&old.authority(b":"));
        let (_, new) = self.pairs.iter().find(|(old, _)| is_whole(old))?;
        Some(Edit { start, end, bytes: new.authority(b":") })
    }
}

/// How a text spells the `//` before a host: `/`, `\/`, `\\\/`, `%2F`, `%252f`, `%5C%2F`.
struct Spelling<'a> {
    slash: &'a [u8],
    /// `%`, or `%25` and so on; empty when a slash is a slash.
    percent: &'a [u8],
    /// Where the two slashes begin.
    start: usize,
}

impl<'a> Spelling<'a> {
    fn before(text: &'a [u8]) -> Option<Self> {
        let (slash, percent) = slash_before(text)?;
        let before = &text[..text.len() - slash.len()];
        let start = before.len().checked_sub(slash.len())?;
        (before[start..] == *slash).then_some(Self { slash, percent, start })
    }

    fn is_upper(&self) -> bool {
        !self.slash.ends_with(b"f")
    }

    fn escaped(&self, byte: u8) -> Vec<u8> {
        let hex = if self.is_upper() { HEXUPPER } else { HEXLOWER };
        [self.percent, hex.encode(&[byte]).as_bytes()].concat()
    }

    fn colon(&self) -> Vec<u8> {
        if self.percent.is_empty() { b":".to_vec() } else { self.escaped(b':') }
    }

    fn path(&self, path: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(path.len() * 2);
        for byte in path.bytes() {
            match byte {
                b'/' => bytes.extend_from_slice(self.slash),
                b'-' | b'.' | b'_' | b'~' => bytes.push(byte),
                _ if byte.is_ascii_alphanumeric() || self.percent.is_empty() => bytes.push(byte),
                _ => bytes.extend(self.escaped(byte)),
            }
        }
        bytes
    }

    /// The edit of a URL whose host is `at..end`, when its port and path are those of `old`.
    fn edit(&self, text: &[u8], at: usize, mut end: usize, old: &SiteUrl, new: &SiteUrl) -> Option<Edit> {
        let scheme = self.scheme(text);
        let port = self.port(&text[end..]);
        match (old.port, port) {
            (Some(old), Some((port, len))) if u32::from(old) == port => end += len,
            (Some(_), _) => return None,
            // `https://old:443` is `https://old`.
            (None, Some((port, len))) if new.port.is_some() || is_default(port, scheme.map(|(_, s)| s)) => end += len,
            // `//old:8443` becomes `//new:8443`: not what runs there, but not production either.
            (None, _) => {}
        }
        if !old.path.is_empty() {
            let path = self.path(&old.path);
            end += text[end..].starts_with(&path).then_some(path.len())?;
            if self.continues_path(&text[end..]) {
                return None;
            }
        }
        let mut bytes = Vec::new();
        let start = match scheme {
            Some((start, name)) if !name.eq_ignore_ascii_case(new.scheme.as_bytes()) => {
                bytes.extend_from_slice(new.scheme.as_bytes());
                bytes.extend_from_slice(&text[start + name.len()..at]);
                start
            }
            _ => at,
        };
        bytes.extend(new.authority(&self.colon()));
        bytes.extend(self.path(&new.path));
        Some(Edit { start, end, bytes })
    }

    /// Where `http` or `https` begins before the slashes, and which.
    fn scheme<'t>(&self, text: &'t [u8]) -> Option<(usize, &'t [u8])> {
        let before = &text[..self.start];
        let colon = self.colon();
        let before = match before.strip_suffix(b":") {
            Some(before) => before,
            None => {
                let cut = before.len().checked_sub(colon.len())?;
                before[cut..].eq_ignore_ascii_case(&colon).then_some(&before[..cut])?
            }
        };
        [b"https".as_slice(), b"http"].into_iter().find_map(|scheme| {
            let start = before.len().checked_sub(scheme.len())?;
            let is_it = before[start..].eq_ignore_ascii_case(scheme) && escapes::starts_word(text, start);
            is_it.then_some((start, &before[start..]))
        })
    }

    /// The port at the beginning of a text, and how long it is with its colon.
    fn port(&self, text: &[u8]) -> Option<(u32, usize)> {
        let colon = self.colon();
        let colon = [colon.as_slice(), b":"].into_iter().find(|colon| starts_with_any_case(text, colon))?.len();
        let digits = text[colon..].iter().take_while(|b| b.is_ascii_digit()).count();
        let port = std::str::from_utf8(&text[colon..colon + digits.min(6)]).ok()?.parse().ok()?;
        Some((port, colon + digits))
    }

    fn continues_path(&self, after: &[u8]) -> bool {
        match after {
            [b'.', b, ..] => b.is_ascii_alphanumeric(),
            [b'-' | b'_' | b'~' | 0x80.., ..] => true,
            [b'%', ..] if self.percent.is_empty() => true,
            // Twice encoded: a `%` of the path itself.
            _ if !self.percent.is_empty() && after.starts_with(&[self.percent, b"25"].concat()) => true,
            [b, ..] => b.is_ascii_alphanumeric(),
            [] => false,
        }
    }
}

fn starts_with_any_case(text: &[u8], start: &[u8]) -> bool {
    text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

fn is_default(port: u32, scheme: Option<&[u8]>) -> bool {
    match scheme {
        Some(scheme) => port == if scheme.len() == 4 { 80 } else { 443 },
        None => matches!(port, 80 | 443),
    }
}

/// The slash at the end of a text with the escapes before it, and what stands for its percent sign.
fn slash_before(text: &[u8]) -> Option<(&[u8], &[u8])> {
    if let [head @ .., b'/'] = text {
        let escapes = head.iter().rev().take_while(|b| **b == b'\\').count();
        return Some((&text[head.len() - escapes..], b""));
    }
    let [head @ .., b'2', b'F' | b'f'] = text else { return None };
    let percent = percent_before(head)?;
    let mut start = head.len() - percent.len();
    // `\/` that was percent-encoded, as page builders do with JSON.
    while let [before @ .., b'5', b'C' | b'c'] = &text[..start] {
        if !before.ends_with(percent) {
            break;
        }
        start = before.len() - percent.len();
    }
    Some((&text[start..], percent))
}

/// `%`, `%25`, `%2525` and so on at the end of a text.
fn percent_before(text: &[u8]) -> Option<&[u8]> {
    let mut start = text.len();
    while text[..start].ends_with(b"25") {
        start -= 2;
    }
    text[..start].ends_with(b"%").then(|| &text[start - 1..])
}

/// Whether what was found is only the first part of a longer host.
fn continues_host(after: &[u8]) -> bool {
    match after {
        [b'.', b, ..] => b.is_ascii_alphanumeric(),
        [b, ..] => b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'@'),
        [] => false,
    }
}

/// Whether what was found is the user in `https://user:password@host`.
fn is_user(after: &[u8]) -> bool {
    let Some(password) = after.strip_prefix(b":") else { return after.starts_with(b"%40") };
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%:".contains(b);
    let len = password.iter().take(LONGEST_USER).take_while(|b| is_part(b)).count();
    password.get(len) == Some(&b'@')
}
