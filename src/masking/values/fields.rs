//! What the name of a field tells of its value: whose it is, or what it opens.

use std::cell::RefCell;

use super::by_name::ByName;
use super::made_up::is_made_up;
use super::name_words::Words;
use super::names::{Meaning, NAMES};
use crate::contract::transformer::Transformer;
use crate::formats::FieldPath;
use crate::masking::nets::shapes::FieldKind;
use crate::secret::looks_random;

/// A shorter text under a word such as `key` may be anything.
const SHORTEST_KEY: usize = 20;

/// What the name of a field tells.
#[derive(Clone, Copy)]
struct Told {
    meaning: Option<Meaning>,
    is_secret: bool,
    is_keyish: bool,
    opens: bool,
    is_reference: bool,
    numbers: FieldKind,
    in_record: Option<Transformer>,
    is_part: bool,
}

/// Objects that are parts of somebody's record.
const PARTS: &[&str] = &["contact", "contacts", "details", "info", "billing", "shipping", "person", "profile"];

impl Told {
    fn of(name: &str) -> Self {
        thread_local!(static KNOWN: RefCell<ByName<Told>> = const { RefCell::new(ByName::new()) });
        KNOWN.with_borrow_mut(|known| known.of(name, || Self::read(name)))
    }

    fn read(name: &str) -> Self {
        // A pattern or a question that ends with such a word is no name: `(.?.+?)/lost-password(/(.*))?/?$`.
        let is_name = memchr::memchr3(b'?', b'*', b'$', name.as_bytes()).is_none();
        let words = Words::of(name);
        let (meaning, bare) = (words.meaning(), words.as_text().trim_matches('_'));
        let numbers = match meaning {
            _ if name.is_empty() => FieldKind::Any,
            Some(Meaning::Personal(Transformer::Ip)) => FieldKind::Address,
            Some(Meaning::Personal(_)) => FieldKind::Any,
            _ if words.end_is(&NAMES.versions) => FieldKind::Version,
            _ if words.end_is(&NAMES.things) => FieldKind::Thing,
            _ => FieldKind::Any,
        };
        let in_record = NAMES.in_records.iter().find(|(_, names)| names.contains(bare)).map(|(of, _)| *of);
        Self {
            meaning,
            is_secret: is_name && meaning == Some(Meaning::Secret),
            is_keyish: words.end_is(&NAMES.keyish),
            opens: words.opens(),
            is_reference: words.end_is(&NAMES.references),
            numbers,
            in_record,
            is_part: matches!(meaning, Some(Meaning::Personal(_))) || in_record.is_some() || words.are_among(PARTS),
        }
    }
}

/// Whether a field, or what it is a part of, is a secret: tokens are often kept as `{"live": …}`.
pub(in crate::masking) fn is_secret(path: &FieldPath<'_>) -> bool {
    Told::of(path.name).is_secret || path.around.is_some_and(|around| Told::of(around.name).is_secret)
}

/// Whether a field's name is of a key, and its text looks like one.
pub(super) fn holds_key(path: &FieldPath<'_>, text: &[u8]) -> bool {
    let is_keyish = || {
        text.len() >= SHORTEST_KEY
            && Told::of(path.name).is_keyish
            && std::str::from_utf8(text).is_ok_and(|text| !text.contains("://") && looks_random(text))
    };
    let opens = |name: &str| Told::of(name).opens;
    (opens(path.name) || path.around.is_some_and(|around| opens(around.name))) && is_made_up(text) || is_keyish()
}

/// A number of more digits is none of the site's own.
const LONGEST_COUNTER: usize = 14;

/// Whether a field refers to a person at a provider's: its text is no number of the site's own.
pub(super) fn is_reference(path: &FieldPath<'_>, text: &[u8]) -> bool {
    let is_number = || text.len() <= LONGEST_COUNTER && text.iter().all(u8::is_ascii_digit);
    let is_word = || text.len() < 6 || text.iter().all(|b| !b.is_ascii_digit() && *b != b'_' && *b != b'-');
    let is_far = || path.name == "id" && text.len() > LONGEST_COUNTER && text.iter().all(u8::is_ascii_digit);
    is_providers(text) || is_far() || Told::of(path.name).is_reference && !is_number() && !is_word()
}

