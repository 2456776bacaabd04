//! Attributes of HTML that hold values: `data-` ones, fields of forms, and JSON with entities for its quotes.

use std::ops::Range;

use super::{Edits, FieldPath, Unreadable, ValueEditor, recoded};

/// The value with what `editor` changes in it; `None` when it stays as it is. What is not in such attributes is text.
///
/// # Errors
/// When there is no such attribute.
pub(super) fn edited(
    value: &[u8],
    path: &FieldPath<'_>,
    editor: &impl ValueEditor,
    depth: usize,
) -> Result<Option<Vec<u8>>, Unreadable> {
    if !may_have_values(value) {
        return Err(Unreadable);
    }
    let (mut edits, mut done) = (Edits::of(value), 0);
    for tag in tags(value) {
        let attributes: Vec<_> = attributes(value, tag).collect();
        let label = label_of(value, &attributes);
        for attribute in &attributes {
            let name = String::from_utf8_lossy(&value[attribute.name.clone()]).to_ascii_lowercase();
            let text = &value[attribute.text.clone()];
            let name = match (name.strip_prefix("data-"), label) {
                (Some(name), _) => name,
                (None, Some(label)) if matches!(name.as_str(), "value" | "content") => label,
                _ if is_structure(text) => "",
                _ => continue,
            };
            if text.is_empty() {
                continue;
            }
            edits.show(done..attribute.text.start, path, editor, depth + 1);
            done = attribute.text.end;
            let inner = if name.is_empty() { path.element() } else { path.member(name) };
            let signs = if attribute.quote == b'"' { "<\"" } else { "<'" };
            if let Some(new) = recoded::edited_in_markup(text, &inner, editor, depth, signs) {
                edits.put(attribute.text.start, attribute.text.end, &[&new]);
            }
        }
    }
    edits.end_with_rest(done, path, editor, depth + 1)
}

/// Whether an attribute may be one of those, by what stands around its sign.
fn may_have_values(value: &[u8]) -> bool {
    let is_one = |at: usize| {
        let before = &value[..at];
        let after = value[at + 1..].trim_ascii_start();
        before.ends_with(b"value") || before.ends_with(b"content") || matches!(after, [b'"' | b'\'', b'{' | b'[', ..])
    };
    memchr::memchr_iter(b'=', value).any(is_one) || memchr::memmem::find(value, b"data-").is_some()
}

/// An attribute with a value in quotes.
pub(super) struct Attribute {
    pub(super) name: Range<usize>,
    pub(super) text: Range<usize>,
    pub(super) quote: u8,
}

/// Where tags begin and end that may have attributes.
fn tags(value: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let start = from + memchr::memchr(b'<', value.get(from..)?)?;
            from = start + 1;
            if value.get(from).is_some_and(u8::is_ascii_alphabetic) {
                from = tag_end(value, from)?;
                return Some(start..from);
            }
        }
    })
}

/// Where a tag ends, some of which is before `at`; a `>` may stand in its quotes.
fn tag_end(value: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr3(b'>', b'"', b'\'', value.get(at..)?)?;
        match value[at] {
            b'>' => return Some(at + 1),
            quote => at += 1 + memchr::memchr(quote, &value[at + 1..])? + 1,
        }
    }
}

/// The attributes of a tag.
pub(super) fn attributes(value: &[u8], tag: Range<usize>) -> impl Iterator<Item = Attribute> {
    let mut at = tag.start;
    std::iter::from_fn(move || {
        loop {
            let equals = at + memchr::memchr(b'=', value.get(at..tag.end)?)?;
            let before = value[at..equals].trim_ascii_end();
            let start = before.iter().rposition(u8::is_ascii_whitespace).map_or(0, |blank| blank + 1);
            let name = at + start..at + before.len();
            let after = &value[equals + 1..tag.end];
            let open = equals + 1 + (after.len() - after.trim_ascii_start().len());
            let quote = *value.get(open)?;
            if !matches!(quote, b'"' | b'\'') {
                at = equals + 1;
                continue;
            }
            let end = open + 1 + memchr::memchr(quote, value.get(open + 1..tag.end)?)?;
            at = end + 1;
            return Some(Attribute { name, text: open + 1..end, quote });
        }
    })
}

/// What an attribute says that the value beside it is.
pub(super) fn label_of<'a>(value: &'a [u8], attributes: &[Attribute]) -> Option<&'a str> {
    const LABELS: &[&[u8]] = &[b"name", b"property", b"itemprop", b"key", b"field"];
    let label =
        LABELS.iter().find_map(|label| attributes.iter().find(|attribute| value[attribute.name.clone()] == **label))?;
    std::str::from_utf8(&value[label.text.clone()]).ok().filter(|label| label.chars().any(char::is_alphabetic))
}

/// Whether the text of an attribute is more than a text.
fn is_structure(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    text.starts_with(b"{&") || text.starts_with(b"[{&") || text.starts_with(b"[&") || text.starts_with(b"{\"")
}
