//! Numbers of strangers: of the form of what they stand for, and nobody's.

use std::net::Ipv6Addr;

use crate::masking::key::Key;
use crate::masking::nets::people;
use crate::masking::nets::shapes::{self, Country, Place};
use crate::masking::strangers::lowered;

/// A number under a country code that is nobody's: no message can reach a real telephone. All spellings of one number are one
/// stranger.
pub(super) fn phone(key: &Key, value: &str) -> String {
    let number = people::national_phone(value);
    let national = number.as_ref().and_then(|number| std::str::from_utf8(number.as_bytes()).ok());
    format!("+999{:09}", key.digest("phone", national.unwrap_or(value)).number(0) % 1_000_000_000)
}

/// A number of as many digits between the same signs; they begin with a country code that is nobody's, and no area's either
/// where numbers have none.
pub(super) fn phone_in_form(key: &Key, value: &str) -> String {
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    let digest = key.digest("phone form", &digits);
    let mut digits = (0..).map(|i| if i < 3 { b'9' } else { b'0' + digest.byte(i) % 10 }).map(char::from);
    value.chars().map(|c| if c.is_ascii_digit() { digits.next().unwrap_or(c) } else { c }).collect()
}

/// Letters for letters and digits for digits, so that what checks the form is content.
pub(super) fn shaped(key: &Key, value: &str) -> String {
    drawn(key, "shape", value)
}

fn drawn(key: &Key, kind: &str, value: &str) -> String {
    let digest = key.digest(kind, &lowered(value));
    let drawn = |(i, c): (usize, char)| {
        let byte = digest.byte(i);
        match c {
            '0'..='9' => char::from(b'0' + byte % 10),
            'a'..='z' => char::from(b'a' + byte % 26),
            _ if c.is_alphabetic() => char::from(b'A' + byte % 26),
            other => other,
        }
    };
    value.chars().enumerate().map(drawn).collect()
}

/// An account number of no country, with check digits that never hold; as long as the other, with its blanks.
pub(super) fn iban(key: &Key, value: &str) -> String {
    let account: String = value.chars().filter(|c| c.is_alphanumeric()).collect();
    let digest = key.digest("iban", &account.to_lowercase());
    // No piece of it begins as a telephone number does.
    let drawn = (0..).map(|i| char::from(b'1' + digest.byte(i) % 9));
    let mut signs = "ZZ00".chars().chain(drawn);
    value.trim().chars().map(|c| if c.is_alphanumeric() { signs.next().unwrap_or(c) } else { c }).collect()
}

/// A card of no issuer: as many digits between the same signs, the first of which no card has.
pub(super) fn card(key: &Key, value: &str) -> String {
    let card: String = value.chars().filter(char::is_ascii_digit).collect();
    let digest = key.digest("card", &card);
    let mut digits = "90".chars().chain((0..).map(|i| char::from(b'0' + digest.byte(i) % 10)));
    value.chars().map(|c| if c.is_alphanumeric() { digits.next().unwrap_or(c) } else { c }).collect()
}

/// A number of the same form that is no official one of any country.
pub(super) fn official(key: &Key, country: Option<Country>, value: &str) -> String {
    const TRIES: u32 = 40;
    let mut tries = (0..TRIES).map(|n| drawn(key, &format!("official {n}"), value));
    let place = Place { country, ..Place::default() };
    let is_none = |number: &String| !shapes::is_official_anywhere(number) && !shapes::holds_any(number, place);
    let blank = |c: char| {
        if c.is_ascii_digit() {
            '0'
        } else if c.is_alphabetic() {
            'X'
        } else {
            c
        }
    };
    tries.find(is_none).unwrap_or_else(|| value.chars().map(blank).collect())
}

/// An address of a network card that an administrator gave.
pub(super) fn device(key: &Key, value: &str) -> String {
    let digest = key.digest("device", &lowered(value));
    let mut digits =
        "02".chars().chain((0..).map(|i| char::from(b"0123456789abcdef"[usize::from(digest.byte(i) % 16)])));
    value.chars().map(|c| if c.is_alphanumeric() { digits.next().unwrap_or(c) } else { c }).collect()
}

/// The same place to about ten kilometres.
pub(super) fn coordinates(value: &str) -> String {
    let (mut coarse, mut behind) = (String::with_capacity(value.len()), None);
    for c in value.chars().filter(|c| c.is_ascii_digit() || " ,;.-+/°()".contains(*c)) {
        behind = match c {
            '.' => Some(0),
            '0'..='9' => behind.map(|digits: usize| digits + 1),
            _ => None,
        };
        if behind.is_none_or(|digits| digits < 2) {
            coarse.push(c);
        }
    }
    if coarse.contains(|c: char| c.is_ascii_digit()) { coarse } else { "0.0".to_owned() }
}

/// An address of the networks that are set aside for benchmarks (RFC 2544, RFC 5180).
pub(super) fn ip(key: &Key, value: &str, is_unique: bool) -> String {
    let digest = key.digest("ip", &lowered(value));
    if is_unique || value.contains(':') {
        // Of the rest no group is zero, so there is one way to write it.
        let group = |n: usize| u16::from_be_bytes([digest.byte(n), digest.byte(n + 1)]) | 1;
        return Ipv6Addr::new(0x2001, 2, 0, group(0), group(2), group(4), group(6), group(8)).to_string();
    }
    format!("198.{}.{}.{}", 18 + (digest.byte(0) & 1), digest.byte(1), digest.byte(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_addresses_reach_nobody() {
        let key = Key::of_test();
        assert_eq!(phone(&key, "+1-202-555-0101"), phone(&key, "+1 (202) 555 01 01"));
        assert_eq!(phone(&key, "+44 7700 900012"), phone(&key, "07700 900012"));
        assert!(phone(&key, "+1-555-0101").starts_with("+999"));
        let four = ip(&key, "203.0.113.9", false);
        assert!(four.starts_with("198.18.") || four.starts_with("198.19."), "{four}");
        assert!(ip(&key, "2001:4860::8888", false).starts_with("2001:2:0:"));
        assert!(ip(&key, "203.0.113.9", true).parse::<Ipv6Addr>().is_ok());
    }

    #[test]
    fn numbers_keep_their_form() {
        let key = Key::of_test();
        let code = shaped(&key, "SW1A 2AA");
        assert!(code.len() == 8 && code.as_bytes()[4] == b' ' && code.as_bytes()[2].is_ascii_digit(), "{code}");
        let (apart, together) = (iban(&key, "DE89 3704 0044 0532 0130 00"), iban(&key, "DE89370400440532013000"));
        assert!(apart.starts_with("ZZ00 ") && apart.len() == 27, "{apart}");
        assert_eq!(apart.replace(' ', ""), together);
        let card = card(&key, "4111 1111 1111 1111");
        assert!(card.starts_with("90") && card.len() == 19 && card.as_bytes()[4] == b' ', "{card}");
        assert_eq!(device(&key, "a4:5e:60:00:00:1b").len(), 17);
        assert_eq!(coordinates("52.520008, -13.404954"), "52.5, -13.4");
    }
}
