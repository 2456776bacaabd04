//! Official numbers of people: by their form, their check digits, and where that says little, by what stands before them.

use std::ops::Range;

use super::checks::{Check, holds};
use super::rules::{Form, RULES, Unit, Where};
use super::{Context, Place};

/// How far before a number the word may stand that says what it is.
const WORD_BEFORE: usize = 40;
/// So much may stand between them.
const BETWEEN: usize = 20;

/// The official number whose first piece is `piece`.
pub(super) fn at(context: &Context<'_>, piece: Range<usize>, place: Place) -> Option<Range<usize>> {
    let forms = RULES.forms.get(piece.len())?;
    forms.iter().find_map(|form| form_at(context, piece.start, form, place))
}

fn form_at(context: &Context<'_>, start: usize, form: &Form, place: Place) -> Option<Range<usize>> {
    let end = start + form.units.len();
    let number = &RULES.numbers[form.number];
    let text = context.text.as_bytes();
    let written = text.get(start..end)?;
    // With the letters of its country it needs no word.
    let counts = match () {
        () if form.letters > 1 => Where::Always,
        () if form.is_bare => number.bare,
        () => number.written,
    };
    let counts_here = || match counts {
        Where::Always => true,
        Where::Home if place.is_in(&number.country) => true,
        _ => has_word(context.text, start, &number.words),
    };
    // In a row of pieces only the first may begin one.
    let is_in_row = || !form.is_bare && matches!(text[..start], [.., b'0'..=b'9', b' ']);
    let is_one = form.fits(written)
        && context.is_apart(&(start..end))
        && !is_in_row()
        && counts_here()
        && form.check_holds(written);
    is_one.then_some(start..end)
}

impl Form {
    /// Whether a text is of this form.
    fn fits(&self, written: &[u8]) -> bool {
        let is_checked = RULES.numbers[self.number].check != Check::None;
        let is_letter = |b: u8| b.is_ascii_uppercase() || is_checked && b.is_ascii_lowercase();
        self.units.iter().zip(written).all(|(unit, byte)| match unit {
            Unit::Digit => byte.is_ascii_digit(),
            Unit::Letter => is_letter(*byte),
            Unit::Either => byte.is_ascii_digit() || is_letter(*byte),
            Unit::Exactly(sign) => byte == sign,
        })
    }

    fn check_holds(&self, written: &[u8]) -> bool {
        // The letters of its country are no part of it.
        let own = if self.letters > 1 { &written[self.letters..] } else { written };
        let (mut plain, mut len) = ([0; 32], 0);
        for byte in own.iter().filter(|b| b.is_ascii_alphanumeric()) {
            plain[len] = byte.to_ascii_uppercase();
            len += 1;
        }
        holds(RULES.numbers[self.number].check, &plain[..len])
    }
}

/// Whether a text is a number of some country, whatever stands before it.
pub(super) fn is_of_any(text: &str) -> bool {
    let text = text.trim().as_bytes();
    let is_one = |form: &Form| form.units.len() == text.len() && form.fits(text) && form.check_holds(text);
    RULES.forms.iter().flatten().any(is_one)
}

/// Whether one of the words stands right before a place, with nothing but a few signs, and no other number, between.
pub(super) fn has_word(text: &str, start: usize, words: &[impl AsRef<str>]) -> bool {
    let bytes = text.as_bytes();
    let is_letter = |b: &u8| b.is_ascii_alphabetic() || *b >= 0x80 || *b == b'#';
    let is_near = |(_, b): &(usize, &u8)| !b.is_ascii_digit() && **b != b'\n';
    let near = bytes[..start].iter().rev().enumerate().take(BETWEEN).take_while(is_near).map(|(i, _)| i + 1).last();
    let near = near.unwrap_or_default();
    if !bytes[start - near..start].iter().any(is_letter) {
        return false;
    }
    let from = (start.saturating_sub(WORD_BEFORE)..=start).find(|at| text.is_char_boundary(*at)).unwrap_or(start);
    let mut before = [0; WORD_BEFORE + 4];
    let before = &mut before[..start - from];
    before.copy_from_slice(&bytes[from..start]);
    before.make_ascii_lowercase();
    let lower = (!before.is_ascii()).then(|| text[from..start].to_lowercase());
    let before = lower.as_ref().map_or(&*before, |lower| lower.as_bytes());
    words.iter().any(|word| {
        let word = word.as_ref().as_bytes();
        let at = memchr::memmem::rfind(before, word);
        at.is_some_and(|at| {
            let is_begun = !before[..at].last().is_some_and(u8::is_ascii_alphanumeric);
            is_begun && before.len() - at - word.len() <= near
        })
    })
}
