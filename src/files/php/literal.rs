//! Strings as PHP's source code spells them.

use std::ops::RangeInclusive;

/// Bytes as a string in single quotes, in which PHP reads nothing but them.
pub(in crate::files) fn single_quoted(value: &[u8]) -> Vec<u8> {
    quoted(value, b'\'', b"\\'")
}

/// The same in double quotes.
pub(in crate::files) fn double_quoted(value: &[u8]) -> Vec<u8> {
    quoted(value, b'"', b"\\\"$")
}

/// `escaped` are the bytes that a backslash is put before.
fn quoted(value: &[u8], quote: u8, escaped: &[u8]) -> Vec<u8> {
    let mut text = vec![quote];
    for byte in value {
        if escaped.contains(byte) {
            text.push(b'\\');
        }
        text.push(*byte);
    }
    text.push(quote);
    text
}

/// What stands between single quotes.
pub(super) fn of_single(body: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after.first()) {
            (b'\\', Some(escaped @ (b'\\' | b'\''))) => {
                value.push(*escaped);
                rest = &after[1..];
            }
            _ => value.push(*byte),
        }
    }
    value
}

/// What stands between double quotes, backticks, or in a heredoc, which has no quote; what is put in at run time stays as it is.
pub(super) fn of_double(body: &[u8], quote: Option<u8>) -> Vec<u8> {
    let mut value = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some((byte, after)) = rest.split_first() {
        rest = match (byte, escape(after, quote)) {
            (b'\\', Some((bytes, len))) => {
                value.extend(bytes);
                &after[len..]
            }
            _ => {
                value.push(*byte);
                after
            }
        };
    }
    value
}

/// What a backslash and what follows it stand for, and how long that is.
fn escape(after: &[u8], quote: Option<u8>) -> Option<(Vec<u8>, usize)> {
    let first = *after.first()?;
    let digits = |from: usize, is_digit: fn(&u8) -> bool, most: usize| {
        after[from..].iter().take(most).take_while(|b| is_digit(b)).count()
    };
    let number = |range: RangeInclusive<usize>, radix| {
        let text = std::str::from_utf8(&after[range]).ok()?;
        u32::from_str_radix(text, radix).ok()
    };
    let one = |byte| Some((vec![byte], 1));
    match first {
        b'n' => one(b'\n'),
        b't' => one(b'\t'),
        b'r' => one(b'\r'),
        b'v' => one(0x0b),
        b'e' => one(0x1b),
        b'f' => one(0x0c),
        b'\\' | b'$' => one(first),
        _ if Some(first) == quote => one(first),
        b'0'..=b'7' => {
            let len = digits(0, |b| (b'0'..=b'7').contains(b), 3);
            Some((vec![number(0..=len - 1, 8)?.to_le_bytes()[0]], len))
        }
        b'x' | b'X' => match digits(1, u8::is_ascii_hexdigit, 2) {
            0 => None,
            len => Some((vec![number(1..=len, 16)?.to_le_bytes()[0]], len + 1)),
        },
        b'u' if after.get(1) == Some(&b'{') => {
            let len = digits(2, u8::is_ascii_hexdigit, usize::MAX);
            let end = after.get(2 + len).filter(|end| **end == b'}' && len > 0);
            let letter = end.and_then(|_| char::from_u32(number(2..=1 + len, 16)?))?;
            Some((letter.to_string().into_bytes(), len + 3))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_read_as_it_was() {
        for value in [r#"a'b"c\d$e{$f}\n\\'"#.as_bytes(), b"", b"\\", b"\xff\x00\r\n?>", b"${x} {$y} `z`"] {
            let quoted = single_quoted(value);
            assert_eq!(of_single(&quoted[1..quoted.len() - 1]), value);
            let quoted = double_quoted(value);
            assert_eq!(of_double(&quoted[1..quoted.len() - 1], Some(b'"')), value);
        }
    }

    #[test]
    fn escapes_are_php_s() {
        let value = of_double(br#"\101\x41\X4a\u{20ac}\u{110000}\u{}\q\'\"\$\1234\777\x"#, Some(b'"'));
        assert_eq!(
            value,
            "AAJ€\\u{110000}\\u{}\\q\\'\"$S4\u{0}\\x"
                .replace('\u{0}', "\u{fffd}")
                .replace("\u{fffd}", "?")
                .into_bytes()
                .iter()
                .map(|b| if *b == b'?' { 0xff } else { *b })
                .collect::<Vec<_>>()
        );
        assert_eq!(of_double(br#"\""#, None), br#"\""#);
        assert_eq!(of_single(br"\n\'\\\x"), br"\n'\\x");
    }
}
