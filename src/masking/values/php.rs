//! What PHP's `serialize()` writes.

use std::ops::Range;

use super::{DEEPEST, Edits, Place, Policy, Scalar, walk};

/// The outer `None`: this is not serialized data, or not to its end. The inner one: it stays as it is.
pub(super) fn read(value: &[u8], place: &Place, policy: &Policy<'_>, depth: usize) -> Option<Option<Vec<u8>>> {
    let is_likely = matches!(value, [b'a' | b'O' | b's' | b'C' | b'E' | b'i' | b'b' | b'd', b':', ..] | b"N;");
    if !is_likely {
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

impl Reader<'_> {
    fn value(&mut self, place: &Place, depth: usize) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        let start = self.at;
        match self.text.get(self.at)? {
            b'N' => self.expect(b"N;"),
            b's' => self.string(place, depth),
            b'a' => {
                self.expect(b"a:")?;
                let count = self.count()?;
                self.members(count, place, depth)
            }
            b'O' => {
                self.class(b"O:")?;
                let count = self.count()?;
                self.members(count, place, depth)
            }
            b'C' => self.custom(place, depth),
            b'E' => {
                self.class(b"E:")?;
                // The name ends with `;` where a class has `:`.
                self.at.checked_sub(1).filter(|at| self.text[*at] == b';').map(drop)
            }
            b'b' | b'i' => {
                let end = self.until(b';')?;
                let scalar = match &self.text[start..end] {
                    b"b:0" => Scalar::False,
                    b"b:1" => Scalar::True,
                    _ => Scalar::Number,
                };
                self.scalar(start, scalar, place);
                Some(())
            }
            b'd' | b'r' | b'R' => self.until(b';').map(drop),
            _ => None,
        }
    }

    fn scalar(&mut self, start: usize, scalar: Scalar, place: &Place) {
        let new = match self.policy.scalar(place, scalar) {
            Some(Scalar::True) if self.text[start] == b'b' => "b:1;",
            Some(Scalar::False) if self.text[start] == b'b' => "b:0;",
            Some(Scalar::True) => "i:1;",
            Some(_) => "i:0;",
            None => return,
        };
        self.edits.put(start, self.at, new.as_bytes());
    }

    /// `s:3:"abc";`
    fn string(&mut self, place: &Place, depth: usize) -> Option<()> {
        let start = self.at;
        let body = self.counted(b"s:", b"\";")?;
        if let Some(new) = walk(&self.text[body], place, self.policy, depth + 1) {
            let token = [format!("s:{}:\"", new.len()).as_bytes(), &new, b"\";"].concat();
            self.edits.put(start, self.at, &token);
        }
        Some(())
    }

    /// `C:3:"Foo":5:{…}`, the payload of which is whatever the class wrote.
    fn custom(&mut self, place: &Place, depth: usize) -> Option<()> {
        self.class(b"C:")?;
        let start = self.at;
        let len = self.count()?;
        self.expect(b"{")?;
        let body = self.at..self.at.checked_add(len).filter(|end| *end <= self.text.len())?;
        self.at = body.end;
        self.expect(b"}")?;
        if let Some(new) = walk(&self.text[body], place, self.policy, depth + 1) {
            self.edits.put(start, self.at, &[format!("{}:{{", new.len()).as_bytes(), &new, b"}"].concat());
        }
        Some(())
    }

    /// `{key value key value}`
    fn members(&mut self, count: usize, place: &Place, depth: usize) -> Option<()> {
        self.expect(b"{")?;
        let text = self.text;
        for _ in 0..count {
            let name;
            let inner = match text.get(self.at)? {
                b's' => {
                    name = String::from_utf8_lossy(&text[self.counted(b"s:", b"\";")?]);
                    place.member(&name)
                }
                b'i' => {
                    self.until(b';')?;
                    place.element()
                }
                _ => return None,
            };
            self.value(&inner, depth + 1)?;
        }
        self.expect(b"}")
    }

    /// The name of a class and the sign after it: `O:3:"Foo":`.
    fn class(&mut self, begin: &[u8]) -> Option<()> {
        self.counted(begin, b"\"")?;
        matches!(self.text.get(self.at)?, b':' | b';').then(|| self.at += 1)
    }

    fn counted(&mut self, begin: &[u8], end: &[u8]) -> Option<Range<usize>> {
        self.expect(begin)?;
        let len = self.count()?;
        self.expect(b"\"")?;
        let body = self.at..self.at.checked_add(len)?;
        self.at = body.end;
        self.expect(end)?;
        Some(body)
    }

    /// Digits and a colon.
    fn count(&mut self) -> Option<usize> {
        let start = self.at;
        let end = self.until(b':')?;
        std::str::from_utf8(&self.text[start..end]).ok()?.parse().ok()
    }

    /// Goes past the next `sign`; the answer is where it stands.
    fn until(&mut self, sign: u8) -> Option<usize> {
        // No number is longer.
        let rest = self.text.get(self.at..)?;
        let found = self.at + memchr::memchr(sign, &rest[..rest.len().min(40)])?;
        self.at = found + 1;
        Some(found)
    }

    fn expect(&mut self, bytes: &[u8]) -> Option<()> {
        self.text.get(self.at..)?.starts_with(bytes).then(|| self.at += bytes.len())
    }
}
