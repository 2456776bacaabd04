//! Values that were met before, and what was made of them: people come again, and towns and a program's words even more so.

/// So many values are remembered, if they are no longer than this.
const REMEMBERED: usize = 2048;
const LONGEST: usize = 128;

/// What was made of a value, by who made it.
#[derive(Debug)]
struct One<K, T> {
    maker: K,
    value: Vec<u8>,
    made: T,
}

/// The values last met, by a hash; the next of the same hash takes the place.
#[derive(Debug)]
pub(super) struct Met<K, T> {
    values: Vec<Option<One<K, T>>>,
}

impl<K: Copy + PartialEq, T: Clone> Met<K, T> {
    pub(super) const fn none() -> Self {
        Self { values: Vec::new() }
    }

    /// What this maker made of a value, if it is remembered.
    pub(super) fn get(&self, maker: K, value: &[u8]) -> Option<T> {
        if value.len() > LONGEST || self.values.is_empty() {
            return None;
        }
        let one = self.values[place(value)].as_ref();
        one.filter(|one| one.maker == maker && one.value == value).map(|one| one.made.clone())
    }

    pub(super) fn put(&mut self, maker: K, value: &[u8], made: &T) {
        if value.len() > LONGEST {
            return;
        }
        if self.values.is_empty() {
            self.values.resize_with(REMEMBERED, || None);
        }
        let one = self.values[place(value)].get_or_insert_with(|| One { maker, value: Vec::new(), made: made.clone() });
        (one.maker, one.made) = (maker, made.clone());
        one.value.clear();
        one.value.extend_from_slice(value);
    }
}

fn place(value: &[u8]) -> usize {
    let hash = xxhash_rust::xxh3::xxh3_64(value) % REMEMBERED as u64;
    usize::try_from(hash).expect("a place in the list")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_of_its_own_value_and_maker() {
        let mut met: Met<u8, usize> = Met::none();
        let value = |number: usize| "v".repeat(number % 150) + &number.to_string();
        for number in 0..3 * REMEMBERED {
            let value = value(number);
            assert_eq!(met.get(1, value.as_bytes()), None);
            met.put(1, value.as_bytes(), &number);
            let is_short = value.len() <= LONGEST;
            assert_eq!(met.get(1, value.as_bytes()), is_short.then_some(number));
            assert_eq!(met.get(2, value.as_bytes()), None);
        }
        let known = (0..3 * REMEMBERED).filter_map(|number| Some((number, met.get(1, value(number).as_bytes())?)));
        assert!(known.inspect(|(number, known)| assert_eq!(number, known)).count() <= REMEMBERED);
    }
}
