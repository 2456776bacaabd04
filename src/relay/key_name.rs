//! What a key of ours is called on the account, so that whoever comes later knows whose it is and when it is nobody's.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

const OURS: &str = "railstage-";

/// No key of ours is for longer: a run has two days at the most.
const LONGEST: SignedDuration = SignedDuration::from_hours(72);

/// `railstage-<installation>-<run hash>-<step>-<expiry>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyName {
    /// What all runs with one `RAILSTAGE_RECORD_KEY` share.
    pub(crate) installation: String,
    pub(crate) run_hash: String,
    pub(crate) step: String,
    /// From when on it is left over.
    pub(crate) expires_at: Timestamp,
}

impl KeyName {
    /// Reads a name; `None` for what no railstage has made.
    pub(crate) fn read(name: &str) -> Option<Self> {
        let (installation, rest) = name.strip_prefix(OURS)?.split_once('-')?;
        let (run_hash, rest) = rest.split_once('-')?;
        let (step, expiry) = rest.rsplit_once('-')?;
        let is_plain =
            |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let is_hash = run_hash.len() == 16 && run_hash.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_plain(installation) || !is_hash || step.is_empty() {
            return None;
        }
        let expires_at = Timestamp::from_second(expiry.parse().ok()?).ok()?;
        let [installation, run_hash, step] = [installation, run_hash, step].map(str::to_owned);
        Some(Self { installation, run_hash, step, expires_at })
    }

    /// Whether the key is left over: past its own word, and made when Railway says that it was, neither after that nor long before.
    pub(crate) fn is_left_over(&self, created_at: Timestamp, now: Timestamp) -> bool {
        let lifetime = self.expires_at.duration_since(created_at);
        now > self.expires_at && lifetime > SignedDuration::ZERO && lifetime <= LONGEST
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { installation, run_hash, step, expires_at } = self;
        write!(f, "{OURS}{installation}-{run_hash}-{step}-{}", expires_at.as_second())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn a_name_is_read_as_it_was_written_and_no_other_is_ours() {
        let name = KeyName {
            installation: "k3jq7".into(),
            run_hash: "0123456789abcdef".into(),
            step: "sync-db".into(),
            expires_at: at(0),
        };
        assert_eq!(name.to_string(), "railstage-k3jq7-0123456789abcdef-sync-db-1800000000");
        assert_eq!(KeyName::read(&name.to_string()), Some(name));
        for other in [
            "laptop",
            "railstage",
            "railstage-k3jq7",
            "railstage-k3jq7-0123456789abcdef-1800000000",
            "railstage-k3jq7-0123456789abcdeg-sync-db-1800000000",
            "railstage-K3-0123456789abcdef-sync-db-1800000000",
            "railstage-k3jq7-0123456789abcdef-sync-db-soon",
            "my-railstage-k3jq7-0123456789abcdef-sync-db-1800000000",
        ] {
            assert_eq!(KeyName::read(other), None, "{other}");
        }
    }

    #[test]
    fn a_key_is_left_over_only_when_its_name_and_railway_agree() {
        let name = KeyName::read("railstage-k3jq7-0123456789abcdef-sync-db-1800000000").unwrap();
        assert!(name.is_left_over(at(-3600), at(1)));
        assert!(!name.is_left_over(at(-3600), at(-1)), "it is in use");
        assert!(!name.is_left_over(at(10), at(20)), "it was made after its own end");
        assert!(!name.is_left_over(at(-30 * 86_400), at(20)), "nobody makes one for a month");
    }
}
