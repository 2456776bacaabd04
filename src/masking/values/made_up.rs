//! Whether a text looks as nobody would write a word: as passwords and keys do, and no file, date, size or version.

/// Shorter texts are words of a program.
const SHORTEST: usize = 8;
/// Longer ones are texts.
const LONGEST: usize = 8 << 10;
/// Letters with a number behind them are a name: `sha256`, `page2`.
const LONGEST_NUMBERED: usize = 8;

/// Whether a text looks made up. It has letters and digits in one piece, and neither blanks nor the signs of markup and addresses.
pub(super) fn is_made_up(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    (SHORTEST..=LONGEST).contains(&text.len())
        && !matches!(text[0], b'#' | b'/' | b'.' | b'[' | b'{')
        && !text.iter().any(|b| b.is_ascii_whitespace() || matches!(b, b'<' | b'>' | b'{' | b'"'))
        && !is_named(text)
        && text.split(|b| !b.is_ascii_alphanumeric()).any(is_mixed)
}

/// Whether a text looks so much so that it can be nothing else, whatever it is called.
pub(in crate::masking) fn is_unwritable(text: &[u8]) -> bool {
    const CHANGES: usize = 3;
    let is_one = |piece: &[u8]| piece.len() >= SHORTEST && is_mixed(piece) && changes(piece) >= CHANGES;
    is_made_up(text) && text.split(|b| !b.is_ascii_alphanumeric()).any(is_one)
}

/// Whether it is an address of any sort, a file or a date.
fn is_named(text: &[u8]) -> bool {
    let is_date = || text.len() >= 10 && text[..4].iter().all(u8::is_ascii_digit) && text[4] == b'-' && text[7] == b'-';
    let last = text.rsplit(|b| *b == b'.').next().unwrap_or_default();
    let is_file =
        || last.len() < text.len() && (2..=5).contains(&last.len()) && last.iter().all(u8::is_ascii_lowercase);
    memchr::memmem::find(text, b"://").is_some() || is_date() || is_file()
}

/// Whether a piece has letters among digits, and is no number with a unit, nor a word with a number.
fn is_mixed(piece: &[u8]) -> bool {
    let letters = piece.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let digits = piece.len() - letters;
    if letters == 0 || digits == 0 {
        return false;
    }
    let changes = changes(piece);
    let is_size = piece[0].is_ascii_digit() && (changes == 1 && letters <= 3 || changes == 2 && letters == 1);
    let is_numbered = !piece[0].is_ascii_digit() && changes == 1 && piece.len() < LONGEST_NUMBERED;
    !is_size && !is_numbered
}

/// How often letters follow digits, or the other way round.
fn changes(piece: &[u8]) -> usize {
    piece.windows(2).filter(|two| two[0].is_ascii_digit() != two[1].is_ascii_digit()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_would_write_is_told_from_words_files_dates_and_sizes() {
        for text in [
            "Zz9Live1",
            "geheim123",
            "P@ssw0rd",
            "a81bc81b-dead-4e5d-abff-90865d1e13b1",
            "9f86d081884c7d65",
            "c2hvcDp6ejk=",
            "x:7hG2kQ9z",
        ] {
            assert!(is_made_up(text.as_bytes()), "{text}");
        }
        for text in [
            "password",
            "hmac-sha256",
            "1200px-20px",
            "1920x1080",
            "2024-05-06T10:11:12Z",
            "page-template-2",
            "lost-password",
            "https://example.com/a1b2c3d4",
            "invoice1b2c.pdf",
            "#a1b2c3d4",
            "12345678",
            "12.5.1-beta2",
            "Reset your p4ssword",
            "",
        ] {
            assert!(!is_made_up(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn names_with_numbers_are_not_told_from_keys_unless_they_change_often() {
        assert!(is_unwritable(b"Zz9Live1") && is_unwritable(b"9f86d081884c7d65") && !is_unwritable(b"layout3col"));
        assert!(!is_unwritable(b"Roboto500italic") && !is_unwritable(b"geheim123"));
    }
}
