//! The residue: what of people and secrets stands in a copy although it was masked.
//!
//! A copy is searched while it is read back, by readers of its own: `tokens` cuts bytes into addresses, numbers and words,
//! `decoded` takes escapes, Base64, hexadecimal and compression off, `checks` knows numbers by their check digits, and
//! strangers by their form. Nothing of what masks is used for it, so that it proves more than that masking ran. What it
//! proves: no known identifier is left in one of these forms.
//! Whoever reads the rows says for each value in which something stands whether it should; `report` tells it.

mod addresses;
mod checks;
mod counts;
pub(super) mod decoded;
mod escapes;
mod keys;
mod names;
mod numbers;
mod official;
mod report;
mod tokens;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::met::Met;
use super::nets::Nets;
use decoded::Decoder;

pub(crate) use addresses::holds_versions;
pub use counts::Stays;
pub(crate) use counts::{HIDDEN_KEY, Places, ResidueCounts, is_searched, unwritable};
pub(crate) use decoded::is_worth_a_look as is_readable;
pub use report::{Apart, Proof, ResidueLine, Unread};

/// What of somebody is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Identifier {
    /// An e-mail address that is no stranger's; where masking puts new values in the form of the old, one that the site knows.
    Email,
    /// The telephone number of somebody whom the site knows.
    Phone,
    /// The street and number of somebody whom the site knows.
    Street,
    /// The name of somebody whom the site knows.
    Name,
    /// The number of a bank account, with check digits that hold.
    Iban,
    /// The number of a payment card, with a check digit that holds.
    Card,
    /// A private key, or a token or key of a provider's.
    Secret,
    /// A hash of a password.
    PasswordHash,
    /// The address of a computer, that is no stranger's.
    Ip,
    /// A tax, health or identity number, with check digits that hold, or behind its name.
    OfficialNumber,
}

impl Identifier {
    pub(crate) const ALL: [Self; 10] = [
        Self::Email,
        Self::Phone,
        Self::Street,
        Self::Name,
        Self::Iban,
        Self::Card,
        Self::Secret,
        Self::PasswordHash,
        Self::Ip,
        Self::OfficialNumber,
    ];

    /// For people.
    pub(crate) fn told(self) -> &'static str {
        match self {
            Self::Email => "e-mail addresses",
            Self::Phone => "telephone numbers",
            Self::Street => "streets with number",
            Self::Name => "names",
            Self::Iban => "bank accounts",
            Self::Card => "payment cards",
            Self::Secret => "secrets",
            Self::PasswordHash => "hashes of passwords",
            Self::Ip => "addresses of computers",
            Self::OfficialNumber => "official numbers",
        }
    }

    /// Whether a copy fails in which it is left: names are words, and words may be others'; numbers may be those of things.
    pub(crate) fn fails(self) -> bool {
        !matches!(self, Self::Name | Self::Ip | Self::OfficialNumber)
    }
}

/// What is found in a value, each once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Of somebody whom the site knows.
    known: u16,
    /// Of anybody, by its form.
    formed: u16,
    /// Whether some of the value was too much to be searched.
    pub(crate) is_cut: bool,
}

impl Found {
    fn add_known(&mut self, identifier: Identifier) {
        self.known |= 1 << identifier as u16;
    }

    fn add_formed(&mut self, identifier: Identifier) {
        self.formed |= 1 << identifier as u16;
    }

    fn has_formed(self, identifier: Identifier) -> bool {
        self.formed & 1 << identifier as u8 != 0
    }

    pub(crate) fn is_none(self) -> bool {
        self.known | self.formed == 0 && !self.is_cut
    }

    /// The same without what nobody is known by: a stranger may have the form of whom it stands for.
    pub(crate) fn only_known(self) -> Self {
        Self { formed: 0, ..self }
    }

    /// The same without what versions look like.
    pub(crate) fn without_ip(self) -> Self {
        Self { formed: self.formed & !(1 << Identifier::Ip as u16), ..self }
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Identifier> {
        let has = move |identifier: &Identifier| (self.known | self.formed) & 1 << *identifier as u16 != 0;
        Identifier::ALL.into_iter().filter(has)
    }
}

/// Searches values; it keeps what it decodes into, so one serves many.
pub(crate) struct Searcher {
    nets: Arc<Nets>,
    decoder: Decoder,
    met: Met<(), Found>,
}

impl Searcher {
    pub(crate) fn new(nets: Arc<Nets>) -> Self {
        Self { nets, decoder: Decoder::default(), met: Met::none() }
    }

    /// What stands in a value, in whatever form.
    pub(crate) fn search(&mut self, value: &[u8]) -> Found {
        if let Some(found) = self.met.get((), value) {
            return found;
        }
        let found = self.searched(value);
        self.met.put((), value, &found);
        found
    }

    fn searched(&mut self, value: &[u8]) -> Found {
        let mut found = Found::default();
        let people = self.nets.people.get();
        tokens::search(value, people, &mut found);
        found.is_cut = !self.decoder.each(value, &mut |text| tokens::search(text, people, &mut found));
        found
    }
}

#[cfg(test)]
mod tests;
