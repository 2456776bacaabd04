//! Serialized values that stand percent-encoded in an address, or with entities in an attribute: they count the bytes that
//! they stand for, and so are read as such, rewritten and written again.

use std::cell::{Cell, RefCell};
use std::ops::Range;

use super::encoded::Encoded;
use super::host_search::Found;
use super::{Left, Rewriter};
use crate::formats::php::tokens::{Token, TokenReader};
use crate::formats::{FieldPath, Scalar, ValueEditor, recoded};

/// So often may one be within another.
const DEEPEST: usize = 3;

/// All such values in a text that hold a host which was found, in order.
pub(super) fn all(rewriter: &Rewriter, text: &[u8], found: &[Found], depth: usize) -> Vec<Encoded> {
    let mut all: Vec<Encoded> = Vec::new();
    if depth >= DEEPEST || found.is_empty() || !has_spelled_quote(text) {
        return all;
    }
    // How far a text was looked at: it is looked at once in each form.
    let (mut done, mut looked_at) = (0, [0; 2]);
    for found in found {
        for (form, looked_at) in [Form::Percent, Form::Entities].into_iter().zip(&mut looked_at) {
            if found.start < done.max(*looked_at) {
                continue;
            }
            let place = form.around(text, found.start, done);
            *looked_at = place.end;
            let part = &text[place.clone()];
            if !has_spelled_quote(part) || !has_counted(part, depth) {
                continue;
            }
            let inner = Inner { rewriter, depth, left: Cell::default() };
            let new = form.edited(part, &inner);
            done = place.end;
            all.push(Encoded { place, new, left: inner.left.get() });
            break;
        }
    }
    all
}

/// How a value is written.
#[derive(Clone, Copy)]
enum Form {
    Percent,
    Entities,
}

impl Form {
    /// What belongs together around a place, from `begin` on.
    fn around(self, text: &[u8], at: usize, begin: usize) -> Range<usize> {
        let is_part = |b: &u8| match self {
            Self::Percent => b.is_ascii_alphanumeric() || b"-_.~!*'()%+/:,;@$".contains(b),
            Self::Entities => !matches!(b, b'<' | b'>' | b'"'),
        };
        let start = text[begin..at].iter().rposition(|b| !is_part(b)).map_or(begin, |before| begin + before + 1);
        let end = text[at..].iter().position(|b| !is_part(b)).map_or(text.len(), |len| at + len);
        start..end
    }

    fn edited(self, part: &[u8], editor: &impl ValueEditor) -> Option<Vec<u8>> {
        let path = FieldPath::named("");
        match self {
            Self::Percent => recoded::edited_percent(part, &path, editor, 0).ok().flatten(),
            Self::Entities => recoded::edited_in_markup(part, &path, editor, 0, ""),
        }
    }
}

/// Whether a quote stands in a text that is percent-encoded or an entity, perhaps more than once.
fn has_spelled_quote(text: &[u8]) -> bool {
    let ends = |end: &[u8], signs: [u8; 2]| {
        memchr::memmem::find_iter(text, end).any(|at| text[..at].last().is_some_and(|b| signs.contains(b)))
    };
    ends(b"22", [b'%', b'5']) || ends(b"quot;", [b'&', b';']) || ends(b"34;", [b'#', b'0'])
}

/// Whether a text, once it is read, has parts that count their bytes.
fn has_counted(part: &[u8], depth: usize) -> bool {
    [Form::Percent, Form::Entities].iter().any(|form| {
        let plain = Plain::default();
        form.edited(part, &plain);
        let plain = plain.0.into_inner();
        let is_counted = |token| matches!(token, Token::Counted { .. } | Token::Broken { .. });
        plain != part
            && (TokenReader::of(&plain).next(0).is_some_and(is_counted)
                || depth + 1 < DEEPEST && has_spelled_quote(&plain) && has_counted(&plain, depth + 1))
    })
}

/// Takes down the text that it is shown.
#[derive(Default)]
struct Plain(RefCell<Vec<u8>>);

impl ValueEditor for Plain {
    fn text(&self, _: &FieldPath<'_>, text: &[u8], _: usize) -> Option<Vec<u8>> {
        self.0.replace(text.to_vec());
        None
    }

    fn scalar(&self, _: &FieldPath<'_>, _: Scalar) -> Option<Scalar> {
        None
    }
}

/// Rewrites the text that it is shown.
struct Inner<'a> {
    rewriter: &'a Rewriter,
    depth: usize,
    /// Why an old host is in it still.
    left: Cell<Option<Left>>,
}

impl ValueEditor for Inner<'_> {
    fn text(&self, _: &FieldPath<'_>, text: &[u8], _: usize) -> Option<Vec<u8>> {
        let rewritten = self.rewriter.rewrite_within(text, self.depth + 1)?;
        self.left.set(rewritten.left);
        (rewritten.value != text).then_some(rewritten.value)
    }

    fn scalar(&self, _: &FieldPath<'_>, _: Scalar) -> Option<Scalar> {
        None
    }
}
