//! How a new host is written in the place of an old one: as the text around needs it.

use super::host_search::Found;
use super::spelled;

/// The new host, its dots and dashes as the old one has them where a text needs that: in patterns, and in the comments
/// that blocks are written in.
pub(super) fn new_host(text: &[u8], found: Found, host: &str) -> Vec<u8> {
    let old = &text[found.start..found.end];
    let dot = dot_of_pattern(old);
    let dash = host.contains("--").then(|| escaped_dash(text, found)).flatten();
    if dot.is_none() && dash.is_none() {
        return host.as_bytes().to_vec();
    }
    let mut bytes = Vec::with_capacity(host.len() + 16);
    for (i, b) in host.bytes().enumerate() {
        let is_double = b == b'-' && (host[i + 1..].starts_with('-') || host[..i].ends_with('-'));
        match (b, dot, &dash) {
            (b'.', Some(dot), _) => bytes.extend_from_slice(dot),
            (b'-', _, Some(dash)) if is_double => bytes.extend_from_slice(dash),
            _ => bytes.push(b),
        }
    }
    bytes
}

/// How a pattern writes the first dot of a host: `\.` with so many backslashes, or `[.]`.
pub(super) fn dot_of_pattern(host: &[u8]) -> Option<&[u8]> {
    if let Some(at) = memchr::memmem::find(host, b"\\.") {
        let begin = at - spelled::backslashes_before(&host[..at]);
        let is_class = host[..begin].ends_with(b"[") && host[at + 2..].starts_with(b"]");
        return Some(&host[begin - usize::from(is_class)..at + 2 + usize::from(is_class)]);
    }
    memchr::memmem::find(host, b"[.]").map(|at| &host[at..at + 3])
}

/// How the dashes are written around a place where two of them would end a comment.
fn escaped_dash(text: &[u8], found: Found) -> Option<Vec<u8>> {
    let old = &text[found.start..found.end];
    if let Some(at) = memchr::memmem::find(old, b"u002d").or_else(|| memchr::memmem::find(old, b"u002D")) {
        let escapes = spelled::backslashes_before(&old[..at]);
        return Some(old[at - escapes..at + 5].to_vec());
    }
    let block = memchr::memmem::rfind(&text[..found.start], b"<!-- wp:")?;
    memchr::memmem::find(&text[block..found.start], b"-->").is_none().then(|| b"\\u002d".to_vec())
}
