//! A run of the letters of base64 or hexadecimal around a place, and how the text around writes the signs in it.

use std::ops::Range;

/// Letters that go together, with the lines that they are broken into, and what they end with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) place: Range<usize>,
    signs: Signs,
}

/// How `/`, `+` and `=` are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signs {
    Plain,
    /// `\\/`
    Slashed,
    /// `%2F`
    Percent {
        is_lower: bool,
    },
}

/// What signs are in percent-encoded text.
const PERCENT: [(u8, &[u8; 3]); 3] = [(b'/', b"%2F"), (b'+', b"%2B"), (b'=', b"%3D")];

impl Run {
    pub(super) fn around(text: &[u8], at: usize) -> Self {
        let (mut start, mut end, mut percent) = (at, at, None);
        while start > 0 {
            match text[start - 1] {
                b if is_letter(b) => start -= 1,
                b'\\' if text[start] == b'/' => start -= 1,
                // PostgreSQL writes bytes so.
                b'\\' if text[start] == b'x' => {
                    start -= 1;
                    break;
                }
                b'\n' if is_line(&text[..start - 1]) => start -= 1,
                b'\r' if text[start] == b'\n' => start -= 1,
                b'%' if is_percent(text, start - 1) => {
                    percent = percent.or(Some(start - 1));
                    if !is_one_of(text, start - 1, b"/+") {
                        start += 2;
                        break;
                    }
                    start -= 1;
                }
                _ => break,
            }
        }
        while let Some(b) = text.get(end) {
            match b {
                b if is_letter(*b) => end += 1,
                b'\\' if text.get(end + 1) == Some(&b'/') => end += 2,
                b'\r' if text.get(end + 1) == Some(&b'\n') => end += 1,
                b'\n' if text.get(end + 1).is_some_and(|b| is_letter(*b)) && end - start >= SHORTEST_LINE => end += 1,
                b'%' if is_percent(text, end) => {
                    percent = percent.or(Some(end));
                    if !is_one_of(text, end, b"/+") {
                        break;
                    }
                    end += 3;
                }
                _ => break,
            }
        }
        let padding =
            |end: usize| if is_one_of(text, end, b"=") { 3 } else { usize::from(text.get(end) == Some(&b'=')) };
        end += padding(end);
        end += padding(end);
        let is_lower = percent.is_some_and(|at| text[at..at + 3].iter().any(u8::is_ascii_lowercase));
        let signs = match percent {
            Some(_) => Signs::Percent { is_lower },
            None if memchr::memmem::find(&text[start..end], b"\\/").is_some() => Signs::Slashed,
            None => Signs::Plain,
        };
        Self { place: start..end, signs }
    }

    /// The part of it around a place in it, without what an address or a name puts before and behind.
    pub(super) fn part(&self, text: &[u8], place: &Range<usize>) -> Option<Self> {
        let is_bound = |at: usize| matches!(text[at], b'/' | b'-' | b'_') || is_one_of(text, at, b"/");
        let start = (self.place.start..place.start).rev().find(|at| is_bound(*at));
        let start = start.map(|at| at + if text[at] == b'%' { 3 } else { 1 });
        let end = (place.end..self.place.end).find(|at| is_bound(*at));
        let end = end.map(|end| if text[end - 1] == b'\\' { end - 1 } else { end });
        (start.is_some() || end.is_some()).then(|| Self {
            place: start.unwrap_or(self.place.start)..end.unwrap_or(self.place.end),
            signs: self.signs,
        })
    }

    /// The letters with the signs that stand for themselves.
    pub(super) fn letters(&self, text: &[u8]) -> Vec<u8> {
        let text = &text[self.place.clone()];
        match self.signs {
            Signs::Plain => text.to_vec(),
            Signs::Slashed => text.iter().copied().filter(|b| *b != b'\\').collect(),
            Signs::Percent { .. } => {
                let (mut letters, mut at) = (Vec::with_capacity(text.len()), 0);
                while let Some(b) = text.get(at) {
                    let sign = PERCENT.iter().find(|(sign, _)| is_one_of(text, at, &[*sign]));
                    letters.push(sign.map_or(*b, |(sign, _)| *sign));
                    at += if sign.is_some() { 3 } else { 1 };
                }
                letters
            }
        }
    }

    /// Other letters as these were written.
    pub(super) fn spelled(&self, letters: Vec<u8>) -> Vec<u8> {
        match self.signs {
            Signs::Plain => letters,
            Signs::Slashed => letters
                .iter()
                .flat_map(|b| if *b == b'/' { &b"\\/"[..] } else { std::slice::from_ref(b) })
                .copied()
                .collect(),
            Signs::Percent { is_lower } => {
                let mut text = Vec::with_capacity(letters.len() + 16);
                for b in letters {
                    match PERCENT.iter().find(|(sign, _)| *sign == b) {
                        Some((_, code)) if is_lower => text.extend(code.to_ascii_lowercase()),
                        Some((_, code)) => text.extend_from_slice(*code),
                        None => text.push(b),
                    }
                }
                text
            }
        }
    }

    /// Whether a signature of it follows: `payload.signature` behind a head of its own, `payload--digest`, or
    /// `payload:time:signature`.
    pub(super) fn is_signed(&self, text: &[u8]) -> bool {
        let (before, after) = (&text[..self.place.start], &text[self.place.end..]);
        let letters = |from: usize| after[from.min(after.len())..].iter().take_while(|b| is_letter(**b)).count();
        match after {
            [b'.', ..] => matches!(before, [.., b, b'.'] if is_letter(*b)) && letters(1) > 0,
            [b'-', b'-', digest @ ..] => digest.iter().take_while(|b| b.is_ascii_hexdigit()).count() >= SHORTEST_DIGEST,
            [b':', ..] => {
                let time = 1 + letters(1);
                after.get(time) == Some(&b':') && letters(time + 1) >= SHORTEST_SIGNATURE
            }
            _ => false,
        }
    }
}

/// No digest that signs has fewer digits.
const SHORTEST_DIGEST: usize = 40;
/// Nor has it fewer letters in base64.
const SHORTEST_SIGNATURE: usize = 27;

/// No line of base64 that is broken into lines is shorter, but the last.
const SHORTEST_LINE: usize = 60;

/// Whether a text ends with a whole line of base64.
fn is_line(text: &[u8]) -> bool {
    let is_letter = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'\r');
    text.iter().rev().take(SHORTEST_LINE).filter(|b| is_letter(b)).count() == SHORTEST_LINE
}

fn is_letter(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_')
}

fn is_percent(text: &[u8], at: usize) -> bool {
    text.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// Whether one of these signs stands at a place, percent-encoded.
fn is_one_of(text: &[u8], at: usize, signs: &[u8]) -> bool {
    let is_it = |(sign, code): &(u8, &[u8; 3])| {
        signs.contains(sign) && text.get(at..at + 3).is_some_and(|there| there.eq_ignore_ascii_case(*code))
    };
    text.get(at) == Some(&b'%') && PERCENT.iter().any(is_it)
}
