//! What can be done to a value, by name: the words that rules are written in.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::contacts;
use super::key::Key;
use super::strangers;
use super::values::{self, Policy};

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transformer {
    /// Leaves the value as it is; without a column, the whole row, and without a condition, the whole table.
    Keep,
    /// Leaves nothing: an empty text, or NULL where the column is no text.
    Empty,
    /// Puts the rule's `value` there.
    Set,
    /// Leaves the row behind. Takes no column.
    DropRows,
    /// Leaves all rows of the table behind. Takes no column and no condition.
    EmptyTable,
    /// A name of as many words; each word always becomes the same one.
    Name,
    /// `user-<16 hex digits>@example.invalid`.
    Email,
    /// `user-<16 hex digits>`, or as `email` when it is an address.
    Login,
    /// A number under a country code that is nobody's.
    Phone,
    /// A house number and a street.
    Street,
    /// A city that is on no map.
    City,
    /// Letters for letters and digits for digits.
    Postcode,
    /// A company of two names.
    Company,
    /// An address of the networks set aside for benchmarks and documentation.
    Ip,
    /// `Mozilla/5.0`.
    UserAgent,
    /// A page of a site that can never exist.
    Url,
    /// `Masked text.`
    Text,
    /// `masked-<16 hex digits>`: a reference that leads nowhere.
    Id,
    /// An account number of no country.
    Iban,
    /// The first of January of the same year.
    Date,
    /// A hash that no password has.
    Password,
    /// E-mail addresses and telephone numbers in a text; the rest stays.
    Contacts,
    /// What is personal or secret within PHP-serialized data or JSON, by the names of its fields; the rest stays.
    Inside,
    /// Secrets, addresses and test modes within settings; the rest stays.
    Settings,
}

/// What a column asks of its values.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fit {
    /// The n of `varchar(n)` and `char(n)`.
    pub(crate) max_chars: Option<usize>,
    /// No two rows may have the same value.
    pub(crate) is_unique: bool,
}

impl Transformer {
    /// Whether it is for rows, not for values.
    pub(crate) fn is_for_rows(self) -> bool {
        matches!(self, Self::DropRows | Self::EmptyTable)
    }

    /// Whether it changes parts of a value, so that the rest may still hold what is to be rewritten.
    pub(crate) fn is_partial(self) -> bool {
        matches!(self, Self::Contacts | Self::Inside | Self::Settings)
    }

    /// Whether what a value becomes depends on nothing else, and is worth remembering.
    pub(crate) fn is_of_value_alone(self) -> bool {
        let is_fixed =
            matches!(self, Self::Keep | Self::Empty | Self::Set | Self::UserAgent | Self::Text | Self::Password);
        !is_fixed && !self.is_partial() && !self.is_for_rows()
    }

    /// Its name in a rule.
    pub(crate) fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// The stranger that a value becomes; `None` when it stays as it is. `field` names the value where its column
    /// does not, as `meta_key` does.
    pub(crate) fn masked(self, key: &Key, field: &str, value: &[u8], fit: Fit) -> Option<Vec<u8>> {
        match self {
            Self::Inside => return values::walked(value, field, &Policy::personal(key)),
            Self::Settings => return values::walked(value, field, &Policy::settings(key)),
            _ => {}
        }
        let value: Cow<'_, str> = String::from_utf8_lossy(value);
        if self == Self::Contacts {
            return contacts::masked(key, &value).map(String::into_bytes);
        }
        if value.trim().is_empty() {
            return None;
        }
        let stranger = self.stranger(key, &value, fit)?;
        Some(fitted(self, key, &value, stranger, fit).into_bytes())
    }

    fn stranger(self, key: &Key, value: &str, fit: Fit) -> Option<String> {
        Some(match self {
            Self::Name if contacts::is_email(value) => strangers::one_email(key, value),
            Self::Name => strangers::name(key, value),
            Self::Email => strangers::email(key, value),
            Self::Login => strangers::login(key, value),
            Self::Phone => strangers::phone(key, value),
            Self::Street => strangers::street(key, value),
            Self::City => strangers::city(key, value),
            Self::Postcode => strangers::shaped(key, value),
            Self::Company => strangers::company(key, value),
            Self::Ip => strangers::ip(key, value, fit.is_unique),
            Self::UserAgent => "Mozilla/5.0".to_owned(),
            Self::Url => strangers::url(key, value),
            Self::Text => "Masked text.".to_owned(),
            Self::Id => strangers::id(key, value),
            Self::Iban => strangers::iban(key, value),
            Self::Date => strangers::date(value),
            Self::Password => "!".to_owned(),
            Self::Keep | Self::Empty | Self::Set | Self::DropRows | Self::EmptyTable => return None,
            Self::Contacts | Self::Inside | Self::Settings => return None,
        })
    }

