//! Texts in base64 or hexadecimal, compressed or not: what they hold, and the same wrapping around something else.

use std::io::{Read, Write};
use std::ops::Range;

use super::bytes;
use data_encoding::{
    BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, Encoding, HEXLOWER, HEXLOWER_PERMISSIVE, HEXUPPER,
};
use flate2::Compression;
use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

/// Shorter texts hold nothing that could not stand there by chance.
const SHORTEST: usize = 8;
/// A shorter run within other text is a word.
const SHORTEST_RUN: usize = 20;
/// How many times as long as its packed form a text may be, what is allowed to any, and what to none.
const MOST_GROWTH: usize = 64;
const LEAST_UNPACKED: usize = 4 << 10;
const MOST_UNPACKED: usize = 16 << 20;

/// What a text of letters and digits turns out to be.
pub(crate) enum Decoded {
    Text(Encoded),
    /// It is compressed, and no text, or far larger than it looks, or compressed within what is: it is not looked into.
    Opaque,
}

/// A text that stands encoded in another.
pub(crate) struct Encoded {
    pub(crate) plain: Vec<u8>,
    pub(crate) is_packed: bool,
    letters: Letters,
    packing: Option<Packing>,
    lines: Lines,
}

#[derive(Clone)]
enum Letters {
    Base64(Encoding),
    Hexadecimal { prefix: Vec<u8>, is_upper: bool },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Packing {
    Gzip,
    Zlib,
    Deflate,
}

/// How the letters are broken into lines, as in mails and certificates.
#[derive(Default)]
struct Lines {
    width: usize,
    end: &'static [u8],
    ends_with_one: bool,
}

/// What a whole text holds in base64 or hexadecimal; `None` when that is no text. `may_unpack` says whether it is
/// looked into when it is compressed.
pub(crate) fn decoded(text: &[u8], may_unpack: bool) -> Option<Decoded> {
    if text.len() < SHORTEST || !may_be(text) {
        return None;
    }
    let (joined, lines);
    let letters = if memchr::memchr(b'\n', text).is_some() {
        (joined, lines) = Lines::of(text)?;
        joined.as_slice()
    } else {
        lines = Lines::default();
        text
    };
    let (bytes, letters) = hexadecimal(letters).or_else(|| base64(letters))?;
    if is_text(&bytes) {
        return Some(Decoded::Text(Encoded { plain: bytes, is_packed: false, letters, packing: None, lines }));
    }
    let packing = Packing::of(&bytes)?;
    let unpacked = if may_unpack { packing.unpacked(&bytes) } else { Err(Opaque) };
    match unpacked {
        Ok(plain) => Some(Decoded::Text(Encoded { plain, is_packed: true, letters, packing: Some(packing), lines })),
        // Anything may look like `deflate`.
        Err(Opaque) => (packing != Packing::Deflate).then_some(Decoded::Opaque),
    }
}

/// Where within a text something stands that may be base64 or hexadecimal, first to last.
pub(crate) fn runs(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = bytes::next_run(text, from, SHORTEST_RUN, is_letter)?;
        let end = text[start..].iter().position(|b| !is_letter(*b)).map_or(text.len(), |len| start + len);
        let padding = text[end..].iter().take(2).take_while(|b| **b == b'=').count();
        from = end + padding;
        Some(start..end + padding)
    })
}

impl Encoded {
    /// The text that holds another one in the same way.
    pub(crate) fn again(&self, plain: &[u8]) -> Vec<u8> {
        let packed = self.packing.map(|packing| packing.packed(plain));
        let bytes = packed.as_deref().unwrap_or(plain);
        let letters = match &self.letters {
            Letters::Base64(encoding) => encoding.encode(bytes).into_bytes(),
            Letters::Hexadecimal { prefix, is_upper } => {
                let digits = if *is_upper { HEXUPPER } else { HEXLOWER }.encode(bytes);
                [prefix, digits.as_bytes()].concat()
            }
        };
        self.lines.broken(letters)
    }
}

