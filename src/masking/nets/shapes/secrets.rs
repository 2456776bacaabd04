//! Secrets that say what they are: by how they begin, or by the word before them.

use std::ops::Range;

use super::Shape;
use super::rules::{RULES, Rest, Secret, SecretKind, Use};
use crate::secret::looks_random;

/// A password in a text has at least so many characters; words have fewer digits.
const SHORTEST_PASSWORD: usize = 6;
/// No word that names a secret is longer.
const LONGEST_WORD: usize = 24;
/// A token in a URL's query.
const SHORTEST_IN_QUERY: usize = 8;

impl Rest {
    fn takes(self, byte: u8) -> bool {
        let is_alnum = byte.is_ascii_alphanumeric();
        match self {
            Self::Word => is_alnum || b"_-".contains(&byte),
            Self::Alnum => is_alnum,
            Self::Dotted => is_alnum || b"_-.".contains(&byte),
            Self::Base64 => is_alnum || b"+/=_-.~%&".contains(&byte),
            Self::Hash => is_alnum || b"./$+=,:_-".contains(&byte),
            Self::Hex => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
            Self::Upper => byte.is_ascii_digit() || byte.is_ascii_uppercase(),
            Self::Path => is_alnum || b"/-_.~%@:?&=+".contains(&byte),
        }
    }
}

/// What a secret whose beginning stands at `begin` covers.
pub(super) fn of_rule(text: &[u8], begin: Range<usize>, number: usize) -> Option<(Shape, Range<usize>)> {
    let rule = &RULES.secrets[number];
    let before = text[..begin.start].last();
    if text[begin.start].is_ascii_alphanumeric() && before.is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    if let Some(ends) = &rule.ends {
        return Some((Shape::Secret, begin.start..block_end(text, begin.end, ends.as_bytes())));
    }
    let end = begin.end + rest_len(&text[begin.end..], rule.rest);
    let rest = &text[begin.end..end];
    let has_points = || memchr::memchr_iter(b'.', rest).count() >= rule.points;
    if rest.len() < rule.least || !has_points() || !(rule.plain || is_made_up(rest)) {
        return None;
    }
    if rule.random && !std::str::from_utf8(rest).is_ok_and(|rest| rest.split('/').any(is_random)) {
        return None;
    }
    let shape = if rule.kind == SecretKind::Hash { Shape::PasswordHash } else { Shape::Secret };
    Some((shape, if rule.keeps { begin.end } else { begin.start }..end))
}

/// Whether a piece of a path looks random, or is a number that nothing else has.
fn is_random(piece: &str) -> bool {
    const UUID: usize = 36;
    let is_uuid = || piece.len() == UUID && piece.bytes().filter(|b| *b == b'-').count() == 4;
    let letters = || piece.bytes().filter(u8::is_ascii_alphabetic).count();
    looks_random(piece) || is_uuid() && piece.bytes().any(|b| b.is_ascii_digit()) && letters() >= 4
}

fn rest_len(text: &[u8], rest: Rest) -> usize {
    let len = text.iter().take_while(|b| rest.takes(**b)).count();
    // What ends a sentence is no part of it.
    let trimmed = text[..len].iter().rev().take_while(|b| b".,:?&%".contains(b)).count();
    len - trimmed
}

/// A block goes with the line that ends it, and to the end of the text where it is cut off.
fn block_end(text: &[u8], from: usize, ends: &[u8]) -> usize {
    let Some(end) = memchr::memmem::find(&text[from..], ends).map(|at| from + at + ends.len()) else {
        return text.len();
    };
    let line = text[end..].iter().position(|b| *b == b'\n' || *b == b'\\' || *b == b'"').unwrap_or(text.len() - end);
    end + line
}

/// Whether no word is like that: it has a digit, or a large letter behind a small one.
fn is_made_up(rest: &[u8]) -> bool {
    rest.iter().any(u8::is_ascii_digit)
        || rest.windows(2).any(|two| two[0].is_ascii_lowercase() && two[1].is_ascii_uppercase())
}

