//! The digest of a dictionary: whether people have changed since, and nothing else of them.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use super::hashes::Hashes;

/// Of fewer identifiers there is no digest: so few could be guessed, all at once.
const FEWEST: usize = 16;

/// Who was known, in one number, and the seed of the hashes that it is of: with it the same people are the same number
/// again. Nobody can be read from it, and who guesses must guess all at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PeopleDigest {
    pub(crate) seed: u64,
    digest: u64,
}

impl PeopleDigest {
    /// Of the hashes of each kind under a seed.
    pub(super) fn of(seed: u64, sets: &[Hashes]) -> Option<Self> {
        if sets.iter().map(Hashes::len).sum::<usize>() < FEWEST {
            return None;
        }
        let mut hasher = Sha256::new();
        for set in sets {
            hasher.update((set.len() as u64).to_le_bytes());
            set.iter().for_each(|hash| hasher.update(hash.to_le_bytes()));
        }
        let digest: [u8; 32] = hasher.finalize().into();
        Some(Self { seed, digest: u64::from_be_bytes(*digest.first_chunk()?) })
    }
}

impl fmt::Display for PeopleDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{:016x}", self.seed, self.digest)
    }
}

impl FromStr for PeopleDigest {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (seed, digest) = text.split_once('-').unwrap_or_default();
        Ok(Self { seed: u64::from_str_radix(seed, 16)?, digest: u64::from_str_radix(digest, 16)? })
    }
}
