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

/// A key in a text with which somebody acts in an account at a provider's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LiveText {
    /// Whose key it is.
    pub(crate) of: &'static str,
    pub(crate) text: String,
}

/// The keys in a text that are none of a provider's test mode, as they stand there.
pub(in crate::masking) fn live_in_plain(text: &str) -> impl Iterator<Item = LiveText> {
    secrets::live(text).into_iter().map(|(of, range)| LiveText { of, text: text[range].to_owned() })
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
    fn keys_that_open_an_account_are_told_wherever_they_stand() {
        let live = |text: &str| live_in_plain(text).map(|key| key.text).collect::<Vec<_>>();
        assert_eq!(live("sk_live_1"), ["sk_live_1"]);
        assert_eq!(live("use sk_live_1a, not rk_live_2b."), ["sk_live_1a", "rk_live_2b"]);
        let harmless = [
            "pk_live_1",
            "sk_test_51InventedInvented0001",
            "live_chat",
            "risk_live_1",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJpbnZlbnRlZCJ9.Invented00001",
            "re_order_2_items_in_a_list",
            "postgres://me:Invented0001@db/x",
        ];
        for text in harmless {
            assert!(live(text).is_empty(), "{text}: {:?}", live(text));
        }
        assert_eq!(test_prefix("sk_live_Invented0001"), Some("sk_test_"));
    }
}
