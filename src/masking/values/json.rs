//! JSON, read in place: what does not change keeps its own spelling.

use std::borrow::Cow;

use super::{DEEPEST, Edits, Place, Policy, Scalar, walk};

/// The outer `None`: this is not JSON of some structure. The inner one: it stays as it is.
pub(super) fn read(value: &[u8], place: &Place, policy: &Policy<'_>, depth: usize) -> Option<Option<Vec<u8>>> {
    if !matches!(value.trim_ascii_start().first(), Some(b'{' | b'[' | b'"')) {
        return None;
    }
    let mut reader = Reader { text: value, at: 0, edits: Edits::of(value), policy };
    reader.value(place, depth)?;
    value[reader.at..].trim_ascii().is_empty().then(|| reader.edits.end())
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    edits: Edits<'a>,
    policy: &'a Policy<'a>,
}

impl<'a> Reader<'a> {
    fn value(&mut self, place: &Place, depth: usize) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        match self.peek()? {
            b'{' => self.list(b'}', |reader| {
                let name = reader.string()?;
                reader.expect(b':')?;
                reader.value(&place.member(&name), depth + 1)
            }),
            b'[' => self.list(b']', |reader| reader.value(&place.element(), depth + 1)),
            b'"' => {
                let start = self.at;
                let text = self.string()?;
                if let Some(new) = walk(text.as_bytes(), place, self.policy, depth + 1) {
                    let new = serde_json::to_vec(&String::from_utf8_lossy(&new)).ok()?;
                    self.edits.put(start, self.at, &new);
                }
                Some(())
            }
            _ => self.literal(place),
        }
    }

    fn literal(&mut self, place: &Place) -> Option<()> {
        let start = self.at;
        let is_part = |b: &u8| b.is_ascii_alphanumeric() || b"+-.".contains(b);
        self.at += self.text[start..].iter().take_while(|b| is_part(b)).count();
        let scalar = match &self.text[start..self.at] {
            b"null" => return Some(()),
            b"true" => Scalar::True,
            b"false" => Scalar::False,
            [b'-' | b'0'..=b'9', ..] => Scalar::Number,
            _ => return None,
        };
        let new: &[u8] = match self.policy.scalar(place, scalar) {
            Some(Scalar::True) if scalar == Scalar::Number => b"1",
            Some(Scalar::True) => b"true",
            Some(Scalar::False) => b"false",
            Some(Scalar::Number) => b"0",
            None => return Some(()),
        };
        self.edits.put(start, self.at, new);
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
        let mut is_plain = true;
        loop {
            let rest = self.text.get(self.at..)?;
            let found = memchr::memchr2(b'"', b'\\', rest)?;
            self.at += found + 1;
            if rest[found] == b'"' {
                break;
            }
            is_plain = false;
            self.at += 1;
        }
        let body = self.text.get(start..self.at - 1)?;
        if is_plain {
            return std::str::from_utf8(body).ok().map(Cow::Borrowed);
        }
        serde_json::from_slice(&self.text[start - 1..self.at]).ok().map(Cow::Owned)
    }

    /// The next byte that is no blank.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.text.get(self.at..)?;
        self.at += rest.len() - rest.trim_ascii_start().len();
        self.text.get(self.at).copied()
    }

    fn expect(&mut self, sign: u8) -> Option<()> {
        (self.peek()? == sign).then(|| self.at += 1)
    }
}
