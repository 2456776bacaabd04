//! Digests of rows: a sum over the rows' hashes, so the order in which a server gives them does not matter.

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// Count and digest of rows of COPY text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ContentDigest {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    sum: u64,
}

impl ContentDigest {
    /// So many rows, and nothing known of them.
    pub(crate) fn of_count(rows: u64) -> Self {
        Self { rows, ..Self::default() }
    }

    pub(crate) fn add(&mut self, row: &[u8]) {
        self.rows += 1;
        self.bytes += row.len() as u64;
        self.sum = self.sum.wrapping_add(xxh3_64(row));
    }

    /// Adds a row that was hashed piece by piece.
    pub(crate) fn add_hashed(&mut self, row: &RowHash) {
        self.rows += 1;
        self.bytes += row.bytes;
        self.sum = self.sum.wrapping_add(row.hash.digest());
    }

    /// Adds the rows of another digest.
    pub(crate) fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.bytes += other.bytes;
        self.sum = self.sum.wrapping_add(other.sum);
    }
}

/// The hash of a row that is too long to be held.
#[derive(Default)]
pub(crate) struct RowHash {
    bytes: u64,
    hash: Xxh3,
}

impl RowHash {
    pub(crate) fn update(&mut self, piece: &[u8]) {
        self.bytes += piece.len() as u64;
        self.hash.update(piece);
    }
}

/// One digest of many named ones, in hex; the order does not matter.
pub(crate) fn of_all(parts: impl IntoIterator<Item = (String, ContentDigest)>) -> String {
    let mut lines: Vec<_> =
        parts.into_iter().map(|(name, d)| format!("{name}\t{}\t{:016x}\n", d.rows, d.sum)).collect();
    lines.sort();
    HEXLOWER.encode(&Sha256::digest(lines.concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(rows: &[&str]) -> ContentDigest {
        let mut digest = ContentDigest::default();
        for row in rows {
            digest.add(row.as_bytes());
        }
        digest
    }

    #[test]
    fn a_row_in_pieces_counts_as_a_whole_one() {
        let (mut pieces, mut hash) = (ContentDigest::default(), RowHash::default());
        for piece in ["a\tlong ", "", "row\n"] {
            hash.update(piece.as_bytes());
        }
        pieces.add_hashed(&hash);
        assert_eq!(pieces, digest(&["a\tlong row\n"]));
    }

    #[test]
    fn order_does_not_matter_and_content_does() {
        assert_eq!(digest(&["a\n", "b\n"]), digest(&["b\n", "a\n"]));
        assert_ne!(digest(&["a\n", "b\n"]), digest(&["a\n", "c\n"]));
        assert_ne!(digest(&["a\n", "a\n"]), digest(&["a\n"]));
        let all =
            |names: [&str; 2]| of_all([(names[0].to_owned(), digest(&["a\n"])), (names[1].to_owned(), digest(&[]))]);
        assert_ne!(all(["x", "y"]), all(["y", "x"]));
    }
}
