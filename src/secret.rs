//! Strings that never show themselves, and the scrubber that takes every one of them out of what we print.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Shorter values are not scrubbed: they would blank ordinary words.
const SHORTEST_SCRUBBED: usize = 8;

/// All spellings of all secrets of this process.
static KNOWN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// A value that must not reach an output, a log or an argument list.
///
/// It has no `Display` and no `Serialize`, its `Debug` prints stars, and from its creation on [`scrub`] removes it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps `value` and makes it known to [`scrub`].
    pub fn new(value: impl Into<String>) -> Self {
        let value = value.into();
        if value.len() >= SHORTEST_SCRUBBED {
            let mut known = known();
            known.insert(STANDARD.encode(&value));
            known.insert(url::form_urlencoded::byte_serialize(value.as_bytes()).collect());
            known.insert(value.clone());
        }
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

/// `text` with every known secret, bare, base64 or URL-encoded, replaced by stars.
pub(crate) fn scrub(text: &str) -> String {
    let mut clean = text.to_owned();
    // Longest first, so that a secret within another does not leave the rest of it standing.
    let mut spellings: Vec<_> = known().iter().filter(|s| text.contains(s.as_str())).cloned().collect();
    spellings.sort_by_key(|s| std::cmp::Reverse(s.len()));
    for spelling in spellings {
        clean = clean.replace(&spelling, "***");
    }
    clean
}

fn known() -> MutexGuard<'static, BTreeSet<String>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_scrubbed_in_every_spelling() {
        let secret = Secret::new("p/ss word+1");
        let text = format!("a {} b {} c p%2Fss+word%2B1 d {secret:?}", secret.expose(), STANDARD.encode("p/ss word+1"));
        assert_eq!(scrub(&text), "a *** b *** c *** d ***");
    }

    #[test]
    fn a_short_value_does_not_blank_ordinary_words() {
        let _short = Secret::new("web");
        assert_eq!(scrub("the web service"), "the web service");
    }
}
