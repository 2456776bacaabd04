//! Telephone numbers as they are compared: without country, trunk prefix and what stands between the digits, so that the
//! national and the international form are one.

use std::ops::Range;

/// Fewer digits are no number that reaches one person alone.
const FEWEST: usize = 7;
/// As many as there can be (E.164), with the prefix that leads abroad.
const MOST: usize = 18;
/// So many bytes a number is written in at most.
const LONGEST: usize = 32;

/// The digits of a number within its country.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NationalNumber {
    digits: [u8; MOST],
    begin: usize,
    end: usize,
}

impl NationalNumber {
    pub(in crate::masking) fn as_bytes(&self) -> &[u8] {
        &self.digits[self.begin..self.end]
    }

    /// Of the digits as they are dialled.
    fn of(digits: [u8; MOST], len: usize, has_plus: bool) -> Option<Self> {
        let mut number = Self { digits, begin: 0, end: len };
        let all = number.as_bytes();
        let country = match all {
            _ if has_plus => Some(0),
            [b'0', b'0', ..] => Some(2),
            [b'0', b'1', b'1', rest @ ..] if rest.len() >= 10 => Some(3),
            // The country code of those who have no trunk prefix.
            [b'1', b'2'..=b'9', ..] if len == 11 => Some(0),
            _ => None,
        };
        if let Some(at) = country {
            number.begin = at + country_digits(&all[at..]);
        }
        while number.begin < number.end && digits[number.begin] == b'0' {
            number.begin += 1;
        }
        (number.begin + FEWEST <= number.end).then_some(number)
    }
}

/// How many digits a country's code has (ITU-T E.164).
fn country_digits(digits: &[u8]) -> usize {
    match digits {
        [b'1' | b'7', ..] => 1,
        [b'2', b'0' | b'7', ..]
        | [b'3', b'0'..=b'4' | b'6' | b'9', ..]
        | [b'4', b'0' | b'1' | b'3'..=b'9', ..]
        | [b'5', b'1'..=b'8', ..]
        | [b'6', b'0'..=b'6', ..]
        | [b'8', b'1' | b'2' | b'4' | b'6', ..]
        | [b'9', b'0'..=b'5' | b'8', ..] => 2,
        _ => 3.min(digits.len()),
    }
}

/// The number that a whole value is.
pub(crate) fn national(value: &str) -> Option<NationalNumber> {
    let value = value.trim();
    let mut digits = [0; MOST];
    let mut len = 0;
    for byte in value.bytes() {
        match byte {
            b'0'..=b'9' if len < MOST => {
                digits[len] = byte;
                len += 1;
            }
            b'0'..=b'9' => return None,
            // An extension; the number before it is the same.
            b'x' | b'X' | b'e' | b'E' | b'#' | b',' | b';' if len >= FEWEST => break,
            _ => {}
        }
    }
    NationalNumber::of(digits, len, value.starts_with('+'))
}

/// The numbers that may begin with the digits at `start`, as they are written: with a `+`, a leading 0 or something between
/// the digits. A bare number may be anything.
pub(super) fn written_at(text: &str, start: usize) -> impl Iterator<Item = (Range<usize>, NationalNumber)> {
    let bytes = text.as_bytes();
    let before = &bytes[start.saturating_sub(3)..start];
    let has_plus = before.ends_with(b"+") || before.eq_ignore_ascii_case(b"%2b");
    let bracket = usize::from(before.ends_with(b"("));
    let has_plus = has_plus || bracket == 1 && before.ends_with(b"+(");
    let begin = start - if before.eq_ignore_ascii_case(b"%2b") { 3 } else { usize::from(has_plus) + bracket };
    let is_within = before.last().is_some_and(|byte| matches!(byte, b'.' | b'-' | b':' | b'/' | b',' | b'#' | b'='))
        && bytes.get(start.wrapping_sub(2)).is_some_and(u8::is_ascii_digit);
    let mut reader = Reader { bytes, at: start, digits: [0; MOST], len: 0, groups: Groups::default() };
    std::iter::from_fn(move || {
        while !is_within && reader.group() {
            let groups = &reader.groups;
            let is_written = has_plus || reader.digits[0] == b'0' || groups.count > 1;
            if is_written
                && !groups.are_of_something_else()
                && let Some(number) = NationalNumber::of(reader.digits, reader.len, has_plus)
            {
                return Some((begin..reader.at, number));
            }
        }
        None
    })
}

/// Reads digits group by group.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    digits: [u8; MOST],
    len: usize,
    groups: Groups,
}