    /// Whether two values are two strangers.
    fn is_one_to_one(self) -> bool {
        matches!(self, Self::Email | Self::Login | Self::Id)
    }
}

/// The stranger as the column takes it: told apart from others where it must be, and no longer than it may be.
fn fitted(transformer: Transformer, key: &Key, value: &str, mut stranger: String, fit: Fit) -> String {
    let is_apart = transformer.is_one_to_one() || transformer == Transformer::Ip;
    let tail = (fit.is_unique && !is_apart).then(|| format!("-{}", strangers::tail(key, value)));
    let Some(max) = fit.max_chars else { return stranger + tail.as_deref().unwrap_or_default() };
    // Strangers have no longer letters than those of ASCII, but for what is left of a text around them.
    if tail.is_none() && stranger.len() <= max {
        return stranger;
    }
    let room = max.saturating_sub(tail.as_ref().map_or(0, String::len));
    if stranger.chars().count() > room {
        // What makes an address or a reference one of a kind is its hex digits, so they go first into a narrow column.
        if transformer.is_one_to_one() {
            stranger = hex_first(key, value, room);
        }
        stranger = stranger.chars().take(room).collect::<String>().trim_end().to_owned();
    }
    stranger.push_str(tail.as_deref().unwrap_or_default());
    stranger.chars().skip(stranger.chars().count().saturating_sub(max)).collect()
}

/// An address of 12 and more characters where there is room for one, else digits alone.
fn hex_first(key: &Key, value: &str, room: usize) -> String {
    const DOMAIN: &str = "@e.invalid";
    let digits = strangers::tail(key, value);
    if contacts::is_email(value) && room >= DOMAIN.len() + 8 {
        return format!("{}{DOMAIN}", &digits[..digits.len().min(room - DOMAIN.len())]);
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn masked(transformer: Transformer, value: &str, max_chars: Option<usize>, is_unique: bool) -> String {
        let key = Key::of_run(&Secret::new("the token of an account"), "run");
        let bytes = transformer.masked(&key, "", value.as_bytes(), Fit { max_chars, is_unique }).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    const VALUES: &[Transformer] = &[
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
    ];

    #[test]
    fn nothing_of_a_value_is_left_and_it_fits_its_column() {
        for transformer in VALUES {
            for max in [1, 3, 8, 12, 20, 40, 100] {
                for is_unique in [false, true] {
                    let stranger = masked(*transformer, "Zoë Quill <zoë.quill@example.com>", Some(max), is_unique);
                    assert!(
                        stranger.chars().count() <= max && !stranger.is_empty(),
                        "{transformer:?} {max} {stranger}"
                    );
                    assert!(!stranger.contains("Quill") && !stranger.contains("zoë"), "{transformer:?} {stranger}");
                }
            }
        }
    }

    #[test]
    fn values_of_a_unique_column_stay_apart() {
        for transformer in VALUES {
            let strangers: std::collections::BTreeSet<_> =
                (0..500).map(|i| masked(*transformer, &format!("2001-01-01 {i}"), Some(60), true)).collect();
            assert_eq!(strangers.len(), 500, "{transformer:?}");
        }
    }

    #[test]
    fn an_address_in_a_narrow_column_is_still_one() {
        let stranger = masked(Transformer::Email, "zoe@example.com", Some(20), false);
        assert!(stranger.len() <= 20 && stranger.ends_with("@e.invalid"), "{stranger}");
    }

    #[test]
    fn what_is_blank_stays() {
        let key = Key::random();
        for transformer in VALUES {
            assert_eq!(transformer.masked(&key, "", b" ", Fit::default()), None, "{transformer:?}");
        }
    }
}
