//! E-mail addresses and telephone numbers within other text.

use crate::masking::key::Key;
use crate::masking::strangers;

/// No local part or label is longer; it bounds the search.
const LONGEST_PART: usize = 64;
/// What stands after the last dot of a file's name, not of a domain: `logo@2x.png` is no address.
const FILES: &[&str] = &["png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "css", "js"];

/// Whether a value is an address and nothing else.
pub(super) fn is_email(value: &str) -> bool {
    value.find('@').and_then(|at| address(value, at, 1)).is_some_and(|found| found == (0..value.len()))
}

/// Whether there is an address in a text.
pub(super) fn has_email(text: &str) -> bool {
    !found(text).is_empty()
}

/// An address in a text, and what stands for its `@`.
struct FoundAddress<'a> {
    range: std::ops::Range<usize>,
    sign: &'a str,
}

fn found(text: &str) -> Vec<FoundAddress<'_>> {
    let (mut all, mut done, mut from) = (Vec::new(), 0, 0);
    while let Some((at, sign)) = next_at(text, from) {
        from = at + sign.len();
        if let Some(range) = address(text, at, sign.len()).filter(|range| range.start >= done) {
            (done, from) = (range.end, range.end);
            all.push(FoundAddress { range, sign });
        }
    }
    all
}

/// The addresses in a text.
pub(crate) fn addresses_in(text: &str) -> impl Iterator<Item = &str> {
    found(text).into_iter().map(|found| &text[found.range])
}

/// The strangers of the addresses in a text.
pub(super) fn strangers_of(key: &Key, text: &str) -> Vec<String> {
    let plain = |found: FoundAddress<'_>| text[found.range].replacen(found.sign, "@", 1);
    found(text).into_iter().map(|found| strangers::one_email(key, &plain(found))).collect()
}

/// The text with every address masked; `None` when there is none.
pub(crate) fn masked_emails(key: &Key, text: &str) -> Option<String> {
    let (mut masked, mut done) = (String::new(), 0);
    for FoundAddress { range, sign } in found(text) {
        let address = text[range.clone()].replacen(sign, "@", 1);
        masked.push_str(&text[done..range.start]);
        masked.push_str(&strangers::one_email(key, &address).replacen('@', sign, 1));
        done = range.end;
    }
    (done > 0).then(|| masked + &text[done..])
}

/// The next `@`, or what stands for it in a URL.
fn next_at(text: &str, from: usize) -> Option<(usize, &str)> {
    let bytes = text.as_bytes();
    let mut from = from;
    loop {
        let at = from + memchr::memchr2(b'@', b'%', bytes.get(from..)?)?;
        let sign = if bytes[at] == b'@' { 1 } else { 3 };
        if sign == 1 || bytes[at..].starts_with(b"%40") {
            return Some((at, &text[at..at + sign]));
        }
        from = at + 1;
    }
}

/// The whole of the address whose sign begins at `at`.
fn address(text: &str, at: usize, sign: usize) -> Option<std::ops::Range<usize>> {
    let is_local = |c: char| c.is_ascii_alphanumeric() || "._%+-'".contains(c) || is_letter(c);
    let local: usize =
        text[..at].chars().rev().take(LONGEST_PART).take_while(|c| is_local(*c)).map(char::len_utf8).sum();
    let local = text[at - local..at].trim_start_matches(['.', '\'', '%', '-']).len();
    let after = &text[at + sign..];
    let is_domain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.' || is_letter(c);
    let domain: usize = after.chars().take(4 * LONGEST_PART).take_while(|c| is_domain(*c)).map(char::len_utf8).sum();
    let domain = after[..domain].trim_end_matches(['.', '-']);
    let (labels, last) = domain.rsplit_once('.')?;
    let is_top = last.chars().count() >= 2 && last.chars().all(char::is_alphabetic) || last.starts_with("xn--");
    let is_file = FILES.iter().any(|file| last.eq_ignore_ascii_case(file));
    let is_sound = local > 0 && is_top && !is_file && !labels.is_empty() && !labels.starts_with('.');
    is_sound.then(|| at - local..at + sign + domain.len())
}

/// Letters beyond ASCII that words are written in with blanks between them.
fn is_letter(c: char) -> bool {
    !c.is_ascii() && c < '\u{530}' && c.is_alphabetic()
}

/// The text with every telephone number masked that is written with its country code.
pub(super) fn masked_phones(key: &Key, text: &str) -> Option<String> {
    let mut masked = String::new();
    let mut done = 0;
    for plus in memchr::memchr_iter(b'+', text.as_bytes()) {
        if plus < done || text[..plus].ends_with(|c: char| c.is_alphanumeric() || c == '+') {
            continue;
        }
        let part = |b: &&u8| b.is_ascii_digit() || b" -./()".contains(b);
        let len = text.as_bytes()[plus + 1..].iter().take(24).take_while(part).count();
        let number = text[plus..=plus + len].trim_end_matches(|c: char| !c.is_ascii_digit());
        if (8..=15).contains(&number.bytes().filter(u8::is_ascii_digit).count()) {
            masked.push_str(&text[done..plus]);
            masked.push_str(&strangers::phone(key, number));
            done = plus + number.len();
        }
    }
    (done > 0).then(|| masked + &text[done..])
}

/// The text with both masked; `None` when there is neither.
pub(super) fn masked(key: &Key, text: &str) -> Option<String> {
    let emails = masked_emails(key, text);
    let phones = masked_phones(key, emails.as_deref().unwrap_or(text));
    phones.or(emails)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn key() -> Key {
        Key::of_run(&Secret::new("the token of an account"), "run")
    }

    #[test]
    fn addresses_are_found_within_text() {
        let key = key();
        let zoe = strangers::one_email(&key, "zoé.q+shop@mail.example.com");
        let text = masked(&key, "Write to <zoé.q+shop@mail.example.com>. Thanks!").unwrap();
        assert_eq!(text, format!("Write to <{zoe}>. Thanks!"));
        let link = masked(&key, "?to=z%40example.com&x=1").unwrap();
        assert!(link.starts_with("?to=user-") && link.ends_with("%40example.invalid&x=1"), "{link}");
    }

    #[test]
    fn what_only_looks_like_an_address_stays() {
        let key = key();
        for text in
            ["@import url(x)", "logo@2x.png", "a @ b.com", "pkg@1.2.3", "@handle", "100%4", "50% @x.com", "a@b", ""]
        {
            assert_eq!(masked(&key, text), None, "{text}");
            assert!(!is_email(text), "{text}");
        }
        assert!(is_email("o'neil@example.co.uk"));
        assert!(!is_email("O <o@example.com>"));
    }

    #[test]
    fn numbers_with_a_country_code_are_found_within_text() {
        let key = key();
        let text = masked(&key, "call +44 (0)20 7946 0123, or +1-555-0101-2").unwrap();
        assert!(!text.contains("7946") && !text.contains("555") && text.matches("+999").count() == 2, "{text}");
        for text in ["1 + 2 = 3", "C++11 12345678", "+100", "a+12345678"] {
            assert_eq!(masked_phones(&key, text), None, "{text}");
        }
    }
}
