//! Values in all forms in which sites store them, read in place: what does not change keeps its bytes.
//!
//! There is one reader of each form, and `any` tells which one a value is of. A reader shows each text and scalar to a
//! [`ValueEditor`], with the path of its field; a text may be of another form itself. `php` and `json` read a value to
//! its end; of serialized data that is broken the rest is read, too. `encoded` opens base64, hexadecimal and what is
//! compressed in them, `recoded` slashes, percent signs and entities, `query`, `rows`, `lines`, `xml` and `html` read by
//! the names that are written there, and `embedded` finds values within text. `php` also finds the strings that count
//! their bytes within any other text, through whatever `escapes` JSON put there. `bytes` looks for bytes of a kind.

mod any;
pub(crate) mod bytes;
mod embedded;
pub(crate) mod encoded;
pub(crate) mod escapes;
mod html;
pub(crate) mod json;
mod lines;
mod members;
pub(crate) mod php;
mod query;
pub(crate) mod recoded;
mod rows;
#[cfg(test)]
mod tests;
mod xml;

use std::ops::Range;

pub(crate) use any::edited;

/// Deeper nesting than any plugin writes; it bounds the work on hostile data.
pub(crate) const DEEPEST: usize = 64;

/// A value that is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    True,
    False,
    Number,
}

/// Where a value stands: the name of its field, and of what that is a part of.
pub(crate) struct FieldPath<'a> {
    pub(crate) name: &'a str,
    pub(crate) around: Option<&'a FieldPath<'a>>,
}

impl<'a> FieldPath<'a> {
    pub(crate) fn named(name: &'a str) -> Self {
        Self { name, around: None }
    }

    pub(crate) fn member(&'a self, name: &'a str) -> Self {
        Self { name, around: Some(self) }
    }

    /// A part without a name of its own, as in a list.
    pub(crate) fn element(&'a self) -> Self {
        Self { name: self.name, around: self.around }
    }
}

/// Decides what becomes of the texts and scalars within a value; `None` leaves one as it is.
pub(crate) trait ValueEditor {
    /// Whether it asks for the names in a path, which cost time to read.
    const READS_NAMES: bool = true;

    /// `depth` is how many structures are around the text, which may be one itself.
    fn text(&self, path: &FieldPath<'_>, text: &[u8], depth: usize) -> Option<Vec<u8>>;

    /// A text never becomes a scalar, or the other way round.
    fn scalar(&self, path: &FieldPath<'_>, scalar: Scalar) -> Option<Scalar>;

    /// What a key becomes of what stands at `path`; it is kept apart from others.
    fn key(&self, _: &FieldPath<'_>, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    /// What a text becomes that names what stands beside it, as in `{"name": "email", "value": …}`.
    fn label(&self, path: &FieldPath<'_>, text: &[u8]) -> Option<Vec<u8>> {
        self.key(path, text)
    }

    /// What a text becomes that is compressed and is not looked into.
    fn opaque(&self, _: &FieldPath<'_>) -> Option<Vec<u8>> {
        None
    }
}

/// Leaves everything as it is, for who only asks whether a value can be read.
struct Unchanged;

impl ValueEditor for Unchanged {
    const READS_NAMES: bool = false;

    fn text(&self, _: &FieldPath<'_>, _: &[u8], _: usize) -> Option<Vec<u8>> {
        None
    }

    fn scalar(&self, _: &FieldPath<'_>, _: Scalar) -> Option<Scalar> {
        None
    }
}

/// A value is not of the form in question, or not to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

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

    fn put(&mut self, start: usize, end: usize, parts: &[&[u8]]) {
        self.new.extend_from_slice(&self.text[self.done..start]);
        for part in parts {
            self.new.extend_from_slice(part);
        }
        self.done = end;
    }

    /// Shows a part of the text to an editor.
    fn show(&mut self, part: Range<usize>, path: &FieldPath<'_>, editor: &impl ValueEditor, depth: usize) {
        let text = &self.text[part.clone()];
        if !text.trim_ascii().is_empty()
            && let Some(new) = editor.text(path, text, depth)
        {
            self.put(part.start, part.end, &[&new]);
        }
    }

    /// Shows what stands behind `read`, where no more of the form is, and ends; when nothing was read, it is of another.
    fn end_with_rest(
        mut self,
        read: usize,
        path: &FieldPath<'_>,
        editor: &impl ValueEditor,
        depth: usize,
    ) -> Result<Option<Vec<u8>>, Unreadable> {
        if read == 0 {
            return Err(Unreadable);
        }
        self.show(read..self.text.len(), path, editor, depth);
        Ok(self.end())
    }

    fn end(mut self) -> Option<Vec<u8>> {
        (self.done > 0).then(|| {
            self.new.extend_from_slice(&self.text[self.done..]);
            self.new
        })
    }
}
