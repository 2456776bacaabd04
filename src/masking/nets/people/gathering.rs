//! Gathering whom the site knows: from the values that are masked as a person's, whichever rule or net does it.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::digest::PeopleDigest;
use super::hashes::{Filter, Gathered};
use super::known::{self, Identifier, KnownPeople, MOST_PEOPLE, PeopleCounts, mixed, phone_hash, text_hash};
use super::names::{self, NameWords, Part};
use super::phones::national;
use super::streets::{self, StreetWords};
use super::unspaced::Run;
use crate::contract::transformer::Transformer;
use crate::masking::key::Key;
use crate::masking::nets::shapes;

/// A longer value is no identifier.
const LONGEST: usize = 400;
/// Parts of names that wait for the other part: they stand in rows near each other.
const MOST_WAITING: usize = 1 << 19;

/// A part of a name that waits for the other.
struct Waiting {
    part: Part,
    words: [u64; 2],
    /// In a script without blanks.
    run: Option<Run>,
}

/// The dictionary while it is filled.
pub(crate) struct Gatherer {
    seed: u64,
    sets: [Gathered; Identifier::ALL.len()],
    words: Filter,
    numbers: Filter,
    wholes: Filter,
    streets: StreetWords,
    names: NameWords,
    /// By row and what is left of the field's name.
    waiting: HashMap<u64, Waiting>,
    parts_left_out: u64,
    /// Whoever keeps the login leaves again.
    kept: Vec<(Identifier, u64)>,
    is_kept: bool,
}

impl Gatherer {
    pub(crate) fn new(key: &Key) -> Self {
        Self::under(known::seed(key))
    }

    /// One whose dictionary is compared with another under the same seed.
    pub(crate) fn under(seed: u64) -> Self {
        Self::of_at_most(MOST_PEOPLE, seed)
    }

    pub(super) fn of_at_most(most: usize, seed: u64) -> Self {
        Self {
            seed,
            sets: Identifier::ALL.map(|_| Gathered::of_at_most(most)),
            words: Filter::to_fill(),
            numbers: Filter::to_fill(),
            wholes: Filter::to_fill(),
            streets: StreetWords::under(seed),
            names: NameWords::under(seed),
            waiting: HashMap::new(),
            parts_left_out: 0,
            kept: Vec::new(),
            is_kept: false,
        }
    }

    /// Whether what comes is of somebody whose login is kept, who is no secret.
    pub(crate) fn set_kept(&mut self, is_kept: bool) {
        self.is_kept = is_kept;
    }

    /// Whether a value of this transformer tells who somebody is.
    pub(crate) fn takes(transformer: Transformer) -> bool {
        matches!(
            transformer,
            Transformer::Name
                | Transformer::Login
                | Transformer::Email
                | Transformer::Phone
                | Transformer::Street
                | Transformer::Company
        )
    }

    /// Takes a value that is masked by this transformer. `row` is the same for all that is about one person.
    pub(crate) fn take(&mut self, transformer: Transformer, field: &str, row: u64, value: &str) {
        let value = value.trim();
        if value.is_empty() || value.len() > LONGEST {
            return;
        }
        match transformer {
            Transformer::Name => self.name(field, row, value),
            Transformer::Email => self.emails(value),
            Transformer::Phone => {
                if let Some(number) = national(value) {
                    let hash = phone_hash(&number, self.seed);
                    self.numbers.add(hash);
                    self.add(Identifier::Phone, hash);
                }
            }
            Transformer::Street => {
                for house in streets::houses(value, self.seed, &self.streets) {
                    house.beside.iter().for_each(|beside| self.numbers.add(*beside));
                    self.add(Identifier::Street, house.hash);
                }
            }
            Transformer::Login | Transformer::Company => {
                self.emails(value);
                let hash = text_hash(Identifier::Whole, value, self.seed);
                self.wholes.add(hash);
                self.add(Identifier::Whole, hash);
            }
            _ => {}
        }
    }

    fn add(&mut self, identifier: Identifier, hash: u64) {
        match self.is_kept {
            true => self.kept.push((identifier, hash)),
            false => self.sets[identifier as usize].add(hash),
        }
    }

    fn emails(&mut self, value: &str) {
        if memchr::memchr2(b'@', b'%', value.as_bytes()).is_some() {
            let hashes: Vec<u64> = shapes::addresses_in(value)
                .map(|address| text_hash(Identifier::Email, &address.replacen("%40", "@", 1), self.seed))
                .collect();
            for hash in hashes {
                self.add(Identifier::Email, hash);
            }
        }
    }

