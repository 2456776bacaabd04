//! A value of whatever form: the forms are tried in turn, each only when a cheap look says that it may be the one.

use super::encoded::{self, Decoded};
use super::{DEEPEST, Edits, FieldPath, Unreadable, ValueEditor, json, php};

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
    php::edited(value, path, editor, depth)
        .or_else(|_| json::edited(value, path, editor, depth))
        .or_else(|_| in_encoded(value, path, editor, depth))
        .or_else(|_| in_runs(value, path, editor, depth))
}

/// A value that is a text in base64 or hexadecimal.
fn in_encoded(
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

/// A text with such ones in it.
fn in_runs(
    value: &[u8],
    path: &FieldPath<'_>,
    editor: &impl ValueEditor,
    depth: usize,
) -> Result<Option<Vec<u8>>, Unreadable> {
    let (mut edits, mut done) = (Edits::of(value), 0);
    for run in encoded::runs(value).filter(|run| run.len() < value.len()) {
        let Ok(new) = in_encoded(&value[run.clone()], path, editor, depth + 1) else { continue };
        edits.show(done..run.start, path, editor, depth + 1);
        done = run.end;
        if let Some(new) = new {
            edits.put(run.start, run.end, &[&new]);
        }
    }
    if done == 0 {
        return Err(Unreadable);
    }
    edits.show(done..value.len(), path, editor, depth + 1);
    Ok(edits.end())
}
