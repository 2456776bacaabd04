//! One character of a URL in any of the spellings that texts give it: as it stands, behind backslashes, as an escape of
//! JSON, scripts or CSS, as an entity, percent-encoded, and each of these again and again.

use quick_xml::escape::resolve_html5_entity;

/// More backslashes than JSON in JSON in JSON in JSON puts before a sign, and a COPY twice as many.
const MOST_BACKSLASHES: usize = 64;
/// How often a spelling is spelled again, as `%2525` and `&amp;amp;` do.
const MOST_AGAIN: usize = 16;
/// No spelling of one character is longer.
const LONGEST: usize = 4 * MOST_AGAIN + 24;

/// Where the character ends that begins at `at`, when it is `wanted`, which is in lower case.
pub(super) fn end_of(text: &[u8], at: usize, wanted: char) -> Option<usize> {
    match *text.get(at)? {
        b'\\' => escaped(text, at, wanted),
        b'%' => percent(text, at, wanted),
        b'&' => entity(text, at + 1, wanted),
        b'[' if wanted == '.' => dot_of_pattern(text, at),
        b'=' if is_sign(wanted) => quoted_printable(text, at, wanted).or((wanted == '=').then_some(at + 1)),
        plain @ 0..0x80 => is_same(char::from(plain), wanted).then_some(at + 1),
        first => {
            let len = utf8_len(first);
            let c = one_char(text.get(at..at + len)?)?;
            is_same(c, wanted).then_some(at + len)
        }
    }
}

/// Where the character begins that ends at `end`, when it is `wanted`; of several places the first.
pub(super) fn start_of(text: &[u8], end: usize, wanted: char) -> Option<usize> {
    let last = *text[..end].last()?;
    if wanted.is_ascii() && last.eq_ignore_ascii_case(&(wanted as u8)) {
        let begin = end - 1;
        let escapes = if is_sign(wanted) { backslashes_before(&text[..begin]) } else { 0 };
        return Some(begin - escapes);
    }
    if !matches!(last, b';' | b' ' | b'}' | b']' | 0x80..) && !last.is_ascii_hexdigit() {
        return None;
    }
    let begins = |at: &usize| {
        matches!(text[*at], b'\\' | b'%' | b'&' | b'[' | b'=' | 0x80..)
            && !(*at > 0 && text[*at] == b'\\' && text[*at - 1] == b'\\' && end - *at < LONGEST)
            && end_of(&text[..end], *at, wanted) == Some(end)
    };
    (end.saturating_sub(LONGEST)..end).find(begins)
}

/// The first of several characters that begins at `at`, and where it ends.
pub(super) fn one_of(text: &[u8], at: usize, wanted: &[char]) -> Option<(char, usize)> {
    wanted.iter().find_map(|c| Some((*c, end_of(text, at, *c)?)))
}

/// The last of several characters that ends at `end`, and where it begins.
pub(super) fn one_before(text: &[u8], end: usize, wanted: &[char]) -> Option<(char, usize)> {
    wanted.iter().find_map(|c| Some((*c, start_of(text, end, *c)?)))
}

/// Whether the escape that begins at `at` may stand for a letter of ASCII; hardly any text has one.
pub(super) fn is_letter(text: &[u8], at: usize) -> bool {
    let may_be_code = |at: usize| matches!(text.get(at), Some(b'4'..=b'7'));
    let rest = &text[at + 1..];
    match (text[at], rest.first()) {
        (b'\\', Some(b'x')) => may_be_code(at + 2),
        (b'\\', Some(b'u')) => rest.starts_with(b"u00") && may_be_code(at + 4) || rest.starts_with(b"u{"),
        (b'\\', Some(b'1')) if octal(text, at + 1).is_some_and(|code| code.is_ascii_alphanumeric()) => true,
        (b'\\', _) => may_be_code(at + 1) && rest.get(1).is_some_and(u8::is_ascii_hexdigit),
        (b'%', Some(b'u')) => rest.starts_with(b"u00") && may_be_code(at + 4),
        (b'%', _) => percent_byte(text, at).is_some_and(|(byte, _)| byte.is_ascii_alphanumeric()),
        (b'&', _) => {
            let again = rest.chunks_exact(4).take_while(|next| *next == b"amp;").count();
            let number = rest[4 * again..].strip_prefix(b"#").unwrap_or_default();
            let len = number.iter().take(10).position(|b| *b == b';').unwrap_or(0);
            let digits = std::str::from_utf8(&number[..len]).unwrap_or_default();
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(digits) => u8::from_str_radix(digits, 16).ok(),
                None => digits.parse().ok(),
            };
            code.is_some_and(|code| code.is_ascii_alphanumeric())
        }
        _ => false,
    }
}

