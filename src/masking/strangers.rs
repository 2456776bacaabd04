//! The strangers themselves: what a name, an address or a number becomes under a key. Each is a function of the value
//! alone, so the same value is the same stranger in every column, table and database.

use std::borrow::Cow;

use crate::masking::key::{Key, KeyedDigest};
use crate::masking::nets::shapes;
use crate::masking::numbers::shaped;
use crate::masking::words::{CITIES, NAMES, STREETS};

/// A name of more words is a text.
const MOST_WORDS: usize = 12;
/// Hex digits of what must not meet another: 64 bits.
const HEX: usize = 16;

/// An e-mail address at a domain that can never exist (RFC 2606), or several; what else stands there goes.
pub(super) fn email(key: &Key, value: &str) -> String {
    let trimmed = value.trim();
    if shapes::is_email(trimmed) {
        return one_email(key, trimmed);
    }
    let several = shapes::strangers_of(key, value);
    if several.is_empty() { one_email(key, trimmed) } else { several.join(", ") }
}

/// The stranger of exactly one address.
pub(super) fn one_email(key: &Key, address: &str) -> String {
    let mut email = user(key, "email", address);
    email.push_str("@example.invalid");
    email
}

/// What one logs in with; an address that is a login is the same as anywhere else.
pub(super) fn login(key: &Key, value: &str) -> String {
    if shapes::is_email(value) { one_email(key, value) } else { user(key, "login", value) }
}

/// `user-` and 16 hex digits, the same in small letters for all spellings that differ in case only, and yet another
/// for each of them: a unique column stays unique, and a comparison that ignores case still holds.
fn user(key: &Key, kind: &str, value: &str) -> String {
    let lower = lowered(value);
    let mut plain = String::with_capacity(40);
    plain.push_str("user-");
    key.digest(kind, &lower).push_hex(HEX, &mut plain);
    if lower == value { plain } else { spelled(&plain, &key.digest("case", value)) }
}

/// Small letters throughout; most values have no others.
pub(super) fn lowered(value: &str) -> Cow<'_, str> {
    if value.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase()) {
        return Cow::Borrowed(value);
    }
    Cow::Owned(value.to_lowercase())
}

fn spelled(plain: &str, case: &KeyedDigest) -> String {
    let spell = |(i, c): (usize, char)| if case.byte(i) & 1 == 1 { c.to_ascii_uppercase() } else { c };
    plain.chars().enumerate().map(spell).collect()
}

/// A word for each word: full names and their parts agree, however a table cuts them.
pub(super) fn name(key: &Key, value: &str) -> String {
    let mut name = String::with_capacity(value.len() + 16);
    for word in value.split_whitespace().take(MOST_WORDS) {
        if !name.is_empty() {
            name.push(' ');
        }
        push_name_word(key, word, &mut name);
    }
    name
}

fn push_name_word(key: &Key, word: &str, name: &mut String) {
    if memchr::memchr(b'@', word.as_bytes()).is_some() {
        return name.push_str(&email(key, word));
    }
    let core = word.trim_matches(|c: char| !c.is_alphanumeric());
    if core.is_empty() {
        return name.push_str(word);
    }
    if !core.chars().any(char::is_alphabetic) {
        return name.push_str(&shaped(key, word));
    }
    let (before, after) = word.split_once(core).unwrap_or_default();
    let lower = lowered(core);
    let digest = key.digest("name", &lower);
    let drawn = [0, 1].map(|n| digest.pick(n, NAMES));
    let other = drawn.into_iter().find(|name| !name.eq_ignore_ascii_case(&lower)).unwrap_or(NAMES[0]);
    name.extend([before, other, after]);
}

/// A company of two strangers.
pub(super) fn company(key: &Key, value: &str) -> String {
    let digest = key.digest("company", &lowered(value));
    format!("{} {} Ltd", digest.pick(0, NAMES), digest.pick(1, NAMES))
}

/// A house in a street.
pub(super) fn street(key: &Key, value: &str) -> String {
    let digest = key.digest("street", &lowered(value));
    format!("{} {} {}", 1 + digest.number(2) % 240, digest.pick(0, NAMES), digest.pick(1, STREETS))
}

