//! Words that tell nothing by their letters: of tokens, handles and numbers of things that are somebody's nearly each is
//! another one, and of types, slugs and what a program counts with are few.

use std::collections::HashSet;

use super::judge::Differing;
use super::{names, texts};
use crate::secret::looks_random;

/// So many words tell of them all; of fewer only what nobody would write by hand.
const LEAST: usize = 8;
/// Of ten so many differ, and of ten that do so many differ by their letters, and not by a number that is counted up.
const DIFFER: usize = 9;
const DIFFER_BY_LETTERS: usize = 5;
/// So few differ in a table of many rows: some goods, regions or campaigns.
const FEW: f64 = 500.0;
const MANY_ROWS: u64 = 2000;

/// The words of a column or key that no net would mask.
#[derive(Default)]
pub(super) struct OpaqueWords {
    all: usize,
    differing: HashSet<String>,
    letters: HashSet<String>,
    uuids: usize,
    random: usize,
}

impl OpaqueWords {
    pub(super) fn add(&mut self, value: &str) {
        if !texts::is_opaque(value) {
            return;
        }
        self.all += 1;
        self.uuids += usize::from(texts::is_uuid(value));
        self.random += usize::from(looks_random(value));
        self.letters.insert(value.chars().filter(|c| !c.is_ascii_digit()).collect());
        self.differing.insert(value.to_owned());
    }

    /// Whether they are somebody's for all that can be told; `in_table` is how many values differ there.
    pub(super) fn tell_nothing(&self, name: &str, in_table: Option<&Differing>) -> bool {
        let are_all = |part: usize, of: usize, of_ten: usize| part * 10 >= of * of_ten;
        let is_own_key = || self.uuids == self.all && names::is_id(name);
        let differ = match self.all {
            0 => false,
            1..LEAST => self.random == self.all && self.differing.len() == self.all,
            _ => {
                are_all(self.differing.len(), self.all, DIFFER)
                    && are_all(self.letters.len(), self.differing.len(), DIFFER_BY_LETTERS)
                    && in_table.is_none_or(|all| all.values > FEW || all.rows < MANY_ROWS)
            }
        };
        differ && !names::Told::of(name).is_article && !is_own_key()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tell_nothing(name: &str, word: impl Fn(usize) -> String, in_table: Option<&Differing>) -> bool {
        let mut words = OpaqueWords::default();
        (0..60).for_each(|i| words.add(&word(i)));
        words.tell_nothing(name, in_table)
    }

    fn letters(i: usize) -> String {
        [i, i / 7, i / 3, i * 5].iter().map(|n| char::from(b'a' + u8::try_from(n % 26).unwrap())).collect()
    }

    #[test]
    fn words_of_high_variety_are_somebody_s() {
        assert!(tell_nothing("anything", letters, None));
        assert!(tell_nothing("serial", |i| format!("{}-{i}", letters(i)), None));
        let few = |rows| Differing { values: 90.0, rows, common: Vec::new() };
        assert!(!tell_nothing("anything", letters, Some(&few(10_000))), "there are few in the whole table");
        assert!(tell_nothing("anything", letters, Some(&few(90))), "there are no more rows");
        assert!(!tell_nothing("sku", letters, None), "goods have such");
        assert!(!tell_nothing("anything", |i| format!("order-{i}"), None), "they are counted up");
        assert!(!tell_nothing("kind", |i| letters(i % 9), None), "they are types");
        assert!(!tell_nothing("path", |i| format!("/{}", letters(i)), None));
        assert!(!tell_nothing("at", |i| format!("2024-05-06T10:11:{i}Z"), None));
        assert!(!tell_nothing("class", |i| format!("Order{}Placed", letters(i)), None));
        let uuid = |i: usize| format!("a81bc81b-dead-4e5d-abff-90865d1e{i:04x}");
        assert!(!tell_nothing("order_uuid", |i| uuid(i * 997), None), "it is a key");
    }

    #[test]
    fn of_few_words_only_what_is_random_is_somebody_s() {
        let mut words = OpaqueWords::default();
        words.add("blue");
        words.add("green");
        assert!(!words.tell_nothing("kind", None));
        let mut words = OpaqueWords::default();
        words.add("k7Q2mPx93ZtL0vBn4R8s");
        assert!(words.tell_nothing("anything", None));
    }
}