/// How many backslashes a text ends with; more than any spelling has are not counted.
pub(super) fn backslashes_before(text: &[u8]) -> usize {
    text.iter().rev().take(MOST_BACKSLASHES).take_while(|b| **b == b'\\').count()
}

fn is_sign(wanted: char) -> bool {
    wanted.is_ascii() && !wanted.is_ascii_alphanumeric()
}

/// What browsers take for a dot between the labels of a host.
pub(super) const DOTS: &[char] = &['.', '\u{3002}', '\u{ff0e}', '\u{ff61}'];

fn is_same(c: char, wanted: char) -> bool {
    c == wanted || (wanted == '.' && DOTS.contains(&c)) || (c.is_uppercase() && c.to_lowercase().eq([wanted]))
}

fn utf8_len(first: u8) -> usize {
    match first {
        0xf0.. => 4,
        0xe0.. => 3,
        _ => 2,
    }
}

fn one_char(bytes: &[u8]) -> Option<char> {
    std::str::from_utf8(bytes).ok()?.chars().next()
}

fn hex(text: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}

/// `\/`, `\u002f`, `\u{2f}`, `\x2f`, `\2f `, each behind as many backslashes as there are.
fn escaped(text: &[u8], at: usize, wanted: char) -> Option<usize> {
    let run = text[at..].iter().take(MOST_BACKSLASHES + 1).take_while(|b| **b == b'\\').count();
    let sign = at + run;
    let first = *text.get(sign).filter(|_| run <= MOST_BACKSLASHES)?;
    if char::from(first) == wanted && !wanted.is_alphanumeric() {
        return Some(sign + 1);
    }
    match first {
        b'u' => {
            let (c, end) = utf16(text, sign + 1)?;
            if c == '&' { entity(text, end, wanted) } else { is_same(c, wanted).then_some(end) }
        }
        b'x' => {
            let byte = |at: usize| Some((hex_byte(text, at)?, at + 2));
            let code = char::from(byte(sign + 1)?.0);
            if is_same(code, wanted) {
                return Some(sign + 3);
            }
            let next = |at: usize| {
                let run = text.get(at..)?.iter().take(MOST_BACKSLASHES).take_while(|b| **b == b'\\').count();
                (run > 0 && text.get(at + run) == Some(&b'x')).then(|| byte(at + run + 1)).flatten()
            };
            utf8(byte(sign + 1)?, next, wanted)
        }
        _ => css(text, sign, wanted).or_else(|| is_same(octal(text, sign)?, wanted).then_some(sign + 3)),
    }
}

/// Three digits, as C and PHP write a byte.
fn octal(text: &[u8], at: usize) -> Option<char> {
    let digits = text.get(at..at + 3).filter(|digits| digits.iter().all(|b| matches!(b, b'0'..=b'7')))?;
    let code = digits.iter().fold(0, |code, digit| 8 * code + u32::from(digit - b'0'));
    char::from_u32(code).filter(char::is_ascii)
}

/// `[.]`, as patterns write a dot.
fn dot_of_pattern(text: &[u8], at: usize) -> Option<usize> {
    let dot = at + 1 + backslashes_at(text, at + 1);
    text.get(dot..)?.starts_with(b".]").then_some(dot + 2)
}

/// `=2F`, as mails write a byte.
fn quoted_printable(text: &[u8], at: usize, wanted: char) -> Option<usize> {
    let digits = text.get(at + 1..at + 3)?;
    let code = hex(digits).filter(|_| !digits.iter().any(u8::is_ascii_lowercase))?;
    (code == u32::from(wanted)).then_some(at + 3)
}

fn hex_byte(text: &[u8], at: usize) -> Option<u8> {
    u8::try_from(hex(text.get(at..at + 2)?)?).ok()
}

