//! A switch put into settings that have none: its plugin takes itself for live without it.

use crate::data::switches::Word;

/// An array or object of named members with one more; `None` when the value is none.
pub(super) fn member(value: &[u8], name: &str, word: &Word) -> Option<Vec<u8>> {
    in_php(value, name, word).or_else(|| in_json(value, name, word))
}

/// `a:2:{s:1:"a";…}`
fn in_php(value: &[u8], name: &str, word: &Word) -> Option<Vec<u8>> {
    let rest = value.strip_prefix(b"a:")?;
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let members: usize = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
    let body = rest[digits..].strip_prefix(b":{").filter(|body| body.starts_with(b"s:"))?;
    let word = match word {
        Word::Flag(flag) => format!("b:{};", u8::from(*flag)),
        Word::Number(number) => format!("i:{number};"),
        Word::Text(text) => format!("s:{}:\"{text}\";", text.len()),
    };
    let head = format!("a:{}:{{s:{}:\"{name}\";{word}", members.checked_add(1)?, name.len());
    Some([head.as_bytes(), body].concat())
}

/// `{"a": …}`
fn in_json(value: &[u8], name: &str, word: &Word) -> Option<Vec<u8>> {
    let body = value.strip_prefix(b"{").filter(|body| body.trim_ascii_start().starts_with(b"\""))?;
    let word = match word {
        Word::Flag(flag) => flag.to_string(),
        Word::Number(number) => number.to_string(),
        Word::Text(text) => format!("\"{text}\""),
    };
    Some([format!("{{\"{name}\":{word},").as_bytes(), body].concat())
}
