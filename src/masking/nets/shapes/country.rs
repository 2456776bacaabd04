//! The country of a site, by whose habits its numbers are read.

use std::collections::HashMap;
use std::sync::LazyLock;

use phonenumber::metadata::{DATABASE, Descriptor, Metadata};

use super::rules::RULES;

/// What is known of a site, and which country it says that the site is in.
const SETTINGS: &[&str] = &["woocommerce_default_country", "WPLANG", "timezone_string", "woocommerce_currency"];

/// A country, by its two letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Country([u8; 2]);

impl Country {
    /// The country of two letters; `DE:BY` and `US:CA` are of one as well.
    pub(crate) fn of_code(code: &str) -> Option<Self> {
        let code = code.split([':', '_', '-']).next()?.trim().to_ascii_uppercase();
        let code: [u8; 2] = code.as_bytes().try_into().ok()?;
        PLANS.contains_key(&code).then_some(Self(code))
    }

    /// The country of a language as `de_AT` and `pt-BR` name one, or the one in which it is mostly spoken.
    pub(crate) fn of_locale(locale: &str) -> Option<Self> {
        let mut parts = locale.split(['_', '-', '.']);
        let language = parts.next()?.to_ascii_lowercase();
        let named = parts.find(|part| part.len() == 2).and_then(Self::of_code);
        named.or_else(|| Self::of_code(RULES.places.languages.get(&language)?))
    }

    /// The country of a time zone's city.
    pub(crate) fn of_time_zone(zone: &str) -> Option<Self> {
        Self::of_code(RULES.places.zones.get(zone.rsplit('/').next()?)?)
    }

    /// The country of a currency that one country alone has.
    pub(crate) fn of_currency(currency: &str) -> Option<Self> {
        Self::of_code(RULES.places.currencies.get(&currency.trim().to_ascii_uppercase())?)
    }

    /// The names of the settings that tell a site's country.
    pub(crate) fn settings() -> &'static [&'static str] {
        SETTINGS
    }

    /// The country that the settings of a site tell: its shop's, its language's, its clock's or its money's.
    pub(crate) fn of_settings<'a>(setting: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        SETTINGS
            .iter()
            .zip([Self::of_code, Self::of_locale, Self::of_time_zone, Self::of_currency])
            .find_map(|(name, read)| setting(name).filter(|value| !value.is_empty()).and_then(read))
    }

    pub(crate) fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("two letters")
    }

    pub(super) fn plan(self) -> &'static Plan {
        &PLANS[&self.0]
    }
}

/// How telephone numbers are in one country.
pub(super) struct Plan {
    /// What stands behind `+`.
    pub(super) code: u16,
    /// What is dialled before a number within the country, if anything is.
    pub(super) trunk: &'static str,
    /// Whether that is mostly not written.
    pub(super) is_trunkless: bool,
    /// Bit n: numbers of n digits are possible, without code and trunk.
    lengths: u32,
    metadata: &'static Metadata,
}

impl Plan {
    fn of(metadata: &'static Metadata) -> Self {
        let code = metadata.country_code();
        let trunk = metadata.national_prefix().unwrap_or_default();
        let is_trunkless = RULES.places.trunkless.iter().any(|country| country == metadata.id());
        let mut plan = Self { code, trunk, is_trunkless, lengths: 0, metadata };
        let lengths = plan.kinds().flat_map(Descriptor::possible_length);
        plan.lengths = lengths.fold(0, |all, len| all | 1_u32.checked_shl(u32::from(*len)).unwrap_or_default());
        plan
    }

    fn kinds(&self) -> impl Iterator<Item = &'static Descriptor> {
        let all = self.metadata.descriptors();
        [
            all.mobile(),
            all.fixed_line(),
            all.toll_free(),
            all.premium_rate(),
            all.shared_cost(),
            all.voip(),
            all.uan(),
            all.personal_number(),
        ]
        .into_iter()
        .flatten()
    }

    pub(super) fn is_possible(&self, len: usize) -> bool {
        len < 32 && self.lengths & 1 << len != 0
    }

    /// Whether the numbering plan has the number as a mobile telephone's.
    pub(super) fn has_mobile(&self, national: &str) -> bool {
        self.metadata.descriptors().mobile().is_some_and(|kind| is_whole(kind, national))
    }

    /// Whether the numbering plan has the number, given without code and trunk.
    pub(super) fn has(&self, national: &str) -> bool {
        self.is_possible(national.len()) && self.kinds().any(|kind| is_whole(kind, national))
    }
}

fn is_whole(kind: &Descriptor, national: &str) -> bool {
    kind.is_match(national) && kind.national_number().find(national).is_some_and(|found| found.end() == national.len())
}

static PLANS: LazyLock<HashMap<[u8; 2], Plan>> = LazyLock::new(|| {
    let of = |metadata: &'static Metadata| Some((metadata.id().as_bytes().try_into().ok()?, Plan::of(metadata)));
    DATABASE.iter().filter_map(of).collect()
});

/// The plans by what stands behind `+`: of several countries with one code, any.
static CODES: LazyLock<HashMap<u16, Vec<&'static Plan>>> = LazyLock::new(|| {
    let mut codes: HashMap<u16, Vec<&'static Plan>> = HashMap::new();
    for plan in PLANS.values() {
        codes.entry(plan.code).or_default().push(plan);
    }
    codes
});

/// The plans of the code that digits begin with, and how many digits it has.
pub(super) fn by_code(digits: &str) -> Option<(&'static [&'static Plan], usize)> {
    (1..=3).find_map(|len| {
        let plans = CODES.get(&digits.get(..len)?.parse().ok()?)?;
        Some((plans.as_slice(), len))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sites_settings_tell_its_country() {
        let of = |settings: &[(&str, &'static str)]| {
            let setting = |name: &str| settings.iter().find(|(own, _)| *own == name).map(|(_, value)| *value);
            Country::of_settings(setting).map(|country| country.code().to_owned())
        };
        for (settings, code) in [
            (&[("woocommerce_default_country", "DE:BY"), ("WPLANG", "en_GB")][..], Some("DE")),
            (&[("woocommerce_default_country", ""), ("WPLANG", "de_AT")][..], Some("AT")),
            (&[("WPLANG", "fr_FR")][..], Some("FR")),
            (&[("WPLANG", "ja")][..], Some("JP")),
            (&[("WPLANG", "de_DE_formal")][..], Some("DE")),
            (&[("timezone_string", "America/New_York")][..], Some("US")),
            (&[("timezone_string", "UTC"), ("woocommerce_currency", "GBP")][..], Some("GB")),
            (&[("woocommerce_currency", "EUR")][..], None),
            (&[("woocommerce_default_country", "XX")][..], None),
        ] {
            assert_eq!(of(settings).as_deref(), code, "{settings:?}");
        }
    }

    #[test]
    fn every_country_that_a_rule_names_has_a_numbering_plan() {
        let places = &RULES.places;
        for code in places.languages.values().chain(places.currencies.values()).chain(places.zones.values()) {
            assert!(Country::of_code(code).is_some(), "{code}");
        }
        for number in &RULES.numbers {
            assert!(Country::of_code(&number.country).is_some(), "{}", number.name);
        }
    }
}
