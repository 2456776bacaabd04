//! JSON, read in place: what does not change keeps its own spelling.
//!
//! The form is that of RFC 8259 but for one thing: a string may hold raw line ends, tabs and the like, as sloppy plugins
//! write them. There is no other way to read them, and what is not read as JSON hides its fields from masking.

use std::borrow::Cow;

use data_encoding::HEXLOWER;

use super::{DEEPEST, Edits, FieldPath, Scalar, Unchanged, Unreadable, ValueEditor};

/// The value with what `editor` changes in it; `None` when it stays as it is.
///
/// # Errors
/// When it is not JSON of some structure.
pub(crate) fn edited(
    value: &[u8],
    path: &FieldPath<'_>,
    editor: &impl ValueEditor,
    depth: usize,
) -> Result<Option<Vec<u8>>, Unreadable> {
    if !matches!(without_blanks(value).first(), Some(b'{' | b'[' | b'"')) {
        return Err(Unreadable);
    }
    let mut reader = ValueReader { text: value, at: 0, edits: Edits::of(value), editor };
    reader.value(path, depth).ok_or(Unreadable)?;
    if without_blanks(&value[reader.at..]).is_empty() { Ok(reader.edits.end()) } else { Err(Unreadable) }
}

/// Whether a value is JSON of some structure.
pub(crate) fn is_whole(value: &[u8]) -> bool {
    edited(value, &FieldPath::named(""), &Unchanged, 0).is_ok()
}

/// Whether the string that ends somewhere in `rest`, the end of a `jsonb` value, is a key.
pub(crate) fn is_in_key(rest: &[u8]) -> bool {
    string_end(rest, 0).is_some_and(|(end, _)| rest.get(end + 1) == Some(&b':'))
}

/// Where the quote stands that ends a string, some of which is before `at`, and whether no escape is before it.
fn string_end(text: &[u8], mut at: usize) -> Option<(usize, bool)> {
    let mut is_plain = true;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some((at, is_plain));
        }
        (at, is_plain) = (at + 2, false);
    }
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

fn without_blanks(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count();
    &text[blanks..]
}

/// Whether a literal is a number: no `01`, no `1.`, no `1.2.3`.
fn is_number(literal: &[u8]) -> bool {
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

struct ValueReader<'a, E> {
    text: &'a [u8],
    at: usize,
    edits: Edits<'a>,
    editor: &'a E,
}

impl<'a, E: ValueEditor> ValueReader<'a, E> {
    fn value(&mut self, path: &FieldPath<'_>, depth: usize) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        match self.peek()? {
            b'{' => self.list(b'}', |reader| {
                let name = reader.string()?;
                reader.expect(b':')?;
                reader.value(&path.member(&name), depth + 1)
            }),
            b'[' => self.list(b']', |reader| reader.value(&path.element(), depth + 1)),
            b'"' => {
                let start = self.at;
                let text = self.string()?;
                if let Some(new) = self.editor.text(path, text.as_bytes(), depth + 1) {
                    let new = serde_json::to_vec(&String::from_utf8_lossy(&new)).ok()?;
                    self.edits.put(start, self.at, &[&new]);
                }
                Some(())
            }
            _ => self.literal(path),
        }
    }

    fn literal(&mut self, path: &FieldPath<'_>) -> Option<()> {
        let start = self.at;
        let is_part = |b: &u8| b.is_ascii_alphanumeric() || b"+-.".contains(b);
        self.at += self.text[start..].iter().take_while(|b| is_part(b)).count();
        let scalar = match &self.text[start..self.at] {
            b"null" => return Some(()),
            b"true" => Scalar::True,
            b"false" => Scalar::False,
            number if is_number(number) => Scalar::Number,
            _ => return None,
        };
        let new: &[u8] = match self.editor.scalar(path, scalar) {
            Some(Scalar::True) if scalar == Scalar::Number => b"1",
            Some(Scalar::True) => b"true",
            Some(Scalar::False) => b"false",
            Some(Scalar::Number) => b"0",
            None => return Some(()),
        };
        self.edits.put(start, self.at, &[new]);
        Some(())
    }

    fn list(&mut self, close: u8, mut member: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.at += 1;
        if self.peek()? == close {
            self.at += 1;
            return Some(());
        }
        loop {
            member(self)?;
            match self.peek()? {
                b',' => self.at += 1,
                sign if sign == close => {
                    self.at += 1;
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    /// The text of the string that begins here, decoded.
    fn string(&mut self) -> Option<Cow<'a, str>> {
        self.expect(b'"')?;
        let start = self.at;
        let (end, is_plain) = string_end(self.text, start)?;
        self.at = end + 1;
        let body = &self.text[start..end];
        if is_plain {
            return std::str::from_utf8(body).ok().map(Cow::Borrowed);
        }
        decoded(&self.text[start - 1..self.at]).map(Cow::Owned)
    }

    /// The next byte that is no blank.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.text.get(self.at..)?;
        self.at += rest.len() - without_blanks(rest).len();
        self.text.get(self.at).copied()
    }

    fn expect(&mut self, sign: u8) -> Option<()> {
        (self.peek()? == sign).then(|| self.at += 1)
    }
}
