//! Strings that never show themselves, and the scrubber that takes every one of them out of what we print.
//!
//! A secret is known from the moment it is read, so before anything is printed that could quote it: what wraps one in [`Secret`], and the variables
//! of projects and of our own environment by [`learn`].

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::Value;

pub(crate) use recognize::{learn, looks_random};
pub(crate) use spelled::logins;

mod recognize;
mod spelled;

/// Shorter values are not scrubbed: they would blank ordinary words.
const SHORTEST_SCRUBBED: usize = 8;

/// A line of a secret that has several, such as a key, is one itself from this length on.
const SHORTEST_LINE: usize = 16;

/// Fields of outputs that name things, and so stay as they are whatever they say: callers go by them.
const NAMES: &[&str] = &[
    "column", "commit", "database", "domain", "domains", "home", "host", "id", "kept", "left_out", "name", "service",
    "state", "status", "step", "table", "version",
];
const ENDS_OF_NAMES: &[&str] = &["_at", "_domain", "_hash", "_host", "_id", "_name", "_type", "_version", "url"];

/// All secrets of this process.
static KNOWN: Mutex<Known> = Mutex::new(Known { patterns: BTreeSet::new(), search: None });

struct Known {
    patterns: BTreeSet<String>,
    /// Made anew when a pattern was added.
    search: Option<Arc<AhoCorasick>>,
}

/// A value that must not reach an output, a log or an argument list.
///
/// It has no `Display` and no `Serialize`, its `Debug` prints stars, and from its creation on [`scrub`] removes it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps `value` and makes it known to [`scrub`].
    pub fn new(value: impl Into<String>) -> Self {
        let value = value.into();
        remember(&value);
        Self(value)
    }

    /// The bare value, for the one place that hands it to its owner.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Makes a value known, and the lines of one that has several.
fn remember(value: &str) {
    let lines = value.lines().map(str::trim).filter(|line| line.len() >= SHORTEST_LINE && line.len() < value.len());
    let new: Vec<_> =
        std::iter::once(value).filter(|v| v.len() >= SHORTEST_SCRUBBED).chain(lines).flat_map(patterns).collect();
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    for pattern in new {
        if known.patterns.insert(pattern) {
            known.search = None;
        }
    }
}

/// A value as it is, and what of its Base64 does not depend on what stands before and behind it. Other spellings are undone before the search.
fn patterns(value: &str) -> Vec<String> {
    let mut patterns = vec![value.to_owned(), STANDARD.encode(value), URL_SAFE.encode(value)];
    for before in 0..3 {
        let bytes = [&[0; 3][..before], value.as_bytes()].concat();
        let own = (before * 8).div_ceil(6)..bytes.len() * 8 / 6;
        patterns.extend([STANDARD.encode(&bytes), URL_SAFE.encode(&bytes)].map(|text| text[own.clone()].to_owned()));
    }
    patterns
}

fn search() -> Option<Arc<AhoCorasick>> {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if known.search.is_none() && !known.patterns.is_empty() {
        known.search = AhoCorasick::new(&known.patterns).ok().map(Arc::new);
    }
    known.search.clone()
}

/// `text` with stars in place of every known secret, bare, JSON-escaped, percent- or form-encoded or in Base64, and of the user and password of
/// every URL.
pub(crate) fn scrub(text: &str) -> String {
    let mut hits = spelled::told_logins(text);
    if let Some(search) = search() {
        for spelling in spelled::readings(text) {
            hits.extend(search.find_overlapping_iter(&spelling.bytes).map(|hit| spelling.place(hit.range())));
        }
    }
    starred(text, hits)
}

fn starred(text: &str, mut hits: Vec<std::ops::Range<usize>>) -> String {
    hits.sort_by_key(|hit| hit.start);
    let (mut clean, mut done) = (String::with_capacity(text.len()), 0);
    for hit in hits {
        if hit.start >= done {
            clean.push_str(&text[done..hit.start]);
            clean.push_str("***");
        }
        done = done.max(hit.end);
    }
    clean + &text[done..]
}

/// Outputs with every string in them scrubbed, but for those that name things.
pub(crate) fn scrub_outputs(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(scrub(&text)),
        Value::Array(values) => values.into_iter().map(scrub_outputs).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| {
                let is_name = NAMES.contains(&name.as_str()) || ENDS_OF_NAMES.iter().any(|end| name.ends_with(end));
                let value = if is_name { without_logins(value) } else { scrub_outputs(value) };
                (name, value)
            })
            .collect(),
        other => other,
    }
}

fn without_logins(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(starred(&text, spelled::told_logins(&text))),
        Value::Array(values) if values.iter().all(Value::is_string) => values.into_iter().map(without_logins).collect(),
        other => scrub_outputs(other),
    }
}

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_is_scrubbed_in_every_spelling() {
        let value = "p/ss \"word\"\\ +é1%";
        let secret = Secret::new(value);
        let form: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        let percent = utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
        let json = json!(value).to_string();
        let ascii = json.trim_matches('"').replace('é', "\\u00E9");
        for spelling in [
            secret.expose(),
            &form,
            &percent,
            &percent.to_lowercase(),
            json.trim_matches('"'),
            &ascii,
            &STANDARD.encode(value),
            &URL_SAFE.encode(value),
            &format!("{secret:?}"),
        ] {
            assert_eq!(scrub(&format!("a {spelling} b")), "a *** b", "{spelling}");
        }
    }

    #[test]
    fn a_secret_is_found_within_a_longer_base64() {
        let _secret = Secret::new("canary-inside-base64");
        for before in ["", "u", "us", "user:"] {
            let all = STANDARD.encode(format!("{before}canary-inside-base64, and more"));
            let told = scrub(&all);
            assert!(told.contains("***") && told.len() < all.len() - 20, "{all} {told}");
        }
    }

    #[test]
    fn each_line_of_a_key_is_a_secret_and_overlapping_ones_leave_nothing() {
        let _key = Secret::new("-----BEGIN KEY-----\ncanarycanarycanary1\ncanarycanarycanary2\n");
        assert_eq!(scrub("said: canarycanarycanary2!"), "said: ***!");
        let _one = (Secret::new("overlap-one-two"), Secret::new("one-two-three"));
        assert_eq!(scrub("(overlap-one-two-three)"), "(***)");
    }

    #[test]
    fn a_short_value_does_not_blank_ordinary_words() {
        let _short = Secret::new("web");
        assert_eq!(scrub("the web service"), "the web service");
    }

    #[test]
    fn names_in_outputs_stay_and_all_else_is_scrubbed() {
        let _secret = Secret::new("canary-is-a-name");
        let outputs = json!({"environment_name": "canary-is-a-name", "findings": [{"subject": "canary-is-a-name", "service": "canary-is-a-name"}],
            "url": "https://me:pw@canary-is-a-name", "error": "canary-is-a-name \"x\""});
        let expected = json!({"environment_name": "canary-is-a-name", "findings": [{"subject": "***", "service": "canary-is-a-name"}],
            "url": "https://***@canary-is-a-name", "error": "*** \"x\""});
        assert_eq!(scrub_outputs(outputs), expected);
    }
}
