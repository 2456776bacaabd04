//! The key that decides which stranger a person becomes: the same value under the same key always gives the same digest.

use anyhow::{Result, ensure};
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::error::Failure;
use crate::secret::Secret;

/// Of a fingerprint.
const HEX_DIGITS: usize = 16;
/// Shorter secrets could be guessed by trying.
const SHORTEST_SECRET: usize = 16;

/// Where the key comes from, which says how long a person stays the same stranger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeySource {
    /// `RAILSTAGE_MASKING_KEY`: the same stranger in every copy of the site.
    Site,
    /// The run: the same stranger in every database of this copy, another one in the next.
    #[default]
    Run,
}

/// A key for HMAC-SHA256.
#[derive(Clone)]
pub struct Key {
    mac: Hmac<Sha256>,
    source: KeySource,
}

impl Key {
    /// The key of a site, which stays the same from copy to copy.
    ///
    /// # Errors
    /// Invalid input when the secret is too short to keep.
    pub fn of_site(secret: &Secret) -> Result<Self> {
        ensure!(
            secret.expose().len() >= SHORTEST_SECRET,
            Failure::invalid(format!("RAILSTAGE_MASKING_KEY is shorter than {SHORTEST_SECRET} characters"))
                .hint("set it to 32 or more random characters, or take it out for a key of the run's own")
        );
        Ok(Self::new(secret.expose().as_bytes(), KeySource::Site))
    }

    /// The key of a run: a name of the run alone could be guessed, so a secret that every worker has goes into it.
    pub fn of_run(secret: &Secret, run: &str) -> Self {
        let mut mac = Self::new(secret.expose().as_bytes(), KeySource::Run).mac;
        mac.update(b"railstage masking\0");
        mac.update(run.as_bytes());
        Self::new(&mac.finalize().into_bytes(), KeySource::Run)
    }

    /// A key that nobody has a second time.
    pub fn random() -> Self {
        Self::new(&rand::random::<[u8; 32]>(), KeySource::Run)
    }

    /// One key for all tests, in which values must come out the same at each run.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn of_test() -> Self {
        Self::of_run(&Secret::new("the token of an account"), "run")
    }

    fn new(bytes: &[u8], source: KeySource) -> Self {
        Self { mac: Hmac::new_from_slice(bytes).expect("HMAC takes a key of any length"), source }
    }

    pub(crate) fn source(&self) -> KeySource {
        self.source
    }

    /// Tells two keys apart, and nothing of either.
    pub(crate) fn fingerprint(&self) -> String {
        self.digest("fingerprint", "").hex(HEX_DIGITS)
    }

    /// The digest of a value as one of a kind, so that a name and a city of the same letters have nothing in common.
    pub(super) fn digest(&self, kind: &str, value: &str) -> KeyedDigest {
        let mut mac = self.mac.clone();
        mac.update(kind.as_bytes());
        mac.update(b"\0");
        mac.update(value.as_bytes());
        KeyedDigest(mac.finalize().into_bytes().into())
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// What a value became; strangers are drawn from its bytes.
pub(super) struct KeyedDigest([u8; 32]);

impl KeyedDigest {
    /// The first `digits` hex digits, at most 64.
    pub(super) fn hex(&self, digits: usize) -> String {
        let mut hex = String::with_capacity(digits);
        self.push_hex(digits, &mut hex);
        hex
    }

    /// Appends the same.
    pub(super) fn push_hex(&self, digits: usize, text: &mut String) {
        let end = text.len() + digits.min(2 * self.0.len());
        HEXLOWER.encode_append(&self.0[..digits.div_ceil(2).min(self.0.len())], text);
        text.truncate(end);
    }

    /// The `n`th of four numbers.
    pub(super) fn number(&self, n: usize) -> u64 {
        let at = n % 4 * 8;
        u64::from_be_bytes(self.0[at..at + 8].try_into().expect("eight bytes"))
    }

    /// One of a list.
    pub(super) fn pick<'a>(&self, n: usize, list: &[&'a str]) -> &'a str {
        list[usize::try_from(self.number(n) % list.len() as u64).expect("a place in the list")]
    }

    /// A byte; they repeat after 32.
    pub(super) fn byte(&self, n: usize) -> u8 {
        self.0[n % 32]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_keeps_its_strangers_and_a_run_has_its_own() {
        let secret = Secret::new("a secret of the site");
        let digest = |key: &Key| key.digest("email", "zoe@example.com").hex(64);
        assert_eq!(digest(&Key::of_site(&secret).unwrap()), digest(&Key::of_site(&secret).unwrap()));
        assert_eq!(digest(&Key::of_run(&secret, "1")), digest(&Key::of_run(&secret, "1")));
        assert_ne!(digest(&Key::of_run(&secret, "1")), digest(&Key::of_run(&secret, "2")));
        assert_ne!(digest(&Key::random()), digest(&Key::random()));
        assert!(Key::of_site(&Secret::new("short")).is_err());
        assert_eq!(format!("{:?}", Key::random()), "***");
    }

    #[test]
    fn kinds_have_nothing_in_common() {
        let key = Key::of_run(&Secret::new("a token of an account"), "1");
        assert_ne!(key.digest("name", "Paris").hex(16), key.digest("city", "Paris").hex(16));
        assert_eq!(key.digest("name", "Paris").hex(64).len(), 64);
    }
}
