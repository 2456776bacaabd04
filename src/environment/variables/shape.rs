//! Random values of the same shape as a secret: its length, alphabet, structure and the prefix by which programs know it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::distr::{Alphanumeric, SampleString as _};
use rand::{Rng as _, RngExt as _};

use crate::masking::live_keys;
use crate::secret::looks_random;

/// Of a value with nothing in it that could be another, the new one is at least this long.
const SHORTEST: usize = 16;

const HEX: &[u8] = b"0123456789abcdef";
const BASE64URL: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Another value of the shape of `old`; never the same, never empty.
pub(super) fn like(old: &str) -> String {
    let mut tries = (0..16).map(|_| {
        let (prefix, rest) = old.split_at(prefix_len(old));
        format!("{prefix}{}", body(rest))
    });
    let long_enough = || Alphanumeric.sample_string(&mut rand::rng(), old.chars().count().max(SHORTEST));
    tries.find(|new| new != old).unwrap_or_else(long_enough)
}

/// How long the part is by which programs tell what a key is: `whsec_`, `base64:`, `sk-proj-`.
fn prefix_len(value: &str) -> usize {
    if let Some(prefix) = live_keys::prefix(value) {
        return prefix.len();
    }
    if value.starts_with("base64:") {
        return "base64:".len();
    }
    let mut len = 0;
    for _ in 0..2 {
        let part = value[len..].find(['_', '-']).filter(|part| (2..=6).contains(part));
        let Some(part) = part.filter(|part| value[len..][..*part].bytes().all(|b| b.is_ascii_lowercase())) else {
            break;
        };
        len += part + 1;
    }
    if looks_random(&value[len..]) { len } else { 0 }
}

fn body(text: &str) -> String {
    if is_uuid(text) {
        return per_char(text, &hex_alphabet(text), |at| at == 14 || at == 19);
    }
    if text.starts_with("eyJ") && text.contains('.') {
        // A token's header says how it is signed, and holds nothing.
        let header = text.find('.').unwrap_or_default();
        let signed = &text[header..];
        return format!("{}{}", &text[..header], per_char(signed, BASE64URL, |at| signed.as_bytes()[at] == b'.'));
    }
    let is_hex = text.len() >= 8 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if is_hex && text.bytes().any(|b| b.is_ascii_alphabetic()) && is_of_one_case(text) {
        return per_char(text, &hex_alphabet(text), |_| false);
    }
    if text.len() >= SHORTEST
        && text.contains(['+', '/', '='])
        && let Ok(mut bytes) = STANDARD.decode(text)
    {
        rand::rng().fill_bytes(&mut bytes);
        return STANDARD.encode(bytes);
    }
    text.chars().map(another).collect()
}

fn another(c: char) -> char {
    let mut rng = rand::rng();
    let mut one_of = |first: u8, count: u8| char::from(first + rng.random_range(0..count));
    match c {
        _ if c.is_ascii_digit() => one_of(b'0', 10),
        _ if c.is_uppercase() => one_of(b'A', 26),
        _ if c.is_alphanumeric() => one_of(b'a', 26),
        _ => c,
    }
}

/// Random characters of an alphabet in the place of all but what `stays`.
fn per_char(text: &str, alphabet: &[u8], stays: impl Fn(usize) -> bool) -> String {
    let mut rng = rand::rng();
    let mut new = |(at, c): (usize, char)| {
        let is_fixed = stays(at) || !c.is_ascii_alphanumeric() && !alphabet.contains(&(c as u8));
        if is_fixed || c == '-' && alphabet.len() == HEX.len() {
            c
        } else {
            char::from(alphabet[rng.random_range(0..alphabet.len())])
        }
    };
    text.char_indices().map(&mut new).collect()
}

fn hex_alphabet(text: &str) -> Vec<u8> {
    if text.bytes().any(|b| b.is_ascii_uppercase()) { HEX.to_ascii_uppercase() } else { HEX.to_vec() }
}

fn is_of_one_case(text: &str) -> bool {
    !text.bytes().any(|b| b.is_ascii_uppercase()) || !text.bytes().any(|b| b.is_ascii_lowercase())
}

fn is_uuid(text: &str) -> bool {
    let is_right =
        |(at, b): (usize, u8)| if matches!(at, 8 | 13 | 18 | 23) { b == b'-' } else { b.is_ascii_hexdigit() };
    text.len() == 36 && text.bytes().enumerate().all(is_right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_value_has_the_shape_of_the_old_one() {
        for (old, kept) in [
            ("9f86d081884c7d659a2feaa0c55ad015", ""),
            ("9F86D081884C7D659A2FEAA0C55AD015", ""),
            ("6d8fbd4a-60a9-4f2e-8f3a-0dcb7a1b2c3d", ""),
            ("whsec_Q3iT9xLw7Zr2Kp8Nv5Bm", "whsec_"),
            ("ghp_Q3iT9xLw7Zr2Kp8Nv5Bm0000", "ghp_"),
            ("hunter2", ""),
            ("Tr0ub4dor&3", ""),
            ("123456", ""),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVPmB92K27uhbUJU1p1r", "eyJhbGciOiJIUzI1NiJ9."),
        ] {
            let new = like(old);
            assert_ne!(new, old);
            assert_eq!(new.len(), old.len(), "{old} {new}");
            assert!(new.starts_with(kept), "{old} {new}");
            let class =
                |text: &str| text.chars().map(|c| if c.is_ascii_alphanumeric() { 'x' } else { c }).collect::<String>();
            assert!(old.contains("eyJ") || class(&new) == class(old), "{old} {new}");
            let is_hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
            assert_eq!(is_hex(old), is_hex(&new), "{old} {new}");
        }
        let secret = STANDARD.encode([7u8; 32]);
        for old in [secret.clone(), format!("base64:{secret}")] {
            let new = like(&old);
            assert_eq!(STANDARD.decode(new.trim_start_matches("base64:")).unwrap().len(), 32);
            assert_ne!(new, old);
        }
    }

    #[test]
    fn a_value_is_never_empty_and_never_the_old_one() {
        for old in ["-", "***", "x", "пароль", "正しい馬"] {
            let new = like(old);
            assert!(!new.is_empty() && new != old, "{old} {new}");
        }
    }

    #[test]
    fn words_of_a_passphrase_are_no_prefix() {
        let new = like("correct-horse-battery-staple");
        assert!(!["correct", "horse", "battery", "staple"].iter().any(|word| new.contains(word)), "{new}");
    }
}
