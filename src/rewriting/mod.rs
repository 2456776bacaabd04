//! Rewrites a site's URLs in any value: plain, escaped, or in PHP-serialized data and JSON within each other.
//!
//! The letters of an old host are looked for first (`site_url.rs`); a value without them is not touched. Then one walk
//! over the value (`walk.rs`) asks at each place whether a URL stands there (`urls.rs`), and keeps count of the serialized
//! strings around it, which `formats` reads through whatever escapes JSON put there. All other bytes stay.

mod site_url;
mod urls;
mod walk;
pub(crate) mod wordpress;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use anyhow::{Context as _, Result};
use schemars::JsonSchema;
use serde::Serialize;

use crate::formats::json;
use site_url::{HostFinder, SiteUrl};
use urls::{Edit, OldHost};
use walk::{Occurrence, Walk};

/// A URL of the source and what stands in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UrlPair {
    /// The URL in the source, such as `https://shop.example.com`; it may have a port and a path.
    pub old: String,
    /// The URL in the copy, such as `https://web-staging.up.railway.app`.
    pub new: String,
}

impl UrlPair {
    /// Reads two URLs, or bare hosts for which `https` is assumed.
    ///
    /// ```
    /// use railstage::rewriting::UrlPair;
    ///
    /// let pair = UrlPair::parse("shop.example.com", "https://staging.example.com/shop/")?;
    /// assert_eq!((pair.old.as_str(), pair.new.as_str()), ("https://shop.example.com", "https://staging.example.com/shop"));
    /// assert!(UrlPair::parse("https://shop.example.com?page=1", "https://staging.example.com").is_err());
    /// # Ok::<(), anyhow::Error>(())
    /// ```
    ///
    /// # Errors
    /// Invalid input when one of them is neither, or has more than a scheme, a host, a port and a path.
    pub fn parse(old: &str, new: &str) -> Result<Self> {
        let old = SiteUrl::parse(old).context("read the old URL")?;
        let new = SiteUrl::parse(new).context("read the new URL")?;
        Ok(Self { old: old.to_string(), new: new.to_string() })
    }
}

/// A value in which an old URL was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// The new value.
    pub value: Vec<u8>,
    /// Whether serialized data was met that cannot be read to its end, or a string in it whose length is wrong; what is
    /// in such a string was left as it is.
    pub malformed: bool,
}

/// Puts new URLs in the place of old ones, the longest old URL first.
///
/// An old URL is known by its host, in any case and under any scheme: after `//` in whatever escaping, or alone as a
/// whole value. It is never a part of a longer host, of an e-mail address or of prose.
///
/// ```
/// use railstage::rewriting::{Rewriter, UrlPair};
///
/// let rewriter = Rewriter::new(&[UrlPair::parse("https://shop.example.com", "https://my-staging.example.net")?]);
/// let serialized = br#"a:1:{s:3:"url";s:30:"https://shop.example.com/cart/";}"#;
/// let rewritten = rewriter.rewrite(serialized).expect("an old URL stands there");
/// assert_eq!(rewritten.value, br#"a:1:{s:3:"url";s:36:"https://my-staging.example.net/cart/";}"#);
/// assert!(rewriter.rewrite(b"shop.example.com.evil.example").is_none());
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Rewriter {
    hosts: Vec<OldHost>,
}

impl Rewriter {
    /// A pair that [`UrlPair::parse`] refuses, or whose URLs are the same, rewrites nothing.
    pub fn new(pairs: &[UrlPair]) -> Self {
        let mut hosts: Vec<OldHost> = Vec::new();
        for pair in pairs {
            let (Ok(old), Ok(new)) = (SiteUrl::parse(&pair.old), SiteUrl::parse(&pair.new)) else { continue };
            if old == new {
                continue;
            }
            match hosts.iter_mut().find(|host| host.name == old.host) {
                Some(host) => host.pairs.push((old, new)),
                None => hosts.push(OldHost {
                    name: old.host.clone(),
                    finder: HostFinder::new(&old.host),
                    pairs: vec![(old, new)],
                }),
            }
        }
        for host in &mut hosts {
            host.pairs.sort_by_key(|(old, _)| std::cmp::Reverse(old.len()));
        }
        Self { hosts }
    }

    /// Whether there is nothing to rewrite.
    pub(crate) fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    /// Whether the letters of an old host occur at all; a host is never escaped, so this holds for raw COPY text too.
    pub(crate) fn may_match(&self, raw: &[u8]) -> bool {
        self.hosts.iter().any(|host| host.finder.find(raw, 0).is_some())
    }

    /// How many times an old host, or one within its domain, stands in a text.
    pub(crate) fn count(&self, text: &[u8]) -> u64 {
        let is_part = |b: &u8| b.is_ascii_alphanumeric() || *b == b'-';
        let is_whole = |at: usize, end: usize| {
            let goes_on = match text.get(end) {
                Some(b'.') => text.get(end + 1).is_some_and(is_part),
                after => after.is_some_and(is_part),
            };
            !goes_on && !text[..at].last().is_some_and(is_part)
        };
        let mut count = 0;
        for host in &self.hosts {
            let mut from = 0;
            while let Some(at) = host.finder.find(text, from) {
                from = at + 1;
                count += u64::from(is_whole(at, at + host.name.len()));
            }
        }
        count
    }

    /// How long, in bytes, the longest old host is.
    pub(crate) fn longest_host(&self) -> usize {
        self.hosts.iter().map(|host| host.name.len()).max().unwrap_or(0)
    }

    /// The rewritten value, or `None` when there is no old URL in it.
    ///
    /// When all there are stand in broken strings, the answer is the value as it is, and `malformed`.
    pub fn rewrite(&self, value: &[u8]) -> Option<Rewritten> {
        self.rewrite_unless(value, |_| false)
    }

    /// The same for the text of a `jsonb` value, whose keys stay: the server sorts them by length, so what it would
    /// give back for another key cannot be told.
    pub fn rewrite_jsonb(&self, value: &[u8]) -> Option<Rewritten> {
        self.rewrite_unless(value, |edit| json::is_in_key(&value[edit.end..]))
    }

    fn rewrite_unless(&self, value: &[u8], stays: impl Fn(&Edit) -> bool) -> Option<Rewritten> {
        let mut occurrences = Vec::new();
        for host in &self.hosts {
            let mut from = 0;
            while let Some(at) = host.finder.find(value, from) {
                occurrences.push(Occurrence { at, host });
                from = at + 1;
            }
        }
        if occurrences.is_empty() {
            return None;
        }
        occurrences.sort_by_key(|occurrence| occurrence.at);
        let changes = Walk::new(value, occurrences).run();
        let mut new = Vec::with_capacity(value.len() + 32 * changes.edits.len());
        let mut done = 0;
        let mut is_changed = false;
        for edit in changes.edits.iter().filter(|edit| edit.end > edit.start && !stays(edit)) {
            new.extend_from_slice(&value[done..edit.start]);
            new.extend_from_slice(&edit.bytes);
            (done, is_changed) = (edit.end, true);
        }
        new.extend_from_slice(&value[done..]);
        (is_changed || changes.missed).then_some(Rewritten { value: new, malformed: changes.malformed })
    }

    /// The same for text such as a variable's value; `None` when it stays as it is.
    pub(crate) fn rewrite_text(&self, value: &str) -> Option<String> {
        let rewritten = self.rewrite(value.as_bytes())?.value;
        String::from_utf8(rewritten).ok().filter(|new| new != value)
    }
}
