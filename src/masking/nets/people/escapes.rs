//! One letter, or what stands between words, behind an escape of JSON, HTML or a URL.

use unicode_normalization::char::compose;

/// A named entity has no more letters.
const LONGEST_ENTITY: usize = 10;

/// What an escape stands for, and how many bytes it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escape {
    Letter(char, usize),
    Apostrophe(usize),
    Blank(usize),
    /// Whatever else, or no escape at all.
    Apart(usize),
}

impl Escape {
    fn of(c: char, len: usize) -> Self {
        match c {
            '\'' | '\u{2019}' => Self::Apostrophe(len),
            _ if c.is_alphanumeric() => Self::Letter(c, len),
            _ if c.is_whitespace() => Self::Blank(len),
            _ => Self::Apart(len),
        }
    }
}

/// What stands at `at`, where there is a `&`, `\` or `%`.
pub(super) fn read(text: &str, at: usize) -> Escape {
    let rest = &text.as_bytes()[at..];
    let read = match rest[0] {
        b'&' => entity(&text[at..]),
        b'\\' => slashed(rest),
        _ => percent(rest),
    };
    read.unwrap_or(Escape::Apart(1))
}

fn slashed(rest: &[u8]) -> Option<Escape> {
    match rest.get(1)? {
        b'u' => {
            let code = u32::from_str_radix(std::str::from_utf8(rest.get(2..6)?).ok()?, 16).ok()?;
            Some(Escape::of(char::from_u32(code)?, 6))
        }
        b'\'' => Some(Escape::Apostrophe(2)),
        // Before a small letter it is more likely the beginning of a name in a path.
        b'n' | b'r' | b't' if !rest.get(2).is_some_and(u8::is_ascii_lowercase) => Some(Escape::Blank(2)),
        b'/' | b'"' => Some(Escape::Apart(2)),
        _ => None,
    }
}

fn percent(rest: &[u8]) -> Option<Escape> {
    let byte = |at: usize| {
        let digits = rest.get(3 * at..3 * at + 3).filter(|digits| digits[0] == b'%')?;
        u8::from_str_radix(std::str::from_utf8(&digits[1..]).ok()?, 16).ok()
    };
    let first = byte(0)?;
    let len = match first {
        0..0x80 => return Some(Escape::of(char::from(first), 3)),
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        _ => 4,
    };
    let mut utf8 = [0; 4];
    for (at, place) in utf8[..len].iter_mut().enumerate() {
        *place = byte(at)?;
    }
    Some(Escape::of(std::str::from_utf8(&utf8[..len]).ok()?.chars().next()?, 3 * len))
}

fn entity(rest: &str) -> Option<Escape> {
    let name = &rest.as_bytes()[1..];
    let end = memchr::memchr(b';', &name[..name.len().min(LONGEST_ENTITY)])?;
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'#';
    let (name, len) = (rest.get(1..=end).filter(|name| name.bytes().all(|byte| is_name(&byte)))?, end + 2);
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return Some(Escape::of(char::from_u32(code)?, len));
    }
    Some(match name {
        "nbsp" | "ensp" | "emsp" | "thinsp" | "shy" => Escape::Blank(len),
        "apos" | "rsquo" => Escape::Apostrophe(len),
        "szlig" => Escape::Letter('ß', len),
        "oslash" => Escape::Letter('ø', len),
        "Oslash" => Escape::Letter('Ø', len),
        "aelig" => Escape::Letter('æ', len),
        "AElig" => Escape::Letter('Æ', len),
        _ => accented(name).map_or(Escape::Apart(len), |c| Escape::Letter(c, len)),
    })
}

/// The letter that a name such as `euml` stands for.
fn accented(name: &str) -> Option<char> {
    let letter = name.chars().next().filter(char::is_ascii_alphabetic)?;
    let mark = match &name[1..] {
        "uml" => '\u{308}',
        "acute" => '\u{301}',
        "grave" => '\u{300}',
        "circ" => '\u{302}',
        "tilde" => '\u{303}',
        "cedil" => '\u{327}',
        "ring" => '\u{30a}',
        "caron" => '\u{30c}',
        _ => return None,
    };
    compose(letter, mark)
}

/// The text that is meant, without escapes.
pub(super) fn plain(text: &str) -> String {
    let (mut plain, mut at) = (String::with_capacity(text.len()), 0);
    while let Some(c) = text[at..].chars().next() {
        let (c, len) = match c {
            '&' | '\\' | '%' => match read(text, at) {
                Escape::Letter(c, len) => (c, len),
                Escape::Apostrophe(len) => ('\'', len),
                Escape::Blank(len) => (' ', len),
                Escape::Apart(_) => (c, 1),
            },
            c => (c, c.len_utf8()),
        };
        plain.push(c);
        at += len;
    }
    plain
}
