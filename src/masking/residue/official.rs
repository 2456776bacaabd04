//! Official numbers of people in bytes; the list and the sums of their check digits are data that masking reads as well, the
//! reader is not.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::masking::nets::shapes::{Check, check_holds};

/// So far before a number the word may stand that says what it is, with so much between.
const WORD_BEFORE: usize = 40;
const BETWEEN: usize = 20;
/// No letters before the digits of a number are more.
const MOST_LETTERS: usize = 6;
/// A number in one piece is neither shorter nor longer.
const SHORTEST: usize = 8;
const LONGEST_PIECE: usize = 24;

/// A line of the list, as far as it is needed here.
#[derive(Deserialize)]
struct Line {
    forms: Vec<String>,
    check: Check,
    bare: String,
    #[serde(default)]
    written: String,
    #[serde(default)]
    words: Vec<String>,
}

/// One way in which a number is written.
struct Form {
    /// `#` a digit, `@` a letter, `*` either, all else as it stands.
    pattern: Vec<u8>,
    line: usize,
    /// Letters of its country, which are no part of the sum.
    country: usize,
    needs_word: bool,
}

struct Official {
    lines: Vec<Line>,
    /// Those in one piece, by its length, and the others by that of their first piece.
    bare: Vec<Vec<Form>>,
    written: Vec<Vec<Form>>,
    /// Whether behind a first piece of that length any goes on with a letter.
    goes_on_with_letter: Vec<bool>,
}

static OFFICIAL: LazyLock<Official> = LazyLock::new(|| {
    let lines: Vec<Line> =
        serde_yaml::from_str(include_str!("../nets/shapes/numbers.yaml")).expect("the list of numbers is one");
    let (mut bare, mut written) = (Vec::new(), Vec::new());
    for (number, line) in lines.iter().enumerate() {
        for form in line.forms.iter().map(String::as_bytes) {
            let is_sign = |sign: &u8| !sign.is_ascii_alphanumeric() && !b"#@*".contains(sign);
            let first = form.iter().position(is_sign).unwrap_or(form.len());
            let plain: Vec<u8> = form.iter().copied().filter(|sign| !is_sign(sign)).collect();
            let country = plain.iter().take_while(|sign| sign.is_ascii_uppercase()).count();
            let country = if country > 1 { country } else { 0 };
            let make = |pattern: Vec<u8>, counts: &str| {
                let needs_word = country == 0 && !matches!(counts, "" | "always");
                Form { pattern, line: number, country, needs_word }
            };
            put(&mut bare, plain.len(), make(plain.clone(), &line.bare));
            if first < form.len() {
                put(&mut written, first, make(form.to_vec(), &line.written));
            }
        }
    }
    let is_letter = |form: &Form, first: usize| !matches!(form.pattern.get(first + 1), Some(b'#' | b'0'..=b'9'));
    let goes_on_with_letter = written
        .iter()
        .enumerate()
        .map(|(first, forms): (_, &Vec<Form>)| forms.iter().any(|form| is_letter(form, first)));
    Official { goes_on_with_letter: goes_on_with_letter.collect(), lines, bare, written }
});

fn put(all: &mut Vec<Vec<Form>>, len: usize, form: Form) {
    if all.len() <= len {
        all.resize_with(len + 1, Vec::new);
    }
    all[len].push(form);
}

/// Whether an official number begins with the letters and digits of which the first digit is here, or with the letters
/// before these.
pub(super) fn is_at(text: &[u8], digit: usize) -> bool {
    let end = digit + text[digit..].iter().take(LONGEST_PIECE).take_while(|b| b.is_ascii_alphanumeric()).count();
    let goes_on = |begin: usize| match text.get(end..end + 2) {
        Some([b' ' | b'-' | b'.' | b'/' | b'+' | b'(', next]) => {
            next.is_ascii_digit()
                || next.is_ascii_alphabetic()
                    && OFFICIAL.goes_on_with_letter.get(end - begin).is_some_and(|goes_on| *goes_on)
        }
        _ => false,
    };
    let letters =
        |end: usize| text[..end].iter().rev().take(MOST_LETTERS).take_while(|b| b.is_ascii_alphabetic()).count();
    let begin = digit - letters(digit);
    let goes_on = goes_on(begin);
    // What most numbers are: few digits, and nothing behind.
    if end - begin < SHORTEST && !goes_on {
        return false;
    }
    if begins(text, begin, end, goes_on) {
        return true;
    }
    // `DE 136 695 976`
    let before = begin.checked_sub(1).filter(|at| begin == digit && matches!(text[*at], b' ' | b'-' | b'.'));
    before.is_some_and(|sign| matches!(letters(sign), 1..=3) && begins(text, sign - letters(sign), sign, true))
}

