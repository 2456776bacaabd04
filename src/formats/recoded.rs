//! Texts that stand in others sign by sign: with slashes before their quotes, percent-encoded, or with HTML entities.
//!
//! Only what lies between the first and the last byte that changes is written anew, as the signs before were.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use quick_xml::escape::resolve_html5_entity;

use super::{FieldPath, Unreadable, ValueEditor};

/// No name of an entity is longer.
const LONGEST_ENTITY: usize = 34;

/// A text, and where each of its bytes came from.
#[derive(Default)]
struct Recoded {
    plain: Vec<u8>,
    /// For each byte of `plain` and for its end.
    places: Vec<usize>,
}

impl Recoded {
    fn push(&mut self, bytes: &[u8], place: usize) {
        self.plain.extend_from_slice(bytes);
        self.places.resize(self.plain.len(), place);
    }

    fn push_plain(&mut self, value: &[u8], range: Range<usize>) {
        self.plain.extend_from_slice(&value[range.clone()]);
        self.places.extend(range);
    }

    /// The value with what `editor` changes in the plain text, written by `write`.
    fn edited(
        mut self,
        value: &[u8],
        path: &FieldPath<'_>,
        editor: &impl ValueEditor,
        depth: usize,
        write: impl Fn(&[u8]) -> Vec<u8>,
    ) -> Option<Vec<u8>> {
        self.places.push(value.len());
        let new = editor.text(path, &self.plain, depth + 1)?;
        let same = |pair: &(&u8, &u8)| pair.0 == pair.1;
        let mut start = self.plain.iter().zip(&new).take_while(same).count();
        // Not between the bytes of one sign.
        while start > 0
            && (self.places[start] == self.places[start - 1] || new.get(start).is_some_and(|byte| is_inner(*byte)))
        {
            start -= 1;
        }
        let most = (self.plain.len() - start).min(new.len() - start);
        let mut rest = self.plain.iter().rev().zip(new.iter().rev()).take(most).take_while(same).count();
        let is_within = |at: usize| at > 0 && self.places[at] == self.places[at - 1];
        while rest > 0 && (is_within(self.plain.len() - rest) || is_inner(new[new.len() - rest])) {
            rest -= 1;
        }
        let (begin, end) = (self.places[start], self.places[self.plain.len() - rest]);
        Some([&value[..begin], &write(&new[start..new.len() - rest]), &value[end..]].concat())
    }
}