impl Lines {
    /// The letters without the ends of lines, when all but the last are equally long.
    fn of(text: &[u8]) -> Option<(Vec<u8>, Self)> {
        let mut lines = text.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).peekable();
        let width = lines.peek()?.len();
        let end: &[u8] = if text.get(width) == Some(&b'\r') { b"\r\n" } else { b"\n" };
        let letters = lines.collect::<Vec<_>>().concat();
        let lines = Self { width, end, ends_with_one: text.ends_with(b"\n") };
        // What is not broken alike could not be put back.
        (width > 0 && lines.broken(letters.clone()) == text).then_some((letters, lines))
    }

    fn broken(&self, letters: Vec<u8>) -> Vec<u8> {
        if self.width == 0 {
            return letters;
        }
        let mut text = letters.chunks(self.width).collect::<Vec<_>>().join(self.end);
        if self.ends_with_one {
            text.extend_from_slice(self.end);
        }
        text
    }
}

/// A look that costs nearly nothing: prose has a blank soon, no alphabet has the signs of both, a number is no text.
fn may_be(text: &[u8]) -> bool {
    let (mut has_letter, mut is_standard, mut is_for_urls) = (false, false, false);
    for byte in &text[..text.len().min(64)] {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => has_letter = true,
            b'+' | b'/' => is_standard = true,
            b'-' | b'_' => is_for_urls = true,
            b'0'..=b'9' | b'=' | b'\r' | b'\n' | b'\\' => {}
            _ => return false,
        }
    }
    has_letter && !(is_standard && is_for_urls)
}

/// A letter of either alphabet.
pub(crate) fn is_letter(byte: u8) -> bool {
    // Without a branch: letters, digits and `/`, and the other three signs.
    let is_letter = u8::from((byte | 0x20).wrapping_sub(b'a') < 26) | u8::from(byte.wrapping_sub(b'/') < 11);
    (is_letter | u8::from(byte == b'+') | u8::from(byte == b'-') | u8::from(byte == b'_')) != 0
}

fn hexadecimal(text: &[u8]) -> Option<(Vec<u8>, Letters)> {
    let prefix = [b"\\x", b"0x"].into_iter().find(|prefix| text.starts_with(*prefix)).map_or(&b""[..], |p| p);
    let digits = &text[prefix.len()..];
    // Digits alone are a number.
    let is_it = digits.len() >= 2 * SHORTEST
        && digits.iter().all(u8::is_ascii_hexdigit)
        && digits.iter().any(u8::is_ascii_alphabetic);
    if !is_it {
        return None;
    }
    let bytes = HEXLOWER_PERMISSIVE.decode(digits).ok()?;
    let is_upper = digits.iter().any(u8::is_ascii_uppercase);
    let is_useful = is_text(&bytes) || matches!(Packing::of(&bytes), Some(Packing::Gzip | Packing::Zlib));
    is_useful.then(|| (bytes, Letters::Hexadecimal { prefix: prefix.to_vec(), is_upper }))
}

fn base64(text: &[u8]) -> Option<(Vec<u8>, Letters)> {
    if text.len() % 4 == 1 {
        return None;
    }
    let is_whole = text.ends_with(b"=") || text.len().is_multiple_of(4);
    // Without a sign of either the one for URLs is the one that is written without padding.
    let is_standard = memchr::memchr2(b'+', b'/', text).is_some();
    let is_for_urls = memchr::memchr2(b'-', b'_', text).is_some() || !is_whole && !is_standard;
    let encoding = match (is_for_urls, is_whole) {
        (false, true) => BASE64,
        (false, false) => BASE64_NOPAD,
        (true, true) => BASE64URL,
        (true, false) => BASE64URL_NOPAD,
    };
    let head = first_bytes(text);
    let may_be_text = !head.iter().any(|b| b.is_ascii_control() && !b.is_ascii_whitespace());
    if !may_be_text && Packing::of(&head).is_none() || is_hash(text) {
        return None;
    }
    let bytes = encoding.decode(text).ok()?;
    // A short text is words or an address; else anything of so many letters would be one.
    let is_mixed = || text.iter().any(u8::is_ascii_uppercase) && text.iter().any(u8::is_ascii_lowercase);
    let is_sure =
        bytes.len() >= 16 || is_mixed() && std::str::from_utf8(&bytes).is_ok_and(|text| text.chars().all(is_of_a_word));
    is_sure.then_some((bytes, Letters::Base64(encoding)))
}

