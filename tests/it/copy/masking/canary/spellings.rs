//! The spellings in which a text may still stand in a value. It shares nothing with what masks or searches.

use std::collections::BTreeSet;

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};

/// No text is wrapped more often.
const DEEPEST: usize = 3;
/// A shorter run of letters is a word, and nothing in base64 or hexadecimal.
const SHORTEST_RUN: usize = 8;

/// What is searched for, in small letters: the text, and for a telephone number its other ways to be written.
pub(super) fn needles(kind: &str, text: &str) -> Vec<String> {
    let mut needles = BTreeSet::from([text.to_lowercase()]);
    if kind == "phone" {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let national = digits.trim_start_matches("00").trim_start_matches("44").trim_start_matches('0').to_owned();
        needles.extend([format!("0{national}"), format!("44{national}"), format!("0044{national}")]);
    }
    needles.into_iter().collect()
}

/// The value in small letters, decoded in every way, and with the separators of telephone numbers taken out.
pub(in super::super) fn of(text: &str) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    decode("as it is", text, 0, &mut all);
    let squeezed: Vec<_> = all
        .iter()
        .map(|(_, text)| text.chars().filter(|c| !" -./()\u{a0}".contains(*c)).collect::<String>())
        .map(|text| ("without separators", text))
        .collect();
    all.extend(squeezed);
    all
}

fn decode(how: &'static str, text: &str, depth: usize, all: &mut Vec<(&'static str, String)>) {
    let lower = text.to_lowercase();
    if all.iter().any(|(_, known)| *known == lower) {
        return;
    }
    all.push((how, lower));
    if depth == DEEPEST {
        return;
    }
    for (how, decoded) in [
        ("behind escapes", without_escapes(text)),
        ("behind entities", without_entities(text)),
        ("behind percent signs", percent_encoding(text)),
    ] {
        if decoded != text {
            decode(how, &decoded, depth + 1, all);
        }
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || "+/-_=".contains(c);
    for run in text.split(|c: char| !is_part(c)).filter(|run| run.len() >= SHORTEST_RUN) {
        let plain = run.trim_end_matches('=');
        let decoded = [
            BASE64.decode(run.as_bytes()).ok(),
            BASE64_NOPAD.decode(plain.as_bytes()).ok(),
            BASE64URL_NOPAD.decode(plain.as_bytes()).ok(),
        ];
        for bytes in decoded.into_iter().flatten() {
            if let Ok(text) = String::from_utf8(bytes) {
                decode("in base64", &text, depth + 1, all);
            }
        }
        if let Some(text) = HEXLOWER_PERMISSIVE.decode(run.as_bytes()).ok().and_then(|b| String::from_utf8(b).ok()) {
            decode("in hexadecimal", &text, depth + 1, all);
        }
    }
}

fn without_escapes(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        let code = rest.get(at + 2..at + 6).filter(|_| rest[at..].starts_with("\\u"));
        match code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32) {
            Some(c) => {
                plain.push(c);
                rest = &rest[at + 6..];
            }
            None => rest = &rest[at + 1..],
        }
    }
    plain + rest
}

fn without_entities(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        let end = rest[at..].find(';').map(|end| at + end).filter(|end| end - at < 10);
        let entity = end.map(|end| &rest[at + 1..end]);
        let code = entity.and_then(|entity| entity.strip_prefix('#')).and_then(|code| {
            let hex = code.strip_prefix(['x', 'X']);
            hex.map_or_else(|| code.parse().ok(), |hex| u32::from_str_radix(hex, 16).ok())
        });
        let named = match entity {
            Some("amp") => Some('&'),
            Some("quot") => Some('"'),
            Some("lt") => Some('<'),
            Some("gt") => Some('>'),
            Some("commat") => Some('@'),
            Some("nbsp") => Some(' '),
            _ => None,
        };
        match (code.and_then(char::from_u32).or(named), end) {
            (Some(c), Some(end)) => {
                plain.push(c);
                rest = &rest[end + 1..];
            }
            _ => {
                plain.push('&');
                rest = &rest[at + 1..];
            }
        }
    }
    plain + rest
}

fn percent_encoding(text: &str) -> String {
    let mut plain = Vec::new();
    let mut bytes = text.bytes().peekable();
    let text = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.next() {
        let digits = text.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.filter(|_| byte == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) => {
                plain.push(decoded);
                bytes.next();
                bytes.next();
                at += 3;
            }
            None => {
                plain.push(if byte == b'+' { b' ' } else { byte });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}
