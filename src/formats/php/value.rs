//! Reads a whole serialized value; what each of its counted parts is, `tokens` says.

use std::borrow::Cow;

use super::tokens::{Counted, Token, TokenReader};
use crate::formats::{DEEPEST, Edits, FieldPath, Scalar, Unreadable, ValueEditor};

/// The value with what `editor` changes in it, each count put right; `None` when it stays as it is.
///
/// # Errors
/// When it is not serialized data to its end.
pub(crate) fn edited(
    value: &[u8],
    path: &FieldPath<'_>,
    editor: &impl ValueEditor,
    depth: usize,
) -> Result<Option<Vec<u8>>, Unreadable> {
    if !matches!(value, [b'a' | b'O' | b's' | b'S' | b'C' | b'E' | b'i' | b'b' | b'd', b':', ..] | b"N;") {
        return Err(Unreadable);
    }
    let mut reader = ValueReader { tokens: TokenReader::of(value), at: 0, edits: Edits::of(value), editor };
    reader.value(path, depth).ok_or(Unreadable)?;
    if value[reader.at..].trim_ascii().is_empty() { Ok(reader.edits.end()) } else { Err(Unreadable) }
}

struct ValueReader<'a, E> {
    tokens: TokenReader<'a>,
    at: usize,
    edits: Edits<'a>,
    editor: &'a E,
}

impl<'a, E: ValueEditor> ValueReader<'a, E> {
    fn value(&mut self, path: &FieldPath<'_>, depth: usize) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        let start = self.at;
        match self.tokens.text.get(self.at)? {
            b'N' => self.expect(b"N;"),
            b's' | b'S' => self.string(path, depth),
            b'a' => {
                let (members, begin) = self.tokens.members(start + 1)?;
                self.at = begin;
                self.members(members, path, depth)
            }
            b'O' => {
                let Token::Object { end, members, level: 0, .. } = self.tokens.token(start)? else { return None };
                self.at = end;
                self.members(members, path, depth)
            }
            b'C' => self.custom(path, depth),
            b'E' => {
                let Token::Case { end, level: 0, .. } = self.tokens.token(start)? else { return None };
                self.at = end;
                Some(())
            }
            b'b' | b'i' => {
                let end = self.end_of_number()?;
                let scalar = match &self.tokens.text[start..end] {
                    b"b:0" => Scalar::False,
                    b"b:1" => Scalar::True,
                    _ => Scalar::Number,
                };
                self.scalar(start, scalar, path);
                Some(())
            }
            b'd' | b'r' | b'R' => self.end_of_number().map(drop),
            _ => None,
        }
    }

    fn scalar(&mut self, start: usize, scalar: Scalar, path: &FieldPath<'_>) {
        let new = match self.editor.scalar(path, scalar) {
            Some(Scalar::True) if self.tokens.text[start] == b'b' => "b:1;",
            Some(Scalar::False) if self.tokens.text[start] == b'b' => "b:0;",
            Some(Scalar::True) => "i:1;",
            Some(_) => "i:0;",
            None => return,
        };
        self.edits.put(start, self.at, &[new.as_bytes()]);
    }

    /// `s:3:"abc";`
    fn string(&mut self, path: &FieldPath<'_>, depth: usize) -> Option<()> {
        let start = self.at;
        let token = self.counted()?;
        if let Some(new) = self.editor.text(path, &self.text_of(start, &token), depth + 1) {
            self.edits.put(start, self.at, &[format!("s:{}:\"", new.len()).as_bytes(), &new, b"\";"]);
        }
        Some(())
    }

    /// `C:3:"Foo":5:{…}`, the payload of which is whatever the class wrote.
    fn custom(&mut self, path: &FieldPath<'_>, depth: usize) -> Option<()> {
        let token = self.counted()?;
        if let Some(new) = self.editor.text(path, &self.tokens.text[token.body], depth + 1) {
            let count = new.len().to_string();
            self.edits.put(token.digits.start, self.at, &[count.as_bytes(), b":{", &new, b"}"]);
        }
        Some(())
    }

    /// `key value key value}`
    fn members(&mut self, count: usize, path: &FieldPath<'_>, depth: usize) -> Option<()> {
        for _ in 0..count {
            let (token, name);
            let start = self.at;
            let inner = match self.tokens.text.get(start)? {
                b's' | b'S' => {
                    token = self.counted()?;
                    name = if E::READS_NAMES { lossy(self.text_of(start, &token)) } else { Cow::Borrowed("") };
                    path.member(&name)
                }
                b'i' => {
                    self.end_of_number()?;
                    path.element()
                }
                _ => return None,
            };
            self.value(&inner, depth + 1)?;
        }
        self.expect(b"}")
    }

    /// Goes past the counted part that begins here.
    fn counted(&mut self) -> Option<Counted> {
        let Token::Counted { token, .. } = self.tokens.token(self.at)? else { return None };
        self.at = token.end;
        (token.level == 0).then_some(token)
    }

    /// The text of a string that begins at `start`; `S:` may write any byte as `\xx`.
    fn text_of(&self, start: usize, token: &Counted) -> Cow<'a, [u8]> {
        let text = self.tokens.text;
        let body = &text[token.body.clone()];
        if text[start] == b's' || body.len() == token.len {
            return Cow::Borrowed(body);
        }
        let mut parts = body.split(|b| *b == b'\\');
        let mut plain = parts.next().unwrap_or_default().to_vec();
        for part in parts {
            let digits = std::str::from_utf8(&part[..2]).ok();
            plain.extend(digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()));
            plain.extend_from_slice(&part[2..]);
        }
        Cow::Owned(plain)
    }

    /// Goes past the `;` after a number; the answer is where it stands.
    fn end_of_number(&mut self) -> Option<usize> {
        const LONGEST: usize = 40;
        let rest = self.tokens.text.get(self.at..)?.get(1..)?;
        let found = memchr::memchr(b';', &rest[..rest.len().min(LONGEST)]).filter(|_| rest[0] == b':')?;
        self.at += found + 2;
        Some(self.at - 1)
    }

    fn expect(&mut self, bytes: &[u8]) -> Option<()> {
        self.tokens.text.get(self.at..)?.starts_with(bytes).then(|| self.at += bytes.len())
    }
}

fn lossy(text: Cow<'_, [u8]>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => String::from_utf8_lossy(text),
        Cow::Owned(text) => Cow::Owned(String::from_utf8_lossy(&text).into_owned()),
    }
}
