//! Serialized data that is cut off, or whose counts are wrong: what can be read of it, in whatever order it stands.
//!
//! PHP would not read it, before or after. A string ends by its count if that is right, else where the next one could end.

use std::borrow::Cow;

use crate::formats::{DEEPEST, Edits, FieldPath, ValueEditor};

/// What is no longer is a sign that is missing, or one too many.
const SHORTEST_REST: usize = 2;

/// A value that is broken with what `editor` changes in it; `None` when it stays as it is.
pub(crate) fn edited_in_part(
    value: &[u8],
    path: &FieldPath<'_>,
    editor: &impl ValueEditor,
    depth: usize,
) -> Option<Vec<u8>> {
    let mut reader = PartReader { text: value, at: 0, is_lost: false, edits: Edits::of(value), editor };
    while reader.at < value.len() {
        reader.value(path, depth);
    }
    reader.edits.end()
}

/// A part of serialized data.
enum Part {
    /// An array or an object: its members follow.
    Open,
    Close,
    /// A string, and whether its end is there.
    Text {
        body: std::ops::Range<usize>,
        is_closed: bool,
    },
    Scalar,
}

struct PartReader<'a, E> {
    text: &'a [u8],
    at: usize,
    /// Whether some of it is no part of anything.
    is_lost: bool,
    edits: Edits<'a>,
    editor: &'a E,
}

impl<E: ValueEditor> PartReader<'_, E> {
    /// One value, or members that no array is known to have. What is shown as text before it stands in its place.
    fn value(&mut self, path: &FieldPath<'_>, depth: usize) {
        let start = self.at;
        if self.find(path, depth).is_some() && self.at > start + SHORTEST_REST {
            return;
        }
        match self.next(path, depth) {
            Some((_, Part::Open)) => self.members(path, depth + 1),
            Some((start, Part::Text { body, is_closed })) => self.show(start, body, is_closed, path, depth),
            Some((_, Part::Close | Part::Scalar)) | None => {}
        }
    }

    fn members(&mut self, path: &FieldPath<'_>, depth: usize) {
        while let Some((start, key)) = self.next(path, depth) {
            match key {
                Part::Close => return,
                Part::Scalar => self.value(&path.element(), depth),
                Part::Open => self.members(path, depth + 1),
                // What ends within a key is one, or a text of a member whose key is lost.
                Part::Text { body, is_closed } if self.at == self.text.len() => {
                    self.show(start, body, is_closed, path, depth);
                }
                Part::Text { body, is_closed } => {
                    let key = &self.text[body.clone()];
                    let new = self.editor.key(path, key);
                    // Which is a key and which a value cannot be told behind a part that is lost.
                    let text = || self.editor.text(path, key, depth + 1);
                    if let Some(new) = new.or_else(|| self.is_lost.then(text).flatten()) {
                        self.put(start, &new, is_closed);
                    }
                    let name: Cow<'_, str> = String::from_utf8_lossy(key);
                    self.value(&path.member(&name), depth);
                }
            }
        }
    }

    fn show(
        &mut self,
        start: usize,
        body: std::ops::Range<usize>,
        is_closed: bool,
        path: &FieldPath<'_>,
        depth: usize,
    ) {
        if let Some(new) = self.editor.text(path, &self.text[body], depth + 1) {
            self.put(start, &new, is_closed);
        }
    }

    fn put(&mut self, start: usize, new: &[u8], is_closed: bool) {
        let end: &[u8] = if is_closed { b"\";" } else { b"" };
        self.edits.put(start, self.at, &[format!("s:{}:\"", new.len()).as_bytes(), new, end]);
    }

    /// The next part, and where it begins.
    fn next(&mut self, path: &FieldPath<'_>, depth: usize) -> Option<(usize, Part)> {
        let (end, part) = self.find(path, depth)?;
        let start = self.at;
        self.at = end;
        Some((start, part))
    }

    /// Goes to the next part, which ends there; what stands before it is shown as text.
    fn find(&mut self, path: &FieldPath<'_>, depth: usize) -> Option<(usize, Part)> {
        let start = self.at;
        let found = loop {
            let found = if depth < DEEPEST { part(self.text, self.at) } else { None };
            if found.is_some() || self.at >= self.text.len() {
                break found;
            }
            self.at += 1;
        };
        if self.at > start + SHORTEST_REST {
            self.is_lost = true;
            if start > 0 || self.at < self.text.len() {
                self.edits.show(start..self.at, path, self.editor, depth + 1);
            }
        }
        found
    }
}

/// The part that begins at `start`, and its end.
fn part(text: &[u8], start: usize) -> Option<(usize, Part)> {
    let rest = text.get(start..)?;
    match rest {
        [b'}', ..] => return Some((start + 1, Part::Close)),
        [b'N', b';', ..] => return Some((start + 2, Part::Scalar)),
        [_, b':', ..] => {}
        _ => return None,
    }
    let kind = rest[0];
    let digits = rest[2..].iter().take_while(|b| b.is_ascii_digit() || b"+-.eE".contains(b)).count();
    let (number, after) = rest[2..].split_at(digits);
    let after_at = start + 2 + digits;
    match (kind, after) {
        (b'i' | b'b' | b'd' | b'r' | b'R', [b';', ..]) if digits > 0 => Some((after_at + 1, Part::Scalar)),
        (b'a', [b':', b'{', ..]) => Some((after_at + 2, Part::Open)),
        (b's' | b'S', [b':', b'"', ..]) => Some(string(text, after_at + 2, number)),
        (b'O' | b'C' | b'E', [b':', b'"', name @ ..]) => {
            // `O:3:"Foo":2:{`, the name of which has no quote in it.
            let head = memchr::memchr(b'"', &name[..name.len().min(256)])?;
            let count = name[head + 1..].strip_prefix(b":").map_or(&b""[..], |count| count);
            let digits = count.iter().take_while(|b| b.is_ascii_digit()).count();
            let end = after_at + 2 + head + 2 + digits + 2;
            if count[digits..].starts_with(b":{") {
                Some((end, Part::Open))
            } else {
                Some((end - digits - 2, Part::Scalar))
            }
        }
        _ => None,
    }
}

/// The string whose text begins at `body`, and its end.
fn string(text: &[u8], body: usize, number: &[u8]) -> (usize, Part) {
    let counted = std::str::from_utf8(number).ok().and_then(|number| number.parse().ok());
    let counted = counted
        .and_then(|len: usize| body.checked_add(len))
        .filter(|end| text.get(*end..).is_some_and(|rest| rest.starts_with(b"\";")));
    let close = counted.or_else(|| memchr::memmem::find(&text[body..], b"\";").map(|len| body + len));
    match close {
        Some(close) => (close + 2, Part::Text { body: body..close, is_closed: true }),
        None => (text.len(), Part::Text { body: body..text.len(), is_closed: false }),
    }
}