/// Whether a number begins with the piece of letters and digits up to `end`, behind which more of it may stand.
fn begins(text: &[u8], begin: usize, end: usize, goes_on: bool) -> bool {
    let is_within = match text[..begin] {
        [.., b] if b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80 => true,
        [.., beyond, b'-' | b'.' | b'/'] => beyond.is_ascii_alphanumeric(),
        _ => false,
    };
    if is_within {
        return false;
    }
    let official = &*OFFICIAL;
    let of = |all: &'static [Vec<Form>]| all.get(end - begin).map(Vec::as_slice).unwrap_or_default();
    let may_have_word = has_word_before(text, begin);
    let one = |form: &Form| (may_have_word || !form.needs_word) && official.is_one(form, text, begin);
    let is_first = || !matches!(text[..begin], [.., b'0'..=b'9', b' ']);
    of(&official.bare).iter().any(one) || goes_on && is_first() && of(&official.written).iter().any(one)
}

impl Official {
    fn is_one(&self, form: &Form, text: &[u8], begin: usize) -> bool {
        let end = begin + form.pattern.len();
        let Some(written) = text.get(begin..end) else { return false };
        let line = &self.lines[form.line];
        let is_letter = |b: u8| b.is_ascii_uppercase() || line.check != Check::None && b.is_ascii_lowercase();
        let fits = form.pattern.iter().zip(written).all(|(sign, byte)| match sign {
            b'#' => byte.is_ascii_digit(),
            b'@' => is_letter(*byte),
            b'*' => byte.is_ascii_digit() || is_letter(*byte),
            sign => sign == byte,
        });
        fits && !is_followed(text, end) && check(line.check, &written[form.country..]) && {
            !form.needs_word || line.words.iter().any(|word| stands_before(text, begin, word.as_bytes()))
        }
    }
}

/// Whether more of a word, a row of numbers or an address stands behind.
fn is_followed(text: &[u8], end: usize) -> bool {
    match text[end..] {
        [b, ..] if b.is_ascii_alphanumeric() || matches!(b, b'_' | b'@' | b'%') || b >= 0x80 => true,
        [b'-' | b'.' | b'/', b, ..] => b.is_ascii_alphanumeric(),
        [b' ', b, ..] => b.is_ascii_digit(),
        _ => false,
    }
}

fn check(check: Check, written: &[u8]) -> bool {
    let (mut plain, mut len) = ([0; 32], 0);
    for byte in written.iter().filter(|b| b.is_ascii_alphanumeric()) {
        plain[len] = byte.to_ascii_uppercase();
        len += 1;
    }
    check_holds(check, &plain[..len])
}

/// Whether any word stands close enough before a number to say what it is.
fn has_word_before(text: &[u8], begin: usize) -> bool {
    let between = text[..begin].iter().rev().take(BETWEEN + 1).take_while(|b| !b.is_ascii_digit() && **b != b'\n');
    between.into_iter().any(|b| !matches!(b, b' ' | b'\t' | b':' | b'=' | b'"' | b',' | b';' | b'>'))
}

/// Whether a word stands before a number, with little and no other number between.
fn stands_before(text: &[u8], begin: usize, word: &[u8]) -> bool {
    let window = text[begin.saturating_sub(WORD_BEFORE)..begin].to_ascii_lowercase();
    let Some(at) = memchr::memmem::rfind(&window, word) else { return false };
    let between = &window[at + word.len()..];
    let is_begun = at == 0 || !window[at - 1].is_ascii_alphanumeric();
    is_begun && between.len() <= BETWEEN && !between.iter().any(|b| b.is_ascii_digit() || *b == b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line with its own tests.
    #[derive(Deserialize)]
    struct Tested {
        name: String,
        bare: String,
        #[serde(default)]
        words: Vec<String>,
        holds: Vec<String>,
        #[serde(default)]
        never: Vec<String>,
    }

    fn is_found(text: &str) -> bool {
        (0..text.len()).any(|at| text.as_bytes()[at].is_ascii_digit() && is_at(text.as_bytes(), at))
    }

    #[test]
    fn each_line_finds_its_own_numbers_and_no_others() {
        let lines: Vec<Tested> = serde_yaml::from_str(include_str!("../nets/shapes/numbers.yaml")).unwrap();
        for line in &lines {
            for text in &line.holds {
                // What counts at home only is looked for behind its word.
                let word = line.words.first().filter(|_| line.bare != "always" && !is_found(text));
                let text = word.map_or_else(|| text.clone(), |word| format!("{word}: {text}"));
                for text in [format!("x {text}, y"), format!("\"{text}\""), text] {
                    assert!(is_found(&text), "{}: {text}", line.name);
                }
            }
            line.never.iter().for_each(|text| assert!(!is_found(text), "{}: {text}", line.name));
        }
    }

    #[test]
    fn pieces_of_longer_numbers_are_none() {
        for text in [
            "9012 2341 2341 2346",
            "2341 2341 2346 9012",
            "a-219-09-9999",
            "219-09-9999-1",
            "x219-09-9999",
            "1.756.9217.0769.85",
            "",
        ] {
            assert!(!is_found(text), "{text}");
        }
    }
}