/// Whether a byte is within a character.
fn is_inner(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// A text with a backslash before each quote and backslash, and before nothing else.
///
/// # Errors
/// When it is not such a text.
pub(super) fn edited_slashed(
    value: &[u8],
    path: &FieldPath<'_>,
    editor: &impl ValueEditor,
    depth: usize,
) -> Result<Option<Vec<u8>>, Unreadable> {
    const SIGNS: &[u8] = b"'\"/";
    let (mut text, mut slashed, mut bare) = (Recoded::default(), 0_u8, 0_u8);
    let mut at = 0;
    while let Some(byte) = value.get(at) {
        let bit = |byte: &u8| SIGNS.iter().position(|sign| sign == byte).map_or(0, |place| 1 << place);
        if *byte == b'\\' {
            let sign = value.get(at + 1).filter(|sign| **sign == b'\\' || bit(sign) != 0).ok_or(Unreadable)?;
            slashed |= bit(sign);
            text.push(&[*sign], at);
            at += 2;
        } else {
            bare |= bit(byte);
            text.push(&[*byte], at);
            at += 1;
        }
    }
    if slashed == 0 || slashed & bare != 0 {
        return Err(Unreadable);
    }
    let write = |new: &[u8]| {
        let is_slashed = |byte: &u8| {
            *byte == b'\\' || SIGNS.iter().position(|sign| sign == byte).is_some_and(|place| slashed & 1 << place != 0)
        };
        new.iter().flat_map(|byte| is_slashed(byte).then_some(b'\\').into_iter().chain([*byte])).collect()
    };
    Ok(text.edited(value, path, editor, depth, write))
}

/// A text that is percent-encoded as a whole.
///
/// # Errors
/// When it is not such a text.
pub(crate) fn edited_percent(
    value: &[u8],
    path: &FieldPath<'_>,
    editor: &impl ValueEditor,
    depth: usize,
) -> Result<Option<Vec<u8>>, Unreadable> {
    if !is_percent_encoded(value) {
        return Err(Unreadable);
    }
    let spelling = PercentSpelling::of(value, value.contains(&b'+'));
    Ok(decoded_percent(value, spelling.has_plus).edited(value, path, editor, depth, |new| spelling.written(new)))
}

/// Whether there is nothing in a text that must be encoded, and something that is.
pub(super) fn is_percent_encoded(value: &[u8]) -> bool {
    let is_sound = |at: usize| value.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    let is_plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_.~!*'()%+/:,;@$".contains(b);
    let first = memchr::memchr(b'%', value);
    first.is_some() && value.iter().all(is_plain) && memchr::memchr_iter(b'%', value).all(is_sound)
}

/// How percent-encoded text is spelled.
#[derive(Clone, Copy)]
pub(super) struct PercentSpelling {
    /// By byte, whether it stands there.
    is_there: [bool; 256],
    pub(super) has_plus: bool,
    is_lower: bool,
}

impl PercentSpelling {
    pub(super) fn of(value: &[u8], has_plus: bool) -> Self {
        let mut is_there = [false; 256];
        for b in value {
            is_there[usize::from(*b)] = true;
        }
        let is_lower = memchr::memchr_iter(b'%', value)
            .any(|at| value.get(at + 1..at + 3).is_some_and(|digits| digits.iter().any(|b| matches!(b, b'a'..=b'f'))));
        Self { is_there, has_plus: has_plus && memchr::memmem::find(value, b"%20").is_none(), is_lower }
    }

    pub(super) fn written(self, text: &[u8]) -> Vec<u8> {
        let mut new = Vec::with_capacity(text.len() + 8);
        for byte in text {
            match byte {
                b' ' if self.has_plus => new.push(b'+'),
                b if b.is_ascii_alphanumeric() || b"-_.".contains(b) => new.push(*b),
                // What another sign stands for is never meant by itself.
                b if !b"%&=+#".contains(b) && b.is_ascii_graphic() && self.is_there[usize::from(*b)] => new.push(*b),
                b if self.is_lower => new.extend_from_slice(format!("%{b:02x}").as_bytes()),
                b => new.extend_from_slice(format!("%{b:02X}").as_bytes()),
            }
        }
        new
    }
}

fn decoded_percent(value: &[u8], has_plus: bool) -> Recoded {
    let mut text = Recoded::default();
    let mut at = 0;
    while let Some(byte) = value.get(at) {
        let digits = value.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        let code = digits.filter(|_| *byte == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (code, byte) {
            (Some(code), _) => text.push(&[code], at),
            (None, b'+') if has_plus => text.push(b" ", at),
            (None, byte) => text.push(&[*byte], at),
        }
        at += if code.is_some() { 3 } else { 1 };
    }
    text
}

/// A part of a query string.
pub(super) fn edited_part(
    value: &[u8],
    path: &FieldPath<'_>,
    editor: &impl ValueEditor,
    depth: usize,
) -> Option<Vec<u8>> {
    let spelling = PercentSpelling::of(value, true);
    decoded_percent(value, true).edited(value, path, editor, depth, |new| spelling.written(new))
}

/// A text with HTML entities in it; in markup those stay that would be markup themselves.
///
/// # Errors
/// When there are none.
pub(super) fn edited_entities(
    value: &[u8],
    path: &FieldPath<'_>,
    editor: &impl ValueEditor,
    depth: usize,
) -> Result<Option<Vec<u8>>, Unreadable> {
    let is_markup = memchr::memchr(b'<', value).is_some();
    let is_it = |sign: &str| !is_markup || !matches!(sign, "<" | ">" | "&" | "\"" | "'");
    let found = entities(value, is_it);
    if found.is_empty() {
        return Err(Unreadable);
    }
    Ok(decoded_entities(value, &found).edited(value, path, editor, depth, |new| written(new, value, &found, "")))
}

/// A text between tags, or within the quotes of an attribute; `signs` are those that would end it.
pub(crate) fn edited_in_markup(
    value: &[u8],
    path: &FieldPath<'_>,
    editor: &impl ValueEditor,
    depth: usize,
    signs: &str,
) -> Option<Vec<u8>> {
    let found = entities(value, |_| true);
    decoded_entities(value, &found).edited(value, path, editor, depth, |new| written(new, value, &found, signs))
}

/// An entity: where it stands, how long it is, and what it stands for.
type Entity = (usize, usize, Cow<'static, str>);

fn entities(value: &[u8], is_it: impl Fn(&str) -> bool) -> Vec<Entity> {
    memchr::memchr_iter(b'&', value)
        .filter_map(|at| entity(&value[at..]).filter(|(_, sign)| is_it(sign)).map(|(len, sign)| (at, len, sign)))
        .collect()
}

fn decoded_entities(value: &[u8], found: &[Entity]) -> Recoded {
    let (mut text, mut done) = (Recoded::default(), 0);
    for (at, len, sign) in found {
        text.push_plain(value, done..*at);
        text.push(sign.as_bytes(), *at);
        done = at + len;
    }
    text.push_plain(value, done..value.len());
    text
}

/// A text with the entities in it that stood there before, and others for `signs`.
fn written(new: &[u8], value: &[u8], found: &[Entity], signs: &str) -> Vec<u8> {
    let new = String::from_utf8_lossy(new);
    let mut written = String::with_capacity(new.len() + 16);
    let known: HashMap<char, _> =
        found.iter().filter_map(|(at, len, sign)| Some((sign.chars().next()?, &value[*at..at + len]))).collect();
    for (at, c) in new.char_indices() {
        match known.get(&c) {
            Some(entity) => written.push_str(&String::from_utf8_lossy(entity)),
            None if signs.contains(c) => written.push_str(&format!("&#{};", u32::from(c))),
            None if c == '&' && entity(&new.as_bytes()[at..]).is_some() => written.push_str("&amp;"),
            None => written.push(c),
        }
    }
    written.into_bytes()
}

/// The entity that a text begins with: how long it is, and what it stands for.
fn entity(text: &[u8]) -> Option<(usize, Cow<'static, str>)> {
    let body = text.strip_prefix(b"&")?;
    let len = memchr::memchr(b';', &body[..body.len().min(LONGEST_ENTITY)])?;
    let name = std::str::from_utf8(&body[..len]).ok()?;
    let Some(number) = name.strip_prefix('#') else {
        return resolve_html5_entity(name).map(|sign| (len + 2, Cow::Borrowed(sign)));
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => number.parse(),
    };
    let sign = char::from_u32(code.ok()?).filter(|c| !c.is_control())?;
    Some((len + 2, Cow::Owned(sign.to_string())))
}
