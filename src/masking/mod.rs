//! Masking: people become strangers on their way, and what a copy must not hold or do is left behind.
//!
//! How it is decided: a [`Masking`] is what a caller asks for. `assignment` lays its rules and the WordPress `preset`
//! over the tables that are there, which gives each table a mask (`table`). `row_masker` tells for each row which rule holds for
//! which column; `transformers`, `strangers` and `numbers` make the new values under a `key`, `values` goes into
//! serialized data, `switches` knows what of a plugin's settings would act. What no rule speaks of and yet looks personal
//! is found by `suspects`. The `sheet` tells what was done.

#[cfg(any(test, fuzzing))]
pub mod any_bytes;
pub(crate) mod assignment;
mod key;
mod live;
mod met;
pub(crate) mod nets;
mod numbers;
mod permuted;
mod preset;
pub(crate) mod queues;
pub(crate) mod relations;
pub(crate) mod residue;
pub(crate) mod row_masker;
mod sheet;
mod strangers;
pub(crate) mod suspects;
mod switches;
pub(crate) mod table;
mod transformers;
mod twins;
mod values;
mod words;

pub(crate) use live::{live_in, says_live};
pub(crate) use nets::shapes::keys as live_keys;
pub(crate) use nets::shapes::{addresses_in, masked_emails as masked_addresses};
pub(crate) use sheet::TableOutcome;
pub(crate) use switches::LiveSwitch;

pub use crate::contract::masked::Masked;
pub use crate::contract::masking_rules::{MaskingRule, RulesFile, When};
pub use crate::contract::on_residue::OnResidue;
pub use crate::contract::transformer::Transformer;
pub use crate::contract::unknown::Unknown;
pub use key::{Key, KeySource};
pub use queues::{QueueLine, QueueTreatment};
pub use residue::{Apart, Identifier, Proof, ResidueLine, Stays, Unread};
pub use sheet::{ColumnLine, DroppedLine, EmptiedLine, SearchedLine, Sheet, Suspect, Treatment, UnmaskedLine};

/// How people are masked.
#[derive(Clone, Debug)]
pub struct Masking {
    /// Decides which stranger a person becomes.
    pub key: Key,
    /// Rules that go before the preset's.
    pub rules: Vec<MaskingRule>,
    /// Which WordPress users keep their login and password.
    pub keep_users: KeepUsers,
    /// What becomes of what no rule speaks of.
    pub unknown: Unknown,
    /// What becomes of a copy in which people or secrets are found.
    pub residue: OnResidue,
}

impl Masking {
    /// The preset alone, under a key.
    pub fn new(key: Key) -> Self {
        Self {
            key,
            rules: Vec::new(),
            keep_users: KeepUsers::default(),
            unknown: Unknown::Mask,
            residue: OnResidue::Fail,
        }
    }
}

/// The environment variable of a site's own key.
pub const KEY_VARIABLE: &str = "RAILSTAGE_MASKING_KEY";

/// The word for all administrators in a list of users.
const ADMINISTRATORS: &str = "administrators";

/// WordPress users that keep their login and password: someone must get into the copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeepUsers {
    /// Everyone whose role is administrator.
    pub administrators: bool,
    /// Logins or e-mail addresses.
    pub named: Vec<String>,
}

impl Default for KeepUsers {
    /// The administrators: they are the people who look after the site.
    fn default() -> Self {
        Self { administrators: true, named: Vec::new() }
    }
}

impl KeepUsers {
    /// Reads a list of logins or e-mail addresses, the word `administrators` for all of these, or `none` alone.
    pub fn parse(list: &[String]) -> Self {
        let named = list.iter().filter(|name| *name != ADMINISTRATORS && *name != "none").cloned().collect();
        Self { administrators: list.iter().any(|name| name == ADMINISTRATORS), named }
    }
}