/// The secret that stands behind a `=` or a `:`, if the word before it names one.
pub(super) fn assigned(text: &str, at: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let back = |from: usize, signs: &[u8], most: usize| {
        from - bytes[..from].iter().rev().take(most).take_while(|b| signs.contains(b)).count()
    };
    let end = back(back(at, b" ", 2), b"\"'\\]", 3);
    let is_letter = |b: &&u8| b.is_ascii_alphabetic() || **b >= 0x80;
    let begin = end - bytes[..end].iter().rev().take(LONGEST_WORD).take_while(is_letter).count();
    let word = text.get(begin..end).filter(|word| word.len() > 2)?;
    let ends = |names: &&String| {
        let tail = word.len().checked_sub(names.len()).and_then(|from| word.get(from..));
        tail.is_some_and(|tail| tail.eq_ignore_ascii_case(names) || !tail.is_ascii() && tail.to_lowercase() == **names)
    };
    let is_password = RULES.words.password.iter().any(|name| name.len() == word.len() && ends(&name));
    if !is_password && !RULES.words.random.iter().any(|name| ends(&name)) {
        return None;
    }
    let skip = |from: usize, signs: &[u8], most: usize| {
        from + bytes[from..].iter().take(most).take_while(|b| signs.contains(b)).count()
    };
    let sign = skip(at + 1, b"=:>", 1);
    let start = skip(sign, b" \"'\\", 4);
    let takes = |b: &u8| match is_password {
        true => !b.is_ascii_whitespace() && !b"\"'<>&,;\\)}]".contains(b),
        false => Rest::Base64.takes(*b) && *b != b'&',
    };
    let len = bytes[start..].iter().take_while(|b| takes(b)).count();
    let value = text.get(start..start + len)?.trim_end_matches(['.', '%']);
    let has_both = value.bytes().any(|b| b.is_ascii_digit()) && value.bytes().any(|b| b.is_ascii_alphabetic());
    let is_query = bytes[at] == b'=' && start == at + 1 && query_begins(bytes, begin);
    let is_secret = match is_password {
        true => value.len() >= SHORTEST_PASSWORD && has_both,
        false => looks_random(value) || is_query && value.len() >= SHORTEST_IN_QUERY && has_both,
    };
    is_secret.then(|| start..start + value.len())
}

/// Whether the name that ends with a word begins a part of a URL's query.
fn query_begins(text: &[u8], at: usize) -> bool {
    let name = text[..at].iter().rev().take(24).take_while(|b| b.is_ascii_alphanumeric() || b"_-".contains(b)).count();
    matches!(text[..at - name].last(), Some(b'?' | b'&' | b';'))
}

/// The login in the URL whose `@` stands at a place.
pub(super) fn login(text: &[u8], at: usize, done: usize) -> Option<Range<usize>> {
    const LONGEST: usize = 200;
    let is_part = |b: &&u8| !b.is_ascii_whitespace() && !b"/\"'<>\\?#".contains(b);
    let len = text[done..at].iter().rev().take(LONGEST).take_while(is_part).count();
    let start = at - len;
    let is_login =
        len > 0 && text[..start].ends_with(b"://") && text.get(at + 1).is_some_and(u8::is_ascii_alphanumeric);
    (is_login && &text[start..at] != b"git").then_some(start..at + 1)
}

/// Where keys stand in a text that open an account at a provider's and are none of its test mode, each with whose it is.
pub(super) fn live(text: &str) -> Vec<(&'static str, Range<usize>)> {
    let is_test = |begin: &String| RULES.secrets.iter().any(|rule| rule.off.as_ref() == Some(begin));
    let opens = |rule: &Secret| rule.opens && rule.kind == SecretKind::Secret && rule.ends.is_none();
    let mut found = Vec::new();
    for (number, rule) in RULES.secrets.iter().enumerate().filter(|(_, rule)| opens(rule)) {
        for begin in &rule.begins {
            for (at, _) in text.match_indices(begin.as_str()) {
                let whole = at..at + begin.len();
                let Some((_, range)) = of_rule(text.as_bytes(), whole.clone(), number) else { continue };
                // What stands for nothing in data may be a word.
                let is_plain = !rule.data && !text.get(whole.end..range.end).is_some_and(looks_random);
                let is_harmless = rule.use_ == Some(Use::Publishable) || is_test(begin) || is_plain;
                found.push((rule.of.as_str(), at..range.end, is_harmless));
            }
        }
    }
    // Of those that begin at one place the longest holds, and what stands within another is a part of that.
    found.sort_by_key(|(_, range, _)| (range.start, std::cmp::Reverse(range.end)));
    let mut end = 0;
    found.retain(|(_, range, _)| range.start >= end && (range.end > end).then(|| end = range.end).is_some());
    found.into_iter().filter(|(.., is_harmless)| !is_harmless).map(|(of, range, _)| (of, range)).collect()
}

/// The rules of providers' keys.
pub(super) fn keys() -> impl Iterator<Item = (&'static Secret, &'static str)> {
    RULES
        .secrets
        .iter()
        .filter(|rule| rule.use_.is_some())
        .flat_map(|rule| rule.begins.iter().map(move |begin| (rule, begin.as_str())))
}
