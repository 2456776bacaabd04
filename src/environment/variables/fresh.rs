//! New secrets for old ones: the same old one becomes the same new one wherever it stands.

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use rand::distr::{Alphanumeric, SampleString as _};

use super::shape;
use crate::secret::Secret;

/// A shorter value may stand somewhere else by chance.
const SHORTEST_TELLING: usize = 12;

/// How long the password of a copied database is.
const DATABASE_PASSWORD: usize = 32;

/// New secrets by old ones.
#[derive(Default)]
pub(super) struct Fresh(BTreeMap<String, String>);

impl Fresh {
    /// What stands in the place of a secret, of the same shape.
    pub(super) fn instead_of(&mut self, old: &str) -> String {
        self.0.entry(old.to_owned()).or_insert_with(|| known(shape::like(old))).clone()
    }

    /// The same for a password as it is spelled in a URL.
    pub(super) fn password(&mut self, spelled: &str) -> String {
        let new = self.instead_of(&decoded(spelled));
        utf8_percent_encode(&new, NON_ALPHANUMERIC).to_string()
    }

    /// What stands in the place of a database's password: long, and of letters and digits, which no URL has to escape.
    pub(super) fn database_password(&mut self, old: &str) -> String {
        let new = || known(Alphanumeric.sample_string(&mut rand::rng(), DATABASE_PASSWORD));
        self.0.entry(old.to_owned()).or_insert_with(new).clone()
    }

    /// The new one of an old one that is long enough not to stand somewhere by chance.
    pub(super) fn known_for(&self, old: &str) -> Option<&str> {
        self.0.get(old).filter(|_| old.len() >= SHORTEST_TELLING).map(String::as_str)
    }

    /// The new one of an old one, however short.
    pub(super) fn exactly(&self, old: &str) -> Option<&str> {
        self.0.get(old).map(String::as_str)
    }

    /// The new one of an old one as a URL spells it, however short: where a password stands, nothing else does.
    pub(super) fn known_password(&self, spelled: &str) -> Option<String> {
        let new = self.0.get(&decoded(spelled))?;
        Some(utf8_percent_encode(new, NON_ALPHANUMERIC).to_string())
    }

    /// Every old one with its new one.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(old, new)| (old.as_str(), new.as_str()))
    }
}

/// Whether a value can stand where it does only because it was put there.
pub(super) fn is_telling(value: &str) -> bool {
    value.len() >= SHORTEST_TELLING
}

/// A password without the escapes of a URL.
pub(super) fn decoded(spelled: &str) -> String {
    percent_decode_str(spelled).decode_utf8_lossy().into_owned()
}

fn known(new: String) -> String {
    Secret::new(new).expose().to_owned()
}
