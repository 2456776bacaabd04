//! JSON, serialized data and base64 within other text: several JSON texts one a line, a text before or behind one, the
//! attributes of a block in its comment. What stands around them is text.

use std::ops::Range;

use super::{Edits, FieldPath, Unreadable, ValueEditor, encoded, json, php};

/// How often as many bytes as there are may be read in vain.
const MOST_TRIES: usize = 4;
/// How far before its attributes the comment of a block begins at most.
const LONGEST_BLOCK_NAME: usize = 120;

/// The value with what `editor` changes in it; `None` when it stays as it is.
///
/// # Errors
/// When nothing stands in it that is more than text.
pub(super) fn edited(
    value: &[u8],
    path: &FieldPath<'_>,
    editor: &impl ValueEditor,
    depth: usize,
) -> Result<Option<Vec<u8>>, Unreadable> {
    edited_from(Edits::of(value), 0, path, editor, depth)
}

/// A text that begins with JSON and does not end with it.
///
/// # Errors
/// When it does not begin with JSON.
pub(super) fn edited_json_first(
    value: &[u8],
    path: &FieldPath<'_>,
    editor: &impl ValueEditor,
    depth: usize,
) -> Result<Option<Vec<u8>>, Unreadable> {
    let (edits, end) = json::edited_first(value, path, editor, depth)?;
    edited_from(edits, end, path, editor, depth)
}

/// A text that is read up to `done`.
fn edited_from(
    mut edits: Edits<'_>,
    mut done: usize,
    path: &FieldPath<'_>,
    editor: &impl ValueEditor,
    depth: usize,
) -> Result<Option<Vec<u8>>, Unreadable> {
    let value = edits.text;
    for part in parts(value, done) {
        edits.show(done..part.start, path, editor, depth + 1);
        done = part.end;
        let text = &value[part.clone()];
        let new = if text[0] == b'a' {
            php::edited(text, path, editor, depth + 1)
        } else if is_in_markup(&value[..part.start]) {
            json::edited_in_markup(text, path, editor, depth + 1)
        } else {
            json::edited(text, path, editor, depth + 1)
        };
        if let Ok(Some(new)) = new {
            edits.put(part.start, part.end, &[&new]);
        }
    }
    finished(edits, done, path, editor, depth)
}

/// A text in which something stands in base64 or hexadecimal.
///
/// # Errors
/// When nothing does.
pub(super) fn edited_in_runs(
    value: &[u8],
    path: &FieldPath<'_>,
    editor: &impl ValueEditor,
    depth: usize,
) -> Result<Option<Vec<u8>>, Unreadable> {
    let (mut edits, mut done) = (Edits::of(value), 0);
    // The login in a header is one secret, whatever it reads.
    let is_login = |run: &Range<usize>| value[..run.start].ends_with(b"asic ");
    for run in encoded::runs(value).filter(|run| run.len() < value.len() && !is_login(run)) {
        let Ok(new) = super::any::in_encoded(&value[run.clone()], path, editor, depth + 1) else { continue };
        edits.show(done..run.start, path, editor, depth + 1);
        done = run.end;
        if let Some(new) = new {
            edits.put(run.start, run.end, &[&new]);
        }
    }
    finished(edits, done, path, editor, depth)
}

fn finished(
    mut edits: Edits<'_>,
    done: usize,
    path: &FieldPath<'_>,
    editor: &impl ValueEditor,
    depth: usize,
) -> Result<Option<Vec<u8>>, Unreadable> {
    if done == 0 {
        return Err(Unreadable);
    }
    edits.show(done..edits.text.len(), path, editor, depth + 1);
    Ok(edits.end())
}

/// Where in a text JSON or serialized data stands, from a place on.
fn parts(text: &[u8], mut from: usize) -> impl Iterator<Item = Range<usize>> {
    let mut budget = text.len().saturating_mul(MOST_TRIES);
    std::iter::from_fn(move || {
        loop {
            let open = from + memchr::memchr2(b'{', b'[', text.get(from..)?)?;
            let start = start_of_array(&text[..open]).filter(|start| *start >= from);
            let rest = &text[start.unwrap_or(open)..];
            from = open + 1;
            if start.is_none() && !json::may_begin(rest) {
                continue;
            }
            let len = if start.is_some() { php::len(rest) } else { json::len(rest) };
            if let Some(len) = len {
                from = start.unwrap_or(open) + len;
                return Some(start.unwrap_or(open)..from);
            }
            budget = budget.checked_sub(rest.len())?;
        }
    })
}

/// Where `a:2:` begins at the end of a text.
fn start_of_array(before: &[u8]) -> Option<usize> {
    let count = before.strip_suffix(b":")?;
    let digits = count.iter().rev().take(10).take_while(|b| b.is_ascii_digit()).count();
    let head = count[..count.len() - digits].strip_suffix(b"a:").filter(|_| digits > 0)?;
    super::escapes::starts_word(before, head.len()).then_some(head.len())
}

/// Whether the end of a text is that of `<!-- wp:name `, or an apostrophe.
fn is_in_markup(before: &[u8]) -> bool {
    if before.ends_with(b"'") {
        return true;
    }
    let near = &before[before.len().saturating_sub(LONGEST_BLOCK_NAME)..];
    memchr::memmem::rfind(near, b"<!--").is_some_and(|open| memchr::memchr(b'>', &near[open..]).is_none())
}
