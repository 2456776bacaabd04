//! The words of a text, whatever stands between them and however their letters are escaped: `Zo\u00eb`, `Zo&euml;` and
//! `Zo%C3%AB` are one word. It is no parser of any of these forms, so that it reads what is cut off or broken as well.

use super::escapes::{self, Escape};
use super::folded::FoldedWord;
use super::letters::{Case, Letters};

/// What may stand between two words of a name has no more bytes.
const LONGEST_GAP: usize = 24;

/// What stands between a word and the one before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Gap(u8);

impl Gap {
    pub(super) const BLANK: Self = Self(1);
    pub(super) const HYPHEN: Self = Self(2);
    pub(super) const COMMA: Self = Self(4);
    /// A dot that ends a sentence or an abbreviation.
    pub(super) const DOT: Self = Self(8);
    pub(super) const END: Self = Self(16);

    fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub(super) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether a name or a street may go on behind it.
    pub(super) fn joins(self) -> bool {
        !self.has(Self::DOT) && !self.has(Self::END)
    }

    /// Whether there is a hyphen, and nothing else.
    pub(super) fn is_hyphen(self) -> bool {
        self == Self::HYPHEN
    }
}

/// A word, or a number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) hash: u64,
    /// How many bytes its letters have, folded; none in what is a number, or of letters and digits.
    pub(super) letters: usize,
    /// The number of a house, which may have a letter behind it.
    pub(super) number: Option<u32>,
    pub(super) case: Case,
    pub(super) gap: Gap,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Apart,
    Small,
    Large,
    Digit,
    /// Of a letter beyond ASCII.
    High,
    Escape,
    Apostrophe,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Apart; 256];
    let mut byte = u8::MAX;
    loop {
        classes[byte as usize] = match byte {
            b'a'..=b'z' => Class::Small,
            b'A'..=b'Z' => Class::Large,
            b'0'..=b'9' => Class::Digit,
            b'&' | b'\\' | b'%' => Class::Escape,
            b'\'' => Class::Apostrophe,
            0x80.. => Class::High,
            _ => Class::Apart,
        };
        if byte == 0 {
            break classes;
        }
        byte -= 1;
    }
};

/// Goes through the words of a text.
pub(super) struct Words<'a> {
    text: &'a str,
    at: usize,
    seed: u64,
    folded: FoldedWord,
    /// How many letters the word before has.
    before: usize,
}

impl<'a> Words<'a> {
    pub(super) fn of(text: &'a str, seed: u64) -> Self {
        Self { text, at: 0, seed, folded: FoldedWord::new(), before: 0 }
    }

    /// Goes past what is no word, up to the next one.
    fn gap(&mut self) -> Gap {
        let bytes = self.text.as_bytes();
        let (begin, mut gap) = (self.at, Gap::default());
        while let Some(byte) = bytes.get(self.at) {
            let (part, len) = match CLASSES[usize::from(*byte)] {
                Class::Small | Class::Large | Class::Digit => break,
                Class::High => match self.text[self.at..].chars().next() {
                    Some(c) if c.is_alphanumeric() => break,
                    Some(c) => (of_char(c), c.len_utf8()),
                    None => break,
                },
                Class::Escape => match escapes::read(self.text, self.at) {
                    Escape::Letter(..) => break,
                    Escape::Blank(len) => (Gap::BLANK, len),
                    Escape::Apostrophe(len) | Escape::Apart(len) => (Gap::COMMA, len),
                },
                Class::Apostrophe => (Gap::COMMA, 1),
                Class::Apart => self.apart(*byte),
            };
            gap.add(part);
            self.at += len;
        }
        if self.at - begin > LONGEST_GAP {
            gap.add(Gap::END);
        }
        gap
    }

    fn apart(&self, byte: u8) -> (Gap, usize) {
        let rest = &self.text.as_bytes()[self.at..];
        match byte {
            b'-' => (Gap::HYPHEN, 1),
            b'.' if self.before > 2 && rest.get(1).is_none_or(|next| next.is_ascii_whitespace() || *next == b'<') => {
                (Gap::DOT, 1)
            }
            b' ' | b'\n' | b'\r' | b'\t' | b'_' | b'+' | b'/' | b'.' => (Gap::BLANK, 1),
            b'!' | b'?' => (Gap::END, 1),
            b'<' => (Gap::BLANK, plain_tag(rest).unwrap_or(1)),
            _ => (Gap::COMMA, 1),
        }
    }