/// Whether a text is the id by which a provider of payments knows somebody: `cus_…`, random letters of both cases and digits.
fn is_providers(text: &[u8]) -> bool {
    const LEAST: usize = 14;
    let Some(at) = memchr::memrchr(b'_', text).filter(|_| (LEAST..=64).contains(&text.len())) else { return false };
    let (begin, rest) = (&text[..at], &text[at + 1..]);
    rest.len() >= LEAST
        && rest.iter().all(u8::is_ascii_alphanumeric)
        && [u8::is_ascii_digit, u8::is_ascii_lowercase, u8::is_ascii_uppercase]
            .iter()
            .all(|is_one: &fn(&u8) -> bool| rest.iter().any(is_one))
        && std::str::from_utf8(begin).is_ok_and(|begin| NAMES.providers.contains(begin))
}

/// Whether a name is one of these, or ends with one of them.
pub(in crate::masking) fn is_named(name: &str, names: &[&str]) -> bool {
    Words::of(name).are_among(names)
}

/// Whether an object of this name is a part of the one around it.
pub(super) fn is_part(name: &str) -> bool {
    Told::of(name).is_part
}

/// What the name of a field tells of the numbers in it.
pub(crate) fn field_kind(name: &str) -> FieldKind {
    Told::of(name).numbers
}

/// How the value of a field of this name is masked, when the name tells that it is a person's.
pub(crate) fn personal(name: &str) -> Option<Transformer> {
    match Told::of(name).meaning? {
        Meaning::Personal(transformer) => Some(transformer),
        Meaning::Secret => None,
    }
}

/// How the value of a field of this name is masked beside somebody's address or number.
pub(in crate::masking) fn in_record(name: &str) -> Option<Transformer> {
    Told::of(name).in_record
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
        for (name, transformer) in [
            ("phone1", Transformer::Phone),
            ("phone_2", Transformer::Phone),
            ("field_phone-1", Transformer::Phone),
            ("first_name_2", Transformer::Name),
            ("bfirstname", Transformer::Name),
            ("userPhoneNumber", Transformer::Phone),
            ("your-name", Transformer::Name),
            ("emergency_contact", Transformer::Name),
            ("next_of_kin", Transformer::Name),
            ("Straße", Transformer::Street),
            ("STRASSE_2", Transformer::Street),
            ("Prénom", Transformer::Name),
            ("código postal", Transformer::Postcode),
            ("contact/telefoon", Transformer::Phone),
            ("fecha_de_nacimiento", Transformer::Date),
            ("Geburtsdatum", Transformer::Date),
            ("imię", Transformer::Name),
            ("Příjmení", Transformer::Name),
            ("Имя", Transformer::Name),
            ("Τηλέφωνο", Transformer::Phone),
            ("お客様電話番号", Transformer::Phone),
            ("手机号", Transformer::Phone),
            ("soyadı", Transformer::Name),
            ("Cédula", Transformer::OfficialNumber),
            ("medical_notes", Transformer::Text),
            ("sort_code", Transformer::Id),
            ("linkedin", Transformer::Login),
            ("billing_lat", Transformer::Coordinates),
            ("birthday_greeting_sent_on", Transformer::Date),
        ] {
            assert_eq!(personal(name), Some(transformer), "{name}");
        }
        for name in
            ["name", "title", "velocity", "ship", "opacity", "email_type", "country", "", "_", "customer_id", "2"]
        {
            assert_eq!(personal(name), None, "{name}");
        }
    }

    #[test]
    fn names_of_fields_tell_what_opens_a_door() {
        let is_secret = |name: &str| is_secret(&FieldPath::named(name));
        for name in [
            "secret_key",
            "mailgun_api_key",
            "smtpPass",
            "access_token",
            "license",
            "wp_auth_salt",
            "clientSecret",
            "magic_link",
            "2fa_key",
            "user_pass_plain",
            "verification_code",
            "Passwort",
        ] {
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
