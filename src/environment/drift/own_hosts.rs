//! Whether two values differ in nothing but the hosts that they name.

use std::collections::BTreeSet;

use crate::environment::gate::names_host;

/// Whether `new` is `old` with one of `hosts` in the place of each address that differs.
pub(super) fn differ_in_hosts(old: &str, new: &str, hosts: &[&str]) -> bool {
    let mut rest = new;
    let mut pieces = Vec::new();
    while let Some((at, host)) = hosts
        .iter()
        .filter_map(|host| Some((rest.find(host)?, *host)))
        .min_by_key(|(at, host)| (*at, usize::MAX - host.len()))
    {
        pieces.push(without_scheme(&rest[..at]));
        rest = &rest[at + host.len()..];
    }
    if pieces.is_empty() {
        return false;
    }
    pieces.push(rest);
    fits(old, &pieces)
}

/// Whether a text is made of these pieces with an address between each and the next.
fn fits(text: &str, pieces: &[&str]) -> bool {
    let Some((first, rest)) = pieces.split_first() else { return text.is_empty() };
    // Wherever what was read so far may end; a text of a stranger's must not make us try every combination.
    let mut ends: BTreeSet<usize> = text.starts_with(first).then_some(first.len()).into_iter().collect();
    for piece in rest {
        let starts: BTreeSet<_> = ends.iter().flat_map(|end| end + 1..=end + address_length(&text[*end..])).collect();
        let fits = |at: &usize| text.get(*at..).is_some_and(|rest| rest.starts_with(piece));
        ends = starts.into_iter().filter(fits).map(|at| at + piece.len()).collect();
    }
    ends.contains(&text.len())
}

/// How much of the beginning of a text may be an address: written out, or a reference to the host of a service.
fn address_length(text: &str) -> usize {
    let mut length = 0;
    loop {
        let rest = &text[length..];
        length += rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"-.:/".contains(byte)).count();
        let Some(reference) = host_reference(&text[length..]) else { return length };
        length += reference;
    }
}

/// The length of the reference to a host that a text begins with.
fn host_reference(text: &str) -> Option<usize> {
    let (reference, rest) = text.strip_prefix("${{")?.split_once("}}")?;
    names_host(reference).then_some(text.len() - rest.len())
}

/// The rewriter may change `http` into `https`.
fn without_scheme(text: &str) -> &str {
    text.strip_suffix("https://").or_else(|| text.strip_suffix("http://")).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_with_the_copys_hosts_is_the_sources_only_where_nothing_else_differs() {
        let same = |old: &str, new: &str| differ_in_hosts(old, new, &["web-copy.up.railway.app", "copy.test"]);
        assert!(same("https://shop.test/feed", "https://web-copy.up.railway.app/feed"));
        assert!(same("http://shop.test:8080", "https://copy.test"));
        assert!(same("a=https://shop.test,b=//old.test/x", "a=https://copy.test,b=//copy.test/x"));
        assert!(!same("https://shop.test/feed", "https://copy.test/feeds"));
        assert!(!same("https://shop.test/?key=one", "https://copy.test/?key=two"));
        assert!(!same("one", "two") && !same("", "copy.test"));
        assert!(same("https://${{ web.RAILWAY_PUBLIC_DOMAIN }}/x", "https://copy.test/x"));
        assert!(!same("https://${{web.PASSWORD}}/é", "https://copy.test/é"));
    }
}
