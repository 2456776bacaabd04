//! Shapes: what is personal or secret by what it looks like, whatever the place is called.
//!
//! The rules are data (`*.yaml`), read once (`rules`). A [`Finder`] goes over a text once: it stops at digits and `@` (`marks`) and at
//! what secrets begin with, and asks there what stands around: `emails`, `phones` as the site's `country` writes them, `addresses`,
//! `accounts`, official `numbers` by their check digits (`checks`), `secrets`. `keys` answers what a whole value is.

mod accounts;
mod addresses;
mod checks;
mod country;
mod emails;
mod finder;
pub(crate) mod keys;
mod literals;
mod marks;
mod numbers;
mod phones;
mod rules;
mod secrets;
mod sums;

use std::ops::Range;

pub(in crate::masking) use checks::{Check, holds as check_holds};
pub(crate) use country::Country;
pub(in crate::masking) use emails::strangers_of;
pub(crate) use emails::{addresses_in, is_email, masked_emails};

use super::Nets;
use crate::formats::FieldPath;
use crate::masking::{numbers as new, values};
use finder::{Context, Finder};
#[cfg(test)]
use rules::RULES;

/// Nothing shorter is of any shape.
const SHORTEST: usize = 6;

/// What a part of a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Shape {
    Email,
    Phone,
    Ip,
    Iban,
    Card,
    /// An official number of a person: a tax, health or identity number.
    OfficialNumber,
    /// The number of a network card.
    Device,
    Coordinates,
    Secret,
    PasswordHash,
}

/// A shape and where it stands in its text, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) shape: Shape,
    pub(crate) range: Range<usize>,
}

/// Where a text stands, as far as it tells what may be in it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    /// As whose habits its telephone and official numbers are read.
    pub(crate) country: Option<Country>,
    pub(crate) field: FieldKind,
}

/// What the name of a field says of the numbers in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FieldKind {
    #[default]
    Any,
    /// The address of a computer.
    Address,
    /// Of four numbers with points between them none is an address.
    Version,
    /// Numbers are those of articles, orders or records.
    Thing,
}

impl Place {
    pub(crate) fn of(country: Option<Country>, path: &FieldPath<'_>) -> Self {
        Self { country, field: values::field_kind(path.name) }
    }

    fn is_in(self, country: &str) -> bool {
        self.country.is_some_and(|own| own.code() == country)
    }
}

/// The text with every shape in it masked; `None` when there is none.
pub(crate) fn masked(nets: &Nets, text: &str, path: &FieldPath<'_>) -> Option<String> {
    if text.len() < SHORTEST {
        return None;
    }
    let place = Place::of(nets.country(), path);
    let (mut masked, mut done) = (String::new(), 0);
    for Found { shape, range } in find(text, place) {
        masked.push_str(&text[done..range.start]);
        masked.push_str(&stranger(nets, shape, &text[range.clone()]));
        done = range.end;
    }
    (done > 0).then(|| masked + &text[done..])
}

/// What a shape becomes: of its form, and never a shape again.
fn stranger(nets: &Nets, shape: Shape, value: &str) -> String {
    let key = &nets.key;
    match shape {
        Shape::Email => emails::stranger(key, value),
        Shape::Phone => new::phone(key, value),
        Shape::Ip => new::ip(key, value, false),
        Shape::Iban => new::iban(key, value),
        Shape::Card => new::card(key, value),
        Shape::OfficialNumber => new::official(key, nets.country(), value),
        Shape::Device => new::device(key, value),
        Shape::Coordinates => new::coordinates(value),
        Shape::Secret => String::new(),
        Shape::PasswordHash => "!".to_owned(),
    }
}

/// Whether a text holds any shape.
pub(crate) fn holds_any(text: &str, place: Place) -> bool {
    find(text, place).next().is_some()
}

/// Whether a value is an official number of some country.
pub(in crate::masking) fn is_official_anywhere(value: &str) -> bool {
    numbers::is_of_any(value)
}

/// The shapes in a text, in order; none within another.
pub(crate) fn find(text: &str, place: Place) -> Finder<'_> {
    Finder::of(text, place)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;

#[cfg(test)]
#[path = "secrets_tests.rs"]
mod secrets_found;

#[cfg(test)]
#[path = "ordinary_tests.rs"]
mod ordinary;
