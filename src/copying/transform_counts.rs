//! What became of values on their way, in numbers.

use std::collections::BTreeSet;

use super::left_urls::{self, LeftUrls};
use crate::masking::LiveSwitch;
use crate::masking::nets::NetCounts;

/// What became of one table's values, or of a part of them, in numbers.
#[derive(Debug, Default)]
pub(crate) struct TransformCounts {
    pub(crate) rewritten: u64,
    pub(crate) malformed: u64,
    pub(crate) left: LeftUrls,
    /// Values in which two keys of one array became one.
    pub(crate) collided: LeftUrls,
    /// Values that each rule of the table's mask has changed or kept, or rows that it left behind.
    pub(crate) masked: Vec<u64>,
    /// By column, what the nets have changed.
    pub(crate) nets: Vec<NetCounts>,
    /// Switches that look live and that nothing tells how to put off, by column and key.
    pub(crate) live: BTreeSet<(usize, String, LiveSwitch)>,
}

impl TransformCounts {
    pub(crate) fn add(&mut self, other: Self) {
        self.rewritten += other.rewritten;
        self.malformed += other.malformed;
        self.left.add(other.left);
        self.collided.add(other.collided);
        self.masked.resize(self.masked.len().max(other.masked.len()), 0);
        for (all, more) in self.masked.iter_mut().zip(other.masked) {
            *all += more;
        }
        self.nets.resize(self.nets.len().max(other.nets.len()), NetCounts::default());
        self.nets.iter_mut().zip(other.nets).for_each(|(all, more)| all.add(more));
        self.live.extend(other.live);
    }

    pub(crate) fn overflow(&self) -> u64 {
        self.left.values(left_urls::TOO_LONG)
    }
}
