//! The words of a field's name, as they are compared.

use std::collections::HashSet;

use super::names::{Meaning, NAMES, plain};
use crate::contract::transformer::Transformer;

/// The end of a name in small letters, its words with `_` between them: `billingAddress-1` is `billing_address_1`.
pub(super) struct Words {
    text: [u8; Self::MOST],
    start: usize,
}

impl Words {
    /// No name in our list is longer.
    const MOST: usize = 64;

    pub(super) fn of(name: &str) -> Self {
        let mut words = Self { text: [b'_'; Self::MOST], start: Self::MOST };
        let mut after: Option<char> = None;
        for letter in name.chars().rev() {
            // `firstName`: a small letter before a large one ends a word.
            if letter.is_lowercase() && after.is_some_and(char::is_uppercase) {
                words.put(b"_");
            }
            let is_doubled = || words.start == Self::MOST || words.text[words.start] == b'_';
            match letter {
                _ if letter.is_ascii_alphanumeric() => words.put(&[letter.to_ascii_lowercase() as u8]),
                _ if letter.is_ascii() && is_doubled() => {}
                _ if letter.is_ascii() => words.put(b"_"),
                _ => words.put_far(letter),
            }
            if words.start == 0 {
                break;
            }
            after = Some(letter);
        }
        words
    }

    fn put_far(&mut self, letter: char) {
        let plain = plain(letter);
        if !plain.is_empty() {
            return self.put(plain);
        }
        for small in letter.to_lowercase().collect::<Vec<_>>().into_iter().rev() {
            self.put(small.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }

    fn put(&mut self, bytes: &[u8]) {
        if bytes.len() <= self.start {
            self.start -= bytes.len();
            self.text[self.start..self.start + bytes.len()].copy_from_slice(bytes);
        } else {
            self.start = 0;
        }
    }

    fn as_bytes(&self) -> &[u8] {
        &self.text[self.start..]
    }

    /// Whether the name is these words, or ends with them.
    fn ends_with(&self, words: &str) -> bool {
        self.as_bytes().strip_suffix(words.as_bytes()).is_some_and(|before| matches!(before, [] | [.., b'_']))
    }

    pub(super) fn are_among(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.ends_with(name))
    }

    /// The name from each of its words on, the longest first.
    fn ends(text: &str) -> impl Iterator<Item = &str> {
        [0].into_iter().chain(memchr::memchr_iter(b'_', text.as_bytes()).map(|at| at + 1)).map(|at| &text[at..])
    }

    pub(super) fn as_text(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The same without a number behind it: `phone_2` and `phone2` are a `phone`.
    fn without_number(text: &str) -> &str {
        text.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_')
    }

    /// Whether the name tells of something that opens a door, in words of its own.
    pub(super) fn opens(&self) -> bool {
        let text = self.as_text();
        let is_key = || {
            let before = Self::without_number(text).strip_suffix("key").unwrap_or_default().trim_end_matches('_');
            !before.is_empty() && !Self::ends(before).any(|end| NAMES.plain_keys.contains(end))
        };
        NAMES.opening.as_ref().is_some_and(|opening| opening.is_match(text))
            || text.split('_').any(|word| NAMES.opens_words.contains(word))
            || Self::without_number(text).ends_with("pass")
            || is_key()
    }

    pub(super) fn end_is(&self, names: &HashSet<String>) -> bool {
        Self::ends(self.as_text()).any(|end| names.contains(end))
    }

    /// The meaning of the longest end that has one, or of a word within.
    pub(super) fn meaning(&self) -> Option<Meaning> {
        let text = self.as_text();
        if text.is_empty() {
            return None;
        }
        if Self::ends(text).any(|end| NAMES.secrets_within.iter().any(|word| end.starts_with(word.as_str()))) {
            return Some(Meaning::Secret);
        }
        let bare = Self::without_number(text);
        let of = |text| Self::ends(text).find_map(|end| NAMES.meanings.get(end).copied());
        let joined = || {
            let end = NAMES.ends.iter().filter(|end| bare.ends_with(end.as_str())).max_by_key(|end| end.len())?;
            NAMES.meanings.get(end.as_str()).copied()
        };
        let is_birth = || NAMES.births.iter().any(|birth| text.contains(birth.as_str()));
        let date = || is_birth().then_some(Meaning::Personal(Transformer::Date));
        of(text).or_else(|| of(bare).filter(|_| bare.len() < text.len())).or_else(joined).or_else(date)
    }
}
