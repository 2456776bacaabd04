//! The masker of values: it goes into whatever structure there is, and decides on each text in it by the name of its
//! field, else by what it looks like.

use super::fields;
use crate::contract::transformer::Transformer;
use crate::formats::{DEEPEST, FieldPath, Scalar, ValueEditor, json, php};
use crate::masking::key::Key;
use crate::masking::transformers::ValueLimits;
use crate::masking::{contacts, live_keys};

/// A longer text is no name, number or address.
const LONGEST_PERSONAL: usize = 200;

/// Masks what is personal or secret within a value, and says what it looks for.
pub(in crate::masking) struct ValueMasker<'a> {
    key: &'a Key,
    /// Whether fields with a person's name, number or address are masked.
    is_personal: bool,
    /// Whether switches are put where no money moves.
    is_settings: bool,
}

impl<'a> ValueMasker<'a> {
    /// For values that are about a person.
    pub(in crate::masking) fn personal(key: &'a Key) -> Self {
        Self { key, is_personal: true, is_settings: false }
    }

    /// For values that are about the site; fields named like a person's are labels more often than not.
    pub(in crate::masking) fn settings(key: &'a Key) -> Self {
        Self { key, is_personal: false, is_settings: true }
    }

    /// The value with what is masked in it, or `None` when it stays. `field` is the name of the whole.
    pub(in crate::masking) fn masked(&self, value: &[u8], field: &str) -> Option<Vec<u8>> {
        self.text(&FieldPath::named(field), value, 0)
    }

    fn plain_text(&self, path: &FieldPath<'_>, text: &[u8]) -> Option<Vec<u8>> {
        if self.is_settings
            && let Some(switched) = switched(path, text)
        {
            return Some(switched.to_vec());
        }
        if text.is_empty() {
            return None;
        }
        if !is_flag(text) && fields::is_secret(path) {
            return Some(Vec::new());
        }
        if self.is_personal
            && let Some(transformer) =
                fields::personal(path.name).filter(|transformer| is_plausible(*transformer, text))
        {
            return transformer.masked(self.key, "", text, ValueLimits::default());
        }
        self.content(text)
    }

    fn content(&self, text: &[u8]) -> Option<Vec<u8>> {
        let without_keys = live_keys::removed(text);
        let text = without_keys.as_deref().unwrap_or(text);
        if memchr::memchr3(b'@', b'+', b'%', text).is_none() {
            return without_keys;
        }
        let Ok(readable) = std::str::from_utf8(text) else { return without_keys };
        let masked = if self.is_personal {
            contacts::masked(self.key, readable)
        } else {
            contacts::masked_emails(self.key, readable)
        };
        masked.map(String::into_bytes).or(without_keys)
    }
}

impl ValueEditor for ValueMasker<'_> {
    /// What cannot be read as a structure is a text itself.
    fn text(&self, path: &FieldPath<'_>, text: &[u8], depth: usize) -> Option<Vec<u8>> {
        if depth < DEEPEST {
            let read = php::edited(text, path, self, depth).or_else(|_| json::edited(text, path, self, depth));
            if let Ok(new) = read {
                return new;
            }
        }
        self.plain_text(path, text)
    }

    fn scalar(&self, path: &FieldPath<'_>, scalar: Scalar) -> Option<Scalar> {
        let of = |position| if position { Scalar::True } else { Scalar::False };
        let is_number = scalar == Scalar::Number;
        if self.is_settings
            && let Some(position) = fields::safe_position(path)
        {
            return Some(of(position)).filter(|new| *new != scalar);
        }
        let is_personal =
            || self.is_personal && matches!(fields::personal(path.name), Some(Transformer::Phone | Transformer::Id));
        (is_number && (fields::is_secret(path) || is_personal())).then_some(Scalar::Number)
    }
}

/// A switch in the position that moves no money, if it is one in another.
fn switched(path: &FieldPath<'_>, text: &[u8]) -> Option<&'static [u8]> {
    if text.len() > 10 {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    if fields::is_mode(path) {
        return match lower.as_slice() {
            b"live" => Some(b"test"),
            b"production" | b"prod" => Some(b"sandbox"),
            _ => None,
        };
    }
    match (fields::safe_position(path)?, lower.as_slice()) {
        (true, b"no") => Some(b"yes"),
        // PHP keeps false as an empty text, and true as `1`.
        (true, b"" | b"0") => Some(b"1"),
        (true, b"false") => Some(b"true"),
        (true, b"off") => Some(b"on"),
        (false, b"yes") => Some(b"no"),
        (false, b"1") => Some(b"0"),
        (false, b"true") => Some(b"false"),
        (false, b"on") => Some(b"off"),
        _ => None,
    }
}

/// Whether a text is a choice rather than a secret or a name.
fn is_flag(text: &[u8]) -> bool {
    const FLAGS: &[&[u8]] = &[b"yes", b"no", b"on", b"off", b"true", b"false", b"0", b"1"];
    text.len() <= 5 && FLAGS.iter().any(|flag| text.eq_ignore_ascii_case(flag))
}

/// Whether a text can be what the name of its field says.
fn is_plausible(transformer: Transformer, text: &[u8]) -> bool {
    if text.len() > LONGEST_PERSONAL || is_flag(text) {
        return false;
    }
    let digits = || text.iter().filter(|b| b.is_ascii_digit()).count();
    let is_markup = || memchr::memchr2(b'<', b'{', text).is_some() || memchr::memmem::find(text, b"://").is_some();
    match transformer {
        // Addresses are known by what they look like.
        Transformer::Email => memchr::memchr(b'@', text).is_some(),
        Transformer::Phone => digits() >= 5,
        Transformer::Ip => digits() > 0 && memchr::memchr2(b'.', b':', text).is_some(),
        Transformer::Date => digits() >= 4,
        Transformer::Id | Transformer::Iban | Transformer::Postcode => !is_markup(),
        _ => !is_markup() && text.iter().any(|b| b.is_ascii_alphabetic() || *b >= 0x80),
    }
}
