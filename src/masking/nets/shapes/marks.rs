//! The bytes at which a shape may begin, found in pieces of many bytes at a time.

use super::rules::RULES;

/// So many bytes are looked at before anything is decided, which compilers make few instructions of.
const PIECE: usize = 32;

fn is_mark(byte: u8) -> bool {
    byte.wrapping_sub(b'0') < 10 || byte == b'@'
}

/// The next digit or `@`.
pub(super) fn next(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    let mut pieces = text.get(from..)?.chunks_exact(PIECE);
    for piece in pieces.by_ref() {
        if piece.iter().fold(false, |any, byte| any | is_mark(*byte)) {
            break;
        }
        at += PIECE;
    }
    text[at..].iter().position(|byte| is_mark(*byte)).map(|place| at + place)
}

/// Whether a text has anything with which a shape begins.
pub(super) fn may_hold_any(text: &[u8]) -> bool {
    next(text, 0).is_some() || RULES.literals.is_match(text)
}
