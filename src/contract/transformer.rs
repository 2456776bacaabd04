//! The words that rules of masking are written in, and in one table what holds for each; what they do is in `masking/`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::tables::ColumnType;

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
    /// An address of the networks set aside for benchmarks.
    Ip,
    /// `Mozilla/5.0`.
    UserAgent,
    /// A page of a site that can never exist.
    Url,
    /// `Masked text.`
    Text,
    /// `masked-<16 hex digits>`: a reference that leads nowhere.
    Id,
    /// An account number of no country, as long as the other.
    Iban,
    /// A card of no issuer, of as many digits.
    Card,
    /// A tax, health or identity number of the same form whose check digits do not hold.
    OfficialNumber,
    /// The number of a network card that an administrator gave.
    Device,
    /// The same place to about ten kilometres.
    Coordinates,
    /// The first of January of the same year.
    Date,
    /// A hash that no password has.
    Password,
    /// What looks personal or secret in a text, as an e-mail address, a telephone number or an account does; the rest stays.
    Contacts,
    /// What is personal or secret within PHP-serialized data or JSON, by the names of its fields; the rest stays.
    Inside,
    /// Secrets, addresses and test modes within settings; the rest stays.
    Settings,
}

/// What a transformer works on, and what it makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Values, or rows, stay.
    Keeps,
    /// Nothing is left of a value.
    Empties,
    /// The rule's own value stands there.
    Sets,
    /// Rows are left behind.
    LeavesRowsBehind,
    /// The same text stands there, whatever was there before.
    IsConstant,
    /// A value always becomes the same stranger.
    MakesStranger,
    /// A value always becomes the same stranger, and no other does.
    MakesUniqueStranger,
    /// Parts of a value change, so that the rest may still hold what is to be rewritten.
    ChangesParts,
}

/// What holds for a transformer.
pub(crate) struct Traits {
    pub(crate) effect: Effect,
    /// Types that it can be used for beside plain text; for what keeps, empties or sets there is no limit.
    takes: &'static [ColumnType],
    /// Types beside plain text in which such values are kept, whether or not they can be masked there.
    pub(crate) is_found_in: &'static [ColumnType],
}

impl Transformer {
    /// The table.
    pub(crate) const fn traits(self) -> Traits {
        use ColumnType::{Date, Decimal, InetAddress, InetNetwork, Json, LongInteger, NormalizedJson, Timestamp};
        use Effect::{
            ChangesParts, Empties, IsConstant, Keeps, LeavesRowsBehind, MakesStranger, MakesUniqueStranger, Sets,
        };
        const NONE: &[ColumnType] = &[];
        const NUMBERS: &[ColumnType] = &[LongInteger, Decimal];
        const DATES: &[ColumnType] = &[Date, Timestamp];
        const DOCUMENTS: &[ColumnType] = &[Json, NormalizedJson];
        let (effect, takes, is_found_in) = match self {
            Self::Keep => (Keeps, NONE, NONE),
            Self::Empty => (Empties, NONE, NONE),
            Self::Set => (Sets, NONE, NONE),
            Self::DropRows | Self::EmptyTable => (LeavesRowsBehind, NONE, NONE),
            Self::UserAgent | Self::Text | Self::Password => (IsConstant, NONE, NONE),
            Self::Email | Self::Login => (MakesUniqueStranger, NONE, NONE),
            Self::Id => (MakesUniqueStranger, NONE, NUMBERS),
            Self::Phone | Self::Card | Self::OfficialNumber | Self::Coordinates => (MakesStranger, NONE, NUMBERS),
            Self::Ip => (MakesStranger, [InetAddress].as_slice(), [InetAddress, InetNetwork].as_slice()),
            Self::Date => (MakesStranger, DATES, DATES),
            Self::Name
            | Self::Street
            | Self::City
            | Self::Postcode
            | Self::Company
            | Self::Url
            | Self::Iban
            | Self::Device => (MakesStranger, NONE, NONE),
            Self::Contacts => (ChangesParts, NONE, NONE),
            Self::Inside | Self::Settings => (ChangesParts, DOCUMENTS, NONE),
        };
        Traits { effect, takes, is_found_in }
    }

    /// Whether it is for rows, not for values.
    pub(crate) fn is_for_rows(self) -> bool {
        self.traits().effect == Effect::LeavesRowsBehind
    }

    /// Whether it changes parts of a value, so that the rest may still hold what is to be rewritten.
    pub(crate) fn is_partial(self) -> bool {
        self.traits().effect == Effect::ChangesParts
    }

    /// Whether what a value becomes depends on nothing else, and is worth remembering.
    pub(crate) fn is_of_value_alone(self) -> bool {
        matches!(self.traits().effect, Effect::MakesStranger | Effect::MakesUniqueStranger)
    }

    /// Whether two values are two strangers.
    pub(crate) fn is_one_to_one(self) -> bool {
        self.traits().effect == Effect::MakesUniqueStranger
    }

    /// Whether it can be used for values of this type.
    pub(crate) fn takes(self, column: ColumnType) -> bool {
        matches!(self.traits().effect, Effect::Keeps | Effect::Sets)
            || column.is_plain_text()
            || self.traits().takes.contains(&column)
    }

    /// Its name in a rule.
    pub(crate) fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
    }
}
