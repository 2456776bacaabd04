//! Accounts with banks, and cards.

use std::ops::Range;

use super::Context;
use super::checks::{luhn, mod97};
use super::rules::RULES;

/// Longer than any account's number, with a blank behind every fourth sign.
const LONGEST_IBAN: usize = 42;
/// A card has as many digits, with blanks or dashes between them.
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// The account's number that begins at a place: check digits hold (ISO 13616), and it is as long as its country's are.
pub(super) fn iban(context: &Context<'_>, start: usize) -> Option<Range<usize>> {
    let text = context.text.as_bytes();
    let head = text.get(start..start + 4)?;
    let is_head = head[..2].iter().all(u8::is_ascii_alphabetic) && head[2..].iter().all(u8::is_ascii_digit);
    if !is_head || text[start].is_ascii_uppercase() != text[start + 1].is_ascii_uppercase() {
        return None;
    }
    let country = [head[0].to_ascii_uppercase(), head[1].to_ascii_uppercase()];
    let len = *RULES.places.ibans.get(std::str::from_utf8(&country).ok()?)?;
    let mut signs = [0_u8; 34];
    let (mut count, mut end) = (0, start);
    for (i, byte) in text[start..].iter().take(LONGEST_IBAN).enumerate() {
        if byte.is_ascii_alphanumeric() {
            signs[count] = byte.to_ascii_uppercase();
            (count, end) = (count + 1, start + i + 1);
            if count == len {
                break;
            }
        } else if !b" -.".contains(byte) || text[start + i - 1] == *byte {
            return None;
        }
    }
    let holds = count == len && mod97(&signs[4..len], &signs[..4]);
    (holds && context.is_apart(&(start..end))).then_some(start..end)
}

/// The card's number that begins at a place: a known issuer's, as long as theirs are, with a check digit that holds.
pub(super) fn card(context: &Context<'_>, start: usize) -> Option<Range<usize>> {
    let text = context.text.as_bytes();
    if !(b'2'..=b'9').contains(&text[start]) {
        return None;
    }
    let mut digits = [0_u8; 20];
    let (mut count, mut end, mut separator) = (0, start, None);
    for (i, byte) in text[start..].iter().enumerate() {
        let is_between = b" -".contains(byte) && text.get(start + i + 1).is_some_and(u8::is_ascii_digit);
        if byte.is_ascii_digit() && count < digits.len() {
            digits[count] = *byte;
            (count, end) = (count + 1, start + i + 1);
        } else if is_between && count % 2 == 0 && separator.is_none_or(|one| one == *byte) && count < 19 {
            separator = Some(*byte);
        } else {
            break;
        }
    }
    if !CARD_DIGITS.contains(&count) || !context.is_apart(&(start..end)) {
        return None;
    }
    let number = &digits[..count];
    let is_known = RULES.places.cards.iter().any(|card| {
        let front = &number[..card.first.len()];
        (card.first.as_bytes()..=card.last.as_bytes()).contains(&front) && card.lengths.contains(&count)
    });
    let mut values = [0_u32; 20];
    for (value, digit) in values.iter_mut().zip(number) {
        *value = u32::from(digit - b'0');
    }
    let is_written = separator.is_none() || is_grouped(&text[start..end]);
    (is_known && is_written && luhn(&values[..count])).then_some(start..end)
}

/// Whether pieces are as on a card: four by four, or four, six and the rest.
fn is_grouped(written: &[u8]) -> bool {
    let mut pieces = written.split(|b| !b.is_ascii_digit()).map(<[u8]>::len);
    pieces.next() == Some(4) && matches!(pieces.next(), Some(4 | 6)) && pieces.all(|len| (1..=5).contains(&len))
}
