//! What each transformer makes of a value.

use std::borrow::Cow;

use crate::contract::transformer::Transformer;
use crate::data::tables::Column;
use crate::formats::FieldPath;
use crate::masking::key::Key;
use crate::masking::nets::{Nets, people, shapes};
use crate::masking::values::ValueMasker;
use crate::masking::{numbers, permuted, strangers};

/// What a column asks of its values.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ValueLimits {
    /// The n of `varchar(n)` and `char(n)`.
    pub(super) max_chars: Option<usize>,
    /// No two rows may have the same value.
    pub(super) is_unique: bool,
    /// Something checks the form of its values, and other strangers do not pass.
    pub(super) keeps_form: bool,
}

impl ValueLimits {
    /// What a net has made of a value, as the column takes it; `None` when nothing may stand there.
    pub(super) fn fitted(self, nets: &Nets, old: &[u8], new: Vec<u8>) -> Option<Vec<u8>> {
        let is_permuted = || {
            let old = String::from_utf8_lossy(old);
            old.len() == new.len() && permuted::permuted(&nets.key, &old).as_bytes() == new
        };
        if (self.is_unique || self.keeps_form) && is_permuted() {
            return Some(new);
        }
        if self.keeps_form {
            let old = String::from_utf8_lossy(old);
            let form = if old.is_ascii() { permuted::permuted } else { numbers::shaped };
            return Some(form(&nets.key, &old).into_bytes());
        }
        let is_structure = || matches!(new.first(), Some(b'{' | b'[' | b'<' | b'"')) || new.get(1) == Some(&b':');
        let is_short = |new: &[u8]| {
            self.max_chars.is_none_or(|max| new.len() <= max || String::from_utf8_lossy(new).chars().count() <= max)
        };
        match self.is_unique && !is_structure() && memchr::memchr(b'@', &new).is_none() {
            false if is_short(&new) => Some(new),
            false if is_structure() => None,
            is_apart => {
                let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(&new));
                let as_text = Self { is_unique: is_apart, ..self };
                Some(fitted(Transformer::Text, &nets.key, &old, new.into_owned(), as_text).into_bytes())
            }
        }
    }
}

impl Transformer {
    /// The stranger that a value becomes; `None` when it stays as it is. `field` names the value where its column
    /// does not, as `meta_key` does.
    pub(super) fn masked(self, nets: &Nets, field: &str, value: &[u8], limits: ValueLimits) -> Option<Vec<u8>> {
        let key = &nets.key;
        match self {
            Self::Inside => return ValueMasker::personal(nets).masked(value, field),
            Self::Settings => return ValueMasker::settings(nets).masked(value, field),
            _ => {}
        }
        let value: Cow<'_, str> = String::from_utf8_lossy(value);
        if self == Self::Contacts {
            let shaped = shapes::masked(nets, &value, &FieldPath::named(field));
            let people = people::masked(nets, shaped.as_deref().unwrap_or(&value));
            return people.or(shaped).map(String::into_bytes);
        }
        if value.trim().is_empty() {
            return None;
        }
        let stranger = self.stranger(nets, &value, limits)?;
        Some(fitted(self, key, &value, stranger, limits).into_bytes())
    }

    /// Whether there is a stranger of the same letters, digits and signs that is nobody's: an address of that kind might be
    /// somebody's.
    fn has_forms(self) -> bool {
        matches!(self, Self::Name | Self::Phone | Self::Street | Self::City | Self::Company | Self::Id | Self::Iban)
    }

    fn stranger(self, nets: &Nets, value: &str, limits: ValueLimits) -> Option<String> {
        let key = &nets.key;
        if limits.keeps_form && self.has_forms() {
            return Some(match self {
                Self::Phone => numbers::phone_in_form(key, value),
                _ => numbers::shaped(key, value),
            });
        }
        Some(match self {
            Self::Name if shapes::is_email(value) => strangers::one_email(key, value),
            Self::Name => strangers::name(key, value),
            Self::Email => strangers::email(key, value),
            Self::Login => strangers::login(key, value),
            Self::Phone => numbers::phone(key, value),
            Self::Street => strangers::street(key, value),
            Self::City => strangers::city(key, value),
            Self::Postcode => numbers::shaped(key, value),
            Self::Company => strangers::company(key, value),
            Self::Ip => numbers::ip(key, value, limits.is_unique),
            Self::UserAgent => "Mozilla/5.0".to_owned(),
            Self::Url => strangers::url(key, value),
            Self::Text => "Masked text.".to_owned(),
            Self::Id => strangers::id(key, value),
            Self::Iban => numbers::iban(key, value),
            Self::Card => numbers::card(key, value),
            Self::OfficialNumber => numbers::official(key, nets.country(), value),
            Self::Device => numbers::device(key, value),
            Self::Coordinates => numbers::coordinates(value),
            Self::Date => strangers::date(value),
            Self::Password => "!".to_owned(),
            Self::Keep
            | Self::Empty
            | Self::Set
            | Self::DropRows
            | Self::EmptyTable
            | Self::Contacts
            | Self::Inside
            | Self::Settings => return None,
        })
    }
}

