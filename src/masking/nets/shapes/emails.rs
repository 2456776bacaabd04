//! E-mail addresses within other text.

use std::ops::Range;

use super::rules::AT_SIGNS;
use crate::masking::key::Key;
use crate::masking::strangers;

/// No local part or label is longer; it bounds the search.
const LONGEST_PART: usize = 64;
/// What stands after the last dot of a file's name, not of a domain: `logo@2x.png` is no address.
const FILES: &[&str] = &[
    "png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "bmp", "ico", "css", "scss", "less", "js", "mjs", "cjs", "ts",
    "tsx", "jsx", "json", "map", "html", "htm", "php", "tgz", "gz", "woff", "woff2", "ttf", "eot", "otf", "mp4",
    "webm", "mp3", "pdf", "xml", "txt", "yml", "yaml", "vue",
];
/// The longest of them.
const LONGEST_FILE: usize = 5;
/// What addresses become ends with it (RFC 2606), so that nothing there is anybody's.
const NOBODYS: &str = ".invalid";
/// The letters of scripts that are written without blanks begin here.
const WITHOUT_BLANKS: char = '\u{530}';

/// Whether a value is an address and nothing else.
pub(crate) fn is_email(value: &str) -> bool {
    value.find('@').and_then(|at| around(value, at, 1)).is_some_and(|found| found == (0..value.len()))
}

/// An address in a text, and what stands for its `@`.
struct FoundAddress<'a> {
    range: Range<usize>,
    sign: &'a str,
}

fn found(text: &str) -> Vec<FoundAddress<'_>> {
    let (mut all, mut done, mut from) = (Vec::new(), 0, 0);
    while let Some((at, sign)) = next_at(text, from) {
        from = at + sign.len();
        if let Some(range) = around(text, at, sign.len()).filter(|range| range.start >= done) {
            (done, from) = (range.end, range.end);
            all.push(FoundAddress { range, sign });
        }
    }
    all
}

/// The next `@`, or what stands for it.
fn next_at(text: &str, from: usize) -> Option<(usize, &str)> {
    let bytes = text.as_bytes();
    let mut from = from;
    loop {
        let at = from + bytes.get(from..)?.iter().position(|b| matches!(b, b'@' | b'%' | b'&' | b'\\'))?;
        if let Some(len) = sign_len(bytes, at) {
            return Some((at, &text[at..at + len]));
        }
        from = at + 1;
    }
}

/// How long the `@` is that stands at a place.
pub(super) fn sign_len(text: &[u8], at: usize) -> Option<usize> {
    if text[at] == b'@' {
        return Some(1);
    }
    let sign = AT_SIGNS.iter().find(|sign| text[at..].starts_with(sign.as_bytes()));
    sign.map(|sign| sign.len())
}

/// The addresses in a text.
pub(crate) fn addresses_in(text: &str) -> impl Iterator<Item = &str> {
    found(text).into_iter().map(|found| &text[found.range])
}

/// The strangers of the addresses in a text.
pub(in crate::masking) fn strangers_of(key: &Key, text: &str) -> Vec<String> {
    let plain = |found: FoundAddress<'_>| text[found.range].replacen(found.sign, "@", 1);
    found(text).into_iter().map(|found| strangers::one_email(key, &plain(found))).collect()
}

/// The stranger of an address, with whatever stood for its `@`.
pub(super) fn stranger(key: &Key, address: &str) -> String {
    let sign = next_at(address, 0).map_or("@", |(_, sign)| sign);
    strangers::one_email(key, &address.replacen(sign, "@", 1)).replacen('@', sign, 1)
}

/// The text with every address masked; `None` when there is none.
pub(crate) fn masked_emails(key: &Key, text: &str) -> Option<String> {
    let (mut masked, mut done) = (String::new(), 0);
    for FoundAddress { range, .. } in found(text) {
        masked.push_str(&text[done..range.start]);
        masked.push_str(&stranger(key, &text[range.clone()]));
        done = range.end;
    }
    (done > 0).then(|| masked + &text[done..])
}

/// The whole of the address whose sign begins at `at`.
pub(super) fn around(text: &str, at: usize, sign: usize) -> Option<Range<usize>> {
    let (before, after) = (&text[..at], &text[at + sign..]);
    let local = match before.strip_suffix('"') {
        Some(quoted) => at - quoted.rfind('"').filter(|open| at - open <= LONGEST_PART)?,
        None => local_len(before),
    };
    let domain = domain(after)?;
    (local > 0).then(|| at - local..at + sign + domain.len())
}

fn local_len(before: &str) -> usize {
    let takes_all = before.chars().next_back().is_some_and(|c| c >= WITHOUT_BLANKS && c.is_alphabetic());
    let is_local = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-' | '\'') || is_letter(c, takes_all)
    };
    let len: usize = before.chars().rev().take(LONGEST_PART).take_while(|c| is_local(*c)).map(char::len_utf8).sum();
    before[before.len() - len..].trim_start_matches(['.', '\'', '%', '-']).len()
}

fn domain(after: &str) -> Option<&str> {
    let takes_all = after.chars().next().is_some_and(|c| c >= WITHOUT_BLANKS);
    let is_domain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.' || is_letter(c, takes_all);
    let len: usize = after.chars().take(4 * LONGEST_PART).take_while(|c| is_domain(*c)).map(char::len_utf8).sum();
    let domain = after[..len].trim_end_matches(['.', '-']);
    let (labels, last) = domain.rsplit_once('.')?;
    let is_top = last.chars().count() >= 2 && last.chars().all(char::is_alphabetic) || last.starts_with("xn--");
    let is_file = last.len() <= LONGEST_FILE && FILES.iter().any(|file| last.eq_ignore_ascii_case(file));
    let mut front = labels.split('.');
    let is_number = |label: Option<&str>| label.is_some_and(|label| label.bytes().all(|b| b.is_ascii_digit()));
    let is_version = is_number(front.next()) && is_number(front.next());
    let end = domain.len().checked_sub(NOBODYS.len()).and_then(|at| domain.get(at..));
    let is_ours = end.is_some_and(|end| end.eq_ignore_ascii_case(NOBODYS));
    let is_sound = is_top && !is_file && !is_version && !is_ours && !labels.is_empty() && !labels.starts_with('.');
    is_sound.then_some(domain)
}

/// Letters beyond ASCII that words are written in with blanks between them, or all.
fn is_letter(c: char, takes_all: bool) -> bool {
    !c.is_ascii() && (takes_all || c < WITHOUT_BLANKS) && c.is_alphabetic()
}
