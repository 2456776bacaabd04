//! Names of known people in bytes: two words with little between, in either order.

use super::{Found, Identifier};
use crate::formats::bytes;
use crate::masking::nets::people::KnownPeople;

/// In a longer text only words with a capital letter are looked at.
const SHORT_TEXT: usize = 64;
/// No name has a longer word.
const LONGEST_WORD: usize = 40;
/// So much may stand between two cells or fields of one person, which is less than what is looked at together.
const LONGEST_GAP: usize = 48;
/// A word that may be of a name.
#[derive(Clone, Copy)]
struct Word {
    begin: usize,
    end: usize,
    /// Whether somebody is called so: asked once, and only of a word that has another beside it.
    is_known: Option<bool>,
}

/// Looks for the names of known people.
pub(super) fn search(text: &[u8], people: &KnownPeople, found: &mut Found) {
    let is_short = text.len() <= SHORT_TEXT && memchr::memchr3(b'"', b':', b'{', text).is_none();
    let mut before: Option<Word> = None;
    let mut at = 0;
    // Without a branch, so that many bytes are looked at together.
    let may_begin = |byte| is_capital(byte) | (is_short & is_letter(byte));
    for begin in bytes::each(text, may_begin) {
        if begin < at || !is_short && is_within_word(text, begin) {
            continue;
        }
        let end = begin + text[begin..].iter().position(|byte| !is_inner(*byte)).unwrap_or(text.len() - begin);
        at = end;
        let is_cased = || is_capital(text[begin]) || is_short && !is_particle(&text[begin..end]);
        let is_candidate = (2..=LONGEST_WORD).contains(&(end - begin)) && is_cased();
        if !is_candidate {
            continue;
        }
        let mut word = Word { begin, end, is_known: None };
        if let Some(before) = &mut before
            && belong_together(&text[before.end..begin])
            && is_known(text, before, people)
            && is_known(text, &mut word, people)
            && let (Some(one), Some(other)) = (spelled(text, before), spelled(text, &word))
            && KnownPeople::is_searchable((one, other))
            && people.holds_name((one, other))
        {
            return found.add_known(Identifier::Name);
        }
        before = Some(word);
    }
}

/// Whether a letter stands before it, or only an apostrophe between.
fn is_within_word(text: &[u8], at: usize) -> bool {
    let before = text[..at].iter().rev().find(|byte| **byte != b'\'');
    before.is_some_and(|byte| is_letter(*byte))
}

fn is_letter(byte: u8) -> bool {
    u8::from((byte | 0x20).wrapping_sub(b'a') < 26) | u8::from(byte >= 0x80) != 0
}

fn is_inner(byte: u8) -> bool {
    is_letter(byte) || byte == b'\''
}

fn is_capital(byte: u8) -> bool {
    u8::from(byte.wrapping_sub(b'A') < 26) | u8::from(byte >= 0x80) != 0
}

fn is_known(text: &[u8], word: &mut Word, people: &KnownPeople) -> bool {
    let is_known = || spelled(text, word).is_some_and(|word| people.may_hold_word(word));
    let is_known = word.is_known.unwrap_or_else(is_known);
    word.is_known = Some(is_known);
    is_known
}

fn spelled<'t>(text: &'t [u8], word: &Word) -> Option<&'t str> {
    std::str::from_utf8(&text[word.begin..word.end]).ok()
}

/// Whether two words with this between them may be one name: side by side, with a particle between, or in two cells or
/// fields.
fn belong_together(gap: &[u8]) -> bool {
    if gap.len() <= 2 {
        return !gap.contains(&b'.') || gap.len() == 1;
    }
    if gap.len() > LONGEST_GAP {
        return false;
    }
    if gap.split(|byte| *byte == b' ').all(|part| part.is_empty() || is_particle(part)) {
        return true;
    }
    // Without branches, so that all of it is looked at together.
    let is_of_field = |byte: u8| b"\"';|\t\n>:".iter().fold(0, |is_one, sign| is_one | u8::from(byte == *sign));
    bytes::ones(gap, |byte| is_of_field(byte) != 0).count_ones() >= 2
}

/// Whether it stands before a surname and is not the whole of it.
#[rustfmt::skip]
fn is_particle(word: &[u8]) -> bool {
    matches!(
        word,
        b"af" | b"al" | b"av" | b"bin" | b"da" | b"de" | b"del" | b"della" | b"den" | b"der" | b"di" | b"do" | b"dos"
        | b"du" | b"el" | b"la" | b"le" | b"ten" | b"ter" | b"van" | b"vom" | b"von" | b"y" | b"zu" | b"zum" | b"zur"
    )
}
