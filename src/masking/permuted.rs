//! Words that become others of the same form, each another one, so that unique columns and whatever refers to them still hold.

use crate::masking::key::{Key, KeyedDigest};

/// Each half of a word is shifted so often by what the other one says.
const ROUNDS: usize = 6;
/// A word of hex digits alone is a number from this length on, and becomes one; a shorter one may be letters and digits by chance.
const SHORTEST_HEX: usize = 16;

/// Letters become letters, and digits digits; hex digits become hex digits where there are no others. Words that differ in
/// case only still do, and no two words become the same.
pub(super) fn permuted(key: &Key, word: &str) -> String {
    let is_hex = is_hex(word);
    let mut new = once(key, word, is_hex);
    // What lands among those of the other form goes on until it is back among its own.
    while self::is_hex(&new) != is_hex {
        new = once(key, &new, is_hex);
    }
    new
}

/// Whether a word is a number in hex, its letters all small or all large.
fn is_hex(word: &str) -> bool {
    let (mut digits, mut small, mut large, mut others) = (0_usize, 0_usize, 0_usize, false);
    for b in word.bytes() {
        match b {
            b'0'..=b'9' => digits += 1,
            b'a'..=b'f' => small += 1,
            b'A'..=b'F' => large += 1,
            _ => others |= b.is_ascii_alphabetic(),
        }
    }
    !others && digits > 0 && (small == 0) != (large == 0) && digits + small + large >= SHORTEST_HEX
}

fn once(key: &Key, word: &str, is_hex: bool) -> String {
    let signs: Vec<(usize, char)> = word.chars().enumerate().filter(|(_, c)| c.is_ascii_alphanumeric()).collect();
    let bases: Vec<u8> = signs.iter().map(|(_, c)| base(*c, is_hex)).collect();
    let mut numbers: Vec<u8> = signs.iter().map(|(_, c)| number(*c, is_hex)).collect();
    // What holds for the word but not for its letters and digits is a part of the form.
    let mut form: String = word.chars().map(|c| mark(c, is_hex)).collect();
    let start = form.len();
    let (front, back) = (0..numbers.len() / 2, numbers.len() / 2..numbers.len());
    for round in 0..ROUNDS {
        let (shifted, by) = if round % 2 == 0 { (back.clone(), front.clone()) } else { (front.clone(), back.clone()) };
        form.truncate(start);
        form.push(char::from(b'0' + u8::try_from(round).expect("few rounds")));
        form.extend(numbers[by].iter().map(|number| char::from(b'A' + number)));
        let digest = key.digest("permuted", &form);
        for place in shifted.clone() {
            let shift = shift(&digest, place - shifted.start);
            numbers[place] =
                u8::try_from((usize::from(numbers[place]) + shift) % usize::from(bases[place])).expect("below 36");
        }
    }
    let mut new: Vec<char> = word.chars().collect();
    for ((place, old), number) in signs.iter().zip(numbers) {
        new[*place] = sign(*old, number, is_hex);
    }
    let new: String = new.into_iter().collect();
    // In hex the case of letters is that of the word: which places have letters is not kept.
    if is_hex && word.bytes().any(|b| b.is_ascii_uppercase()) { new.to_ascii_uppercase() } else { new }
}

/// How much is added in a place.
fn shift(digest: &KeyedDigest, place: usize) -> usize {
    usize::from(digest.byte(2 * place)) << 8 | usize::from(digest.byte(2 * place + 1))
}

fn base(c: char, is_hex: bool) -> u8 {
    match c {
        _ if is_hex => 16,
        '0'..='9' => 10,
        _ => 26,
    }
}

fn number(c: char, is_hex: bool) -> u8 {
    let base = if is_hex { 16 } else { 36 };
    let number = c.to_digit(base).and_then(|number| u8::try_from(number).ok()).unwrap_or_default();
    if is_hex || c.is_ascii_digit() { number } else { number - 10 }
}

fn sign(old: char, number: u8, is_hex: bool) -> char {
    match old {
        _ if is_hex => char::from_digit(number.into(), 16).unwrap_or(old),
        '0'..='9' => char::from(b'0' + number),
        'A'..='Z' => char::from(b'A' + number),
        _ => char::from(b'a' + number),
    }
}

/// What stays of a sign, in small letters.
fn mark(c: char, is_hex: bool) -> char {
    match c {
        _ if is_hex && c.is_ascii_hexdigit() => 'x',
        '0'..='9' => '0',
        _ if c.is_ascii_alphabetic() => 'a',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_word_keeps_its_form_and_nothing_else() {
        let key = Key::of_test();
        for word in
            ["quillfeather", "Zx-4711-ab", "k7Q2mP", "user_name.77", "AB0001", "d41d8cd98f00b204e9800998ecf8427e"]
        {
            let new = permuted(&key, word);
            assert_ne!(new, word);
            assert_eq!(new, permuted(&key, word));
            let is_hex = is_hex(word);
            let form = |word: &str| word.chars().map(|c| (mark(c, is_hex), c.is_uppercase())).collect::<Vec<_>>();
            assert_eq!(form(&new), form(word), "{word} became {new}");
            assert_eq!(new.to_lowercase(), permuted(&key, &word.to_lowercase()), "{word}");
        }
        assert_eq!(permuted(&key, "--"), "--");
        assert_eq!(permuted(&key, ""), "");
        assert!(permuted(&key, "A41D8CD98F00B204").bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()));
    }

    #[test]
    fn no_two_words_become_the_same() {
        let key = Key::of_test();
        let letters = || (b'a'..=b'z').map(char::from);
        let short: Vec<String> = letters().flat_map(|a| letters().map(move |b| format!("{a}{b}"))).collect();
        let mixed: Vec<String> = letters().flat_map(|a| (0..100).map(move |i| format!("{a}-{i:02}"))).collect();
        let hex: Vec<String> = (0..4000_u32).map(|i| format!("{:016x}", u64::from(i) * 79_190_000_000_007)).collect();
        let near_hex: Vec<String> =
            (0..4000_u32).map(|i| format!("{:015x}g", u64::from(i) * 79_190_000_000_007)).collect();
        for words in [short, mixed, hex, near_hex] {
            let all: HashSet<&String> = words.iter().collect();
            let new: HashSet<String> = words.iter().map(|word| permuted(&key, word)).collect();
            assert_eq!(new.len(), all.len());
        }
    }
}