/// How the digits so far are written.
#[derive(Default)]
struct Groups {
    count: usize,
    lens: [usize; 3],
    /// What stands between them, if it is the same everywhere.
    between: Option<u8>,
    begin_with_date: bool,
}

impl Groups {
    /// A decimal, a date, or numbers of a version or an address.
    fn are_of_something_else(&self) -> bool {
        let is_decimal = self.count == 2 && matches!(self.between, Some(b'.' | b'/'));
        let is_address = self.count >= 3
            && self.between == Some(b'.')
            && self.lens.iter().all(|len| *len <= 3)
            && self.lens != [2; 3];
        self.begin_with_date || is_decimal && self.lens[0] < 5 || is_address
    }
}

impl Reader<'_> {
    /// Reads one more group; false at the end of what may be one number.
    fn group(&mut self) -> bool {
        let mut at = self.at;
        if self.groups.count > 0 {
            let parts = self.bytes[at..].iter().take(3).take_while(|byte| b" -./()".contains(byte)).count();
            if parts == 0 || self.groups.count == 7 {
                return false;
            }
            let byte = self.bytes[at + parts - 1];
            self.groups.between = match self.groups.between {
                None if self.groups.count == 1 => Some(byte),
                Some(same) if same == byte => Some(byte),
                _ => Some(b' '),
            };
            at += parts;
        }
        let digits = self.bytes[at..].iter().take(MOST + 1).take_while(|byte| byte.is_ascii_digit()).count();
        let is_too_long = digits == 0 || self.len + digits > MOST || at + digits - self.at > LONGEST;
        // Letters behind it make it something else.
        if is_too_long || self.bytes.get(at + digits).is_some_and(u8::is_ascii_alphabetic) {
            return false;
        }
        self.digits[self.len..self.len + digits].copy_from_slice(&self.bytes[at..at + digits]);
        if let Some(len) = self.groups.lens.get_mut(self.groups.count) {
            *len = digits;
        }
        self.groups.count += 1;
        self.groups.begin_with_date |= self.groups.count == 3
            && matches!(self.groups.between, Some(b'-' | b'.' | b'/'))
            && matches!(self.groups.lens, [4, 1 | 2, 1 | 2] | [1 | 2, 1 | 2, 4]);
        self.len += digits;
        self.at = at + digits;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits_of(value: &str) -> String {
        String::from_utf8(national(value).expect(value).as_bytes().to_vec()).unwrap()
    }

    fn written(text: &str) -> Vec<(&str, String)> {
        let escaped = text.find("%2B").map(|at| at + 3);
        let start = escaped.or(text.find(|c: char| c.is_ascii_digit())).unwrap();
        written_at(text, start)
            .map(|(range, number)| (&text[range], String::from_utf8(number.as_bytes().to_vec()).unwrap()))
            .collect()
    }

    #[test]
    fn national_and_international_forms_are_one_number() {
        for forms in [
            &["+44 20 7946 0123", "020 7946 0123", "0044 (0)20 79460123", "+44(0)2079460123", "(020) 7946-0123"][..],
            &["+1 (202) 555-0143", "202-555-0143", "1-202-555-0143", "011 1 202 555 0143"],
            &["+49 30 23125 012", "030/23125-012", "+49 (0) 30 23125012"],
            &["+353 20 910 0123", "020 910 0123"],
            &["01632 960123 ext. 7", "+44 1632 960123"],
        ] {
            let all: std::collections::BTreeSet<_> = forms.iter().map(|form| digits_of(form)).collect();
            assert_eq!(all.len(), 1, "{all:?}");
        }
        for none in ["", "12345", "+44", "no number", "0000000000", "1234567890123456789012"] {
            assert_eq!(national(none), None, "{none}");
        }
    }

    #[test]
    fn numbers_are_found_as_they_are_written() {
        let is_found = |text: &str, whole: &str| written(text).iter().any(|(found, _)| *found == whole);
        assert!(is_found("020 7946 0123 12 times", "020 7946 0123"));
        assert!(is_found("+44 20 7946 0123.", "+44 20 7946 0123"));
        assert!(is_found("(202) 555-0143", "(202) 555-0143"));
        assert!(is_found("01632960123", "01632960123"));
        assert!(is_found("%2B442079460123", "%2B442079460123"));
        for none in
            ["1632960123", "2024-01-02 10", "0.1632960123", "192.168.100.200", "02.01.2024", "12:30", "1632960123a"]
        {
            assert!(written(none).is_empty(), "{none}: {:?}", written(none));
        }
    }
}
