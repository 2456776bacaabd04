//! Words as they are compared: small letters without accents, so that `ZOË`, `Zoe` and `zoë` are one word.

use unicode_normalization::char::{decompose_canonical, is_combining_mark};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A longer word is known by its beginning.
const MOST_BYTES: usize = 48;

/// The letters of a word, one after the other.
pub(super) struct FoldedWord {
    bytes: [u8; MOST_BYTES],
    len: usize,
}

impl FoldedWord {
    pub(super) fn new() -> Self {
        Self { bytes: [0; MOST_BYTES], len: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// A letter or digit of ASCII.
    pub(super) fn push_ascii(&mut self, byte: u8) {
        self.push_small(&[byte.to_ascii_lowercase()]);
    }

    /// Small letters and digits of ASCII. An `e` behind `a`, `o` and `u` is how an umlaut is spelled without one, so it
    /// counts as little as the dots.
    pub(super) fn push_small(&mut self, small: &[u8]) {
        let mut len = self.len;
        for byte in small {
            let is_umlaut = *byte == b'e' && len > 0 && matches!(self.bytes[len - 1], b'a' | b'o' | b'u');
            if !is_umlaut && len < MOST_BYTES {
                self.bytes[len] = *byte;
                len += 1;
            }
        }
        self.len = len;
    }

    pub(super) fn push(&mut self, c: char) {
        if c.is_ascii() {
            return self.push_ascii(c as u8);
        }
        for lower in c.to_lowercase() {
            decompose_canonical(lower, |part| self.push_part(part));
        }
    }

    fn push_part(&mut self, c: char) {
        if is_combining_mark(c) {
            return;
        }
        let plain = match c {
            'ß' => "ss",
            'æ' => "ae",
            'œ' => "oe",
            'þ' => "th",
            'ø' => "o",
            'ł' => "l",
            'đ' | 'ð' => "d",
            'ħ' => "h",
            'ı' => "i",
            _ => "",
        };
        plain.bytes().for_each(|byte| self.push_ascii(byte));
        if !plain.is_empty() {
            return;
        }
        if c.is_ascii() {
            return self.push_ascii(c as u8);
        }
        let mut utf8 = [0; 4];
        let utf8 = c.encode_utf8(&mut utf8).as_bytes();
        if self.len + utf8.len() <= MOST_BYTES {
            self.bytes[self.len..self.len + utf8.len()].copy_from_slice(utf8);
            self.len += utf8.len();
        }
    }

    /// `Quillstr.` is a street, and no surname is left without its end.
    pub(super) fn end(&mut self) {
        const SHORT: &[u8] = b"str";
        if self.len > SHORT.len() + 1 && self.as_bytes().ends_with(SHORT) {
            b"asse".iter().for_each(|byte| self.push_ascii(*byte));
        }
    }

    pub(super) fn hash(&self, seed: u64) -> u64 {
        xxh3_64_with_seed(self.as_bytes(), seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(word: &str) -> String {
        let mut folded = FoldedWord::new();
        word.chars().for_each(|c| folded.push(c));
        String::from_utf8(folded.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn spellings_of_a_word_are_one() {
        for spellings in [
            &["Zoë", "ZOË", "Zoe\u{308}", "zoe", "ZOE"][..],
            &["Müller", "Mueller", "MULLER", "mu\u{308}ller"],
            &["Strauß", "STRAUSS"],
            &["Søren", "Soren", "Soeren"],
            &["Łukasz", "lukasz"],
            &["ЁЛКИН", "Елкин"],
        ] {
            let all: std::collections::BTreeSet<_> = spellings.iter().map(|word| folded(word)).collect();
            assert_eq!(all.len(), 1, "{all:?}");
        }
        assert_ne!(folded("Anna"), folded("Anne"));
        assert!(folded(&"ж".repeat(100)).len() <= MOST_BYTES);
    }
}
