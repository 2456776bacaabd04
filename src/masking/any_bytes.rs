//! What holds of masking whatever bytes a value has: for property tests, and for fuzzing.

use std::sync::{Arc, LazyLock};

use crate::contract::transformer::Transformer;
use crate::data::tables::{Column, ColumnType, Letters, Table};
use crate::formats::{self, FieldPath, Scalar, ValueEditor, php};
use crate::masking::assignment::Assignment;
use crate::masking::key::Key;
use crate::masking::nets::{Net, Nets};
use crate::masking::residue::Searcher;
use crate::masking::suspects;
use crate::masking::transformers::ValueLimits;
use crate::masking::values::ValueMasker;

static NETS: LazyLock<Arc<Nets>> = LazyLock::new(|| Nets::new(Key::of_test()));

/// All that make something of a value.
const TRANSFORMERS: &[Transformer] = &[
    Transformer::Name,
    Transformer::Email,
    Transformer::Login,
    Transformer::Phone,
    Transformer::Street,
    Transformer::City,
    Transformer::Postcode,
    Transformer::Company,
    Transformer::Ip,
    Transformer::UserAgent,
    Transformer::Url,
    Transformer::Text,
    Transformer::Id,
    Transformer::Iban,
    Transformer::Date,
    Transformer::Password,
    Transformer::Contacts,
    Transformer::Inside,
    Transformer::Settings,
];

/// Names of fields, one of each meaning.
const FIELDS: &[&str] =
    &["", "email", "billing_phone", "first_name", "birthday", "user_ip", "api_key", "test_mode", "mode", "token[]"];

/// Masks a value in every way there is; its first two bytes say in what column, and under what name, it stands.
///
/// # Panics
/// Never, unless what is promised does not hold.
pub fn mask(bytes: &[u8]) {
    let [limit, form, value @ ..] = bytes else { return };
    let max_chars = (*limit > 0).then_some(usize::from(*limit));
    let limits = ValueLimits { max_chars, is_unique: form & 1 == 1, keeps_form: form & 2 == 2 };
    let field = FIELDS[usize::from(form >> 2) % FIELDS.len()];
    for transformer in TRANSFORMERS {
        let Some(masked) = transformer.masked(&NETS, field, value, limits) else { continue };
        let masked = String::from_utf8_lossy(&masked);
        let fits = transformer.is_partial() || max_chars.is_none_or(|max| masked.chars().count() <= max);
        assert!(fits, "`{}` makes {masked:?}, longer than {max_chars:?}", transformer.name());
        assert!(!transformer.is_partial() || is_readable(value) <= is_readable(masked.as_bytes()), "{masked:?}");
    }
    read(value);
    for masker in [
        ValueMasker::personal(&NETS),
        ValueMasker::settings(&NETS),
        ValueMasker::of(Net::Search, &NETS),
        ValueMasker::of(Net::Close, &NETS),
        ValueMasker::of(Net::Words, &NETS),
    ] {
        for field in FIELDS {
            drop(masker.masked(value, field));
        }
    }
    sample(value);
}

/// Reads a value in whatever form it is: what changes nothing keeps every byte, and what was valid stays so.
fn read(value: &[u8]) {
    for sign in [None, Some(b'@'), Some(b'e')] {
        let editor = Doubling { sign };
        let new = editor.text(&FieldPath::named("x"), value, 0);
        assert!(sign.is_some() || new.is_none(), "an editor that changes nothing has changed it");
        let Some(new) = new else { continue };
        assert!(php::is_broken(value) || !php::is_broken(&new), "{:?}", String::from_utf8_lossy(&new));
        let is_json = |text: &[u8]| serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok();
        assert!(!is_json(value) || is_json(&new), "{:?}", String::from_utf8_lossy(&new));
    }
}

/// Writes each text and key twice that has a sign in it.
struct Doubling {
    sign: Option<u8>,
}

impl ValueEditor for Doubling {
    fn text(&self, path: &FieldPath<'_>, text: &[u8], depth: usize) -> Option<Vec<u8>> {
        formats::edited(text, path, self, depth).unwrap_or_else(|_| self.key(path, text))
    }

    fn scalar(&self, _: &FieldPath<'_>, _: Scalar) -> Option<Scalar> {
        None
    }

    fn key(&self, _: &FieldPath<'_>, key: &[u8]) -> Option<Vec<u8>> {
        self.sign.filter(|sign| key.contains(sign)).map(|_| [key, key].concat())
    }
}

/// Whether a text is still one.
fn is_readable(value: &[u8]) -> bool {
    std::str::from_utf8(value).is_ok()
}

/// Looks at a value as at one of a sample.
fn sample(value: &[u8]) {
    let column = |name: &str| Column {
        name: name.to_owned(),
        column_type: ColumnType::Text,
        type_name: "text".into(),
        max_chars: None,
        max_bytes: None,
        letters: Letters::All,
        is_key: false,
        is_unique: false,
        is_nullable: true,
    };
    let table = Table {
        schema: "public".to_owned(),
        name: "t".to_owned(),
        columns: ["meta_key", "meta_value"].map(column).into(),
        size_bytes: 0,
        excluded_by: None,
        names: vec!["t".to_owned(), "public.t".to_owned()],
        rows: 1,
    };
    let text = String::from_utf8_lossy(value).into_owned();
    let rows = [(text.clone(), text.clone()), ("x".to_owned(), text.clone()), (text, "x".to_owned())];
    let sample = rows.map(|(key, value)| vec![Some(key), Some(value)]).to_vec();
    drop(suspects::find(&table, &Assignment::default(), &sample));
    let _ = Searcher::new(Nets::new(Key::random())).search(value);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_fuzzer_has_tried_holds() {
        crate::postgres::any_bytes::replay("mask", mask);
    }

    #[test]
    fn what_a_customer_wrote_ends_nothing() {
        for text in [
            "1984-OCT",
            "1984-",
            "1984-T",
            "1984- ",
            "1984-01-01T+",
            "1984-10-0é 1",
            "-T",
            "+",
            "@",
            "%40",
            "a:1:{",
            "{\"\\",
            "\u{ff}-T",
            "1984-1Z",
        ] {
            for limit in [0, 1, 3, 20] {
                (0..=40).for_each(|form| mask(&[&[limit, form], text.as_bytes()].concat()));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_are_masked(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            mask(&bytes);
        }

        #[test]
        fn any_text_is_masked(limit in 0..50_u8, form: u8, text in "\\PC{0,60}") {
            mask(&[&[limit, form], text.as_bytes()].concat());
        }

        /// Pieces of what masking reads, in any order.
        #[test]
        fn any_structure_is_masked(limit in 0..50_u8, form: u8, pieces in proptest::collection::vec("a:[0-9]{1,3}:\\{|s:[0-9]{1,2}:\"|S:2:\"\\\\4|\";|\\}|i:1;|b:1;|\\{\"email\":|\"[a-z@.]{0,9}\"|\\[|\\]|,|[0-9]{4}-[A-Z0-9]{0,3}[ T]?|zoe@example.com|\\+44 20 7946|%40|é|\\\\u00|\\x00|a=b|&#64;|&|<[ab]>|</[ab]>|<a data-x=\"|'|Name: |\n|e30=|eyJh|H4sI|<!-- wp:x |-->|\"value\":|\\\\\"", 0..12)) {
            mask(&[&[limit, form], pieces.concat().as_bytes()].concat());
        }
    }
}
