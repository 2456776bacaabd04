//! JSON as far as rewriting needs it: which strings a document has, and where each decoded byte came from.

use serde::de::IgnoredAny;

/// One string of a document; `start..end` is what is between its quotes.
pub(super) struct JsonString {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) is_key: bool,
}

/// The strings of a text that is one whole JSON document, else `None`.
pub(super) fn strings(text: &[u8]) -> Option<Vec<JsonString>> {
    if !matches!(text.trim_ascii_start().first(), Some(b'{' | b'[' | b'"')) {
        return None;
    }
    serde_json::from_slice::<IgnoredAny>(text).ok()?;
    let mut strings = Vec::new();
    let mut at = 0;
    while let Some(quote) = memchr::memchr(b'"', &text[at..]) {
        let start = at + quote + 1;
        let end = start + closing_quote(&text[start..])?;
        let is_key = text[end + 1..].trim_ascii_start().first() == Some(&b':');
        strings.push(JsonString { start, end, is_key });
        at = end + 1;
    }
    Some(strings)
}

fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', &text[at..])?;
        if text[at] == b'"' {
            return Some(at);
        }
        at += 2;
        if at > text.len() {
            return None;
        }
    }
}

/// A text without its escapes. `origin[i]` is where byte `i` was, and the last entry where the text ended.
pub(super) struct Decoded {
    pub(super) bytes: Vec<u8>,
    pub(super) origin: Vec<usize>,
}

/// Takes the escapes out; `None` when there are none, or when one is not JSON's.
pub(super) fn decode(raw: &[u8]) -> Option<Decoded> {
    memchr::memchr(b'\\', raw)?;
    let mut decoded = Decoded { bytes: Vec::with_capacity(raw.len()), origin: Vec::with_capacity(raw.len() + 1) };
    let mut at = 0;
    while at < raw.len() {
        let mut buffer = [0; 4];
        let (bytes, len) = next_char(&raw[at..], &mut buffer)?;
        decoded.bytes.extend_from_slice(bytes);
        // An edit begins and ends at ASCII, so what lies within a longer character is never asked for.
        decoded.origin.extend(std::iter::repeat_n(at, bytes.len()));
        at += len;
    }
    decoded.origin.push(raw.len());
    Some(decoded)
}

/// How many raw bytes hold the first `wanted` decoded ones.
pub(super) fn raw_len(raw: &[u8], wanted: usize) -> Option<usize> {
    let (mut at, mut have) = (0, 0);
    while have < wanted {
        let mut buffer = [0; 4];
        let (bytes, len) = next_char(raw.get(at..).filter(|rest| !rest.is_empty())?, &mut buffer)?;
        (at, have) = (at + len, have + bytes.len());
    }
    (have == wanted).then_some(at)
}

/// The first byte, or the character that an escape stands for, and how many raw bytes it takes.
fn next_char<'a>(raw: &'a [u8], buffer: &'a mut [u8; 4]) -> Option<(&'a [u8], usize)> {
    if raw[0] != b'\\' {
        return Some((&raw[..1], 1));
    }
    let plain = match raw.get(1)? {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'f' => 12,
        b @ (b'"' | b'\\' | b'/') => *b,
        b'u' => {
            let (c, len) = unicode(raw)?;
            return Some((c.encode_utf8(buffer).as_bytes(), len));
        }
        _ => return None,
    };
    buffer[0] = plain;
    Some((&buffer[..1], 2))
}

/// `\u00e9`, or two of them for a character beyond the basic plane.
fn unicode(raw: &[u8]) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = raw.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let first = unit(0)?;
    if let Some(c) = char::from_u32(u32::from(first)) {
        return Some((c, 6));
    }
    let c = char::decode_utf16([first, unit(6)?]).next()?.ok()?;
    Some((c, 12))
}

/// Escapes what is put into a JSON string.
pub(super) fn escape(bytes: &mut Vec<u8>) {
    if bytes.contains(&b'\\') {
        *bytes = bytes.iter().flat_map(|b| if *b == b'\\' { vec![b'\\', b'\\'] } else { vec![*b] }).collect();
    }
}
