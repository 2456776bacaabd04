//! Rewrites a site's URLs in any value: plain, escaped, or in PHP-serialized data and JSON within each other.
//!
//! The letters of an old host are looked for first, in whatever spelling (`host_search.rs`, `spelled.rs`); a value without
//! them is not touched. Then one walk over the value (`walk.rs`) asks at each place whether a URL stands there (`urls.rs`,
//! `bare.rs`), and keeps count of the serialized strings around it, which `formats` reads through whatever escapes JSON put
//! there. All other bytes stay. What the search found and the walk did not change is told, with the reason (`left.rs`).

mod bare;
mod collisions;
pub(crate) mod columns;
mod encoded;
mod encoded_run;
mod encoded_search;
mod host_search;
mod left;
mod new_host;
mod recoded;
mod site_url;
pub(crate) mod sites_of_tables;
mod spelled;
mod urls;
mod walk;
pub(crate) mod wordpress;

#[cfg(test)]
mod cases;
#[cfg(test)]
mod left_tests;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use anyhow::{Context as _, Result};
use schemars::JsonSchema;
use serde::Serialize;

use crate::formats::json;
use encoded::Encoded;
use encoded_search::EncodedSearch;
use host_search::{Found, HostSearch};
pub use left::Left;
use site_url::SiteUrl;
use urls::{Edit, OldHost, Place};
use walk::{Spot, Walk};

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
    /// Why an old host is in it still, if one is.
    pub left: Option<Left>,
    /// Whether two keys of one array or object in it have become one, which loses what one of them held.
    pub collides: bool,
}

/// Puts new URLs in the place of old ones, the longest old URL first.
///
/// An old URL is known by its host, in any case and spelling and under any scheme: after `//` in whatever escaping, or
/// where an address stands without: alone, in quotes, in a list, in a pattern. It is never a part of a longer host, of an
/// e-mail address or of prose.
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
    search: HostSearch,
    encoded: EncodedSearch,
    /// In the order of the search.
    hosts: Vec<OldHost>,
}

impl Rewriter {
    /// A pair that [`UrlPair::parse`] refuses, or whose URLs are the same, rewrites nothing.
    pub fn new(pairs: &[UrlPair]) -> Self {
        let (mut names, mut hosts): (Vec<String>, Vec<OldHost>) = (Vec::new(), Vec::new());
        for pair in pairs {
            let (Ok(old), Ok(new)) = (SiteUrl::parse(&pair.old), SiteUrl::parse(&pair.new)) else { continue };
            if old == new {
                continue;
            }
            let known = names.iter().position(|name| *name == old.host);
            let at = known.unwrap_or_else(|| {
                names.push(old.host.clone());
                hosts.push(OldHost::default());
                hosts.len() - 1
            });
            hosts[at].pairs.push((old, new));
        }
        for host in &mut hosts {
            host.pairs.sort_by_key(|(old, _)| std::cmp::Reverse(old.len()));
        }
        Self { search: HostSearch::new(&names), encoded: EncodedSearch::new(&names), hosts }
    }

    /// Whether there is nothing to rewrite.
    pub(crate) fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    /// Whether an old host stands in a text in any spelling, or may within what is encoded in it; raw COPY text will do.
    pub(crate) fn may_match(&self, raw: &[u8]) -> bool {
        self.names_host(raw) || self.encoded.first(raw, 0).is_some()
    }

    /// Whether an old host stands in a text in any spelling but an encoded one.
    pub(crate) fn names_host(&self, raw: &[u8]) -> bool {
        self.search.is_in(raw)
    }

    /// How many times an old host, or one within its domain, stands in a text.
    pub(crate) fn count(&self, text: &[u8]) -> u64 {
        let is_part = |b: &u8| b.is_ascii_alphanumeric() || *b == b'-';
        let is_whole =
            |found: &Found| !urls::continues_host(text, found.end) && !text[..found.start].last().is_some_and(is_part);
        self.search.all(text).iter().filter(|found| is_whole(found)).count() as u64
    }

    /// Of each host letters that a text has in which it stands in all but odd spellings; in lower case.
    pub(crate) fn letters(&self) -> Vec<String> {
        self.search.anchors().filter_map(|anchor| String::from_utf8(anchor.to_vec()).ok()).collect()
    }

