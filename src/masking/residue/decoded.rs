//! What stands behind escapes, Base64, hexadecimal and compression, one behind the other: bytes of a value, decoded.
//!
//! All escapes of a text are taken off together, whoever's they are: what is searched need not be valid, and a level that
//! is not there costs nothing.

use std::io::Read as _;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use flate2::read::{GzDecoder, ZlibDecoder};

use crate::formats::bytes;
use crate::formats::encoded::is_letter;

use super::escapes::{parts_with_escapes, unescaped};

/// So many forms at most may stand one in another.
const DEEPEST: usize = 7;
/// A shorter word of letters and digits is not decoded: no address is so short in Base64.
const SHORTEST_RUN: usize = 12;
/// Encoders break lines no earlier.
const SHORTEST_LINE: usize = 60;
/// All that is decoded of one value, as a multiple of its length, and in bytes.
const MOST_TIMES: usize = 16;
const MOST_BYTES: usize = 32 << 20;
/// So much of a run is decoded to see whether it is worth it.
const PEEKED: usize = 24;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes one value after the other.
#[derive(Default)]
pub(in crate::masking) struct Decoder {
    /// How much may still be decoded of the value.
    left: usize,
}

impl Decoder {
    /// Shows all that stands in the value in any form but the plain one. Whether that was all of it.
    pub(in crate::masking) fn each(&mut self, value: &[u8], show: &mut dyn FnMut(&[u8])) -> bool {
        self.left = (value.len() * MOST_TIMES + (64 << 10)).min(MOST_BYTES);
        self.level(value, 0, show)
    }

    fn level(&mut self, text: &[u8], depth: usize, show: &mut dyn FnMut(&[u8])) -> bool {
        if depth == DEEPEST {
            return false;
        }
        let mut is_whole = true;
        for part in parts_with_escapes(text) {
            if let Some(plain) = unescaped(&text[part]) {
                is_whole &= self.take(plain.len()) && self.shown(&plain, depth, show);
            }
        }
        if is_compressed(text) {
            is_whole &= self.inflated(text, depth, show);
        }
        for run in runs(text) {
            is_whole &= self.run(&text[run], depth, show);
        }
        is_whole
    }

    fn shown(&mut self, decoded: &[u8], depth: usize, show: &mut dyn FnMut(&[u8])) -> bool {
        show(decoded);
        self.level(decoded, depth + 1, show)
    }

    fn take(&mut self, bytes: usize) -> bool {
        let is_left = self.left >= bytes;
        self.left = self.left.saturating_sub(bytes);
        is_left
    }

    /// A run of letters and digits, as a whole, or what of it stands between signs that paths have as well.
    fn run(&mut self, run: &[u8], depth: usize, show: &mut dyn FnMut(&[u8])) -> bool {
        let mut is_whole = true;
        for signs in [&b""[..], b"/", b"/-_+"] {
            if !signs.is_empty() && !run.iter().any(|byte| signs.contains(byte)) {
                continue;
            }
            let mut is_any = false;
            for part in run.split(|byte| signs.contains(byte)).filter(|part| part.len() >= SHORTEST_RUN) {
                if let Some(decoded) = of_hex(part).or_else(|| of_base64(part)) {
                    is_any = true;
                    is_whole &= self.take(decoded.len()) && self.content(&decoded, depth, show);
                }
            }
            if is_any {
                break;
            }
        }
        is_whole
    }

    fn content(&mut self, decoded: &[u8], depth: usize, show: &mut dyn FnMut(&[u8])) -> bool {
        if is_compressed(decoded) { self.inflated(decoded, depth, show) } else { self.shown(decoded, depth, show) }
    }

    fn inflated(&mut self, bytes: &[u8], depth: usize, show: &mut dyn FnMut(&[u8])) -> bool {
        let (mut plain, most) = (Vec::new(), self.left as u64);
        // What cannot be inflated to its end is read as far as it can be.
        let _ = match bytes[0] {
            0x1f => GzDecoder::new(bytes).take(most).read_to_end(&mut plain),
            _ => ZlibDecoder::new(bytes).take(most).read_to_end(&mut plain),
        };
        let is_whole = (plain.len() as u64) < most;
        self.take(plain.len());
        self.shown(&plain, depth, show) && is_whole
    }
}

fn is_compressed(bytes: &[u8]) -> bool {
    matches!(bytes, [0x1f, 0x8b, 8, _, ..] | [0x78, 0x01 | 0x5e | 0x9c | 0xda, _, _, ..])
}

/// Where there are so many letters and digits without anything between that they may be something encoded. Lines of
/// equal length are one.
fn runs(text: &[u8]) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let begin = bytes::next_run(text, from, SHORTEST_RUN, is_letter)?;
        let (mut line, mut end) = (begin, begin + SHORTEST_RUN);
        loop {
            end += text[end..].iter().take_while(|byte| is_letter(**byte)).count();
            let breaks = text[end..].iter().take(2).take_while(|byte| b"\r\n".contains(byte)).count();
            let goes_on =
                breaks > 0 && end - line >= SHORTEST_LINE && text.get(end + breaks).is_some_and(|b| is_letter(*b));
            if !goes_on {
                break;
            }
            end += breaks;
            line = end;
        }
        from = end + 1;
        Some(begin..end)
    })
}

