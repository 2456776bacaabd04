//! One old URL and its new one: where the old stands in a text, in whatever escaping, and what to put there.

use anyhow::{Context as _, Result, bail};
use memchr::memmem::Finder;

use super::rewrite::Edit;

/// A URL's parts; without a scheme it was given as a bare host.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Site {
    scheme: Option<String>,
    host: String,
    port: Option<String>,
    /// Without the last slash; empty for a whole host.
    path: String,
}

impl Site {
    fn parse(text: &str) -> Result<Self> {
        let (scheme, rest) = match text.trim().split_once("//") {
            Some(("", rest)) => (None, rest),
            Some((scheme, rest)) => (Some(scheme.strip_suffix(':').context("the scheme lacks its colon")?), rest),
            None => (None, text.trim()),
        };
        let (authority, path) = rest.find('/').map_or((rest, ""), |i| rest.split_at(i));
        let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
        // Replacements of these characters need no escaping in any layer that they are put into.
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        let is_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | '/');
        if host.is_empty() || !host.chars().all(is_host) || host.starts_with('.') || host.ends_with('.') {
            bail!("`{host}` is not a host");
        }
        if port.is_some_and(|port| port.parse::<u16>().is_err()) || !path.chars().all(is_path) {
            bail!("`{text}` has more than a scheme, a host, a port and a path");
        }
        if scheme.is_some_and(|scheme| scheme.is_empty() || !scheme.chars().all(|c| c.is_ascii_alphanumeric())) {
            bail!("`{text}` has no scheme such as `https`");
        }
        Ok(Self {
            scheme: scheme.map(str::to_lowercase),
            host: host.to_lowercase(),
            port: port.map(str::to_owned),
            path: path.trim_end_matches('/').to_owned(),
        })
    }

    fn authority(&self, colon: &[u8]) -> Vec<u8> {
        let mut bytes = self.host.clone().into_bytes();
        if let Some(port) = &self.port {
            bytes.extend_from_slice(colon);
            bytes.extend_from_slice(port.as_bytes());
        }
        bytes
    }
}

/// How the text around a URL writes `/` and `:`.
struct Spelling<'a> {
    slash: &'a [u8],
    colon: Vec<u8>,
}

impl Spelling<'_> {
    fn path(&self, path: &str) -> Vec<u8> {
        path.split('/').map(str::as_bytes).collect::<Vec<_>>().join(self.slash)
    }
}

/// A pair, ready to be looked for.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    old: Site,
    new: Site,
    finder: Finder<'static>,
}

impl Rule {
    /// The rule of a pair; `None` when both are the same.
    pub(super) fn new(old: &str, new: &str) -> Result<Option<Self>> {
        let (old, new) = (Site::parse(old)?, Site::parse(new)?);
        let finder = Finder::new(old.host.as_bytes()).into_owned();
        let same = (&old.host, &old.port, &old.path) == (&new.host, &new.port, &new.path);
        Ok((!same).then_some(Self { old, new, finder }))
    }

