//! The dictionary: everybody whom the site knows, as keyed hashes. No name, number or address can be read from it, and
//! without the key none can be tried either.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::digest::PeopleDigest;
use super::emails;
use super::hashes::{Filter, Hashes, Marks};
use super::letters::Case;
use super::names::{self, NameWords};
use super::phones::{NationalNumber, national};
use super::streets::{self, StreetWords};
use super::words::{Word, Words};
use crate::masking::key::Key;

/// Of each kind of identifier so many are known: of a person eight bytes each for a name, an address, a number, a street and
/// a login or company, and less than eight for the filters.
pub(crate) const MOST_PEOPLE: usize = 1_000_000;

/// No login or company is longer.
const LONGEST_WHOLE: usize = 100;

/// What a person is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identifier {
    Name,
    Email,
    Phone,
    /// With the number of a house.
    Street,
    /// A login or a company, which are no words of a text but whole values of such fields.
    Whole,
}

impl Identifier {
    pub(crate) const ALL: [Self; 5] = [Self::Name, Self::Email, Self::Phone, Self::Street, Self::Whole];
}

/// What is told of a dictionary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PeopleCounts {
    /// About how many people: as many as there are names, or addresses.
    pub(crate) people: u64,
    pub(crate) identifiers: u64,
    /// Names that a stranger might have as well, so that nobody can tell whether one in a copy is left over.
    pub(crate) not_searchable: u64,
    /// Left out, since it stands in published text or in the site's settings.
    pub(crate) published: u64,
    /// Left out, since there are more than are held.
    pub(crate) left_out: u64,
    /// Of everybody, those who are published among them.
    pub(crate) digest: Option<PeopleDigest>,
}

/// Everybody whom the site knows.
#[derive(Debug, Default)]
pub(crate) struct KnownPeople {
    pub(super) seed: u64,
    pub(super) sets: [Hashes; Identifier::ALL.len()],
    /// The words of names.
    pub(super) words: Filter,
    /// Words that published text has in small letters, so that they are no name there.
    pub(super) prose: Filter,
    /// Telephone numbers, and numbers of houses with the word beside each.
    pub(super) numbers: Filter,
    /// Logins and companies.
    pub(super) wholes: Filter,
    pub(super) streets: StreetWords,
    pub(super) names: NameWords,
    pub(super) counts: PeopleCounts,
}

/// A hash of two, in this order.
pub(super) fn mixed(first: u64, second: u64) -> u64 {
    let mut both = [0; 16];
    both[..8].copy_from_slice(&first.to_le_bytes());
    both[8..].copy_from_slice(&second.to_le_bytes());
    xxh3_64_with_seed(&both, 0)
}

/// A hash of two words of a name, in either order.
pub(super) fn pair(one: u64, other: u64) -> u64 {
    mixed(one.min(other), one.max(other))
}

/// The seed of all hashes, which nobody has without the key.
pub(super) fn seed(key: &Key) -> u64 {
    key.digest("known people", "").number(0)
}

pub(super) fn phone_hash(number: &NationalNumber, seed: u64) -> u64 {
    xxh3_64_with_seed(number.as_bytes(), seed ^ 1)
}

/// Of an address, a login or a company: whatever case it is in, and whatever blanks are around it.
pub(super) fn text_hash(identifier: Identifier, text: &str, seed: u64) -> u64 {
    let (text, seed) = (text.trim(), seed ^ (2 + identifier as u64));
    let mut small = [0; 64];
    match small.get_mut(..text.len()) {
        Some(small) if text.is_ascii() => {
            small.copy_from_slice(text.as_bytes());
            small.make_ascii_lowercase();
            xxh3_64_with_seed(small, seed)
        }
        _ => xxh3_64_with_seed(text.to_lowercase().as_bytes(), seed),
    }
}

impl KnownPeople {
    /// How many identifiers it has.
    pub(crate) fn len(&self) -> usize {
        self.sets.iter().map(Hashes::len).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sets.iter().all(Hashes::is_empty)
    }

    pub(crate) fn counts(&self) -> PeopleCounts {
        self.counts
    }

    pub(super) fn is_without(&self, identifier: Identifier) -> bool {
        self.sets[identifier as usize].is_empty()
    }

    pub(super) fn has(&self, identifier: Identifier, hash: u64) -> bool {
        self.sets[identifier as usize].contains(hash)
    }

    /// Whether somebody is called by these two words, in either order.
    pub(crate) fn holds_name(&self, words: (&str, &str)) -> bool {
        self.name_hash(words).is_some_and(|hash| self.has(Identifier::Name, hash))
    }

    /// Whether the name that these two words are can be told from a stranger's.
    pub(crate) fn is_searchable(words: (&str, &str)) -> bool {
        !(names::is_strangers(words.0) && names::is_strangers(words.1))
    }

    /// Whether a word may be one of a name; most words of most texts are not.
    pub(crate) fn may_hold_word(&self, word: &str) -> bool {
        Words::of(word, self.seed).next().is_some_and(|word| self.words.may_have(word.hash))
    }

    pub(crate) fn holds_email(&self, address: &str) -> bool {
        self.has(Identifier::Email, text_hash(Identifier::Email, address, self.seed))
    }

    /// Whether a telephone number is somebody's, in whichever form.
    pub(crate) fn holds_phone(&self, number: &str) -> bool {
        let hash = national(number).map(|number| phone_hash(&number, self.seed));
        hash.is_some_and(|hash| self.numbers.may_have(hash) && self.has(Identifier::Phone, hash))
    }

