//! Query strings: `a=b&c=d`, alone or behind the `?` of a URL, percent-encoded and with names such as `billing[email]`.

use std::borrow::Cow;
use std::ops::Range;

use super::recoded::{self, PercentSpelling};
use super::{Edits, FieldPath, Unreadable, ValueEditor};

/// The value with what `editor` changes in it; `None` when it stays as it is.
///
/// # Errors
/// When it is not a query string.
pub(super) fn edited(
    value: &[u8],
    path: &FieldPath<'_>,
    editor: &impl ValueEditor,
    depth: usize,
) -> Result<Option<Vec<u8>>, Unreadable> {
    let is_other = |b: &u8| b.is_ascii_whitespace() || b.is_ascii_control() || b"\"<>{}\\^`".contains(b);
    if value.iter().any(is_other) {
        return Err(Unreadable);
    }
    let start = memchr::memchr(b'?', value).map_or(0, |mark| mark + 1);
    let end = memchr::memchr(b'#', &value[start..]).map_or(value.len(), |len| start + len);
    let pairs = pairs(value, start..end).ok_or(Unreadable)?;
    let mut edits = Edits::of(value);
    edits.show(0..start.saturating_sub(1), path, editor, depth + 1);
    for (name, text) in pairs {
        let plain = decoded(&value[name.clone()]);
        if let Some(new) = editor.key(path, plain.as_bytes()) {
            let new = PercentSpelling::of(&value[name.clone()], true).written(&new);
            edits.put(name.start, name.end, &[&new]);
        }
        let mut names = plain.split(['[', ']']).filter(|name| name.chars().any(|c| !c.is_ascii_digit()));
        let outer = names.next().unwrap_or_default();
        let around = path.member(outer);
        let inner = names.next_back().map_or(path.member(outer), |name| around.member(name));
        if let Some(new) = recoded::edited_part(&value[text.clone()], &inner, editor, depth) {
            edits.put(text.start, text.end, &[&new]);
        }
    }
    edits.show(end..value.len(), path, editor, depth + 1);
    Ok(edits.end())
}

/// Where names and values stand, if there is nothing else.
fn pairs(value: &[u8], query: Range<usize>) -> Option<Vec<(Range<usize>, Range<usize>)>> {
    let mut pairs = Vec::new();
    let mut at = query.start;
    for part in value[query].split(|b| *b == b'&') {
        let equals = memchr::memchr(b'=', part);
        let name = at..at + equals.unwrap_or(part.len());
        let is_part = |b: &u8| b.is_ascii_alphanumeric() || b"_-.[]%+~$:".contains(b) || *b >= 0x80;
        if !part.is_empty() && (name.is_empty() || !value[name.clone()].iter().all(is_part)) {
            return None;
        }
        if equals.is_some() {
            pairs.push((name.clone(), name.end + 1..at + part.len()));
        }
        at += part.len() + 1;
    }
    // One alone may be anything, such as the end of a text in base64.
    let is_sure = match pairs.as_slice() {
        [] => false,
        [(name, text)] => {
            let is_name = value[name.start].is_ascii_alphabetic() || value[name.start] == b'_';
            is_name && !text.is_empty() && !value[text.clone()].contains(&b'=')
        }
        _ => true,
    };
    is_sure.then_some(pairs)
}

fn decoded(name: &[u8]) -> Cow<'_, str> {
    percent_encoding::percent_decode(name).decode_utf8_lossy()
}
