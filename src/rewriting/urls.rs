//! What an old URL looks like around its host: slashes and colons in whatever spelling, user, port, path, and the bounds;
//! where a host stands without slashes before it, `bare.rs` says whether it is an address.

use data_encoding::{HEXLOWER, HEXUPPER};

use super::bare;
use super::host_search::Found;
use super::left::Left;
use super::new_host::new_host;
use super::site_url::SiteUrl;
use super::spelled;
use crate::formats::escapes;

/// What is put in the place of `start..end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) bytes: Vec<u8>,
}

/// What a place is at which the letters of an old host stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// An old URL, with the new one for it.
    Url(Edit),
    /// The old host all the same.
    Left(Left),
    /// Another host, or a URL that no pair is about.
    Other,
}

/// The pairs whose old URL is on one host, longest first.
#[derive(Clone, Debug, Default)]
pub(super) struct OldHost {
    pub(super) pairs: Vec<(SiteUrl, SiteUrl)>,
}

/// No user and password are longer; it bounds the search for the end of one.
const LONGEST_USER: usize = 256;

impl OldHost {
    /// What stands at `found` in a text that begins at `begin`.
    pub(super) fn place(&self, text: &[u8], begin: usize, found: Found) -> Place {
        if continues_host(text, found.end) || is_user(text, found.end) {
            return Place::Other;
        }
        if let Some(spelling) = Spelling::before(text, found.start) {
            return self.url(text, found, &spelling, true);
        }
        if spelled::start_of(text, found.start, '@').is_some_and(|at| at > begin) {
            return if self.is_whole() { Place::Left(Left::Mail) } else { Place::Other };
        }
        if !bare::starts_host(text, begin, found.start) {
            let is_told = self.is_whole() && bare::may_follow_sign(&text[begin..], found.start - begin);
            return if is_told { Place::Left(Left::Text) } else { Place::Other };
        }
        let spelling = Spelling::after(text, found.end);
        let end = port(text, found.end).map_or(found.end, |(_, end)| end);
        if bare::is_address(text, begin, found, end) {
            return self.url(text, found, &spelling, false);
        }
        if self.is_whole() { Place::Left(Left::Text) } else { Place::Other }
    }

    /// Whether the host itself is rewritten, and not only what is under some path.
    fn is_whole(&self) -> bool {
        self.pairs.iter().any(|(old, _)| old.path.is_empty())
    }

    fn url(&self, text: &[u8], found: Found, spelling: &Spelling<'_>, is_url: bool) -> Place {
        let mut place = Place::Other;
        for (old, new) in &self.pairs {
            match spelling.edit(text, found, old, new, is_url) {
                Place::Other => {}
                Place::Url(edit) => return Place::Url(edit),
                left @ Place::Left(_) => place = left,
            }
        }
        place
    }
}

/// How a text spells the `//` before a host, or the slash behind one without: `/`, `\/`, `%2F`, `&#x2F;`, `\u002F`.
struct Spelling<'a> {
    slash: &'a [u8],
    /// `%`, or `%25` and so on; empty when a slash is no percent-encoded one.
    percent: &'a [u8],
    /// Where the two slashes begin.
    start: usize,
}

impl<'a> Spelling<'a> {
    /// The slashes before `at`, perhaps with a user and password in between.
    fn before(text: &'a [u8], at: usize) -> Option<Self> {
        if let Some(found) = Self::ending(text, at) {
            return Some(found);
        }
        let user_end = spelled::start_of(text, at, '@')?;
        let is_part = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%:".contains(&b);
        let mut begin = user_end;
        while begin > 0 && user_end - begin < LONGEST_USER && is_part(text[begin - 1]) {
            begin -= 1;
            if let Some(found) = Self::ending(text, begin) {
                return Some(found);
            }
        }
        None
    }

    fn ending(text: &'a [u8], at: usize) -> Option<Self> {
        let second = spelled::start_of(text, at, '/')?;
        let start = spelled::start_of(text, second, '/')?;
        Some(Self { start, ..Self::of(&text[second..at]) })
    }

    fn after(text: &'a [u8], at: usize) -> Self {
        Self::of(spelled::end_of(text, at, '/').map_or(b"/", |end| &text[at..end]))
    }

    fn of(slash: &'a [u8]) -> Self {
        let percent = match slash {
            [head @ .., b'2', b'F' | b'f'] => memchr::memrchr(b'%', head).map_or(&b""[..], |at| &head[at..]),
            _ => b"",
        };
        let is_percent = percent.first().is_some_and(|b| *b == b'%') && percent[1..].chunks(2).all(|two| two == b"25");
        Self { slash, percent: if is_percent { percent } else { b"" }, start: 0 }
    }

