//! Whether two keys of one array or object become one when URLs in them are rewritten: whoever reads it would lose one.

use std::collections::HashSet;

use serde_json::Value;

use super::urls::Edit;
use crate::formats::DEEPEST;

/// Whether a rewritten value has fewer keys than the old one.
pub(super) fn loses_a_key(old: &[u8], new: &[u8], edits: &[Edit]) -> bool {
    // What is the same stays the same, so only what was spelled in two ways can become one, or what was there already.
    let is_count = |edit: &&Edit| edit.bytes.iter().all(u8::is_ascii_digit);
    let mut urls = edits.iter().filter(|edit| !is_count(edit));
    let Some(first) = urls.next() else { return false };
    let may_meet = |edit: &Edit| old[edit.start..edit.end] != old[first.start..first.end] || edit.bytes != first.bytes;
    let is_there = || memchr::memmem::find(old, &first.bytes).is_some();
    (urls.any(may_meet) || is_there()) && keys(old, 0) > keys(new, 0)
}

/// How many keys the arrays and objects in a value have, each once where it stands.
fn keys(text: &[u8], depth: usize) -> usize {
    let text = text.trim_ascii();
    match text {
        _ if depth > DEEPEST => 0,
        [b'a' | b'O' | b's', b':', ..] => {
            let mut reader = Reader { text, at: 0, keys: 0 };
            reader.value(depth).map_or(0, |()| reader.keys)
        }
        [b'{' | b'[' | b'"', ..] => serde_json::from_slice(text).map_or(0, |value| of_json(&value, depth)),
        _ => 0,
    }
}

fn of_json(value: &Value, depth: usize) -> usize {
    match value {
        Value::Array(list) => list.iter().map(|value| of_json(value, depth + 1)).sum(),
        Value::Object(members) => {
            members.len() + members.values().map(|value| of_json(value, depth + 1)).sum::<usize>()
        }
        Value::String(text) => keys(text.as_bytes(), depth + 1),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// Reads a serialized value, for its keys alone.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    keys: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        match self.text.get(self.at)? {
            b's' => {
                let text = self.string()?;
                self.keys += keys(text, depth + 1);
            }
            b'a' => {
                self.at += 2;
                self.members(depth)?;
            }
            b'O' => {
                self.name()?;
                self.at += 1;
                self.members(depth)?;
            }
            b'C' => {
                self.name()?;
                self.at += 1;
                let len = self.number(b':')?;
                self.at += len.checked_add(2)?;
            }
            b'E' => {
                self.name()?;
                self.at += 1;
            }
            _ => self.scalar()?,
        }
        Some(())
    }

    fn members(&mut self, depth: usize) -> Option<()> {
        let count = self.number(b':')?;
        self.at += 1;
        let mut own = HashSet::new();
        for _ in 0..count {
            let begin = self.at;
            let key = match self.text.get(begin)? {
                b's' => self.string()?,
                _ => {
                    self.scalar()?;
                    &self.text[begin..self.at]
                }
            };
            own.insert(key);
            self.value(depth + 1)?;
        }
        self.keys += own.len();
        (self.text.get(self.at) == Some(&b'}')).then(|| self.at += 1)
    }

    /// `s:3:"abc";`
    fn string(&mut self) -> Option<&'a [u8]> {
        let name = self.name()?;
        (self.text.get(self.at) == Some(&b';')).then(|| self.at += 1)?;
        Some(name)
    }

    /// `s:3:"abc"`
    fn name(&mut self) -> Option<&'a [u8]> {
        self.at += 2;
        let len = self.number(b':')?;
        let begin = self.at + 1;
        let name = self.text.get(begin..begin.checked_add(len)?)?;
        self.at = begin + len + 1;
        (self.text.get(self.at - 1) == Some(&b'"')).then_some(name)
    }

    /// Digits, and past the sign behind them.
    fn number(&mut self, sign: u8) -> Option<usize> {
        let len = memchr::memchr(sign, self.text.get(self.at..)?).filter(|len| *len < 20)?;
        let digits = std::str::from_utf8(&self.text[self.at..self.at + len]).ok()?;
        self.at += len + 1;
        digits.parse().ok()
    }

    fn scalar(&mut self) -> Option<()> {
        self.at += memchr::memchr(b';', self.text.get(self.at..)?)? + 1;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{of, php};

    #[test]
    fn two_keys_that_become_one_are_seen() {
        let rewriter = of(&[("https://a.test", "https://b.test"), ("https://www.a.test", "https://b.test")]);
        let collides = |text: &str| rewriter.rewrite(text.as_bytes()).is_some_and(|new| new.collides);
        let (http, https, www) = ("http://a.test/x", "https://a.test/x", "https://www.a.test/x");
        let array = |one: &str, two: &str| format!("a:2:{{{}i:1;{}i:2;}}", php(one), php(two));
        for (one, two, want) in [(http, https, true), (https, www, true), (https, "https://a.test/y", false)] {
            assert_eq!(collides(&array(one, two)), want, "{one} {two}");
            assert_eq!(collides(&format!("a:1:{{i:0;{}}}", php(&array(one, two)))), want);
            assert_eq!(collides(&format!("{{\"{one}\": 1, \"{two}\": {{}}}}")), want);
            assert_eq!(collides(&serde_json::json!([{ "x": array(one, two) }]).to_string()), want);
        }
        let (new, other) = ("https://b.test/x", "https://b.test/y");
        for (there, want) in [(new, true), (other, false)] {
            assert_eq!(collides(&array(https, there)), want);
            assert_eq!(collides(&format!("{{\"{https}\": 1, \"{there}\": {{}}}}")), want);
        }
        assert!(!collides(&format!("{http} and {https}")));
        assert!(!collides(&format!("[{{\"{http}\": 1}}, {{\"{https}\": 1}}]")));
        assert!(!collides(&format!("a:2:{{i:0;{}i:1;{}}}", php(http), php(https))));
    }
}
