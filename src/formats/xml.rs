//! XML, read in place: elements and attributes are fields. What is HTML is none of it.

use std::borrow::Cow;
use std::ops::Range;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::{DEEPEST, Edits, FieldPath, Unreadable, ValueEditor, html, recoded};

/// Elements that HTML begins with; their names are none of fields.
const HTML: &[&str] = &[
    "html",
    "body",
    "head",
    "div",
    "p",
    "span",
    "a",
    "table",
    "tbody",
    "thead",
    "tr",
    "td",
    "ul",
    "ol",
    "li",
    "dl",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "section",
    "article",
    "form",
    "img",
    "br",
    "strong",
    "em",
    "b",
    "i",
    "u",
    "figure",
    "iframe",
    "script",
    "style",
    "svg",
    "blockquote",
    "pre",
    "input",
    "button",
    "header",
    "footer",
    "main",
    "nav",
    "label",
    "center",
    "font",
    "small",
    "hr",
    "video",
    "audio",
    "picture",
    "code",
    "meta",
    "link",
    "noscript",
    "textarea",
    "select",
];

/// The value with what `editor` changes in it; `None` when it stays as it is.
///
/// # Errors
/// When it is not well-formed XML.
pub(super) fn edited(
    value: &[u8],
    path: &FieldPath<'_>,
    editor: &impl ValueEditor,
    depth: usize,
) -> Result<Option<Vec<u8>>, Unreadable> {
    let parts = parts(value).ok_or(Unreadable)?;
    let mut edits = Edits::of(value);
    for Part { range, outer, name, signs } in parts {
        let text = &value[range.clone()];
        if text.trim_ascii().is_empty() {
            continue;
        }
        let around = path.member(&outer);
        let inner = match (outer.is_empty(), name.is_empty()) {
            (_, true) => path.element(),
            (true, false) => path.member(&name),
            (false, false) => around.member(&name),
        };
        let new = match signs {
            Some(signs) => recoded::edited_in_markup(text, &inner, editor, depth, signs),
            None => editor.text(&inner, text, depth + 1).map(|new| without_ends(&new)),
        };
        if let Some(new) = new {
            edits.put(range.start, range.end, &[&new]);
        }
    }
    Ok(edits.end())
}

/// A text between tags or in an attribute, the names of its field and of what that is a part of.
struct Part<'a> {
    range: Range<usize>,
    outer: Cow<'a, str>,
    name: Cow<'a, str>,
    /// What would end it, and is written as an entity; `None` where there are no entities.
    signs: Option<&'static str>,
}

/// The texts of well-formed XML, first to last.
fn parts(value: &[u8]) -> Option<Vec<Part<'_>>> {
    let text = std::str::from_utf8(value).ok()?;
    let mut reader = Reader::from_str(text);
    let (mut parts, mut open, mut done, mut elements) = (Vec::new(), Vec::<Cow<'_, str>>::new(), 0, 0);
    loop {
        let start = usize::try_from(reader.buffer_position()).ok()?;
        let event = reader.read_event().ok()?;
        let end = usize::try_from(reader.buffer_position()).ok()?;
        if matches!(event, Event::Text(_) | Event::GeneralRef(_)) {
            continue;
        }
        if start > done {
            if open.is_empty() && !value[done..start].trim_ascii().is_empty() {
                return None;
            }
            parts.push(part(done..start, &open, Some("<&")));
        }
        done = end;
        match event {
            Event::Start(_) | Event::Empty(_) => {
                elements += 1;
                let name = name_of(text.get(start + 1..end)?);
                if open.is_empty() && HTML.iter().any(|html| html.eq_ignore_ascii_case(name)) || open.len() >= DEEPEST {
                    return None;
                }
                let attributes: Vec<_> = html::attributes(value, start..end).collect();
                let has_text = attributes.iter().any(|attribute| value[attribute.name.clone()] == *b"value")
                    || value[end..].trim_ascii_start().first().is_some_and(|b| *b != b'<');
                let label = html::label_of(value, &attributes).filter(|_| has_text);
                open.push(Cow::Borrowed(label.unwrap_or(name)));
                for attribute in attributes {
                    let attribute_name = name_of(&text[attribute.name.clone()]);
                    let is_label = label.is_some_and(|label| *label.as_bytes() == value[attribute.text.clone()]);
                    let is_declared = text[attribute.name.clone()].starts_with("xmlns");
                    if is_label || is_declared {
                        continue;
                    }
                    let signs = if attribute.quote == b'"' { "<&\"" } else { "<&'" };
                    let mut part = part(attribute.text, &open, Some(signs));
                    if attribute_name != "value" || label.is_none() {
                        part.outer = std::mem::replace(&mut part.name, Cow::Borrowed(attribute_name));
                    }
                    parts.push(part);
                }
                if matches!(event, Event::Empty(_)) {
                    open.pop();
                }
            }
            Event::End(_) => drop(open.pop()),
            Event::CData(_) => parts.push(part(start + "<![CDATA[".len()..end - "]]>".len(), &open, None)),
            Event::Comment(_) => parts.push(part(start + "<!--".len()..end - "-->".len(), &[], None)),
            Event::Eof => break,
            _ => {}
        }
    }
    (open.is_empty() && elements > 0).then_some(parts)
}

fn part<'a>(range: Range<usize>, open: &[Cow<'a, str>], signs: Option<&'static str>) -> Part<'a> {
    let nth = |n: usize| open.len().checked_sub(n).map(|i| open[i].clone()).unwrap_or_default();
    Part { range, outer: nth(2), name: nth(1), signs }
}

/// The name that a tag begins with, without that of its namespace.
fn name_of(tag: &str) -> &str {
    let len = tag.find(|c: char| c.is_whitespace() || matches!(c, '/' | '>' | '=')).unwrap_or(tag.len());
    tag[..len].rsplit(':').next().unwrap_or_default()
}

/// A text that ends neither a comment nor a section of characters.
fn without_ends(text: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(text).replace("--", "- -").replace("]]>", "]] >").into_bytes()
}
