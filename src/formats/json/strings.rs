//! Strings and other parts of JSON: where each ends, what it says, and how a new one is spelled as those around it are.

use std::borrow::Cow;

use data_encoding::HEXLOWER;

/// Where the quote stands that ends a string, some of which is before `at`, and whether no escape is before it.
pub(super) fn string_end(text: &[u8], mut at: usize) -> Option<(usize, bool)> {
    let mut is_plain = true;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some((at, is_plain));
        }
        (at, is_plain) = (at + 2, false);
    }
}

/// The text of a string that begins at `at`, decoded, and where it ends.
pub(super) fn string(text: &[u8], at: usize) -> Option<(Cow<'_, str>, usize)> {
    if *text.get(at)? != b'"' {
        return None;
    }
    let (end, is_plain) = string_end(text, at + 1)?;
    if is_plain {
        return Some((Cow::Borrowed(std::str::from_utf8(&text[at + 1..end]).ok()?), end + 1));
    }
    Some((Cow::Owned(decoded(&text[at..=end])?), end + 1))
}

/// The text of a string in its quotes.
fn decoded(quoted: &[u8]) -> Option<String> {
    let text = serde_json::from_slice(quoted).ok();
    if text.is_some() || !quoted.iter().any(u8::is_ascii_control) {
        return text;
    }
    let mut sound = Vec::with_capacity(quoted.len() + 16);
    for byte in quoted {
        match byte {
            0..0x20 => {
                sound.extend_from_slice(b"\\u00");
                sound.extend_from_slice(HEXLOWER.encode(&[*byte]).as_bytes());
            }
            _ => sound.push(*byte),
        }
    }
    serde_json::from_slice(&sound).ok()
}

/// Where the value ends that begins at `at`, if it is sound; only its quotes and brackets are looked at.
pub(super) fn value_end(text: &[u8], mut at: usize) -> Option<usize> {
    let mut open = 0_usize;
    loop {
        let sign = text.get(at)?;
        at = match sign {
            b'"' => string_end(text, at + 1)?.0 + 1,
            _ => at + 1,
        };
        match sign {
            b'{' | b'[' => open += 1,
            b'}' | b']' => open = open.checked_sub(1)?,
            _ => {}
        }
        if open == 0 && (matches!(sign, b'"' | b'}' | b']') || matches!(text.get(at)?, b',' | b'}' | b']')) {
            return Some(at);
        }
    }
}

pub(super) fn without_blanks(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count();
    &text[blanks..]
}

/// Whether a literal is a number: no `01`, no `1.`, no `1.2.3`.
pub(super) fn is_number(literal: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|b| b.is_ascii_digit()).count();
    let rest = literal.strip_prefix(b"-").unwrap_or(literal);
    let whole = digits(rest);
    let mut rest = &rest[whole..];
    if whole == 0 || whole > 1 && literal[literal.len() - rest.len() - whole] == b'0' {
        return false;
    }
    if let Some(fraction) = rest.strip_prefix(b".") {
        let len = digits(fraction);
        if len == 0 {
            return false;
        }
        rest = &fraction[len..];
    }
    let Some(exponent) = rest.strip_prefix(b"e").or(rest.strip_prefix(b"E")) else { return rest.is_empty() };
    let exponent = exponent.strip_prefix(b"+").or(exponent.strip_prefix(b"-")).unwrap_or(exponent);
    !exponent.is_empty() && digits(exponent) == exponent.len()
}

/// Signs that some writers of JSON escape, so that it can stand in markup.
const SIGNS: &[u8] = b"<>&'\"-";

/// What the writer of some JSON escapes beside what must be.
#[derive(Clone, Copy, Default)]
pub(super) struct Spelling {
    has_slashes: bool,
    has_letters: bool,
    /// A bit for each of `SIGNS`.
    signs: u8,
}

impl Spelling {
    /// As in the comments that delimit blocks of a post, where WordPress writes none of these signs, and in attributes.
    pub(super) const IN_MARKUP: Self = Self { has_slashes: false, has_letters: false, signs: 0b11_1111 };

    pub(super) fn of(text: &[u8]) -> Self {
        let mut spelling = Self::default();
        let mut at = 0;
        while let Some(found) = memchr::memchr(b'\\', &text[at..]) {
            let escape = &text[at + found + 1..];
            match escape {
                [b'/', ..] => spelling.has_slashes = true,
                [b'u', digits @ ..] => {
                    let code = digits.get(..4).and_then(|digits| std::str::from_utf8(digits).ok());
                    let code = code.and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or(0);
                    spelling.has_letters |= code >= 0x80;
                    spelling.signs |= sign_bit(char::from_u32(code).unwrap_or(' '));
                }
                _ => {}
            }
            at = (at + found + 2).min(text.len());
        }
        spelling.has_letters &= text.is_ascii();
        spelling
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self { signs: self.signs | other.signs, ..self }
    }

    /// A string in its quotes.
    pub(super) fn quoted(self, text: &str) -> Vec<u8> {
        let mut new = String::with_capacity(text.len() + 8);
        new.push('"');
        let mut chars = text.chars().peekable();
        let mut before = ' ';
        while let Some(c) = chars.next() {
            // One dash ends no comment.
            let is_alone = c == '-' && before != '-' && chars.peek() != Some(&'-');
            match c {
                _ if self.signs & sign_bit(c) != 0 && !is_alone => escape(&mut new, c),
                '"' => new.push_str("\\\""),
                '\\' => new.push_str("\\\\"),
                '/' if self.has_slashes => new.push_str("\\/"),
                '\n' => new.push_str("\\n"),
                '\r' => new.push_str("\\r"),
                '\t' => new.push_str("\\t"),
                '\u{8}' => new.push_str("\\b"),
                '\u{c}' => new.push_str("\\f"),
                c if c < ' ' || self.has_letters && !c.is_ascii() => escape(&mut new, c),
                c => new.push(c),
            }
            before = c;
        }
        new.push('"');
        new.into_bytes()
    }
}

fn sign_bit(c: char) -> u8 {
    SIGNS.iter().position(|sign| char::from(*sign) == c).map_or(0, |place| 1 << place)
}

fn escape(text: &mut String, c: char) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        text.push_str("\\u");
        text.push_str(&HEXLOWER.encode(&unit.to_be_bytes()));
    }
}
