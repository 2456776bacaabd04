//! Official numbers of people: by their form, their check digits, and where that says little, by what stands before them.

use std::ops::Range;

use super::checks::{Check, holds};
use super::rules::{Form, RULES, Unit, Where};
use super::{Context, Place};

/// How far before a number the word may stand that says what it is.
const WORD_BEFORE: usize = 40;

/// The official number whose first piece is `piece`.
pub(super) fn at(context: &Context<'_>, piece: Range<usize>, place: Place) -> Option<Range<usize>> {
    let forms = RULES.forms.get(piece.len())?;
    forms.iter().find_map(|form| form_at(context, piece.start, form, place))
}

fn form_at(context: &Context<'_>, start: usize, form: &Form, place: Place) -> Option<Range<usize>> {
    let end = start + form.units.len();
    let number = &RULES.numbers[form.number];
    let text = context.text.as_bytes();
    // In a row of pieces only the first may begin one.
    let is_in_row = || !form.is_bare && matches!(text[..start], [.., b'0'..=b'9', b' ']);
    if !form.holds(text.get(start..end)?) || !context.is_apart(&(start..end)) || is_in_row() {
        return None;
    }
    // With the letters of its country it needs no word.
    let counts = match () {
        () if form.letters > 1 => Where::Always,
        () if form.is_bare => number.bare,
        () => number.written,
    };
    let is_home = || counts == Where::Home && place.is_in(&number.country);
    let is_one = counts == Where::Always || is_home() || has_word(context.text, start, &number.words);
    is_one.then_some(start..end)
}

impl Form {
    /// Whether a text is of this form, and its check digits hold.
    fn holds(&self, written: &[u8]) -> bool {
        let check = RULES.numbers[self.number].check;
        let is_letter = |b: u8| b.is_ascii_uppercase() || check != Check::None && b.is_ascii_lowercase();
        let fits = |(unit, byte): (&Unit, &u8)| match unit {
            Unit::Digit => byte.is_ascii_digit(),
            Unit::Letter => is_letter(*byte),
            Unit::Either => byte.is_ascii_digit() || is_letter(*byte),
            Unit::Exactly(sign) => byte == sign,
        };
        if !self.units.iter().zip(written).all(fits) {
            return false;
        }
        // The letters of its country are no part of it.
        let own = if self.letters > 1 { &written[self.letters..] } else { written };
        let plain: Vec<u8> = own.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect();
        holds(check, &plain)
    }
}

/// Whether a text is a number of some country, whatever stands before it.
pub(super) fn is_of_any(text: &str) -> bool {
    let text = text.trim().as_bytes();
    let is_one = |form: &Form| form.units.len() == text.len() && form.holds(text);
    RULES.forms.iter().flatten().any(is_one)
}

/// Whether one of the words stands right before a place.
pub(super) fn has_word(text: &str, start: usize, words: &[impl AsRef<str>]) -> bool {
    let from = (start.saturating_sub(WORD_BEFORE)..=start).find(|at| text.is_char_boundary(*at)).unwrap_or(start);
    let before = text[from..start].to_lowercase();
    words.iter().any(|word| {
        let at = before.rfind(word.as_ref());
        at.is_some_and(|at| {
            !before[..at].ends_with(char::is_alphanumeric) && is_near(&before[at + word.as_ref().len()..])
        })
    })
}

/// Whether nothing but a few signs, and no other number, stands between a word and what it names.
fn is_near(between: &str) -> bool {
    between.len() <= 20 && !between.contains(|c: char| c.is_ascii_digit() || c == '\n')
}