    /// Reads a word to its end.
    fn word(&mut self) -> Letters {
        let bytes = self.text.as_bytes();
        let mut letters = Letters::default();
        self.folded.clear();
        while let Some(byte) = bytes.get(self.at) {
            let (c, len) = match CLASSES[usize::from(*byte)] {
                Class::Small => {
                    let rest = &bytes[self.at..];
                    let small = &rest[..rest.iter().take_while(|byte| byte.is_ascii_lowercase()).count()];
                    letters.small += small.len();
                    letters.ends_in_letter = true;
                    self.folded.push_small(small);
                    self.at += small.len();
                    continue;
                }
                Class::Large | Class::Digit => (char::from(*byte), 1),
                Class::High => match self.text[self.at..].chars().next() {
                    Some('\u{2019}') if self.goes_on(3) => {
                        self.at += 3;
                        continue;
                    }
                    Some(c) if c.is_alphanumeric() => (c, c.len_utf8()),
                    Some(c) if is_mark(c) => {
                        self.at += c.len_utf8();
                        continue;
                    }
                    _ => break,
                },
                Class::Escape => match escapes::read(self.text, self.at) {
                    Escape::Letter(c, len) => (c, len),
                    Escape::Apostrophe(len) if self.goes_on(len) => {
                        self.at += len;
                        continue;
                    }
                    _ => break,
                },
                Class::Apostrophe if self.goes_on(1) => {
                    self.at += 1;
                    continue;
                }
                Class::Apostrophe | Class::Apart => break,
            };
            letters.count(c);
            self.folded.push(c);
            self.at += len;
        }
        letters
    }

    /// Whether a word goes on behind an apostrophe: not where that stands before the `s` of who has something.
    fn goes_on(&self, len: usize) -> bool {
        let rest = &self.text[self.at + len..];
        let mut next = rest.chars();
        let (first, second) = (next.next(), next.next());
        let is_genitive = matches!(first, Some('s' | 'S')) && !second.is_some_and(char::is_alphanumeric);
        first.is_some_and(char::is_alphabetic) && !is_genitive && !self.folded.as_bytes().is_empty()
    }
}

impl Iterator for Words<'_> {
    type Item = Word;

    fn next(&mut self) -> Option<Word> {
        loop {
            let gap = self.gap();
            let start = self.at;
            if start >= self.text.len() {
                return None;
            }
            let letters = self.word();
            if self.at == start {
                // Nothing that can be read; it is passed over.
                self.at += self.text[start..].chars().next().map_or(1, char::len_utf8);
                continue;
            }
            self.folded.end();
            let is_number = (1..=5).contains(&letters.digits)
                && (letters.all() == 0 || letters.all() == 1 && letters.ends_in_letter);
            let is_word = letters.digits == 0;
            self.before = letters.all();
            return Some(Word {
                start,
                end: self.at,
                hash: self.folded.hash(self.seed),
                letters: if is_word { self.folded.as_bytes().len() } else { 0 },
                number: is_number.then_some(letters.number),
                case: letters.case(),
                gap,
            });
        }
    }
}

fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

fn of_char(c: char) -> Gap {
    match c {
        _ if c.is_whitespace() || is_mark(c) || matches!(c, '\u{200b}'..='\u{200d}' | '\u{feff}' | '\u{ad}') => {
            Gap::BLANK
        }
        '\u{2010}' | '\u{2011}' => Gap::HYPHEN,
        '。' | '！' | '？' | '…' => Gap::END,
        _ => Gap::COMMA,
    }
}

/// The length of a tag that has no attributes, whose words would be looked at as well.
fn plain_tag(rest: &[u8]) -> Option<usize> {
    let is_tag = matches!(rest.get(1), Some(b'/' | b'a'..=b'z' | b'A'..=b'Z'));
    let end = memchr::memchr2(b'>', b'=', &rest[..rest.len().min(LONGEST_GAP)])?;
    (is_tag && rest[end] == b'>').then_some(end + 1)
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