/// The stranger as the column takes it: told apart from others where it must be, and no longer than it may be.
fn fitted(transformer: Transformer, key: &Key, value: &str, mut stranger: String, limits: ValueLimits) -> String {
    let is_apart = transformer.is_one_to_one() || transformer == Transformer::Ip;
    let tail = (limits.is_unique && !is_apart).then(|| format!("-{}", strangers::tail(key, value)));
    let Some(max) = limits.max_chars else { return stranger + tail.as_deref().unwrap_or_default() };
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
        stranger = stranger.chars().take(room).collect();
        stranger.truncate(stranger.trim_end().len());
    }
    stranger.push_str(tail.as_deref().unwrap_or_default());
    stranger.chars().skip(stranger.chars().count().saturating_sub(max)).collect()
}

/// An address of 12 and more characters where there is room for one, else digits alone.
fn hex_first(key: &Key, value: &str, room: usize) -> String {
    const DOMAIN: &str = "@e.invalid";
    let digits = strangers::tail(key, value);
    if shapes::is_email(value) && room >= DOMAIN.len() + 8 {
        return format!("{}{DOMAIN}", &digits[..digits.len().min(room - DOMAIN.len())]);
    }
    digits
}

/// Why a transformer cannot be used for a column.
pub(crate) fn misfit(transformer: Transformer, column: &Column) -> Option<String> {
    let fits = match transformer {
        Transformer::Set if column.is_unique => {
            return Some("is unique, so one value cannot stand in all rows".to_owned());
        }
        Transformer::Empty if column.is_nullable => true,
        Transformer::Empty if column.is_unique => {
            return Some("is unique and NOT NULL, so it cannot be emptied".to_owned());
        }
        _ => transformer.takes(column.column_type),
    };
    let kind = &column.type_name;
    (!fits).then(|| format!("is of type {kind}, for which `{}` cannot be used", transformer.name()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::transformer::Effect;

    fn masked(transformer: Transformer, value: &str, max_chars: Option<usize>, is_unique: bool) -> String {
        let nets = Nets::new(Key::of_test());
        let bytes = transformer
            .masked(&nets, "", value.as_bytes(), ValueLimits { max_chars, is_unique, keeps_form: false })
            .unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// Every transformer that puts a value in a value's place.
    fn makers() -> Vec<Transformer> {
        let schema = schemars::schema_for!(Transformer).to_value();
        let words = schema["oneOf"].as_array().unwrap().iter().map(|one| one["const"].clone());
        let all = words.map(|word| serde_json::from_value::<Transformer>(word).unwrap());
        let makers: Vec<_> =
            all.filter(|one| one.is_of_value_alone() || one.traits().effect == Effect::IsConstant).collect();
        assert!(makers.len() >= 16, "{makers:?}");
        makers
    }

    #[test]
    fn nothing_of_a_value_is_left_and_it_fits_its_column() {
        for transformer in makers() {
            for max in [1, 3, 8, 12, 20, 40, 100] {
                for is_unique in [false, true] {
                    let stranger = masked(transformer, "Zoë Quill <zoë.quill@example.com>", Some(max), is_unique);
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
        for transformer in makers() {
            let strangers: std::collections::BTreeSet<_> =
                (0..500).map(|i| masked(transformer, &format!("2001-01-01 {i}"), Some(60), true)).collect();
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
        let nets = Nets::new(Key::random());
        for transformer in makers() {
            assert_eq!(transformer.masked(&nets, "", b" ", ValueLimits::default()), None, "{transformer:?}");
        }
    }
}
