//! Numbers in bytes: of accounts, cards and telephones, and of houses with the street beside.

use std::borrow::Cow;

use super::checks::{MOST_CARD_DIGITS, begins_with_iban, is_card, is_strangers_phone, is_strangers_word};
use super::{Found, Identifier, addresses, official};
use crate::formats::bytes;
use crate::masking::nets::people::KnownPeople;

/// Digits of a telephone number.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;
/// Digits and what stands between them.
const LONGEST_NUMBER: usize = 32;
/// So many words a street has at most.
const MOST_WORDS: usize = 4;
/// So many bytes before and behind a house's number its street stands in.
const WORDS_AROUND: usize = 40;

/// A number, and what stands in it.
struct Number<'a> {
    text: &'a [u8],
    digits: [u8; LONGEST_NUMBER],
    count: usize,
    has_parts: bool,
    has_plus: bool,
}

impl Number<'_> {
    /// Where its parts begin.
    fn runs(&self) -> impl Iterator<Item = usize> + '_ {
        let is_digit = |at: usize| self.text[at].is_ascii_digit();
        (0..self.text.len()).filter(move |at| is_digit(*at) && (*at == 0 || !is_digit(at - 1)))
    }

    /// Whether a house may have it.
    fn is_house(&self) -> bool {
        !self.has_parts && self.count <= 4 && self.digits[0] != b'0'
    }
}

/// Looks for numbers, and for streets by the numbers of their houses.
pub(super) fn search(text: &[u8], people: Option<&KnownPeople>, found: &mut Found) {
    let mut at = 0;
    for begin in bytes::each(text, |byte| byte.wrapping_sub(b'0') < 10) {
        if begin < at {
            continue;
        }
        let end = begin + text[begin..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        if is_strangers_word(text, begin, end) {
            at = end;
            continue;
        }
        // `GB82…`: two letters, and nothing before.
        let country = begin.checked_sub(2).filter(|country| text[*country..begin].iter().all(u8::is_ascii_alphabetic));
        if country.is_some_and(|country| !is_in_word(text, country) && begins_with_iban(&text[country..])) {
            found.add_formed(Identifier::Iban);
        }
        let number = number(text, begin);
        at = begin + number.text.len();
        for run in number.runs() {
            if addresses::is_at(text, begin + run) {
                found.add_formed(Identifier::Ip);
            }
            if official::is_at(text, begin + run) {
                found.add_formed(Identifier::OfficialNumber);
            }
        }
        if !is_in_word(text, begin) {
            if let Some(people) = people.filter(|_| number.is_house()) {
                street(text, begin, &number, people, found);
            }
            if !text.get(at).is_some_and(|byte| is_word(*byte)) {
                of_number(&number, people, found);
            }
        }
        // The rest of what is no number.
        at += text[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn is_in_word(text: &[u8], at: usize) -> bool {
    at > 0 && is_word(text[at - 1])
}

/// The digits that begin here, and what follows of the same number.
fn number(text: &[u8], begin: usize) -> Number<'_> {
    let window = &text[begin..text.len().min(begin + LONGEST_NUMBER)];
    let mut number = Number {
        text: window,
        digits: [0; LONGEST_NUMBER],
        count: 0,
        has_parts: false,
        has_plus: text[..begin].iter().rev().find(|byte| **byte != b'(').is_some_and(|byte| *byte == b'+'),
    };
    let (mut end, mut between) = (0, 0);
    for (at, byte) in window.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                if at > end {
                    number.has_parts = true;
                }
                number.digits[number.count] = *byte;
                number.count += 1;
                (end, between) = (at + 1, 0);
            }
            b' ' | b'-' | b'.' | b'/' | b'(' | b')' if between < 3 => between += 1,
            _ => break,
        }
    }
    number.text = &window[..end];
    number
}

