//! Reads a whole serialized value; what each of its counted parts is, `tokens` says.

use std::borrow::Cow;

use super::tokens::{Counted, Token, TokenReader};
use crate::formats::members::{self, Keys, Pair};
use crate::formats::{DEEPEST, Edits, FieldPath, Scalar, Unchanged, Unreadable, ValueEditor};

/// The value with what `editor` changes in it, each count put right; `None` when it stays as it is. Blanks may be around
/// it, as WordPress trims them.
///
/// # Errors
/// When it is not serialized data to its end.
pub(crate) fn edited(
    value: &[u8],
    path: &FieldPath<'_>,
    editor: &impl ValueEditor,
    depth: usize,
) -> Result<Option<Vec<u8>>, Unreadable> {
    let start = value.len() - value.trim_ascii_start().len();
    if !matches!(
        &value[start..],
        [b'a' | b'O' | b's' | b'S' | b'C' | b'E' | b'i' | b'b' | b'd', b':', ..] | [b'N', b';', ..]
    ) {
        return Err(Unreadable);
    }
    let mut reader = ValueReader { at: start, ..ValueReader::of(value, editor) };
    reader.value(path, depth).ok_or(Unreadable)?;
    if value[reader.at..].trim_ascii().is_empty() { Ok(reader.edits.end()) } else { Err(Unreadable) }
}

/// How long the value is that a text begins with.
pub(crate) fn len(text: &[u8]) -> Option<usize> {
    let mut reader = ValueReader::of(text, &Unchanged);
    reader.value(&FieldPath::named(""), 0).map(|()| reader.at)
}

struct ValueReader<'a, E> {
    tokens: TokenReader<'a>,
    at: usize,
    edits: Edits<'a>,
    editor: &'a E,
}

impl<'a, E: ValueEditor> ValueReader<'a, E> {
    fn of(value: &'a [u8], editor: &'a E) -> Self {
        Self { tokens: TokenReader::of(value), at: 0, edits: Edits::of(value), editor }
    }

    fn value(&mut self, path: &FieldPath<'_>, depth: usize) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        let start = self.at;
        match self.tokens.text.get(self.at)? {
            b'N' => self.expect(b"N;"),
            b's' | b'S' => self.string(|editor, text| editor.text(path, text, depth + 1)),
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
    fn string(&mut self, new: impl FnOnce(&E, &[u8]) -> Option<Vec<u8>>) -> Option<()> {
        let start = self.at;
        let token = self.counted()?;
        if let Some(new) = new(self.editor, &self.text_of(start, &token)) {
            self.put_string(start, &new);
        }
        Some(())
    }

    fn put_string(&mut self, start: usize, new: &[u8]) {
        self.edits.put(start, self.at, &[format!("s:{}:\"", new.len()).as_bytes(), new, b"\";"]);
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
        let (begin, mut keys, mut pair) = (self.at, Keys::default(), None);
        for _ in 0..count {
            let start = self.at;
            match self.tokens.text.get(start)? {
                b's' | b'S' => {
                    let token = self.counted()?;
                    if !E::READS_NAMES {
                        self.value(path, depth + 1)?;
                        continue;
                    }
                    let key = self.text_of(start, &token);
                    if let Some(new) = self.editor.key(path, &key) {
                        let new =
                            keys.apart(&new, || shallow(self.tokens.text, begin, count).map(|(key, _)| key).collect());
                        self.put_string(start, &new);
                    }
                    self.member(&name_of(&key), (begin, count), &mut pair, path, depth)?;
                }
                b'i' => {
                    self.end_of_number()?;
                    self.value(&path.element(), depth + 1)?;
                }
                _ => return None,
            }
        }
        self.expect(b"}")
    }

    /// The value of a member; `pair` is what the members are together, once that was asked for.
    fn member(
        &mut self,
        name: &str,
        (begin, count): (usize, usize),
        pair: &mut Option<Pair>,
        path: &FieldPath<'_>,
        depth: usize,
    ) -> Option<()> {
        if Pair::may_be_part(name) {
            let looked_at = || {
                let mut pair = Pair::default();
                for (key, text) in shallow(self.tokens.text, begin, count) {
                    let text = text.as_deref().and_then(|text| std::str::from_utf8(text).ok());
                    pair.look(&String::from_utf8_lossy(&key), text);
                }
                pair
            };
            if let Some(label) = pair.get_or_insert_with(looked_at).name() {
                if members::is_value(name) {
                    return self.value(&path.member(label), depth + 1);
                }
                if matches!(self.tokens.text.get(self.at), Some(b's' | b'S')) {
                    return self.string(|editor, text| editor.label(path, text));
                }
            }
        }
        self.value(&path.member(name), depth + 1)
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

    /// Goes past the `;` after a number, which PHP writes with as many digits as it is told to; the answer is where it
    /// stands.
    fn end_of_number(&mut self) -> Option<usize> {
        let number = self.tokens.text.get(self.at..)?.get(1..)?.strip_prefix(b":")?;
        let is_part = |b: &u8| b.is_ascii_digit() || b"+-.eEINFA".contains(b);
        let len = number.iter().take_while(|b| is_part(b)).count();
        if len == 0 || number.get(len) != Some(&b';') {
            return None;
        }
        self.at += len + 3;
        Some(self.at - 1)
    }

    fn expect(&mut self, bytes: &[u8]) -> Option<()> {
        self.tokens.text.get(self.at..)?.starts_with(bytes).then(|| self.at += bytes.len())
    }
}

/// The keys of members that begin at `begin`, and their texts; those within them are passed over.
fn shallow(text: &[u8], begin: usize, count: usize) -> impl Iterator<Item = (Vec<u8>, Option<Cow<'_, [u8]>>)> {
    let mut reader = ValueReader { at: begin, ..ValueReader::of(text, &Unchanged) };
    let next = move |_| {
        let start = reader.at;
        let key = match text.get(start)? {
            b's' | b'S' => {
                let token = reader.counted()?;
                reader.text_of(start, &token).into_owned()
            }
            _ => text[start + 2..reader.end_of_number()?].to_vec(),
        };
        let start = reader.at;
        let value = match text.get(start)? {
            b's' | b'S' => {
                let token = reader.counted()?;
                Some(reader.text_of(start, &token))
            }
            _ => {
                reader.value(&FieldPath::named(""), 0)?;
                None
            }
        };
        Some((key, value))
    };
    (0..count).map_while(next)
}

/// The name that a key is: private members of objects have that of their class before it.
fn name_of(key: &[u8]) -> Cow<'_, str> {
    let start = memchr::memrchr(0, key).map_or(0, |nul| nul + 1);
    String::from_utf8_lossy(&key[start..])
}
