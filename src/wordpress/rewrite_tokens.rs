//! The strings of PHP's `serialize()` in a text: where each begins and ends by its own length, and whether that is so.

use std::ops::Range;

use super::rewrite::Edit;
use super::rewrite_json as json;

/// A string with its length: `s:3:"abc";`, or the payload of `C:3:"Foo":5:{…}`.
pub(super) struct Sized {
    start: usize,
    end: usize,
    /// The digits of the length that counts the body.
    digits: Range<usize>,
    pub(super) body: Range<usize>,
    len: usize,
}

/// What stands at a place that looks like a serialized string.
pub(super) enum Token {
    Plain(Sized),
    /// The whole is part of a JSON string, so its quotes are `\"`; the length counts decoded bytes.
    Escaped(Sized),
    /// The length does not lead to the closing quote: cut off, or changed by something that knew no better.
    Broken {
        start: usize,
        end: usize,
    },
}

impl Token {
    pub(super) fn start(&self) -> usize {
        match self {
            Token::Plain(string) | Token::Escaped(string) => string.start,
            Token::Broken { start, .. } => *start,
        }
    }

    pub(super) fn end(&self) -> usize {
        match self {
            Token::Plain(string) | Token::Escaped(string) => string.end,
            Token::Broken { end, .. } => *end,
        }
    }

    /// The edit of the length after these edits of the body.
    pub(super) fn relabelled(&self, text: &[u8], edits: &[Edit]) -> Option<Edit> {
        let (Token::Plain(string) | Token::Escaped(string)) = self else { return None };
        let decoded_len = |bytes: &[u8]| match self {
            Token::Escaped(_) => json::decode(bytes).map_or(bytes.len(), |decoded| decoded.bytes.len()),
            _ => bytes.len(),
        };
        let added: usize = edits.iter().map(|edit| decoded_len(&edit.bytes)).sum();
        let removed: usize = edits.iter().map(|edit| decoded_len(&text[edit.start..edit.end])).sum();
        let len = string.len + added - removed;
        (len != string.len).then(|| Edit {
            start: string.digits.start,
            end: string.digits.end,
            bytes: len.to_string().into_bytes(),
        })
    }
}

/// The first serialized string at or after `from`.
pub(super) fn next(text: &[u8], from: usize) -> Option<Token> {
    let mut at = from;
    loop {
        let colon = at + memchr::memchr(b':', &text[at..])?;
        at = colon + 1;
        let Some(start) = colon.checked_sub(1).filter(|start| *start >= from) else { continue };
        // The letter stands alone: in `class:3:"a"` it does not.
        if start > 0 && (text[start - 1].is_ascii_alphanumeric() || text[start - 1] == b'_') {
            continue;
        }
        let token = match text[start] {
            b's' | b'S' => string(text, start),
            b'C' => custom(text, start),
            _ => None,
        };
        if token.is_some() {
            return token;
        }
    }
}

/// The digits that begin at `at`, with their value, when a colon follows.
fn length(text: &[u8], at: usize) -> Option<(Range<usize>, usize)> {
    let count = text[at..].iter().take_while(|b| b.is_ascii_digit()).count();
    let digits = at..at + count;
    let value = std::str::from_utf8(&text[digits.clone()]).ok()?.parse().ok()?;
    (text.get(digits.end) == Some(&b':')).then_some((digits, value))
}

fn string(text: &[u8], start: usize) -> Option<Token> {
    let (digits, len) = length(text, start + 2)?;
    let quote_at = digits.end + 1;
    let escapes = text[quote_at..].iter().take_while(|b| **b == b'\\').count();
    let open = &text[quote_at..].get(..=escapes).filter(|open| open.ends_with(b"\""))?;
    let body_start = quote_at + open.len();
    let rest = &text[body_start..];
    let close = [open, b";".as_slice()].concat();
    let raw_len = match (escapes, text[start]) {
        (0, b's') => Some(len),
        (0, _) => hex_escaped_len(rest, len),
        (1, b's') => json::raw_len(rest, len),
        // Deeper escapes are met when the layers around them are decoded; here something has cut them out.
        _ => None,
    };
    let body = raw_len.and_then(|raw| Some(body_start..body_start.checked_add(raw)?));
    match body {
        Some(body) if text.get(body.end..).is_some_and(|after| after.starts_with(&close)) => {
            let sized = Sized { start, end: body.end + close.len(), digits, body, len };
            Some(if escapes == 0 { Token::Plain(sized) } else { Token::Escaped(sized) })
        }
        _ => {
            let end = memchr::memmem::find(rest, &close).map_or(text.len(), |i| body_start + i + close.len());
            Some(Token::Broken { start, end })
        }
    }
}

/// `S:` writes some bytes as `\xx`; its length counts each as one.
fn hex_escaped_len(raw: &[u8], len: usize) -> Option<usize> {
    let mut at = 0;
    for _ in 0..len {
        at += if *raw.get(at)? == b'\\' { 3 } else { 1 };
    }
    Some(at)
}

/// `C:11:"ArrayObject":37:{…}`: the second length counts what is between the braces.
fn custom(text: &[u8], start: usize) -> Option<Token> {
    let (_, name_len) = length(text, start + 2).filter(|(digits, _)| text.get(digits.end + 1) == Some(&b'"'))?;
    let name_start = start + 2 + length(text, start + 2)?.0.len() + 2;
    let after_name = name_start.checked_add(name_len)?;
    if !text.get(after_name..)?.starts_with(b"\":") {
        return None;
    }
    let (digits, len) = length(text, after_name + 2)?;
    let body_start = digits.end + 2;
    let body = body_start..body_start.checked_add(len)?;
    if text.get(digits.end + 1) != Some(&b'{') {
        return None;
    }
    if text.get(body.end) == Some(&b'}') {
        return Some(Token::Plain(Sized { start, end: body.end + 1, digits, body, len }));
    }
    // Only the count is known to be wrong; the strings inside have lengths of their own.
    Some(Token::Broken { start, end: body_start })
}
