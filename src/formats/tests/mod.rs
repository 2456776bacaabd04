//! What is read of each form, and that what was valid before is valid after.

mod json;
mod php;
mod properties;
mod recoded;
mod tables;

use std::cell::RefCell;

use super::*;

/// The sign of a marker that empties what is not looked into.
const OPAQUE: &str = "opaque";

/// Notes each text with the names on its path, and puts `#` before the texts and keys that hold a sign.
struct Marker {
    sign: &'static str,
    seen: RefCell<Vec<String>>,
}

impl Marker {
    fn new(sign: &'static str) -> Self {
        Self { sign, seen: RefCell::default() }
    }

    fn marked(&self, text: &[u8]) -> Option<Vec<u8>> {
        memchr::memmem::find(text, self.sign.as_bytes()).map(|_| [b"#", text].concat())
    }
}

impl ValueEditor for Marker {
    fn text(&self, path: &FieldPath<'_>, text: &[u8], depth: usize) -> Option<Vec<u8>> {
        edited(text, path, self, depth).unwrap_or_else(|_| {
            let names = std::iter::successors(Some(path), |path| path.around).map(|path| path.name);
            let names = names.collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("/");
            self.seen.borrow_mut().push(format!("{names}={}", String::from_utf8_lossy(text)));
            self.marked(text)
        })
    }

    fn scalar(&self, _: &FieldPath<'_>, _: Scalar) -> Option<Scalar> {
        None
    }

    fn key(&self, _: &FieldPath<'_>, key: &[u8]) -> Option<Vec<u8>> {
        self.marked(key)
    }

    fn opaque(&self, _: &FieldPath<'_>) -> Option<Vec<u8>> {
        (self.sign == OPAQUE).then(Vec::new)
    }
}

/// The texts of a value, each with its path.
fn texts(value: &str) -> Vec<String> {
    let marker = Marker::new("no text has this in it");
    assert_eq!(marker.text(&FieldPath::named("f"), value.as_bytes(), 0), None, "{value}");
    marker.seen.into_inner()
}

/// The value with `#` before each text in it that holds a sign.
fn marked(value: &str, sign: &'static str) -> String {
    let new = Marker::new(sign).text(&FieldPath::named("f"), value.as_bytes(), 0);
    new.map_or_else(|| value.to_owned(), |new| String::from_utf8(new).unwrap())
}
