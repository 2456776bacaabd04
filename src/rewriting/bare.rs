//! Whether a host without slashes before it is an address all the same: alone in its value, in quotes, in a list, or after
//! the name of a setting; in prose it is none.

use super::host_search::Found;
use super::new_host::dot_of_pattern;
use super::spelled;
use crate::formats::escapes;

/// So many bytes on either side are looked at for the bounds of a list.
const LONGEST_LIST: usize = 600;

const QUOTES: &[char] = &['"', '\'', '`'];
const SEPARATORS: &[char] = &[',', '|', ';', '\t'];

/// Whether no longer host, nor a word, goes on before `start`.
pub(super) fn starts_host(text: &[u8], begin: usize, start: usize) -> bool {
    if start == begin {
        return true;
    }
    if text[start - 1] == b'-' || !escapes::starts_word(text, start) {
        return false;
    }
    match spelled::start_of(text, start, '.').filter(|dot| *dot >= begin) {
        Some(dot) => {
            dot == begin
                || !(text[dot - 1].is_ascii_alphanumeric() || matches!(text[dot - 1], b'-' | b'_' | b'*' | 0x80..))
        }
        None => spelled::start_of(text, start, '-').is_none(),
    }
}

/// Whether what stands before `start` is a sign as mails write one, which is not told from a longer host.
pub(super) fn may_follow_sign(text: &[u8], start: usize) -> bool {
    let is_code = |code: &[u8]| {
        let code = std::str::from_utf8(code).ok().and_then(|code| u8::from_str_radix(code, 16).ok());
        code.is_some_and(|code| code.is_ascii() && !code.is_ascii_alphanumeric())
    };
    matches!(&text[..start], [.., b'=', first, last] if is_code(&[*first, *last]))
}

/// Whether a host that goes on to `end` with its port is an address.
pub(super) fn is_address(text: &[u8], begin: usize, found: Found, end: usize) -> bool {
    let host = &text[found.start..found.end];
    let quote = spelled::one_before(text, found.start, QUOTES).filter(|(_, at)| *at >= begin);
    if memchr::memchr(b'.', host).is_none() && host.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-') {
        // `localhost` is a word.
        let is_quoted = quote.is_some_and(|(quote, _)| spelled::end_of(text, end, quote).is_some());
        return is_quoted || found.start == begin && end == text.len();
    }
    if dot_of_pattern(host).is_some() {
        // Nobody writes patterns in prose.
        return true;
    }
    // The domain of a cookie.
    let start = spelled::start_of(text, found.start, '.').filter(|dot| *dot >= begin).unwrap_or(found.start);
    let before = Before::of(text, begin, start);
    before.is_fit(text, end) || is_in_list(text, begin, start, end)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// The value or the line begins here, or a quoted or separated part of it.
    Bound,
    /// The value of a setting, such as `domain=`.
    Setting,
    Nothing,
}

impl Before {
    fn of(text: &[u8], begin: usize, start: usize) -> Self {
        let is_within = |(_, at): (char, usize)| at >= begin;
        if start == begin
            || matches!(text[start - 1], b'\n' | b'\r' | b'{')
            || text[begin..start].ends_with(b"[CDATA[")
            || is_line_end(&text[begin..start])
            || is_item(&text[begin..start])
            || spelled::one_before(text, start, QUOTES).is_some_and(is_within)
            || spelled::one_before(text, start, SEPARATORS).is_some_and(is_within)
            || spelled::one_before(text, start, &['>']).is_some_and(is_within)
        {
            return Self::Bound;
        }
        if spelled::one_before(text, start, &['=']).is_some_and(is_within) {
            return Self::Setting;
        }
        let blanks = text[begin..start].iter().rev().take(8).take_while(|b| **b == b' ').count();
        match text[begin..start - blanks].last() {
            Some(b':' | b'=') if blanks > 0 => Self::Setting,
            _ => Self::Nothing,
        }
    }

    /// Whether what stands behind goes with it.
    fn is_fit(self, text: &[u8], end: usize) -> bool {
        let Some(next) = text.get(end) else { return self != Self::Nothing };
        let is_bound = matches!(next, b'\n' | b'\r')
            || text[end..].starts_with(b"\\n")
            || text[end..].starts_with(b"\\r")
            || spelled::one_of(text, end, QUOTES).is_some()
            || text[end..].starts_with(b"]]>")
            || spelled::one_of(text, end, &['/', '?', '#', '<']).is_some();
        let separated = spelled::one_of(text, end, SEPARATORS).map(|(_, end)| end);
        match self {
            Self::Nothing => false,
            _ if is_bound => true,
            Self::Bound => {
                *next == b'}' || separated.is_some_and(|end| !text.get(end).is_some_and(u8::is_ascii_whitespace))
            }
            Self::Setting => separated.is_some() || matches!(next, b'&' | b'>') || text[end..].starts_with(b"%26"),
        }
    }
}

/// Whether a text ends with a line end that is escaped.
fn is_line_end(text: &[u8]) -> bool {
    matches!(text, [.., b'\\', b'n' | b'r' | b't'])
}

/// Whether a text ends with the beginning of an item in a list of lines: `- `.
fn is_item(text: &[u8]) -> bool {
    let Some(before) = text.strip_suffix(b"- ") else { return false };
    let blanks = before.iter().rev().take(LONGEST_LIST).take_while(|b| **b == b' ').count();
    matches!(before[..before.len() - blanks], [] | [.., b'\n'])
}

/// Whether all words around are hosts, or addresses of such.
fn is_in_list(text: &[u8], begin: usize, start: usize, end: usize) -> bool {
    let is_blank = |b: &u8| b.is_ascii_whitespace() || b",;|\\".contains(b);
    let is_word = |bound: Option<&u8>| bound.is_none_or(|b| is_blank(b) || matches!(b, b'"' | b'\''));
    let is_after_line = is_line_end(&text[begin..start]);
    if !(is_after_line || is_word(text[begin..start].last())) || !(is_word(text.get(end)) || text[end] == b'/') {
        return false;
    }
    let is_bound = |at: &usize| matches!(text[*at], b'"' | b'\'' | b'<' | b'>' | b'=');
    let first = begin.max(start.saturating_sub(LONGEST_LIST));
    let last = text.len().min(end + LONGEST_LIST);
    let from = (first..start).rev().find(is_bound).map_or(first, |at| at + 1);
    let to = (end..last).find(is_bound).unwrap_or(last);
    if (from == first && first > begin) || (to == last && last < text.len()) {
        return false;
    }
    let mut words = text[from..to].split(is_blank).filter(|word| !word.is_empty());
    words.all(|word| matches!(word, b"n" | b"r" | b"t") || looks_like_host(word))
}

fn looks_like_host(word: &[u8]) -> bool {
    let word = word.strip_prefix(b"https://").or(word.strip_prefix(b"http://")).unwrap_or(word);
    let word = word.strip_prefix(b"*").unwrap_or(word);
    let word = word.strip_prefix(b".").unwrap_or(word);
    let end = word.iter().position(|b| matches!(b, b'/' | b':')).unwrap_or(word.len());
    let labels = word[..end].split(|b| *b == b'.');
    let is_label = |label: &[u8]| {
        !label.is_empty() && label.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'%' | 0x80..))
    };
    let count = labels.clone().count();
    count > 1 && labels.enumerate().all(|(i, label)| is_label(label) || i + 1 == count && label.is_empty())
}
