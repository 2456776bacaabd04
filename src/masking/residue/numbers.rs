//! Numbers in bytes: of accounts, cards and telephones, and of houses with the street beside.

use super::checks::{MOST_CARD_DIGITS, begins_with_iban, is_card, is_strangers_phone};
use super::{Found, Identifier};
use crate::masking::bytes;
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
    /// Whether its parts are told apart by blanks and dashes alone, if it has parts.
    is_grouped: bool,
    has_parts: bool,
    has_plus: bool,
}

impl Number<'_> {
    fn digits(&self) -> &[u8] {
        &self.digits[..self.count]
    }

    /// Whether a house may have it.
    fn is_house(&self) -> bool {
        !self.has_parts && self.count <= 4 && self.digits[0] != b'0'
    }
}

/// Looks for numbers, and for streets by the numbers of their houses.
pub(super) fn search(text: &[u8], people: Option<&KnownPeople>, found: &mut Found) {
    let mut at = 0;
    while let Some(begin) = bytes::next(text, at, |byte| byte.wrapping_sub(b'0') < 10) {
        // `GB82…`: two letters, and nothing before.
        let country = begin.checked_sub(2).filter(|country| text[*country..begin].iter().all(u8::is_ascii_alphabetic));
        if country.is_some_and(|country| !is_in_word(text, country) && begins_with_iban(&text[country..])) {
            found.add_formed(Identifier::Iban);
        }
        let number = number(text, begin);
        at = begin + number.text.len();
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
        is_grouped: true,
        has_parts: false,
        has_plus: text[..begin].iter().rev().find(|byte| **byte != b'(').is_some_and(|byte| *byte == b'+'),
    };
    let (mut end, mut between) = (0, 0);
    for (at, byte) in window.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                if at > end {
                    number.has_parts = true;
                    number.is_grouped &= window[end..at].len() == 1 && b" -".contains(&window[end]);
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

fn of_number(number: &Number<'_>, people: Option<&KnownPeople>, found: &mut Found) {
    let digits = number.digits();
    if number.is_grouped && digits.len() <= MOST_CARD_DIGITS && is_card(digits) {
        found.add_formed(Identifier::Card);
    }
    let is_written = number.has_parts || number.has_plus || digits.first() == Some(&b'0');
    if is_written
        && PHONE_DIGITS.contains(&digits.len())
        && !is_strangers_phone(digits)
        && let (Some(people), Ok(spelled)) = (people, std::str::from_utf8(number.text))
        && (people.holds_phone(spelled) || number.has_plus && people.holds_phone(&format!("+{spelled}")))
    {
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
    let is_of_line = |byte: &&u8| !b"\n\r\t\";{}<>|".contains(byte);
    let before = text[..begin].iter().rev().take(WORDS_AROUND).take_while(is_of_line).count();
    let behind = text[end..].iter().take(WORDS_AROUND).take_while(is_of_line).count();
    let (before, behind) = (&text[begin - before..begin], &text[end..end + behind]);
    if !before.ends_with(b" ") && !behind.starts_with(b" ") {
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

fn blanks(text: &[u8]) -> impl DoubleEndedIterator<Item = usize> {
    memchr::memchr_iter(b' ', text)
}
