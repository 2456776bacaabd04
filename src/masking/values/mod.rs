//! Values with a structure: PHP-serialized data and JSON, within each other to any sane depth.
//!
//! A value is read once (`php`, `json`); each text in it is shown to the policy (`policy`) with the name of its field
//! (`fields`), and what the policy puts there is written with the right length or escapes. All other bytes stay. What
//! cannot be read as either is a text itself.

mod fields;
mod json;
mod names;
mod php;
mod policy;

#[cfg(test)]
mod tests;

pub(crate) use fields::personal;
pub(super) use policy::Policy;

use fields::Place;

/// Deeper nesting than any plugin writes; it bounds the work on hostile data.
const DEEPEST: usize = 64;

/// A value that is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scalar {
    True,
    False,
    Number,
}

/// The value with what the policy changes in it, or `None` when it stays. `field` is the name of the whole.
pub(super) fn walked(value: &[u8], field: &str, policy: &Policy<'_>) -> Option<Vec<u8>> {
    walk(value, &Place::named(field), policy, 0)
}

fn walk(value: &[u8], place: &Place, policy: &Policy<'_>, depth: usize) -> Option<Vec<u8>> {
    if depth < DEEPEST {
        if let Some(read) = php::read(value, place, policy, depth) {
            return read;
        }
        if let Some(read) = json::read(value, place, policy, depth) {
            return read;
        }
    }
    policy.text(place, value)
}

/// Copies a text with some parts of it replaced; nothing is copied while nothing changes.
struct Edits<'a> {
    text: &'a [u8],
    new: Vec<u8>,
    done: usize,
}

impl<'a> Edits<'a> {
    fn of(text: &'a [u8]) -> Self {
        Self { text, new: Vec::new(), done: 0 }
    }

    fn put(&mut self, start: usize, end: usize, bytes: &[u8]) {
        self.new.extend_from_slice(&self.text[self.done..start]);
        self.new.extend_from_slice(bytes);
        self.done = end;
    }

    fn end(mut self) -> Option<Vec<u8>> {
        (self.done > 0).then(|| {
            self.new.extend_from_slice(&self.text[self.done..]);
            self.new
        })
    }
}