/// Looks for cards and telephones: each from the beginning of a part to the end of one, since other numbers may stand beside.
fn of_number(number: &Number<'_>, people: Option<&KnownPeople>, found: &mut Found) {
    let (mut before, text) = (0, number.text);
    for begin in number.runs() {
        let is_begun = begin == 0 || text[begin] == b'0' || text[begin - 1] == b'(';
        let (mut digits, mut at) = (0, begin);
        while at < text.len() {
            let run = text[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            (digits, at) = (digits + run, at + run);
            let part = &number.digits[before..before + digits];
            if digits <= MOST_CARD_DIGITS && is_card(part) && is_grouped(&text[begin..at]) {
                found.add_formed(Identifier::Card);
            }
            let has_plus = begin == 0 && number.has_plus;
            let is_written = at - begin > digits || has_plus || part[0] == b'0';
            if is_begun && is_written && PHONE_DIGITS.contains(&digits) && !is_strangers_phone(part) {
                telephone(&text[begin..at], has_plus, people, found);
            }
            at += text[at..].iter().take_while(|byte| !byte.is_ascii_digit()).count();
        }
        before += text[begin..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    }
}

/// Whether digits are told apart by single blanks and dashes alone.
fn is_grouped(text: &[u8]) -> bool {
    let mut between = text.split(u8::is_ascii_digit).filter(|between| !between.is_empty());
    between.all(|between| matches!(between, b" " | b"-"))
}

fn telephone(text: &[u8], has_plus: bool, people: Option<&KnownPeople>, found: &mut Found) {
    let (Some(people), Ok(spelled)) = (people, std::str::from_utf8(text)) else { return };
    if people.holds_phone(spelled) || has_plus && people.holds_phone(&format!("+{spelled}")) {
        found.add_known(Identifier::Phone);
    }
}

/// Looks for a street of so many words before or behind the number of a house, up to whatever ends a line or a cell.
fn street(text: &[u8], begin: usize, number: &Number<'_>, people: &KnownPeople, found: &mut Found) {
    let mut end = begin + number.text.len();
    // `4a`
    end += usize::from(
        text.get(end).is_some_and(u8::is_ascii_alphabetic) && !text.get(end + 1).is_some_and(|b| is_word(*b)),
    );
    if text[..begin].last() != Some(&b' ') && text.get(end) != Some(&b' ') {
        return;
    }
    let is_of_line =
        |byte: &&u8| !matches!(**byte, b'\n' | b'\r' | b'\t' | b'"' | b';' | b'{' | b'}' | b'<' | b'>' | b'|');
    let before = text[..begin].iter().rev().take(WORDS_AROUND).take_while(is_of_line).count();
    let behind = text[end..].iter().take(WORDS_AROUND).take_while(is_of_line).count();
    let (before, behind) = (&text[begin - before..begin], &text[end..end + behind]);
    let digits = &number.digits[..number.count];
    let house = digits.iter().fold(0, |house, digit| house * 10 + u32::from(digit - b'0'));
    if !people.may_hold_house(house, &piece_before(before), &piece_behind(behind)) {
        return;
    }
    let holds = |street: &[u8]| people.holds_street(&String::from_utf8_lossy(street));
    let starts = blanks(before).rev().skip(1).map(|at| at + 1).chain([0]).take(MOST_WORDS);
    let ends = blanks(behind).skip(1).chain([behind.len()]).take(MOST_WORDS);
    let is_before = |at: usize| holds(&text[begin - before.len() + at..end]);
    let is_behind = |at: usize| holds(&text[begin..end + at]);
    if starts.into_iter().any(is_before) || ends.into_iter().any(is_behind) {
        found.add_known(Identifier::Street);
    }
}

/// The last piece of a text with anything but signs in it, and what stands behind that.
fn piece_before(text: &[u8]) -> Cow<'_, str> {
    let Some(last) = text.iter().rposition(|byte| is_word(*byte)) else { return Cow::Borrowed("") };
    let begin = memchr::memrchr(b' ', &text[..last]).map_or(0, |at| at + 1);
    String::from_utf8_lossy(&text[begin..])
}

/// The first piece, and what stands before it.
fn piece_behind(text: &[u8]) -> Cow<'_, str> {
    let Some(begin) = text.iter().position(|byte| is_word(*byte)) else { return Cow::Borrowed("") };
    let end = memchr::memchr(b' ', &text[begin..]).map_or(text.len(), |at| begin + at);
    String::from_utf8_lossy(&text[..end])
}

fn blanks(text: &[u8]) -> impl DoubleEndedIterator<Item = usize> {
    memchr::memchr_iter(b' ', text)
}
