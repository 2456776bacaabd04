//! How providers' keys begin, for whoever asks about a whole value.

use std::sync::LazyLock;

use super::rules::{Secret, Use};
use super::secrets;
use crate::secret::looks_random;

/// Of a key, so much must stand behind its prefix: `live_` alone begins many a word.
const SHORTEST_REST: usize = 12;

struct LiveKey {
    prefix: &'static str,
    rule: &'static Secret,
}

/// Longer prefixes before those that they begin with.
static KEYS: LazyLock<Vec<LiveKey>> = LazyLock::new(|| {
    let mut keys: Vec<_> = secrets::keys().map(|(rule, prefix)| LiveKey { prefix, rule }).collect();
    keys.sort_by_key(|key| std::cmp::Reverse(key.prefix.len()));
    keys
});

/// Whether a value is a key with which a copy would charge production's customers.
pub(crate) fn can_charge(value: &str) -> bool {
    const STRIPES: usize = 8;
    // A prefix as long as `sk_live_` says enough, whatever stands behind it.
    let is_one = |key: &LiveKey| value.strip_prefix(key.prefix).is_some_and(|_| key.prefix.len() >= STRIPES);
    KEYS.iter().any(|key| key.rule.use_ == Some(Use::Charges) && is_one(key))
}

/// The prefix of a provider's key.
pub(crate) fn prefix(value: &str) -> Option<&'static str> {
    known(value).map(|key| key.prefix)
}

/// Whether a value is shown to every visitor.
pub(crate) fn is_publishable(value: &str) -> bool {
    known(value).is_some_and(|key| key.rule.use_ == Some(Use::Publishable))
}

/// Whether a value is one of a provider's keys that nobody else may have.
pub(crate) fn is_secret(value: &str) -> bool {
    known(value).is_some_and(|key| key.rule.use_ != Some(Use::Publishable) && looks_random(&value[key.prefix.len()..]))
}

/// How a key of the provider's test mode begins, where it has one.
pub(crate) fn test_prefix(value: &str) -> Option<&'static str> {
    known(value)?.rule.off.as_deref()
}

fn known(value: &str) -> Option<&'static LiveKey> {
    let is_one = |key: &&LiveKey| {
        value
            .strip_prefix(key.prefix)
            .is_some_and(|rest| rest.len() >= SHORTEST_REST && !rest.contains(char::is_whitespace))
    };
    KEYS.iter().find(is_one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_charge_are_told() {
        assert!(can_charge("sk_live_1") && can_charge("rk_live_1"));
        for value in ["pk_live_1", "whsec_1", "sk_test_1", "live_chat"] {
            assert!(!can_charge(value), "{value}");
        }
        assert_eq!(test_prefix("sk_live_Invented0001"), Some("sk_test_"));
    }
}
