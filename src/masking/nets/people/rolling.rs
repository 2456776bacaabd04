//! Rolls over a text by its words, and shows everybody in it who is known. Nothing is allocated for a text in which nobody
//! is.

use std::ops::Range;

use super::known::{Identifier, KnownPeople, pair, phone_hash};
use super::letters::Case;
use super::phones;
use super::streets::{self, MOST_WORDS};
use super::unspaced;
use super::words::{Gap, Word, Words};

/// So many words are remembered: a name's first, with what is between it and the last.
const REMEMBERED: usize = 5;

/// Somebody in a text.
pub(crate) struct Found {
    pub(crate) identifier: Identifier,
    /// Where in the text.
    pub(crate) range: Range<usize>,
    pub(super) hash: u64,
    /// Whether it is in small letters throughout.
    pub(super) is_small: bool,
}

/// A word that has been passed.
#[derive(Clone, Copy)]
struct Passed {
    word: Word,
    /// Whether it may be one of a name.
    may_name: bool,
}

/// What of a text has been passed last.
struct Roll<'a> {
    people: &'a KnownPeople,
    text: &'a str,
    /// The last one first.
    last: [Option<Passed>; REMEMBERED],
    /// The number of a house whose street may follow: where it is, the hash so far, and how many words that has.
    open: Option<(u32, usize, u64, usize)>,
    /// Up to where somebody was found.
    done: usize,
}

impl KnownPeople {
    /// Shows everybody in a text, in order. E-mail addresses are not looked for, since no words tell them.
    pub(crate) fn roll(&self, text: &str, show: &mut impl FnMut(Found)) {
        self.roll_over(text, &mut |_| {}, show);
    }

    /// The same, and shows each word that may be one of a name.
    pub(super) fn roll_over(&self, text: &str, name: &mut impl FnMut(&Word), show: &mut impl FnMut(Found)) {
        let mut roll = Roll { people: self, text, last: [None; REMEMBERED], open: None, done: 0 };
        for word in Words::of(text, self.seed) {
            let may_name = word.letters > 1 && self.words.may_have(word.hash);
            if may_name {
                name(&word);
            }
            if let Some(found) = roll.pass(Passed { word, may_name }) {
                show(found);
            } else if word.letters > 0 && text[word.start..].starts_with(unspaced::is_unspaced) {
                self.roll_unspaced(text, &word, show);
            }
        }
    }

    /// Shows whose name stands in a word of a script without blanks.
    fn roll_unspaced(&self, text: &str, word: &Word, show: &mut impl FnMut(Found)) {
        let mut at = word.start;
        while let Some(c) = text[at..word.end].chars().next() {
            let names = unspaced::names_at(&text[at..word.end], self.seed, |hash| self.words.may_have(hash));
            let known = names.filter(|(hash, _)| self.has(Identifier::Name, *hash)).last();
            if let Some((hash, len)) = known {
                show(Found { identifier: Identifier::Name, range: at..at + len, hash, is_small: false });
            }
            at += known.map_or(c.len_utf8(), |(_, len)| len);
        }
    }
}

