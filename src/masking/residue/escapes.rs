//! The escapes of a text: backslashes, percent signs, entities and quoted-printable, all taken off together.

use std::ops::Range;

/// So much around an escape is looked at with it, and some more up to the next blank: no identifier is longer.
const AROUND: usize = 256;
const TO_BLANK: usize = 64;

/// Where in a text escapes may stand, with what is around them.
pub(super) fn parts_with_escapes(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    // Escapes of mails and forms are told by the whole.
    let is_whole = text.len() <= 2 * AROUND || is_quoted_printable(text) || memchr::memchr(b' ', text).is_none();
    let mut signs = memchr::memchr3_iter(b'\\', b'%', b'&', text).peekable();
    let mut is_shown = false;
    let has_any = signs.peek().is_some() || is_whole && is_quoted_printable(text);
    std::iter::from_fn(move || {
        if is_whole {
            return (has_any && !std::mem::replace(&mut is_shown, true)).then_some(0..text.len());
        }
        let first = signs.next()?;
        let mut last = first;
        while let Some(next) = signs.next_if(|next| *next < last + 2 * AROUND) {
            last = next;
        }
        let (start, end) = (first.saturating_sub(AROUND), text.len().min(last + AROUND));
        let before = text[start.saturating_sub(TO_BLANK)..start].iter().rev();
        let behind = text[end..text.len().min(end + TO_BLANK)].iter();
        let is_inner = |byte: &&u8| !byte.is_ascii_whitespace();
        Some(start - before.take_while(is_inner).count()..end + behind.take_while(is_inner).count())
    })
}

/// Whether there is an `@` or a letter beyond ASCII in it as mails write them.
fn is_quoted_printable(text: &[u8]) -> bool {
    memchr::memchr_iter(b'=', text).any(|at| matches!(text.get(at + 1..at + 3), Some(b"40" | b"C3" | b"C4" | b"C5")))
}

/// The text without one level of escapes; `None` when there is none.
pub(super) fn unescaped(text: &[u8]) -> Option<Vec<u8>> {
    let is_mail = is_quoted_printable(text);
    // A form's fields have `+` for a blank, and no blank.
    let is_form = memchr::memchr(b' ', text).is_none() && memchr::memchr(b'%', text).is_some();
    let mut plain = Vec::with_capacity(text.len());
    let (mut at, mut has_any) = (0, false);
    while let Some(byte) = text.get(at) {
        let rest = &text[at..];
        let len = match byte {
            b'\\' => after_backslash(rest, &mut plain),
            b'%' => percent(rest, &mut plain),
            b'&' => entity(rest, &mut plain),
            b'=' if is_mail => quoted_printable(rest, &mut plain),
            b'+' if is_form => {
                plain.push(b' ');
                1
            }
            _ => 0,
        };
        has_any |= len > 0;
        if len == 0 {
            plain.push(*byte);
        }
        at += len.max(1);
    }
    has_any.then_some(plain)
}

/// How long the escape is, which is 0 where there is none.
fn after_backslash(text: &[u8], plain: &mut Vec<u8>) -> usize {
    let Some(escaped) = text.get(1) else { return 0 };
    match escaped {
        b'u' => {
            let Some(unit) = hex(text.get(2..6)) else { return 0 };
            let low = hex(text.get(8..12)).filter(|_| text.get(6..8) == Some(b"\\u"));
            match low {
                Some(low) if (0xd800..0xdc00).contains(&unit) && (0xdc00..0xe000).contains(&low) => {
                    push_char(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00), plain);
                    12
                }
                _ => push_char(unit, plain) * 6,
            }
        }
        b'x' => match hex(text.get(2..4)) {
            Some(byte) => {
                plain.push(u8::try_from(byte).unwrap_or(b' '));
                4
            }
            None => 0,
        },
        b'n' | b'r' | b't' => {
            plain.push(b'\n');
            2
        }
        other => {
            plain.push(*other);
            2
        }
    }
}

fn percent(text: &[u8], plain: &mut Vec<u8>) -> usize {
    if let Some(unit) = hex(text.get(2..6)).filter(|_| text.get(1) == Some(&b'u')) {
        return push_char(unit, plain) * 6;
    }
    let Some(byte) = hex(text.get(1..3)) else { return 0 };
    plain.push(u8::try_from(byte).unwrap_or(b' '));
    3
}

fn quoted_printable(text: &[u8], plain: &mut Vec<u8>) -> usize {
    match text {
        [_, b'\n', ..] => 2,
        [_, b'\r', b'\n', ..] => 3,
        _ => percent(text, plain),
    }
}

/// What stands behind a letter in the name of one with a mark, which is not needed to know a word.
const MARKS: &[&[u8]] = &[b"uml", b"acute", b"grave", b"circ", b"tilde", b"ring", b"cedil", b"caron"];
/// The longest name of an entity that is decoded.
const LONGEST_NAME: usize = 10;

fn entity(text: &[u8], plain: &mut Vec<u8>) -> usize {
    let window = &text[1..text.len().min(LONGEST_NAME + 2)];
    let Some(end) = memchr::memchr(b';', window) else { return 0 };
    let name = &window[..end];
    let code = match name {
        [b'#', b'x' | b'X', digits @ ..] => hex(Some(digits)),
        [b'#', digits @ ..] => std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()),
        b"amp" => Some(u32::from(b'&')),
        b"quot" => Some(u32::from(b'"')),
        b"lt" => Some(u32::from(b'<')),
        b"gt" => Some(u32::from(b'>')),
        b"commat" => Some(u32::from(b'@')),
        b"period" => Some(u32::from(b'.')),
        b"plus" => Some(u32::from(b'+')),
        b"lowbar" => Some(u32::from(b'_')),
        b"nbsp" | b"ensp" | b"emsp" | b"thinsp" => Some(u32::from(b' ')),
        b"szlig" => Some(u32::from('ß')),
        b"aelig" => Some(u32::from('æ')),
        b"AElig" => Some(u32::from('Æ')),
        b"oslash" => Some(u32::from('ø')),
        b"Oslash" => Some(u32::from('Ø')),
        [letter, mark @ ..] if MARKS.contains(&mark) => Some(u32::from(*letter)),
        _ => None,
    };
    code.map_or(0, |code| push_char(code, plain) * (end + 2))
}

/// Whether there is such a character, as a number.
fn push_char(code: u32, plain: &mut Vec<u8>) -> usize {
    let Some(c) = char::from_u32(code) else { return 0 };
    plain.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    1
}

fn hex(digits: Option<&[u8]>) -> Option<u32> {
    let digits = std::str::from_utf8(digits?).ok().filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}
