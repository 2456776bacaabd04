//! A value of whatever form: the forms are tried in turn, each only when a cheap look says that it may be the one.

use super::encoded::{self, Decoded};
use super::{DEEPEST, FieldPath, Unreadable, ValueEditor, embedded, html, json, lines, php, query, recoded, rows, xml};

/// So far a value is looked at for the signs of all forms at once.
const SHORT: usize = 64;

/// The value with what `editor` changes in it; `None` when it stays as it is.
///
/// # Errors
/// When it is of no form: it is a text.
pub(crate) fn edited(
    value: &[u8],
    path: &FieldPath<'_>,
    editor: &impl ValueEditor,
    depth: usize,
) -> Result<Option<Vec<u8>>, Unreadable> {
    if depth >= DEEPEST {
        return Err(Unreadable);
    }
    // Most values are no longer, and nothing but a word, a number or a few words.
    if value.len() <= SHORT && !value.iter().any(|byte| SIGNS[usize::from(*byte)]) {
        return in_encoded(value, path, editor, depth)
            .or_else(|_| embedded::edited_in_runs(value, path, editor, depth));
    }
    let start = value.trim_ascii_start();
    let read = match start {
        [b'a' | b'O' | b's' | b'S' | b'C' | b'E' | b'i' | b'b' | b'd', b':', ..] | [b'N', b';', ..] => {
            serialized(value, path, editor, depth)
        }
        [b'{' | b'[' | b'"', ..] if json::may_begin(start) => embedded::edited_json_first(value, path, editor, depth),
        [b'{' | b'[' | b'"', ..] => json::edited(value, path, editor, depth),
        [b'<', ..] => xml::edited(value, path, editor, depth),
        _ => in_encoded(value, path, editor, depth),
    };
    read.or_else(|_| in_text(value, path, editor, depth))
}

/// The signs that one form or another cannot do without.
const SIGNS: [bool; 256] = {
    let (mut signs, all, mut at) = ([false; 256], b"{[<&%\\=:;\"\n", 0);
    while at < all.len() {
        signs[all[at] as usize] = true;
        at += 1;
    }
    signs
};

fn serialized(
    value: &[u8],
    path: &FieldPath<'_>,
    editor: &impl ValueEditor,
    depth: usize,
) -> Result<Option<Vec<u8>>, Unreadable> {
    // Whether it is whole is asked before, so that no text is shown twice; its strings are passed over by their counts.
    if !php::is_broken(value) {
        return php::edited(value, path, editor, depth);
    }
    // A text whose count is wrong hides what stands in it; a whole value within is found without it.
    let whole = match value.trim_ascii_start() {
        [b's' | b'S', ..] => embedded::edited(value, path, editor, depth),
        _ => Err(Unreadable),
    };
    whole
        .or_else(|_| recoded::edited_slashed(value, path, editor, depth))
        .or_else(|_| Ok(php::edited_in_part(value, path, editor, depth)))
}

/// A value that is none from its first byte on.
fn in_text(
    value: &[u8],
    path: &FieldPath<'_>,
    editor: &impl ValueEditor,
    depth: usize,
) -> Result<Option<Vec<u8>>, Unreadable> {
    let has = |sign| memchr::memchr(sign, value).is_some();
    let when = |is_likely: bool| if is_likely { Ok(()) } else { Err(Unreadable) };
    when(has(b'\\'))
        .and_then(|()| recoded::edited_slashed(value, path, editor, depth))
        .or_else(|_| when(has(b'=')).and_then(|()| query::edited(value, path, editor, depth)))
        .or_else(|_| when(has(b'%')).and_then(|()| recoded::edited_percent(value, path, editor, depth)))
        .or_else(|_| when(has(b'&')).and_then(|()| recoded::edited_entities(value, path, editor, depth)))
        .or_else(|_| embedded::edited(value, path, editor, depth))
        .or_else(|_| when(has(b'<')).and_then(|()| html::edited(value, path, editor, depth)))
        .or_else(|_| when(has(b'\n')).and_then(|()| rows::edited(value, path, editor, depth)))
        .or_else(|_| when(has(b':') || has(b'=')).and_then(|()| lines::edited(value, path, editor, depth)))
        .or_else(|_| embedded::edited_in_runs(value, path, editor, depth))
}

/// A value that is a text in base64 or hexadecimal.
pub(super) fn in_encoded(
    value: &[u8],
    path: &FieldPath<'_>,
    editor: &impl ValueEditor,
    depth: usize,
) -> Result<Option<Vec<u8>>, Unreadable> {
    // What is within something compressed is in the lower half: there is no second time.
    let packed = depth + DEEPEST / 2;
    match encoded::decoded(value, packed < DEEPEST).ok_or(Unreadable)? {
        Decoded::Opaque => Ok(editor.opaque(path)),
        Decoded::Text(encoded) => {
            let depth = if encoded.is_packed { packed } else { depth + 1 };
            Ok(editor.text(path, &encoded.plain, depth).map(|new| encoded.again(&new)))
        }
    }
}