impl Roll<'_> {
    fn pass(&mut self, passed: Passed) -> Option<Found> {
        let word = passed.word;
        if word.start < self.done {
            return None;
        }
        let found = if word.letters == 0 {
            self.number(&word)
        } else {
            self.street_behind(&word).or_else(|| self.name(&passed))
        };
        match &found {
            Some(found) => {
                self.last = [None; REMEMBERED];
                self.open = None;
                self.done = found.range.end;
            }
            None => {
                self.last.copy_within(..REMEMBERED - 1, 1);
                self.last[0] = Some(passed);
            }
        }
        found
    }

    fn found(&self, identifier: Identifier, hash: u64, range: Range<usize>) -> Option<Found> {
        self.people.has(identifier, hash).then(|| {
            let is_small = !self.text[range.clone()].chars().any(char::is_uppercase);
            Found { identifier, range, hash, is_small }
        })
    }

    /// A name that ends with a word.
    fn name(&self, end: &Passed) -> Option<Found> {
        if !end.may_name || !end.word.gap.joins() {
            return None;
        }
        let mut has_comma = end.word.gap.has(Gap::COMMA);
        for (between, begin) in self.last.iter().map_while(Option::as_ref).enumerate() {
            if between > 0 && has_comma {
                return None;
            }
            if begin.may_name && self.is_written(begin, end) {
                let hash = pair(begin.word.hash, end.word.hash);
                if let Some(found) = self.found(Identifier::Name, hash, begin.word.start..end.word.end) {
                    return Some(found);
                }
            }
            // What stands between the first and the last word of a name is written as such.
            let is_between = begin.word.letters > 0
                && begin.word.gap.joins()
                && (begin.word.case != Case::Small || self.people.names.is_particle(begin.word.hash));
            if !is_between {
                return None;
            }
            has_comma |= begin.word.gap.has(Gap::COMMA);
        }
        None
    }

    /// Whether two words are written as a name is: large letters make one, and so do small ones of a word that is no other's.
    fn is_written(&self, begin: &Passed, end: &Passed) -> bool {
        let is_prose = |word: &Word| word.case == Case::Small && self.people.prose.may_have(word.hash);
        match (is_prose(&begin.word), is_prose(&end.word)) {
            (false, false) => true,
            (true, true) => false,
            // `Anna long ago`; in small letters throughout it is somebody who writes like that.
            _ => begin.word.case == Case::Small && end.word.case == Case::Small,
        }
    }

    /// A number: of a telephone, or of a house whose street stands before it.
    fn number(&mut self, word: &Word) -> Option<Found> {
        if !self.text.as_bytes()[word.start].is_ascii_digit() {
            return None;
        }
        if let Some(found) = self.phone(word) {
            return Some(found);
        }
        let number = word.number.filter(|number| (1..=99_999).contains(number))?;
        self.open = Some((number, word.start, streets::house(number, std::iter::empty()), 0));
        let first = self.last[0].as_ref().filter(|last| last.word.letters > 0)?;
        let whole = |passed: &Passed| self.people.streets.whole(passed.word.hash);
        if word.gap.has(Gap::END) || !self.people.numbers.may_have(streets::beside(number, whole(first))) {
            return None;
        }
        let mut street = [0; MOST_WORDS];
        let words = self.last.iter().map_while(|passed| passed.as_ref().filter(|passed| passed.word.letters > 0));
        for (count, passed) in words.take(MOST_WORDS).enumerate() {
            street[MOST_WORDS - 1 - count] = whole(passed);
            let hash = streets::house(number, street[MOST_WORDS - 1 - count..].iter().copied());
            if let Some(found) = self.found(Identifier::Street, hash, passed.word.start..word.end) {
                return Some(found);
            }
            if passed.word.gap.has(Gap::END) {
                break;
            }
        }
        None
    }

    fn phone(&self, word: &Word) -> Option<Found> {
        if self.people.is_without(Identifier::Phone) {
            return None;
        }
        let mut numbers = phones::written_at(self.text, word.start);
        numbers.find_map(|(range, number)| {
            let hash = phone_hash(&number, self.people.seed);
            let may_be = range.start >= self.done && self.people.numbers.may_have(hash);
            may_be.then(|| self.found(Identifier::Phone, hash, range)).flatten()
        })
    }

    /// A street behind the number of its house, up to this word.
    fn street_behind(&mut self, word: &Word) -> Option<Found> {
        let (number, start, hash, count) = self.open.take()?;
        let whole = self.people.streets.whole(word.hash);
        let is_other = count == 0 && !self.people.numbers.may_have(streets::beside(number, whole));
        if is_other || word.gap.has(Gap::END) {
            return None;
        }
        let hash = super::known::mixed(hash, whole);
        let found = self.found(Identifier::Street, hash, start..word.end);
        self.open = (found.is_none() && count + 1 < MOST_WORDS).then_some((number, start, hash, count + 1));
        found
    }
}
