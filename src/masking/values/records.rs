//! Whose record a structure is: an object that holds somebody's address or number, or their name, is about them, and so is
//! what stands beside it under a name such as `first` or `user`, which tells nothing elsewhere.

use std::cell::RefCell;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::fields;
use crate::contract::transformer::Transformer;
use crate::formats::FieldPath;

/// A longer text is not one person's address or name.
const LONGEST: usize = 100;

/// The records in one value, by the names of what is around their fields; all rows of a list are of one kind.
#[derive(Default)]
pub(super) struct Records {
    people: RefCell<HashSet<u64>>,
    /// Forms and letters: what is called `name` there is theirs.
    forms: RefCell<HashSet<u64>>,
    /// Whether they are all known.
    are_known: std::cell::Cell<bool>,
}

impl Records {
    /// Forgets those of the value before.
    pub(super) fn begin(&self) {
        self.are_known.set(false);
        self.people.borrow_mut().clear();
        self.forms.borrow_mut().clear();
    }

    /// Whether the value has any, which are now looked for by another walk.
    pub(super) fn end(&self) -> bool {
        !self.are_known.replace(true) && !self.people.borrow().is_empty()
    }

    /// Somebody's address, number or name stands at this path.
    pub(super) fn note(&self, path: &FieldPath<'_>, text: &[u8]) {
        let Some(around) = path.around.filter(|_| text.len() <= LONGEST && !self.are_known.get()) else { return };
        let mut people = self.people.borrow_mut();
        people.insert(place(around));
        // `{"name": …, "contact": {"email": …}}`
        if let Some(outer) = around.around.filter(|_| fields::is_part(around.name)) {
            people.insert(place(outer));
        }
    }

    /// Looks at the name of any field.
    pub(super) fn look(&self, path: &FieldPath<'_>) {
        if let Some(around) = path.around.filter(|_| !self.are_known.get())
            && matches!(path.name, "subject" | "heading" | "template" | "body" | "smtp_host" | "host")
        {
            self.forms.borrow_mut().insert(place(around));
        }
    }

    /// How the text of a field in a record is masked, by its name.
    pub(super) fn transformer(&self, path: &FieldPath<'_>, text: &[u8]) -> Option<Transformer> {
        let around = self.of(path)?;
        if let Some(transformer) = fields::personal(path.name) {
            return Some(transformer);
        }
        let transformer = fields::in_record(path.name)?;
        if transformer == Transformer::Url && memchr::memmem::find(text, b"://").is_none() {
            return None;
        }
        let is_letter = |b: &u8| b.is_ascii_alphabetic() || *b >= 0x80;
        let is_somebody = text.iter().any(is_letter)
            && !self.forms.borrow().contains(&place(around))
            && (matches!(transformer, Transformer::Login | Transformer::Url)
                || memchr::memchr2(b'_', b'%', text).is_none());
        is_somebody.then_some(transformer)
    }

    /// Whether a field is one of a record.
    pub(super) fn hold(&self, path: &FieldPath<'_>) -> bool {
        self.of(path).is_some()
    }

    /// What is around a field, if that is somebody's record, or a part of one.
    fn of<'a>(&self, path: &'a FieldPath<'_>) -> Option<&'a FieldPath<'a>> {
        if !self.are_known.get() {
            return None;
        }
        let people = self.people.borrow();
        let around = path.around.filter(|_| !people.is_empty())?;
        // `{"email": …, "user_info": {"address": {"city": …}}}`
        let mut at = Some(around);
        let is_one = loop {
            match at {
                Some(outer) if people.contains(&place(outer)) => break true,
                Some(part) if fields::is_part(part.name) => at = part.around,
                _ => break false,
            }
        };
        is_one.then_some(around)
    }
}

fn place(path: &FieldPath<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut next = Some(path);
    while let Some(path) = next {
        path.name.hash(&mut hasher);
        next = path.around;
    }
    hasher.finish()
}