    /// How long, in bytes, an old host may be in a text.
    pub(crate) fn longest_host(&self) -> usize {
        self.search.longest()
    }

    /// The rewritten value, or `None` when no old host is in it.
    ///
    /// When all there are stand where they are left, the answer is the value as it is, and why.
    pub fn rewrite(&self, value: &[u8]) -> Option<Rewritten> {
        self.rewrite_within(value, 0)
    }

    /// The same for the text of a `jsonb` value, as the server would give it back: it sorts the keys of an object by their
    /// length.
    pub fn rewrite_jsonb(&self, value: &[u8]) -> Option<Rewritten> {
        let mut rewritten = self.rewrite(value)?;
        if rewritten.value != value {
            rewritten.value = json::in_server_order(rewritten.value);
        }
        Some(rewritten)
    }

    /// The same for the text of an `hstore` value, the keys of which stay: the server sorts them by their length.
    pub fn rewrite_hstore(&self, value: &[u8]) -> Option<Rewritten> {
        let rewritten = self.rewrite(value)?;
        let is_in_key =
            |found: &Found| json::string_rest(&value[found.end..]).is_some_and(|rest| rest.starts_with(b"=>"));
        let has_key = self.search.all(value).iter().any(is_in_key);
        let stays = || Rewritten { value: value.to_vec(), left: Some(Left::HstoreKey), ..rewritten.clone() };
        Some(if has_key { stays() } else { rewritten })
    }

    /// `depth` is how often the value was encoded.
    fn rewrite_within(&self, value: &[u8], depth: usize) -> Option<Rewritten> {
        let found = self.search.all(value);
        let mut encoded = encoded::all(self, value, depth);
        encoded.extend(recoded::all(self, value, &found, depth));
        if found.is_empty() && encoded.is_empty() {
            return None;
        }
        let hosts = found.iter().map(|found| Spot::Host(*found, &self.hosts[found.host]));
        let mut spots: Vec<_> = hosts.chain(encoded.iter().map(Spot::Encoded)).collect();
        spots.sort_by_key(Spot::start);
        let mut changes = Walk::new(value, spots).run();
        changes.edits.retain(|edit| edit.end > edit.start);
        let mut new = Vec::with_capacity(value.len() + 32 * changes.edits.len());
        let mut done = 0;
        for edit in &changes.edits {
            new.extend_from_slice(&value[done..edit.start]);
            new.extend_from_slice(&edit.bytes);
            done = edit.end;
        }
        new.extend_from_slice(&value[done..]);
        let left = self.left(value, &found, &encoded, &changes.edits);
        (done > 0 || left.is_some()).then(|| {
            let collides = collisions::loses_a_key(value, &new, &changes.edits);
            Rewritten { value: new, malformed: changes.malformed, left, collides }
        })
    }

    /// Why one of the old hosts that were found is in a value still. It asks the search what is there, and nothing of the
    /// walk but what it changed.
    fn left(&self, value: &[u8], found: &[Found], encoded: &[Encoded], edits: &[Edit]) -> Option<Left> {
        let is_changed = |start: usize, end: usize| {
            let next = edits.partition_point(|edit| edit.end < end);
            edits.get(next).is_some_and(|edit| edit.start <= start)
        };
        let why = |found: &Found| match self.hosts[found.host].place(value, 0, *found) {
            Place::Url(edit) => (value[edit.start..edit.end] != edit.bytes).then_some(Left::Broken),
            Place::Left(left) => Some(left),
            Place::Other => None,
        };
        let of_encoded = |encoded: &Encoded| {
            let is_changed = encoded.new.is_none() || is_changed(encoded.place.start, encoded.place.end);
            encoded.left.or((!is_changed).then_some(Left::Encoded))
        };
        let plain = found.iter().filter(|found| !is_changed(found.start, found.end)).filter_map(why);
        plain.chain(encoded.iter().filter_map(of_encoded)).min()
    }

    /// The same for text such as a variable's value; `None` when it stays as it is.
    pub(crate) fn rewrite_text(&self, value: &str) -> Option<String> {
        let rewritten = self.rewrite(value.as_bytes())?.value;
        String::from_utf8(rewritten).ok().filter(|new| new != value)
    }
}
