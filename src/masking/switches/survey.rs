//! A look through a value: which texts and flags stand at which paths in it. It changes nothing.

use std::cell::RefCell;

use crate::formats::{self, FieldPath, Scalar, ValueEditor};
use crate::masking::values::{is_secret, is_unwritable};

/// Longer texts are no words of a switch; of these no more is remembered.
const LONGEST_WORD: usize = 40;

/// Something at a path.
pub(super) struct Found {
    /// The names of the fields around it and its own, with dots between; those of lists have none.
    pub(super) path: String,
    pub(super) seen: Seen,
    /// Whether its name says that it opens something, and it is not empty.
    pub(super) is_secret: bool,
    /// Whether nobody would write it.
    pub(super) is_unwritable: bool,
}

/// What stands there.
#[derive(Clone, Debug)]
pub(super) enum Seen {
    /// A text, or as much of it as a word can have.
    Text(Vec<u8>),
    Scalar(Scalar),
}

/// All that stands in the value of a key.
pub(super) fn survey(key: &str, value: &[u8]) -> Vec<Found> {
    let survey = Survey::default();
    survey.text(&FieldPath::named(key), value, 0);
    survey.found.into_inner()
}

#[derive(Default)]
struct Survey {
    found: RefCell<Vec<Found>>,
}

impl Survey {
    fn note(&self, path: &FieldPath<'_>, seen: Seen, is_unwritable: bool) {
        let is_empty = matches!(&seen, Seen::Text(text) if text.is_empty());
        let is_secret = !is_empty && is_secret(path);
        self.found.borrow_mut().push(Found { path: joined(path), seen, is_secret, is_unwritable });
    }
}

impl ValueEditor for Survey {
    fn text(&self, path: &FieldPath<'_>, text: &[u8], depth: usize) -> Option<Vec<u8>> {
        if formats::edited(text, path, self, depth).is_err() {
            let word = &text[..text.len().min(LONGEST_WORD)];
            self.note(path, Seen::Text(word.to_vec()), is_unwritable(text));
        }
        None
    }

    fn scalar(&self, path: &FieldPath<'_>, scalar: Scalar) -> Option<Scalar> {
        self.note(path, Seen::Scalar(scalar), false);
        None
    }
}

/// A path within a value: the name of the whole is no part of it.
pub(super) fn joined(path: &FieldPath<'_>) -> String {
    let Some(around) = path.around else { return String::new() };
    let mut joined = self::joined(around);
    if !joined.is_empty() {
        joined.push('.');
    }
    joined.push_str(path.name);
    joined
}
