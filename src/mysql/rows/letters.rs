//! Values of columns that are `latin1` by name: read as what their bytes are, and spelled again as the bytes that they were.
//!
//! Old sites have written UTF-8 through connections that called it latin1, and the server has kept the bytes. So the bytes
//! decide: what is UTF-8 is read as such, and anything else as latin1, by the table that MariaDB and MySQL have for it.

use std::borrow::Cow;

/// What stands for the bytes 0x80 to 0x9f; any other byte is its own number.
const UPPER: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The value as UTF-8.
pub(crate) fn read(bytes: &[u8]) -> Cow<'_, [u8]> {
    if std::str::from_utf8(bytes).is_ok() {
        return Cow::Borrowed(bytes);
    }
    Cow::Owned(bytes.iter().map(|byte| letter(*byte)).collect::<String>().into_bytes())
}

/// The bytes of a new value where others stood; nothing, where it has letters that are not there.
pub(crate) fn spelled(new: &[u8], old: &[u8]) -> Option<Vec<u8>> {
    if new.is_ascii() || !old.is_ascii() && std::str::from_utf8(old).is_ok() {
        return Some(new.to_vec());
    }
    std::str::from_utf8(new).ok()?.chars().map(byte).collect()
}

fn letter(byte: u8) -> char {
    let upper = byte.checked_sub(0x80).and_then(|at| UPPER.get(usize::from(at)));
    upper.copied().unwrap_or_else(|| char::from(byte))
}

fn byte(letter: char) -> Option<u8> {
    let upper = UPPER.iter().position(|upper| *upper == letter);
    match upper {
        Some(at) => Some(0x80 + u8::try_from(at).ok()?),
        None => u8::try_from(u32::from(letter)).ok().filter(|byte| !(0x80..0xa0).contains(byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_read_and_spelled_as_it_was() {
        // One that is no UTF-8, so that all are latin1.
        let all: Vec<u8> = (0..=255).rev().collect();
        let text = read(&all);
        assert_eq!(std::str::from_utf8(&text).unwrap().chars().count(), 256);
        assert_eq!(spelled(&text, &all).unwrap(), all);
    }

    #[test]
    fn bytes_that_are_utf_8_are_read_as_such_and_a_new_value_is_spelled_alike() {
        assert_eq!(&*read(b"caf\xe9 \x80"), "café €".as_bytes());
        assert_eq!(&*read("café".as_bytes()), "café".as_bytes());
        assert_eq!(spelled("né".as_bytes(), b"caf\xe9").unwrap(), b"n\xe9");
        assert_eq!(spelled("né".as_bytes(), "café".as_bytes()).unwrap(), "né".as_bytes());
        assert_eq!(spelled("né".as_bytes(), b"plain").unwrap(), b"n\xe9");
        assert_eq!(spelled("Ω".as_bytes(), b"caf\xe9"), None);
        assert_eq!(spelled("Ω".as_bytes(), "é".as_bytes()).unwrap(), "Ω".as_bytes());
    }
}