fn of_hex(run: &[u8]) -> Option<Vec<u8>> {
    // `\x…` and `0x…`, as databases and programs write bytes.
    let run = run.strip_prefix(b"0x").or_else(|| run.strip_prefix(b"x")).unwrap_or(run);
    if !run.len().is_multiple_of(2) || !run.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let decoded = data_encoding::HEXLOWER_PERMISSIVE.decode(run).ok()?;
    is_worth_a_look(&decoded).then_some(decoded)
}

fn of_base64(run: &[u8]) -> Option<Vec<u8>> {
    if !begins_worth_a_look(&run[..run.len().min(PEEKED)]) {
        return None;
    }
    let mut letters: Vec<u8> = run.iter().filter(|byte| !b"\r\n".contains(byte)).map(|byte| standard(*byte)).collect();
    if letters.len() % 4 == 1 {
        letters.pop();
    }
    let decoded = BASE64.decode(letters).ok()?;
    is_worth_a_look(&decoded).then_some(decoded)
}

/// Whether the beginning of a run is that of something in Base64; most are words, so this allocates nothing.
fn begins_worth_a_look(begin: &[u8]) -> bool {
    let (mut letters, mut decoded) = ([0; PEEKED], [0; PEEKED]);
    for (letter, byte) in letters.iter_mut().zip(begin) {
        *letter = standard(*byte);
    }
    let len = begin.len() - usize::from(begin.len() % 4 == 1);
    let decoded_len = BASE64.decode_slice(&letters[..len], &mut decoded);
    decoded_len.is_ok_and(|len| is_worth_a_look(&decoded[..len]))
}

/// The letter of the standard's alphabet for one of that for URLs.
fn standard(byte: u8) -> u8 {
    match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    }
}

/// Whether bytes are text or compressed: what else decodes to is chance.
pub(crate) fn is_worth_a_look(bytes: &[u8]) -> bool {
    let is_control = |byte: &u8| *byte < b' ' && !matches!(byte, b'\t' | b'\r' | b'\n' | 0);
    let is_text = || match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.valid_up_to() + 4 > bytes.len() && error.valid_up_to() > 0,
    };
    is_compressed(bytes) || !bytes.iter().any(is_control) && is_text()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn all(value: &[u8]) -> (Vec<String>, bool) {
        let mut shown = Vec::new();
        let is_whole =
            Decoder::default().each(value, &mut |text| shown.push(String::from_utf8_lossy(text).into_owned()));
        (shown, is_whole)
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(text).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn every_form_and_one_in_another_is_taken_off() {
        let text = "zoë@people.example.net and more";
        let base64 = base64::engine::general_purpose::STANDARD.encode(text);
        let url_safe = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        let long = base64::engine::general_purpose::STANDARD.encode(text.repeat(4));
        let lines: String = long.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line) + "\r\n").collect();
        let forms = [
            r"zo\u00eb\u0040people.example.net and more".to_owned(),
            r#"{"a":"{\"b\":\"zo\\u00eb@people.example.net and more\"}"}"#.to_owned(),
            "zo%C3%AB%40people.example.net%20and%20more".to_owned(),
            "zo%C3%AB%40people.example.net+and+more".to_owned(),
            "zo&#235;&commat;people.example.net and more".to_owned(),
            "zo&#xEB;&#64;people.example.net&nbsp;and more".to_owned(),
            "zo&amp;#235;&amp;#64;people.example.net and more".to_owned(),
            "zo=C3=AB=40people.exam=\r\nple.net and more".to_owned(),
            base64.clone(),
            format!("https://example.net/reset/{url_safe}?x"),
            lines,
            format!("x=\"{}\"", base64::engine::general_purpose::STANDARD.encode(&base64)),
            data_encoding::HEXLOWER.encode(text.as_bytes()),
            format!("\\x{}", data_encoding::HEXUPPER.encode(text.as_bytes())),
            base64::engine::general_purpose::STANDARD.encode(gzip(text.as_bytes())),
            base64.replace('=', "%3D"),
        ];
        let prose = "Plain words stand around it & more of them. ".repeat(20);
        for form in forms {
            // A `+` is a blank only where there is no other.
            let within = (!form.contains('+')).then(|| format!("{prose}{form} {prose}"));
            for value in [Some(form.clone()), within].into_iter().flatten() {
                let (shown, is_whole) = all(value.as_bytes());
                assert!(shown.iter().any(|shown| shown.contains(text)), "{form}: {shown:?}");
                assert!(is_whole, "{form}");
            }
        }
        assert!(all(&gzip(text.as_bytes())).0.iter().any(|shown| shown.contains(text)));
    }

    #[test]
    fn what_is_no_form_of_anything_is_not_decoded() {
        for plain in
            ["", "a plain text", "wp-content/uploads/2024/05/picture-large-scaled", "d41d8cd98f00b204e9800998ecf8427e"]
        {
            assert_eq!(all(plain.as_bytes()), (Vec::new(), true), "{plain}");
        }
    }

    #[test]
    fn hostile_values_end_and_are_told() {
        let mut bomb = gzip(&vec![b'a'; 64 << 20]);
        bomb = base64::engine::general_purpose::STANDARD.encode(&bomb).into_bytes();
        let mut most = 0;
        let is_whole = Decoder::default().each(&bomb, &mut |text| most = most.max(text.len()));
        assert!(!is_whole && most <= MOST_BYTES, "{most}");
        assert!(!all("\\".repeat(1 << 12).as_bytes()).1);
        let mut nested = b"zoe@people.example.net".to_vec();
        for _ in 0..20 {
            nested = base64::engine::general_purpose::STANDARD.encode(&nested).into_bytes();
        }
        assert!(!all(&nested).1);
    }
}
