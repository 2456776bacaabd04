//! How providers' keys begin: one list, for whoever looks for them.

use crate::secret::looks_random;

/// The beginning of a key, and what the key is good for.
#[derive(Clone, Copy)]
struct LiveKey {
    prefix: &'static str,
    use_: Use,
    /// How the key begins that does nothing to anyone.
    test: Option<&'static str>,
    /// Whether data is searched for it, and not only variables.
    in_data: bool,
}

/// What somebody can do with a key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Charge a customer.
    Charges,
    /// Nothing that everybody may not do: it is shown to every visitor.
    Publishable,
    /// Whatever else the account behind it may, or check what a provider sends.
    Acts,
}

const fn key(prefix: &'static str, use_: Use) -> LiveKey {
    LiveKey { prefix, use_, test: None, in_data: false }
}

const fn live(prefix: &'static str, test: &'static str) -> LiveKey {
    LiveKey { prefix, use_: Use::Charges, test: Some(test), in_data: false }
}

const fn in_data(key: LiveKey) -> LiveKey {
    LiveKey { in_data: true, ..key }
}

/// Longer prefixes before those that they begin with.
const LIVE_KEYS: &[LiveKey] = &[
    in_data(live("sk_live_", "sk_test_")),
    in_data(live("rk_live_", "rk_test_")),
    in_data(key("pk_live_", Use::Publishable)),
    in_data(key("whsec_", Use::Acts)),
    key("pk_test_", Use::Publishable),
    key("sk_test_", Use::Acts),
    key("rk_test_", Use::Acts),
    live("rzp_live_", "rzp_test_"),
    live("pdl_live_", "pdl_sdbx_"),
    live("live_", "test_"),
    key("phc_", Use::Publishable),
    key("pk.eyJ", Use::Publishable),
    key("AKIA", Use::Acts),
    key("AIza", Use::Acts),
    key("ghp_", Use::Acts),
    key("gho_", Use::Acts),
    key("ghs_", Use::Acts),
    key("ghu_", Use::Acts),
    key("github_pat_", Use::Acts),
    key("glpat-", Use::Acts),
    key("lin_api_", Use::Acts),
    key("npm_", Use::Acts),
    key("pat-", Use::Acts),
    key("re_", Use::Acts),
    key("SG.", Use::Acts),
    key("shpat_", Use::Acts),
    key("sk-ant-", Use::Acts),
    key("sk-proj-", Use::Acts),
    key("sk-", Use::Acts),
    key("xapp-", Use::Acts),
    key("xoxb-", Use::Acts),
    key("xoxp-", Use::Acts),
    key("key-", Use::Acts),
];

/// Of a key, so much must stand behind its prefix: `live_` alone begins many a word.
const SHORTEST_REST: usize = 12;

/// Whether a value is a key with which a copy would charge production's customers.
pub(crate) fn can_charge(value: &str) -> bool {
    LIVE_KEYS.iter().any(|key| key.in_data && key.use_ == Use::Charges && value.starts_with(key.prefix))
}

/// The prefix of a provider's key.
pub(crate) fn prefix(value: &str) -> Option<&'static str> {
    known(value).map(|key| key.prefix)
}

/// Whether a value is shown to every visitor.
pub(crate) fn is_publishable(value: &str) -> bool {
    known(value).is_some_and(|key| key.use_ == Use::Publishable)
}

/// Whether a value is one of a provider's keys that nobody else may have.
pub(crate) fn is_secret(value: &str) -> bool {
    known(value).is_some_and(|key| key.use_ != Use::Publishable && looks_random(&value[key.prefix.len()..]))
}

/// How a key of the provider's test mode begins, where it has one.
pub(crate) fn test_prefix(value: &str) -> Option<&'static str> {
    known(value)?.test
}

fn known(value: &str) -> Option<&'static LiveKey> {
    let is_one = |key: &&LiveKey| {
        value
            .strip_prefix(key.prefix)
            .is_some_and(|rest| rest.len() >= SHORTEST_REST && !rest.contains(char::is_whitespace))
    };
    LIVE_KEYS.iter().find(is_one)
}

/// The text without any live key in it; `None` when there is none.
pub(crate) fn removed(text: &[u8]) -> Option<Vec<u8>> {
    let mut new = Vec::new();
    let mut rest = text;
    while let Some((at, len)) = first(rest) {
        new.extend_from_slice(&rest[..at]);
        rest = &rest[at + len..];
    }
    (rest.len() < text.len()).then(|| {
        new.extend_from_slice(rest);
        new
    })
}

/// Where the first one begins, and how long it is.
fn first(text: &[u8]) -> Option<(usize, usize)> {
    let mut begun = memchr::memchr_iter(b'_', text).filter_map(|at| {
        let begins = |key: &LiveKey| {
            let start = at.checked_sub(first_mark(key.prefix))?;
            text[start..].starts_with(key.prefix.as_bytes()).then_some((start, key.prefix.len()))
        };
        let (start, prefix) = LIVE_KEYS.iter().filter(|key| key.in_data).find_map(begins)?;
        let after = &text[start + prefix..];
        let len = after.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
        Some((start, prefix + len))
    });
    begun.next()
}

/// Where the first `_` of a prefix is.
fn first_mark(prefix: &str) -> usize {
    prefix.find('_').unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_live_key_goes_and_those_that_charge_are_told() {
        assert_eq!(removed(b"sk_live_1 rk_live_2, pk_live_3;whsec_x").unwrap(), b" , ;");
        assert_eq!(removed(b"sk_test_1 and risk_live"), None);
        assert!(can_charge("sk_live_1") && can_charge("rk_live_1"));
        assert!(!can_charge("pk_live_1") && !can_charge("whsec_1") && !can_charge("sk_test_1"));
    }
}