    fn escaped(&self, byte: u8) -> Vec<u8> {
        let hex = if self.slash.ends_with(b"f") { HEXLOWER } else { HEXUPPER };
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

    /// The edit of a URL whose host was found, when its port and path are those of `old`.
    fn edit(&self, text: &[u8], found: Found, old: &SiteUrl, new: &SiteUrl, is_url: bool) -> Place {
        let scheme = if is_url { self.scheme(text) } else { None };
        let (port, mut end) = port(text, found.end).map_or((None, found.end), |(port, end)| (Some(port), end));
        let is_same_host = old.host == new.host;
        let is_old_port = match (old.port, port) {
            (Some(old), Some(port)) => u32::from(old) == port,
            (Some(_), None) => return Place::Other,
            // `https://old:443` is `https://old`.
            (None, Some(port)) => is_default(port, scheme.map(|(_, scheme)| scheme)),
            (None, None) => true,
        };
        if !is_old_port {
            let is_new = is_same_host && port == new.port.map(u32::from);
            return if is_new || old.port.is_some() { Place::Other } else { Place::Left(Left::Port) };
        }
        if is_same_host && !new.path.is_empty() && new.path.starts_with(&old.path) {
            let is_new = Self::path_end(text, end, &new.path).is_some_and(|end| !self.continues_path(text, end));
            if is_new {
                return Place::Other;
            }
        }
        if !old.path.is_empty() {
            match Self::path_end(text, end, &old.path) {
                Some(path_end) if !self.continues_path(text, path_end) => end = path_end,
                _ => return Place::Other,
            }
        }
        let mut bytes = Vec::new();
        let start = match scheme {
            Some((start, name)) if !name.eq_ignore_ascii_case(new.scheme.as_bytes()) => {
                bytes.extend_from_slice(new.scheme.as_bytes());
                bytes.extend_from_slice(&text[start + name.len()..found.start]);
                start
            }
            _ => found.start,
        };
        bytes.extend(new_host(text, found, &new.host));
        if let Some(port) = new.port {
            bytes.extend(self.colon());
            bytes.extend_from_slice(port.to_string().as_bytes());
        }
        let is_host_only = !is_url && old.path.is_empty() && spelled::end_of(text, end, '/').is_none();
        if !is_host_only {
            bytes.extend(self.path(&new.path));
        }
        Place::Url(Edit { start, end, bytes })
    }

    /// Where a path ends that begins at `at`, its slashes in whatever spelling.
    fn path_end(text: &[u8], mut at: usize, path: &str) -> Option<usize> {
        for c in path.chars() {
            let plain = char::to_lowercase(c).eq([c]);
            at = match c {
                _ if plain => spelled::end_of(text, at, c).filter(|end| same_case(&text[at..*end], c))?,
                _ => text[at..].starts_with(c.encode_utf8(&mut [0; 4]).as_bytes()).then_some(at + c.len_utf8())?,
            };
        }
        Some(at)
    }

    /// Where `http` or `https` begins before the slashes, and which.
    fn scheme<'t>(&self, text: &'t [u8]) -> Option<(usize, &'t [u8])> {
        let before = &text[..spelled::start_of(text, self.start, ':')?];
        [b"https".as_slice(), b"http"].into_iter().find_map(|scheme| {
            let start = before.len().checked_sub(scheme.len())?;
            let is_it = before[start..].eq_ignore_ascii_case(scheme) && escapes::starts_word(text, start);
            is_it.then_some((start, &before[start..]))
        })
    }

    fn continues_path(&self, text: &[u8], end: usize) -> bool {
        let after = &text[end..];
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

/// Whether a plain letter has the case that is wanted; what is escaped is not looked at so closely.
fn same_case(spelled: &[u8], wanted: char) -> bool {
    spelled.len() > 1 || spelled.first().is_some_and(|b| char::from(*b) == wanted)
}

/// The port behind a host, and where it ends.
fn port(text: &[u8], at: usize) -> Option<(u32, usize)> {
    let digits = spelled::end_of(text, at, ':')?;
    let len = text[digits..].iter().take(6).take_while(|b| b.is_ascii_digit()).count();
    let port = std::str::from_utf8(&text[digits..digits + len]).ok()?.parse().ok()?;
    Some((port, digits + len))
}

fn is_default(port: u32, scheme: Option<&[u8]>) -> bool {
    match scheme {
        Some(scheme) => port == if scheme.len() == 4 { 80 } else { 443 },
        None => matches!(port, 80 | 443),
    }
}

/// Whether what was found is only the first part of a longer host.
pub(super) fn continues_host(text: &[u8], end: usize) -> bool {
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if text.get(end).is_some_and(is_part) {
        return true;
    }
    let after_dot = spelled::end_of(text, end, '.');
    let is_label = |after: usize| match text.get(after) {
        Some(0x80..) => {
            String::from_utf8_lossy(&text[after..text.len().min(after + 4)]).starts_with(char::is_alphanumeric)
        }
        next => next.is_some_and(is_part),
    };
    after_dot.is_some_and(is_label) || spelled::end_of(text, end, '-').is_some()
}

/// Whether what was found is the user, or ends with it, in `https://user:password@host`.
fn is_user(text: &[u8], end: usize) -> bool {
    if spelled::end_of(text, end, '@').is_some() {
        return true;
    }
    let Some(password) = spelled::end_of(text, end, ':') else { return false };
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%:".contains(b);
    let len = text[password..].iter().take(LONGEST_USER).take_while(|b| is_part(b)).count();
    text.get(password + len) == Some(&b'@')
}