    fn name(&mut self, field: &str, row: u64, value: &str) {
        self.emails(value);
        let (mut part, rest) = names::part(field);
        let run = Run::of(value);
        if let (Part::Whole, Some(whole)) = (part, run) {
            let parts: Vec<Run> = value.split_whitespace().filter_map(Run::of).collect();
            self.unspaced(whole);
            if let [one, other] = parts.as_slice() {
                self.unspaced(other.and(*one));
            }
        }
        let mut words = names::told_by(part, value, self.seed, &self.names);
        if part == Part::Whole && words.is_empty() && names::may_be_last(field) {
            part = Part::Last;
            words = names::told_by(part, value, self.seed, &self.names);
        }
        let [first, more @ ..] = words.as_slice() else { return };
        if part == Part::Whole {
            return self.pairs(&[*first], more);
        }
        let both = [*first, more.first().copied().unwrap_or(*first)];
        let whose = mixed(row, xxh3_64_with_seed(rest.as_bytes(), self.seed));
        match self.waiting.remove(&whose) {
            Some(other) if other.part != part => {
                if let (Some(one), Some(other)) = (run, other.run) {
                    self.unspaced(one.and(other));
                    self.unspaced(other.and(one));
                }
                match part {
                    Part::First => self.pairs(&both, &other.words),
                    _ => self.pairs(&other.words, &both),
                }
            }
            _ if self.waiting.len() < MOST_WAITING => {
                self.waiting.insert(whose, Waiting { part, words: both, run });
            }
            _ => self.parts_left_out += 1,
        }
    }

    fn unspaced(&mut self, run: Run) {
        if let Some(hash) = run.name(self.seed) {
            self.words.add(run.beginning(self.seed));
            self.add(Identifier::Name, hash);
        }
    }

    fn pairs(&mut self, first: &[u64], last: &[u64]) {
        let pairs: Vec<_> = self.names.pairs(first, last).collect();
        for (one, other, pair) in pairs {
            self.words.add(one);
            self.words.add(other);
            self.add(Identifier::Name, pair);
        }
    }

    /// Somebody of whom all is known, for tests of size.
    #[cfg(test)]
    pub(super) fn add_hashed(&mut self, number: u64) {
        for identifier in Identifier::ALL {
            let hash = mixed(number, identifier as u64);
            self.words.add(hash);
            self.words.add(mixed(hash, 1));
            self.numbers.add(hash);
            self.wholes.add(hash);
            self.add(identifier, hash);
        }
    }

    /// Whom the site knows.
    pub(crate) fn end(mut self) -> KnownPeople {
        let mut prose = Filter::to_fill();
        names::add_common(&mut prose, self.seed);
        [&mut self.words, &mut self.numbers, &mut self.wholes, &mut prose].into_iter().for_each(Filter::settle);
        let sets = self.sets.map(Gathered::end);
        let left_out = self.parts_left_out + sets.iter().map(|(_, left_out)| left_out).sum::<u64>();
        let mut people = KnownPeople {
            seed: self.seed,
            sets: sets.map(|(set, _)| set),
            words: self.words,
            prose,
            numbers: self.numbers,
            wholes: self.wholes,
            streets: self.streets,
            names: self.names,
            counts: PeopleCounts { left_out, ..PeopleCounts::default() },
        };
        people.forget(&self.kept);
        people.counts.digest = PeopleDigest::of(people.seed, &people.sets);
        people.count();
        people
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gatherer() -> Gatherer {
        Gatherer::new(&Key::of_test())
    }

    #[test]
    fn the_two_parts_of_a_name_are_put_together_across_fields_and_rows() {
        let mut gatherer = gatherer();
        for (row, field, value) in [
            (1, "billing_first_name", "Zoë"),
            (2, "billing_first_name", "Anna"),
            (1, "shipping_last_name", "Wrong"),
            (2, "billing_last_name", "Long"),
            (1, "billing_last_name", "Quill Smith"),
            (3, "nickname", "Solo"),
        ] {
            gatherer.take(Transformer::Name, field, row, value);
        }
        let people = gatherer.end();
        assert!(
            people.holds_name(("zoe", "quill"))
                && people.holds_name(("Smith", "Zoë"))
                && people.holds_name(("Anna", "Long"))
        );
        assert!(
            !people.holds_name(("Zoë", "Long"))
                && !people.holds_name(("Zoë", "Wrong"))
                && !people.holds_name(("Solo", "Solo"))
        );
        assert_eq!(people.counts().identifiers, 3);
    }

    #[test]
    fn whoever_keeps_the_login_is_no_secret() {
        let mut gatherer = gatherer();
        gatherer.take(Transformer::Name, "display_name", 1, "Zoë Quill");
        gatherer.set_kept(true);
        gatherer.take(Transformer::Name, "display_name", 1, "Zoë Quill");
        gatherer.set_kept(false);
        gatherer.take(Transformer::Name, "display_name", 2, "Anna Long");
        let people = gatherer.end();
        assert!(!people.holds_name(("Zoë", "Quill")) && people.holds_name(("Anna", "Long")));
    }
}