/// A city that is on no map.
pub(super) fn city(key: &Key, value: &str) -> String {
    key.digest("city", &lowered(value)).pick(0, CITIES).to_owned()
}

/// A page of a site that can never exist.
pub(super) fn url(key: &Key, value: &str) -> String {
    format!("https://example.invalid/{}", key.digest("url", &lowered(value)).hex(12))
}

/// A reference that leads nowhere.
pub(super) fn id(key: &Key, value: &str) -> String {
    format!("masked-{}", key.digest("id", value).hex(HEX))
}

/// The first day of the same year, with whatever time zone stands at the end.
pub(super) fn date(value: &str) -> String {
    let is_year = |year: &str| year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit());
    let is_day = |day: &str| day.len() == 5 && day.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let is_zone =
        |zone: &str| zone == "Z" || zone.len() <= 9 && zone[1..].bytes().all(|b| b.is_ascii_digit() || b == b':');
    match value.split_once('-') {
        Some((year, rest)) if is_year(year) && !value.ends_with("BC") => {
            let Some(at) = rest.find([' ', 'T']).filter(|at| is_day(&rest[..*at])) else {
                return format!("{year}-01-01");
            };
            let (sign, time) = rest[at..].split_at(1);
            let zone = time.find(['+', 'Z']).map(|at| &time[at..]).filter(|zone| is_zone(zone)).unwrap_or_default();
            format!("{year}-01-01{sign}00:00:00{zone}")
        }
        _ => "1970-01-01".to_owned(),
    }
}

/// The end of a value that has to differ from all others.
pub(super) fn tail(key: &Key, value: &str) -> String {
    key.digest("unique", value).hex(12)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_name_is_made_of_what_its_parts_become() {
        let key = Key::of_test();
        let full = name(&key, "Zoë  María García-López");
        assert_eq!(full, format!("{} {}", name(&key, "ZOË María"), name(&key, "garcía-lópez")));
        assert_eq!(full.split(' ').count(), 3);
        assert!(full.is_ascii());
        assert_eq!(name(&key, "Quill, Zoë"), format!("{}, {}", name(&key, "Quill"), name(&key, "Zoë")));
        let index = name(&key, "Zoë Quill zoe@example.com 12");
        assert!(index.contains(&email(&key, "zoe@example.com")) && !index.contains("12"), "{index}");
    }

    #[test]
    fn no_name_stays() {
        let key = Key::of_test();
        for word in NAMES {
            assert_ne!(name(&key, word), *word);
        }
    }

    #[test]
    fn an_address_is_one_stranger_in_any_case_and_yet_unique() {
        let key = Key::of_test();
        let (small, large) = (email(&key, "zoe@example.com"), email(&key, "Zoe@Example.com"));
        assert_ne!(small, large);
        assert_eq!(small, large.to_lowercase());
        assert_ne!(large, email(&key, "ZOE@example.com"));
        assert!(small.starts_with("user-") && small.ends_with("@example.invalid") && small.len() == 37, "{small}");
        assert_eq!(login(&key, "zoe@example.com"), small);
        assert_ne!(login(&key, "zoe"), login(&key, "zoé"));
    }

    #[test]
    fn a_list_of_addresses_stays_a_list() {
        let key = Key::of_test();
        let list = email(&key, "a@example.com, Bob <b@example.com>");
        let (a, b) = (email(&key, "a@example.com"), email(&key, "b@example.com"));
        assert_eq!(list, format!("{a}, {b}"));
        assert!(email(&key, "not an address").ends_with("@example.invalid"));
    }

    #[test]
    fn dates_keep_their_form() {
        assert_eq!(date("1984-07-23"), "1984-01-01");
        assert_eq!(date("1984-07-23 10:11:12.5+00"), "1984-01-01 00:00:00+00");
        assert_eq!(date("1984-07-23T10:11:12Z"), "1984-01-01T00:00:00Z");
        assert_eq!(date("0044-03-15 BC"), "1970-01-01");
        assert_eq!(date("yesterday"), "1970-01-01");
    }
}
