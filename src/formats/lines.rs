//! Lines that name what stands in them: `Name: value` of mails and forms, `name = value` of settings, sections, YAML.
//!
//! They are found within other text; a tag of HTML ends a line, too. What lies between them is text.

use std::ops::Range;

use super::{Edits, FieldPath, Unreadable, ValueEditor};

/// Longer names, and those of more words, are sentences.
const LONGEST_NAME: usize = 40;
const MOST_WORDS: usize = 4;
/// A name, and what address cards write behind it.
const LONGEST_HEAD: usize = 80;
/// A line alone is one of them only when what it says is short.
const MOST_WORDS_ALONE: usize = 6;

/// The value with what `editor` changes in it; `None` when it stays as it is.
///
/// # Errors
/// When no line names what stands in it.
pub(super) fn edited(
    value: &[u8],
    path: &FieldPath<'_>,
    editor: &impl ValueEditor,
    depth: usize,
) -> Result<Option<Vec<u8>>, Unreadable> {
    if !may_name(value) {
        return Err(Unreadable);
    }
    let mut edits = Edits::of(value);
    let (mut done, mut section, mut outer): (usize, Option<&str>, Option<(usize, &str)>) = (0, None, None);
    for line in lines(value) {
        let text = &value[line.clone()];
        if let Some(name) = text.trim_ascii().strip_prefix(b"[").and_then(|text| text.strip_suffix(b"]")) {
            section = std::str::from_utf8(name).ok().filter(|name| is_name(name));
        }
        let Some(named) = NamedText::of(text) else { continue };
        // What is indented below a name without a value is its part.
        outer = outer.filter(|(indent, _)| *indent < named.indent);
        if named.text.is_empty() {
            outer = Some((named.indent, named.name));
            continue;
        }
        if line.len() == value.len() && text.split(u8::is_ascii_whitespace).count() > MOST_WORDS_ALONE {
            break;
        }
        let around = outer.map(|(_, name)| name).or(section).map(|name| path.member(name));
        let inner = around.as_ref().unwrap_or(path).member(named.name);
        let at = |range: &Range<usize>| line.start + range.start..line.start + range.end;
        let (name, range) = (at(&named.place), at(&named.text));
        edits.show(done..name.start, path, editor, depth + 1);
        if let Some(new) = editor.label(path, named.name.as_bytes()) {
            edits.put(name.start, name.end, &[&on_one_line(&new, None)]);
        }
        done = range.end + usize::from(named.is_quoted);
        if let Some(new) = editor.text(&inner, &value[range.clone()], depth + 1) {
            let new = on_one_line(&new, value.get(range.end).filter(|_| named.is_quoted));
            edits.put(range.start, range.end, &[&new]);
        }
    }
    edits.end_with_rest(done, path, editor, depth + 1)
}

/// Whether there is a sign that may stand behind a name; most colons are those of URLs and times.
fn may_name(value: &[u8]) -> bool {
    let is_one = |at: usize| {
        value[at] == b'='
            || value.get(at + 1).is_none_or(u8::is_ascii_whitespace)
            || value[..at].last().is_some_and(u8::is_ascii_uppercase)
    };
    memchr::memchr2_iter(b':', b'=', value).any(is_one)
}

/// The lines of a text, and of the text between tags.
fn lines(value: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let is_tag =
        |at: usize| value[at] == b'<' && value.get(at + 1).is_some_and(|b| b.is_ascii_alphabetic() || *b == b'/');
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < value.len() {
            if is_tag(at) {
                at = memchr::memchr(b'>', &value[at..]).map_or(value.len(), |len| at + len + 1);
                continue;
            }
            let start = at;
            let mut ends = memchr::memchr3_iter(b'\n', b'\r', b'<', &value[at..]).map(|len| start + len);
            let end = ends.find(|end| value[*end] != b'<' || is_tag(*end)).unwrap_or(value.len());
            at = if value.get(end) == Some(&b'<') { end } else { end + 1 };
            if end > start {
                return Some(start..end);
            }
        }
        None
    })
}

/// A line that names its text.
struct NamedText<'a> {
    indent: usize,
    name: &'a str,
    place: Range<usize>,
    /// Without its quotes.
    text: Range<usize>,
    is_quoted: bool,
}

impl<'a> NamedText<'a> {
    fn of(line: &'a [u8]) -> Option<Self> {
        // Ruby writes its symbols with a colon before: `:password: …`.
        let indent = line.iter().take_while(|b| b" \t->*\n\r:".contains(b)).count();
        let head = &line[indent..line.len().min(indent + LONGEST_HEAD)];
        let mut sign = memchr::memchr2(b':', b'=', head)?;
        if memchr::memchr(b';', &head[..sign]).is_some() {
            sign = memchr::memchr(b':', head)?;
        }
        let sign = indent + sign;
        let head = std::str::from_utf8(&line[indent..sign]).ok()?;
        let (name, params) = head.split_once(';').unwrap_or((head, ""));
        let name = name.trim().trim_matches(['"', '\'', '*']);
        let start = indent + (name.as_ptr() as usize - head.as_ptr() as usize);
        let place = start..start + name.len();
        let after = &line[sign + 1..];
        let is_apart = after.first().is_none_or(u8::is_ascii_whitespace) || line[sign] == b'=';
        // `TEL;TYPE=cell:…` of address cards has no blank.
        let is_card = name.len() > 1 && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'-');
        if !is_name(name) || !params.is_empty() && !is_card || !(is_apart || is_card) {
            return None;
        }
        let start = line.len() - after.trim_ascii_start().len();
        let mut text = start..start + line[start..].trim_ascii_end().len();
        let quote = line[text.clone()].first().copied().filter(|b| matches!(b, b'"' | b'\''));
        let is_quoted = text.len() >= 2 && quote.is_some() && line[text.end - 1] == quote?;
        if is_quoted {
            text = text.start + 1..text.end - 1;
        }
        // What begins so is put in there by someone else: `Password: {password}`.
        let is_template = line[text.clone()].first().is_some_and(|b| b"{[%$<=".contains(b));
        (!is_template).then_some(Self { indent, name, place, text, is_quoted })
    }
}

fn is_name(name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || " _-./()[]#".contains(c);
    name.len() <= LONGEST_NAME
        && name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name.chars().all(is_part)
        && name.split(' ').count() <= MOST_WORDS
        && name.matches('(').count() == name.matches(')').count()
}

/// A text that ends no line, nor its own quotes.
fn on_one_line(text: &[u8], quote: Option<&u8>) -> Vec<u8> {
    let mut line = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            b'\r' | b'\n' => line.push(b' '),
            byte if Some(byte) == quote => line.extend_from_slice(&[b'\\', *byte]),
            byte => line.push(*byte),
        }
    }
    line
}