    /// Whether a street with a number is somebody's.
    pub(crate) fn holds_street(&self, street: &str) -> bool {
        let houses = streets::houses(street, self.seed, &self.streets);
        houses.iter().any(|house| self.has(Identifier::Street, house.hash))
    }

    /// Whether a house with this number may stand in somebody's street, as far as the pieces of text tell that stand right
    /// before and behind it.
    pub(crate) fn may_hold_house(&self, number: u32, before: &str, behind: &str) -> bool {
        let may_be = |word: Option<Word>| {
            word.is_none_or(|word| self.numbers.may_have(streets::beside(number, self.streets.whole(word.hash))))
        };
        !before.is_empty() && may_be(Words::of(before, self.seed).last())
            || !behind.is_empty() && may_be(Words::of(behind, self.seed).next())
    }

    /// Whether a value may be a known login or company.
    pub(crate) fn may_hold_whole(&self, value: &str) -> bool {
        (2..=LONGEST_WHOLE).contains(&value.len())
            && !self.is_without(Identifier::Whole)
            && self.wholes.may_have(text_hash(Identifier::Whole, value, self.seed))
    }

    /// Whether a login or a company is known.
    pub(crate) fn holds_whole(&self, value: &str) -> bool {
        self.has(Identifier::Whole, text_hash(Identifier::Whole, value, self.seed))
    }

    fn name_hash(&self, (one, other): (&str, &str)) -> Option<u64> {
        let hash = |word: &str| Words::of(word, self.seed).next().map(|word| word.hash);
        Some(pair(hash(one)?, hash(other)?))
    }

    /// No marks yet, for what is published.
    pub(crate) fn published(&self) -> Published {
        Published { marks: self.sets.each_ref().map(Hashes::marks), prose: Filter::to_fill() }
    }

    /// Marks everybody who is named in a text that everyone can read, and what of its words is no name.
    pub(crate) fn note_published(&self, published: &mut Published, text: &str) {
        let Published { marks, prose } = published;
        let mark =
            |identifier: Identifier, hash| self.sets[identifier as usize].mark(&marks[identifier as usize], hash);
        let mut note_prose = |word: &Word| {
            if word.case == Case::Small {
                prose.add(word.hash);
            }
        };
        self.roll_over(text, &mut note_prose, &mut |found| {
            // Names in small letters may be words of the text.
            if found.identifier != Identifier::Name || !found.is_small {
                mark(found.identifier, found.hash);
            }
        });
        for found in emails::in_text(text) {
            mark(Identifier::Email, text_hash(Identifier::Email, &found.plain(text), self.seed));
        }
    }

    /// Marks a whole value that everyone can read, such as the shop's own name.
    pub(crate) fn note_published_value(&self, published: &mut Published, value: &str) {
        self.note_published(published, value);
        let set = Identifier::Whole as usize;
        self.sets[set].mark(&published.marks[set], text_hash(Identifier::Whole, value, self.seed));
    }

    /// Takes out these.
    pub(super) fn forget(&mut self, whom: &[(Identifier, u64)]) {
        let published = self.published();
        for (identifier, hash) in whom {
            self.sets[*identifier as usize].mark(&published.marks[*identifier as usize], *hash);
        }
        for (set, marks) in self.sets.iter_mut().zip(&published.marks) {
            set.remove(marks);
        }
    }

    /// Takes out who is marked.
    pub(crate) fn leave_out(&mut self, mut published: Published) {
        let before = self.len();
        for (set, marks) in self.sets.iter_mut().zip(&published.marks) {
            set.remove(marks);
        }
        names::add_common(&mut published.prose, self.seed);
        published.prose.settle();
        self.prose = published.prose;
        self.counts.published += (before - self.len()) as u64;
        self.count();
    }

    /// Counts anew who is known.
    pub(super) fn count(&mut self) {
        let of = |identifier: Identifier| self.sets[identifier as usize].len() as u64;
        self.counts.people = of(Identifier::Name).max(of(Identifier::Email)).max(of(Identifier::Phone));
        self.counts.identifiers = self.len() as u64;
        self.counts.not_searchable = self.strangers_names();
    }

    /// How many names are made of words that strangers are made of.
    fn strangers_names(&self) -> u64 {
        let words: Vec<u64> = names::strangers_words(self.seed);
        let is_word = |word: &&u64| self.words.may_have(**word);
        let words: Vec<u64> = words.iter().filter(is_word).copied().collect();
        let pairs =
            words.iter().enumerate().flat_map(|(at, one)| words[at + 1..].iter().map(|other| pair(*one, *other)));
        pairs.filter(|hash| self.has(Identifier::Name, *hash)).count() as u64
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let filters =
            [&self.words, &self.prose, &self.numbers, &self.wholes].iter().map(|filter| filter.bytes()).sum::<usize>();
        self.sets.iter().map(Hashes::bytes).sum::<usize>() + filters
    }
}

/// Who is named in what everyone can read.
pub(crate) struct Published {
    marks: [Marks; Identifier::ALL.len()],
    prose: Filter,
}

impl Published {
    /// Adds what was noted elsewhere.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.marks.iter().zip(&other.marks).for_each(|(own, other)| own.merge(other));
        self.prose.merge(&other.prose);
    }
}
