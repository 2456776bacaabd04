//! The nets: what is masked in values although no rule says how.
//!
//! `shapes` knows a value by what it looks like, `people` by who the site itself says its people are, `unknown` judges
//! what is left of a table that refers to people. [`Net`] says which of them hold for a column or key;
//! `values` reads whatever structure there is and shows each text in it to them.

pub(crate) mod people;
pub(crate) mod shapes;
pub(crate) mod unknown;

use std::sync::{Arc, OnceLock};

use super::key::Key;
use people::{KnownPeople, PeopleCounts};
use shapes::Country;

/// What all nets of one database share.
#[derive(Debug)]
pub(crate) struct Nets {
    pub(crate) key: Key,
    /// Set once, when the first pass over the source is over.
    pub(crate) people: OnceLock<KnownPeople>,
    /// The site's, by whose habits numbers are read; set once, where the site tells it.
    pub(crate) country: OnceLock<Country>,
}

impl Nets {
    /// What is told of whom the site knows.
    pub(crate) fn people_counts(&self) -> PeopleCounts {
        self.people.get().map(KnownPeople::counts).unwrap_or_default()
    }

    pub(crate) fn new(key: Key) -> Arc<Self> {
        Arc::new(Self { key, people: OnceLock::new(), country: OnceLock::new() })
    }

    pub(crate) fn country(&self) -> Option<Country> {
        self.country.get().copied()
    }
}

/// What holds for the values of a column, or of a key in it, that no rule speaks of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Net {
    /// They are not looked into.
    #[default]
    None,
    /// Shapes and known people within them are masked, and the rest stays.
    Search,
    /// Settings of the site: the same, and secrets are blank, and switches where no money moves and no mail leaves.
    Settings,
    /// They are about people: what has a person's field's name, free text and what may be a name are masked as well.
    Close,
    /// The same, and since nearly each of its words is another one, words are masked that tell nothing by their letters.
    Words,
}

impl Net {
    /// What it does, in a word for people.
    pub(crate) fn word(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Search => Some("searched"),
            Self::Settings => Some("settings"),
            Self::Close | Self::Words => Some("closed"),
        }
    }

    /// Whether its values are about people.
    pub(crate) fn is_closed(self) -> bool {
        matches!(self, Self::Close | Self::Words)
    }
}

/// Which net changed a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caught {
    /// A switch or a secret of the settings.
    Setting,
    /// The name of its field.
    Field,
    /// What it looks like.
    Shape,
    /// A known person.
    Person,
    /// Free text, or what may be a name.
    Unknown,
}

/// How many texts each net changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct NetCounts {
    /// Values in which any net changed a text.
    pub(crate) values: u64,
    texts: [u64; 5],
}

impl NetCounts {
    pub(crate) fn count(&mut self, caught: Caught) {
        self.texts[caught as usize] += 1;
    }

    /// The same, of so many values.
    pub(crate) fn of_values(self, values: u64) -> Self {
        Self { values, ..self }
    }

    pub(crate) fn add(&mut self, more: Self) {
        self.values += more.values;
        for (all, more) in self.texts.iter_mut().zip(more.texts) {
            *all += more;
        }
    }

    pub(crate) fn of(&self, caught: Caught) -> u64 {
        self.texts[caught as usize]
    }
}
