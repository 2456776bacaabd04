//! How the keys of a live account with a payment service begin: one list, for whoever looks for them.

/// The beginning of a key, and what the key is good for.
struct LiveKey {
    prefix: &'static str,
    /// Whether who has it can charge a customer; others name an account, or check what it sends.
    can_charge: bool,
}

const LIVE_KEYS: &[LiveKey] = &[
    LiveKey { prefix: "sk_live_", can_charge: true },
    LiveKey { prefix: "rk_live_", can_charge: true },
    LiveKey { prefix: "pk_live_", can_charge: false },
    LiveKey { prefix: "whsec_", can_charge: false },
];

/// Whether a value is a key with which a copy would charge production's customers.
pub(crate) fn can_charge(value: &str) -> bool {
    LIVE_KEYS.iter().any(|key| key.can_charge && value.starts_with(key.prefix))
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
        let (start, prefix) = LIVE_KEYS.iter().find_map(begins)?;
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