    pub(super) fn old_len(&self) -> usize {
        self.old.host.len() + self.old.port.as_ref().map_or(0, String::len) + self.old.path.len()
    }

    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        self.finder.find(text).is_some()
    }

    /// The edit of a text that is the bare host and nothing else.
    pub(super) fn whole(&self, text: &[u8]) -> Option<Edit> {
        let is_whole = self.old.path.is_empty() && text == self.old.authority(b":");
        is_whole.then(|| Edit { start: 0, end: text.len(), bytes: self.new.authority(b":") })
    }

    /// The edits of every URL of the old site in a text: its host with what follows, and its scheme where that changes.
    pub(super) fn urls<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = (Edit, Option<Edit>)> + 'a {
        self.finder.find_iter(text).filter_map(|at| self.url(text, at))
    }

    /// The edit of the URL whose host begins at `at`.
    fn url(&self, text: &[u8], at: usize) -> Option<(Edit, Option<Edit>)> {
        let slash = slash_before(&text[..at])?;
        let before = at - slash.len();
        let first = slash_before(&text[..before])?;
        if !first.eq_ignore_ascii_case(slash) {
            return None;
        }
        let spelling = Spelling { slash, colon: colon_like(slash) };
        let mut end = at + self.old.host.len();
        let port = port_after(&text[end..], &spelling.colon);
        match (&self.old.port, port) {
            (Some(old), Some((port, len))) if old.as_bytes() == port => end += len,
            (Some(_), _) => return None,
            // `//old:8443` becomes `//new:8443`, but there is no place for two ports.
            (None, Some((_, len))) if self.new.port.is_some() => end += len,
            (None, Some(_)) => {}
            (None, None) if continues_host(&text[end..]) => return None,
            (None, None) => {}
        }
        if !self.old.path.is_empty() {
            let path = spelling.path(&self.old.path);
            let rest = text.get(end..end + path.len())?;
            end += path.len();
            if !rest.eq_ignore_ascii_case(&path) || continues_path(&text[end..]) {
                return None;
            }
        }
        let scheme = self.scheme_before(&text[..before - first.len()], &spelling.colon);
        let mut bytes = self.new.authority(&spelling.colon);
        bytes.extend(spelling.path(&self.new.path));
        Some((Edit { start: at, end, bytes }, scheme))
    }

    /// The edit of `http` or `https` at the end of a text to the new URL's scheme.
    fn scheme_before(&self, before: &[u8], colon: &[u8]) -> Option<Edit> {
        let new = self.new.scheme.as_ref()?.as_bytes();
        let end = before.len().checked_sub(colon.len())?;
        let start = before[..end].iter().rposition(|b| !b.is_ascii_alphabetic()).map_or(0, |i| i + 1);
        let scheme = &before[start..end];
        let is_http = scheme.eq_ignore_ascii_case(b"http") || scheme.eq_ignore_ascii_case(b"https");
        (before[end..].eq_ignore_ascii_case(colon) && is_http && scheme != new).then(|| Edit {
            start,
            end,
            bytes: new.to_vec(),
        })
    }
}

/// The slash at the end of a text: `/` after any number of backslashes, or percent-encoded any number of times.
fn slash_before(text: &[u8]) -> Option<&[u8]> {
    if let [head @ .., b'/'] = text {
        let escapes = head.iter().rev().take_while(|b| **b == b'\\').count();
        return Some(&text[text.len() - 1 - escapes..]);
    }
    let [head @ .., b'2', b'F' | b'f'] = text else { return None };
    let mut start = head.len();
    while head[..start].ends_with(b"25") {
        start -= 2;
    }
    head[..start].ends_with(b"%").then(|| &text[start - 1..])
}

/// The colon of a text whose slashes are written like this.
fn colon_like(slash: &[u8]) -> Vec<u8> {
    match slash.strip_suffix(b"2F").or_else(|| slash.strip_suffix(b"2f")) {
        Some(percent) => [percent, b"3A"].concat(),
        None => b":".to_vec(),
    }
}

/// A port at the beginning of a text, and how long it is with its colon.
fn port_after<'a>(text: &'a [u8], colon: &[u8]) -> Option<(&'a [u8], usize)> {
    let head = text.get(..colon.len())?;
    let digits = text[colon.len()..].iter().take_while(|b| b.is_ascii_digit()).count();
    let len = colon.len() + digits;
    (head.eq_ignore_ascii_case(colon) && digits > 0).then(|| (&text[colon.len()..len], len))
}

fn continues_host(after: &[u8]) -> bool {
    match after {
        [b, ..] if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'@') => true,
        [b'.', b, ..] => b.is_ascii_alphanumeric(),
        _ => false,
    }
}

fn continues_path(after: &[u8]) -> bool {
    match after {
        [b, ..] if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'~') => true,
        [b'.', b, ..] => b.is_ascii_alphanumeric(),
        _ => false,
    }
}