/// One character whose bytes are each spelled by themselves, the first of which was read.
fn utf8(first: (u8, usize), next: impl Fn(usize) -> Option<(u8, usize)>, wanted: char) -> Option<usize> {
    let mut bytes = [first.0, 0, 0, 0];
    let len = if first.0 < 0xc0 { 1 } else { utf8_len(first.0) };
    let mut end = first.1;
    for byte in &mut bytes[1..len] {
        (*byte, end) = next(end)?;
    }
    is_same(one_char(&bytes[..len])?, wanted).then_some(end)
}

/// What follows `\u`: four digits, eight for what UTF-16 writes in two, or any in braces.
fn utf16(text: &[u8], at: usize) -> Option<(char, usize)> {
    if text.get(at) == Some(&b'{') {
        let len = text[at + 1..].iter().take(7).position(|b| *b == b'}')?;
        return Some((char::from_u32(hex(&text[at + 1..at + 1 + len])?)?, at + len + 2));
    }
    let first = hex(text.get(at..at + 4)?)?;
    if !(0xd800..0xdc00).contains(&first) {
        return Some((char::from_u32(first)?, at + 4));
    }
    let run = backslashes_at(text, at + 4);
    let second = at + 4 + run + 1;
    let low = (run > 0 && text.get(second - 1) == Some(&b'u')).then(|| hex(text.get(second..second + 4)?)).flatten()?;
    let code = 0x10000 + ((first - 0xd800) << 10) + low.checked_sub(0xdc00)?;
    Some((char::from_u32(code)?, second + 4))
}

fn backslashes_at(text: &[u8], at: usize) -> usize {
    text[at.min(text.len())..].iter().take(MOST_BACKSLASHES).take_while(|b| **b == b'\\').count()
}

/// One to six digits, and the blank that ends them.
fn css(text: &[u8], at: usize, wanted: char) -> Option<usize> {
    let len = text[at..].iter().take(6).take_while(|b| b.is_ascii_hexdigit()).count();
    let c = char::from_u32(hex(text.get(at..at + len).filter(|digits| digits.len() > 1)?)?)?;
    let end = at + len;
    is_same(c, wanted).then(|| end + usize::from(text.get(end) == Some(&b' ')))
}

/// `%2F`, `%252F`, `%u002F`, and `%5C%2F` for a sign that had a backslash.
fn percent(text: &[u8], at: usize, wanted: char) -> Option<usize> {
    if let Some(b'u' | b'U') = text.get(at + 1) {
        let c = char::from_u32(hex(text.get(at + 2..at + 6)?)?)?;
        return is_same(c, wanted).then_some(at + 6);
    }
    let mut first = percent_byte(text, at)?;
    let mut escapes = 0;
    while first.0 == b'\\' && escapes < MOST_BACKSLASHES && !wanted.is_alphanumeric() {
        escapes += 1;
        if text.get(first.1).is_some_and(|b| char::from(*b) == wanted) {
            return Some(first.1 + 1);
        }
        first = percent_byte(text, first.1)?;
    }
    utf8(first, |at| percent_byte(text, at), wanted)
}

fn percent_byte(text: &[u8], at: usize) -> Option<(u8, usize)> {
    let mut digits = at + 1;
    if text.get(at) != Some(&b'%') {
        return None;
    }
    for _ in 0..MOST_AGAIN {
        let goes_on = text.get(digits..digits + 4).is_some_and(|next| next.starts_with(b"25") && hex(next).is_some());
        if !goes_on {
            break;
        }
        digits += 2;
    }
    Some((hex_byte(text, digits)?, digits + 2))
}

/// What follows `&`.
fn entity(text: &[u8], mut at: usize, wanted: char) -> Option<usize> {
    for _ in 0..MOST_AGAIN {
        if !text.get(at..)?.starts_with(b"amp;") {
            break;
        }
        at += 4;
    }
    let rest = text.get(at..)?;
    let len = rest.iter().take(10).position(|b| *b == b';')?;
    let name = std::str::from_utf8(&rest[..len]).ok()?;
    let c = match name.strip_prefix('#') {
        Some(number) => match number.strip_prefix(['x', 'X']) {
            Some(digits) => char::from_u32(u32::from_str_radix(digits, 16).ok()?)?,
            None => char::from_u32(number.parse().ok()?)?,
        },
        None => resolve_html5_entity(name)?.chars().next()?,
    };
    is_same(c, wanted).then_some(at + len + 1)
}

#[cfg(test)]
#[path = "spelled_tests.rs"]
mod tests;
