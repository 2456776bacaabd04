//! Sets of keyed hashes in as little memory as can be: eight bytes each, in order; and filters that tell at once what is in
//! none of them.

use std::sync::atomic::{AtomicU64, Ordering};

/// So many new ones are gathered before they are sorted into the rest.
const FRESH: usize = 1 << 16;

/// A set that is being filled, of at most so many.
pub(super) struct Gathered {
    sorted: Vec<u64>,
    fresh: Vec<u64>,
    most: usize,
    /// How many were left out, since the set was full.
    left_out: u64,
}

impl Gathered {
    pub(super) fn of_at_most(most: usize) -> Self {
        Self { sorted: Vec::new(), fresh: Vec::new(), most, left_out: 0 }
    }

    pub(super) fn add(&mut self, hash: u64) {
        self.fresh.push(hash);
        if self.fresh.len() >= FRESH.max(self.sorted.len() / 8) {
            self.settle();
        }
    }

    /// Those that came first stay when there is no room for all.
    fn settle(&mut self) {
        self.fresh.sort_unstable();
        self.fresh.dedup();
        let mut known = self.sorted.iter().copied().peekable();
        self.fresh.retain(|hash| {
            while known.next_if(|known| known < hash).is_some() {}
            known.peek() != Some(hash)
        });
        drop(known);
        let room = self.most - self.sorted.len();
        self.left_out += self.fresh.len().saturating_sub(room) as u64;
        // Hashes are in no order of people, so any of them are as good.
        self.fresh.truncate(room);
        self.merge();
    }

    /// From the end, so that the two lists need no third.
    fn merge(&mut self) {
        let (mut old, mut new) = (self.sorted.len(), self.fresh.len());
        self.sorted.reserve_exact(new);
        self.sorted.resize(old + new, 0);
        while new > 0 {
            let is_old = old > 0 && self.sorted[old - 1] > self.fresh[new - 1];
            if is_old {
                self.sorted[old + new - 1] = self.sorted[old - 1];
                old -= 1;
            } else {
                self.sorted[old + new - 1] = self.fresh[new - 1];
                new -= 1;
            }
        }
        self.fresh.clear();
    }

    /// The set, and how many were left out.
    pub(super) fn end(mut self) -> (Hashes, u64) {
        self.settle();
        self.sorted.shrink_to_fit();
        (Hashes(self.sorted), self.left_out)
    }
}

/// A set of hashes.
#[derive(Debug, Default)]
pub(super) struct Hashes(Vec<u64>);

impl Hashes {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.iter().copied()
    }

    pub(super) fn contains(&self, hash: u64) -> bool {
        self.0.binary_search(&hash).is_ok()
    }

    /// No marks yet, one for each hash.
    pub(super) fn marks(&self) -> Marks {
        Marks((0..self.0.len().div_ceil(64)).map(|_| AtomicU64::new(0)).collect())
    }

    pub(super) fn mark(&self, marks: &Marks, hash: u64) {
        if let Ok(at) = self.0.binary_search(&hash) {
            marks.0[at / 64].fetch_or(1 << (at % 64), Ordering::Relaxed);
        }
    }

    /// Takes out what is marked.
    pub(super) fn remove(&mut self, marks: &Marks) {
        let mut at = 0;
        self.0.retain(|_| {
            let is_marked = marks.0[at / 64].load(Ordering::Relaxed) >> (at % 64) & 1 == 1;
            at += 1;
            !is_marked
        });
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<u64>()
    }
}

/// Some of the hashes of a set.
pub(super) struct Marks(Vec<AtomicU64>);

impl Marks {
    pub(super) fn merge(&self, other: &Self) {
        for (own, other) in self.0.iter().zip(&other.0) {
            own.fetch_or(other.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }
}

/// Whether something may be in a set: what it says no to is in none.
#[derive(Debug)]
pub(super) struct Filter {
    bits: Vec<u64>,
}

impl Default for Filter {
    fn default() -> Self {
        Self { bits: vec![0] }
    }
}

impl Filter {
    /// 2 MiB: for two million words every eighth bit is set.
    const MOST_BITS: usize = 1 << 24;
    const FEWEST_BITS: usize = 1 << 12;
    /// One bit of so many may be set, or it tells too little apart.
    const BITS_EACH: usize = 32;

    pub(super) fn to_fill() -> Self {
        Self { bits: vec![0; Self::MOST_BITS / 64] }
    }

    /// Adds all of another of the same size.
    pub(super) fn merge(&mut self, other: &Self) {
        self.bits.iter_mut().zip(&other.bits).for_each(|(own, other)| *own |= other);
    }

    fn place(&self, hash: u64) -> (usize, u64) {
        let bit = usize::try_from(hash & (self.bits.len() as u64 * 64 - 1)).unwrap_or(0);
        (bit / 64, 1 << (bit % 64))
    }

    pub(super) fn add(&mut self, hash: u64) {
        let (at, bit) = self.place(hash);
        self.bits[at] |= bit;
    }

    pub(super) fn may_have(&self, hash: u64) -> bool {
        let (at, bit) = self.place(hash);
        self.bits[at] & bit != 0
    }

    /// Folds it in half as long as it tells enough apart: what is small stays in the processor's own memory.
    pub(super) fn settle(&mut self) {
        let set: usize = self.bits.iter().map(|bits| bits.count_ones() as usize).sum();
        while self.bits.len() * 32 >= Self::FEWEST_BITS.max(set * Self::BITS_EACH) {
            let half = self.bits.len() / 2;
            for at in 0..half {
                self.bits[at] |= self.bits[half + at];
            }
            self.bits.truncate(half);
        }
        self.bits.shrink_to_fit();
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.bits.capacity() * size_of::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(number: u64) -> u64 {
        xxhash_rust::xxh3::xxh3_64_with_seed(&number.to_le_bytes(), 7)
    }

    #[test]
    fn what_was_added_is_there_once_and_no_more_than_may_be() {
        let mut gathered = Gathered::of_at_most(200_000);
        (0..300_000).chain(0..100_000).for_each(|number| gathered.add(hash(number)));
        let (hashes, left_out) = gathered.end();
        assert_eq!(hashes.len(), 200_000);
        assert!(left_out >= 100_000, "{left_out}");
        assert_eq!((0..300_000).filter(|number| hashes.contains(hash(*number))).count(), 200_000);
        assert!((0..FRESH as u64).all(|number| hashes.contains(hash(number))), "the first stay");
    }

    #[test]
    fn what_is_marked_goes() {
        let mut gathered = Gathered::of_at_most(1000);
        for number in 0..100 {
            gathered.add(hash(number));
        }
        let (mut hashes, _) = gathered.end();
        let marks = hashes.marks();
        for number in [3, 64, 99, 1000] {
            hashes.mark(&marks, hash(number));
        }
        hashes.remove(&marks);
        assert_eq!(hashes.len(), 97);
        assert!(!hashes.contains(hash(64)) && hashes.contains(hash(65)));
    }

    #[test]
    fn a_filter_forgets_nothing_when_it_is_folded() {
        let mut filter = Filter::to_fill();
        (0..1000).for_each(|number| filter.add(hash(number)));
        filter.settle();
        assert!((0..1000).all(|number| filter.may_have(hash(number))));
        assert!((1000..11_000).filter(|number| filter.may_have(hash(*number))).count() < 1000);
        assert!(filter.bytes() <= 8 << 10, "{}", filter.bytes());
        let mut empty = Filter::to_fill();
        empty.settle();
        assert!(empty.bytes() <= 1 << 10 && !empty.may_have(hash(1)) && !Filter::default().may_have(hash(1)));
    }
}
