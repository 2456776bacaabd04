//! What the name of a field tells of its value: whose it is, or what it opens.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::names::{PERSONAL, SECRETS, SECRETS_WITHIN, THINGS, VERSIONS};
use crate::contract::transformer::Transformer;
use crate::formats::FieldPath;
use crate::masking::nets::shapes::FieldKind;

/// Whether a field, or what it is a part of, is a secret: tokens are often kept as `{"live": …}`.
pub(in crate::masking) fn is_secret(path: &FieldPath<'_>) -> bool {
    // A pattern or a question that ends with such a word is no name: `(.?.+?)/lost-password(/(.*))?/?$`.
    let is_name = |name: &str| memchr::memchr3(b'?', b'*', b'$', name.as_bytes()).is_none();
    let is_secret = |name| is_name(name) && matches!(Words::of(name).meaning(), Some(Meaning::Secret));
    is_secret(path.name) || path.around.is_some_and(|around| is_secret(around.name))
}

/// Whether a name is one of these, or ends with one of them.
pub(in crate::masking) fn is_named(name: &str, names: &[&str]) -> bool {
    let words = Words::of(name);
    names.iter().any(|name| words.ends_with(name))
}

/// What the name of a field tells of the numbers in it.
pub(crate) fn field_kind(name: &str) -> FieldKind {
    let words = Words::of(name);
    let is_any = |names: &[&str]| names.iter().any(|name| words.ends_with(name));
    match personal(name) {
        Some(Transformer::Ip) => FieldKind::Address,
        None if is_any(VERSIONS) => FieldKind::Version,
        None if is_any(THINGS) => FieldKind::Thing,
        _ => FieldKind::Any,
    }
}

/// What a name tells of a value.
#[derive(Clone, Copy)]
enum Meaning {
    Personal(Transformer),
    Secret,
}

static MEANINGS: LazyLock<HashMap<&[u8], Meaning>> = LazyLock::new(|| {
    let personal = PERSONAL
        .iter()
        .flat_map(|(transformer, names)| names.iter().map(|name| (*name, Meaning::Personal(*transformer))));
    let secret = SECRETS.iter().map(|name| (*name, Meaning::Secret));
    personal.chain(secret).map(|(name, meaning)| (name.as_bytes(), meaning)).collect()
});

/// How the value of a field of this name is masked, when the name tells that it is a person's.
pub(crate) fn personal(name: &str) -> Option<Transformer> {
    match Words::of(name).meaning()? {
        Meaning::Personal(transformer) => Some(transformer),
        Meaning::Secret => None,
    }
}

/// The end of a name in small letters, its words with `_` between them: `billingAddress-1` is `billing_address_1`.
struct Words {
    text: [u8; Self::MOST],
    start: usize,
}

impl Words {
    /// No name in our lists is longer.
    const MOST: usize = 40;

    fn of(name: &str) -> Self {
        let mut words = Self { text: [b'_'; Self::MOST], start: Self::MOST };
        let mut after: Option<u8> = None;
        for byte in name.bytes().rev() {
            // `firstName`: a small letter before a large one ends a word.
            if byte.is_ascii_lowercase() && after.is_some_and(|after| after.is_ascii_uppercase()) {
                words.put(b'_');
            }
            let is_part = byte.is_ascii_alphanumeric() || byte >= 0x80;
            let is_doubled = !is_part && (words.start == Self::MOST || words.text[words.start] == b'_');
            if !is_doubled {
                words.put(if is_part { byte.to_ascii_lowercase() } else { b'_' });
            }
            if words.start == 0 {
                break;
            }
            after = Some(byte);
        }
        words
    }

    fn put(&mut self, byte: u8) {
        if self.start > 0 {
            self.start -= 1;
            self.text[self.start] = byte;
        }
    }

    fn as_bytes(&self) -> &[u8] {
        &self.text[self.start..]
    }

    /// Whether the name is these words, or ends with them.
    fn ends_with(&self, words: &str) -> bool {
        self.as_bytes().strip_suffix(words.as_bytes()).is_some_and(|before| matches!(before, [] | [.., b'_']))
    }

    /// The meaning of the longest end that has one, or of a word within.
    fn meaning(&self) -> Option<Meaning> {
        let text = self.as_bytes();
        let ends = || [0].into_iter().chain(memchr::memchr_iter(b'_', text).map(|at| at + 1)).map(|at| &text[at..]);
        if ends().any(|end| SECRETS_WITHIN.iter().any(|word| end.starts_with(word.as_bytes()))) {
            return Some(Meaning::Secret);
        }
        ends().find_map(|end| MEANINGS.get(end).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_fields_tell_whose_values_they_are() {
        for (name, transformer) in [
            ("billing_email", Transformer::Email),
            ("_billing_first_name", Transformer::Name),
            ("lastName", Transformer::Name),
            ("Customer IP-Address", Transformer::Ip),
            ("shippingAddress1", Transformer::Street),
            ("mobile", Transformer::Phone),
            ("customer.city", Transformer::City),
            ("date_of_birth", Transformer::Date),
        ] {
            assert_eq!(personal(name), Some(transformer), "{name}");
        }
        for name in ["name", "title", "velocity", "ship", "opacity", "email_type", "country", "", "_"] {
            assert_eq!(personal(name), None, "{name}");
        }
    }

    #[test]
    fn names_of_fields_tell_what_opens_a_door() {
        let is_secret = |name: &str| is_secret(&FieldPath::named(name));
        for name in
            ["secret_key", "mailgun_api_key", "smtpPass", "access_token", "license", "wp_auth_salt", "clientSecret"]
        {
            assert!(is_secret(name), "{name}");
        }
        for name in
            ["meta_key", "bypass", "compass", "tokenization", "sort", "salty", "(.?.+?)/lost-password(/(.*))?/?$"]
        {
            assert!(!is_secret(name), "{name}");
        }
        let tokens = FieldPath::named("tokens");
        assert!(super::is_secret(&tokens.member("live")) && super::is_secret(&tokens.element()));
    }
}
