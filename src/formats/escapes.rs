//! JSON escapes at any depth, read in place: nothing is decoded into a buffer, so that every other byte stays as it is.

/// Deeper escaping than JSON in JSON in JSON in JSON is left alone.
pub(crate) const MOST_LEVELS: u8 = 4;

/// One character of a text after `level` rounds of decoding.
pub(crate) struct Unit {
    /// The byte, or [`NOT_ASCII`] for an escape that stands for a longer character.
    pub(crate) byte: u8,
    /// How many decoded bytes it is.
    pub(crate) len: usize,
    /// Where the next one begins in the raw text.
    pub(crate) end: usize,
}

const NOT_ASCII: u8 = 0xff;

/// The character that begins at `at`; `None` past the end, or when an escape is cut off.
pub(crate) fn unit(text: &[u8], at: usize, level: u8) -> Option<Unit> {
    let Some(outer) = level.checked_sub(1) else {
        return Some(Unit { byte: *text.get(at)?, len: 1, end: at + 1 });
    };
    let first = unit(text, at, outer)?;
    if first.byte != b'\\' {
        return Some(first);
    }
    let escape = unit(text, first.end, outer)?;
    let byte = match escape.byte {
        b'u' => return unicode(text, escape.end, outer),
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'f' => 12,
        // Not JSON's, but PHP's addslashes() writes it, as it does `\'`.
        b'0' => 0,
        other => other,
    };
    Some(Unit { byte, ..escape })
}

/// What follows `\u`: one unit of UTF-16, or the two of a character beyond the basic plane.
fn unicode(text: &[u8], at: usize, outer: u8) -> Option<Unit> {
    let (first, end) = hex(text, at, outer)?;
    let (code, end) = if (0xd800..0xdc00).contains(&first) {
        let backslash = unit(text, end, outer).filter(|u| u.byte == b'\\')?;
        let letter = unit(text, backslash.end, outer).filter(|u| u.byte == b'u')?;
        let (second, end) = hex(text, letter.end, outer)?;
        (0x10000 + ((first - 0xd800) << 10) + second.checked_sub(0xdc00)?, end)
    } else {
        (first, end)
    };
    let c = char::from_u32(code)?;
    Some(Unit { byte: u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(NOT_ASCII), len: c.len_utf8(), end })
}

fn hex(text: &[u8], mut at: usize, outer: u8) -> Option<(u32, usize)> {
    let mut code = 0;
    for _ in 0..4 {
        let digit = unit(text, at, outer)?;
        code = code * 16 + char::from(digit.byte).to_digit(16)?;
        at = digit.end;
    }
    Some((code, at))
}

/// Where the text goes on after `wanted` decoded bytes; `None` when that is past the end or within a character.
pub(crate) fn skip(text: &[u8], mut at: usize, level: u8, mut wanted: usize) -> Option<usize> {
    if level == 0 {
        return at.checked_add(wanted).filter(|end| *end <= text.len());
    }
    while wanted > 0 {
        let rest = text.get(at..)?;
        let rest = &rest[..rest.len().min(wanted)];
        let plain = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
        (at, wanted) = (at + plain, wanted - plain);
        if wanted > 0 {
            let unit = unit(text, at, level)?;
            (at, wanted) = (unit.end, wanted.checked_sub(unit.len)?);
        }
    }
    Some(at)
}

/// How many bytes a text is after decoding.
pub(crate) fn decoded_len(text: &[u8], level: u8) -> usize {
    if level == 0 || memchr::memchr(b'\\', text).is_none() {
        return text.len();
    }
    let (mut at, mut len) = (0, 0);
    while let Some(unit) = unit(text, at, level) {
        (at, len) = (unit.end, len + unit.len);
    }
    len
}

/// Whether a word can begin at `at`: no letter, digit or `_` is before it, or one that ends an escape such as `\n`.
pub(crate) fn starts_word(text: &[u8], at: usize) -> bool {
    let before = &text[..at];
    let Some(last) = before.last() else { return true };
    if !last.is_ascii_alphanumeric() && *last != b'_' {
        return true;
    }
    let ends_escape = |start: &[u8], digits: usize| {
        before
            .len()
            .checked_sub(digits)
            .is_some_and(|from| before[..from].ends_with(start) && before[from..].iter().all(u8::is_ascii_hexdigit))
    };
    (matches!(last, b'n' | b'r' | b't') && before[..at - 1].ends_with(b"\\"))
        || ends_escape(b"\\u", 4)
        || ends_escape(b"\\x", 2)
        || ends_escape(b"%", 2)
}