/// The bytes that the first four letters stand for.
fn first_bytes(text: &[u8]) -> [u8; 3] {
    let value = |letter: u8| match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' | b'-' => 62,
        _ => 63,
    };
    let bits = text[..4].iter().fold(0, |bits, letter| bits << 6 | u32::from(value(*letter)));
    let [_, first, second, third] = bits.to_be_bytes();
    [first, second, third]
}

/// Whether a text is but hexadecimal digits, as hashes are written.
fn is_hash(text: &[u8]) -> bool {
    text.len() >= 16 && text.iter().all(u8::is_ascii_hexdigit)
}

fn is_of_a_word(c: char) -> bool {
    c.is_alphanumeric() || " @.-_'+:/,".contains(c)
}

/// Whether bytes are a text; serialized data has NUL bytes where members of objects are private.
fn is_text(bytes: &[u8]) -> bool {
    let is_serialized = matches!(bytes, [b'a' | b'O' | b's' | b'C', b':', b'0'..=b'9', ..]);
    let is_sign = |b: &u8| match b {
        0 => !is_serialized,
        b'\t' | b'\n' | b'\r' => false,
        b => b.is_ascii_control(),
    };
    !bytes.is_empty() && !bytes.iter().any(is_sign) && std::str::from_utf8(bytes).is_ok()
}

/// What is packed is more than is looked into, or no text.
struct Opaque;

impl Packing {
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [0x78, check, ..] if (0x7800 + u16::from(*check)).is_multiple_of(31) => Some(Self::Zlib),
            // It has no sign of its own but for the kind of its first block, which is its last, too.
            [1, ..] => Some(Self::Deflate),
            [first, ..] if matches!(first & 7, 3 | 5) => Some(Self::Deflate),
            _ => None,
        }
    }

    /// What is packed in some bytes, to their end.
    fn unpacked(self, bytes: &[u8]) -> Result<Vec<u8>, Opaque> {
        let most = bytes.len().saturating_mul(MOST_GROWTH).clamp(LEAST_UNPACKED, MOST_UNPACKED);
        let (mut rest, mut plain) = (bytes, Vec::new());
        let limit = most as u64 + 1;
        let read = match self {
            Self::Gzip => GzDecoder::new(&mut rest).take(limit).read_to_end(&mut plain),
            Self::Zlib => ZlibDecoder::new(&mut rest).take(limit).read_to_end(&mut plain),
            Self::Deflate => DeflateDecoder::new(&mut rest).take(limit).read_to_end(&mut plain),
        };
        if read.is_ok() && plain.len() <= most && rest.is_empty() && is_text(&plain) { Ok(plain) } else { Err(Opaque) }
    }

    fn packed(self, plain: &[u8]) -> Vec<u8> {
        let level = Compression::default();
        let packed = match self {
            Self::Gzip => written(GzEncoder::new(Vec::new(), level), plain, GzEncoder::finish),
            Self::Zlib => written(ZlibEncoder::new(Vec::new(), level), plain, ZlibEncoder::finish),
            Self::Deflate => written(DeflateEncoder::new(Vec::new(), level), plain, DeflateEncoder::finish),
        };
        packed.expect("memory takes what is written to it")
    }
}

fn written<W: Write>(
    mut to: W,
    plain: &[u8],
    finish: impl FnOnce(W) -> std::io::Result<Vec<u8>>,
) -> std::io::Result<Vec<u8>> {
    to.write_all(plain)?;
    finish(to)
}

#[cfg(test)]
#[path = "encoded_tests.rs"]
mod tests;
