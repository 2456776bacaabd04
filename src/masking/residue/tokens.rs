//! Identifiers in bytes, whatever stands around them: addresses here; numbers, names and keys in files of their own.

use super::checks::is_strangers_domain;
use super::{Found, Identifier, keys, names, numbers};
use crate::masking::nets::people::KnownPeople;

/// No local part of an address is longer, and no label of its domain.
const LONGEST_PART: usize = 64;

/// Looks for all that is known by its form, and for known people.
pub(super) fn search(text: &[u8], people: Option<&KnownPeople>, found: &mut Found) {
    emails(text, people, found);
    keys::search(text, found);
    numbers::search(text, people, found);
    if let Some(people) = people {
        names::search(text, people, found);
    }
}

fn emails(text: &[u8], people: Option<&KnownPeople>, found: &mut Found) {
    for at in memchr::memchr_iter(b'@', text) {
        let is_local = |byte: &u8| byte.is_ascii_alphanumeric() || b"._%+-'".contains(byte) || *byte >= 0x80;
        let local = text[..at].iter().rev().take(LONGEST_PART).take_while(|byte| is_local(byte)).count();
        let local = text[at - local..at].iter().skip_while(|byte| b".'%-".contains(byte)).count();
        let Some(domain) = domain(&text[at + 1..]).filter(|domain| local > 0 && !is_strangers_domain(domain)) else {
            continue;
        };
        found.add_formed(Identifier::Email);
        let address = std::str::from_utf8(&text[at - local..=at + domain.len()]);
        if people.zip(address.ok()).is_some_and(|(people, address)| people.holds_email(address)) {
            return found.add_known(Identifier::Email);
        }
    }
}

/// The domain that begins here. What stands after the last dot of a file's name is none's: `logo@2x.png` is no address.
fn domain(text: &[u8]) -> Option<&[u8]> {
    const FILES: &[&[u8]] = &[
        b"png", b"jpg", b"jpeg", b"gif", b"svg", b"webp", b"avif", b"css", b"js", b"mjs", b"ts", b"map", b"php",
        b"json",
    ];
    let is_domain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-' || *byte == b'.' || *byte >= 0x80;
    let len = text.iter().take(4 * LONGEST_PART).take_while(|byte| is_domain(byte)).count();
    let len = text[..len].iter().rposition(|byte| *byte != b'.' && *byte != b'-')? + 1;
    let domain = &text[..len];
    let dot = memchr::memrchr(b'.', domain).filter(|dot| *dot > 0 && domain[0] != b'.')?;
    let last = &domain[dot + 1..];
    let is_top = last.len() >= 2 && last.iter().all(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80)
        || last.starts_with(b"xn--");
    let is_file = FILES.iter().any(|file| last.eq_ignore_ascii_case(file));
    (is_top && !is_file && std::str::from_utf8(domain).is_ok()).then_some(domain)
}
