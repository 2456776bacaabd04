//! What is sent in one go: many small files, or a piece of a large one.

use super::container::{BLOCK, NAMES_AT_ONCE};
use super::listing::{Entry, Kind};

/// From this size on a file goes in pieces, by several channels at a time: one is bound by its window.
pub(super) const LARGE: u64 = 4 << 20;
/// How many bytes of small files go in one batch, and how many files.
const BATCH_BYTES: u64 = 16 << 20;
const BATCH_FILES: usize = 1000;
/// How many blocks of a large file are one piece.
const PIECE_BLOCKS: u64 = 16;

/// What one worker does at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// Small files and links, by their places among what is sent.
    Batch(Vec<usize>),
    /// So many blocks of a large file, from one on.
    Piece { file: usize, block: u64, blocks: u64 },
}

/// All of it; what is largest comes first, so that no worker is left alone with it at the end.
pub(super) fn of(sent: &[Entry]) -> Vec<Work> {
    let mut work = Vec::new();
    let (mut batch, mut bytes, mut names) = (Vec::new(), 0, 0);
    for (n, entry) in sent.iter().enumerate() {
        if is_large(entry) {
            let all = entry.size.div_ceil(BLOCK);
            let pieces = (0..all).step_by(usize::try_from(PIECE_BLOCKS).unwrap_or(1));
            work.extend(pieces.map(|block| Work::Piece { file: n, block, blocks: PIECE_BLOCKS.min(all - block) }));
            continue;
        }
        let name = entry.path.len() + 3;
        let is_full = bytes + entry.size > BATCH_BYTES || names + name > NAMES_AT_ONCE || batch.len() == BATCH_FILES;
        if is_full && !batch.is_empty() {
            work.push(Work::Batch(std::mem::take(&mut batch)));
            (bytes, names) = (0, 0);
        }
        batch.push(n);
        bytes += entry.size;
        names += name;
    }
    if !batch.is_empty() {
        work.push(Work::Batch(batch));
    }
    work.sort_by_key(|work| matches!(work, Work::Batch(_)));
    work
}

pub(super) fn is_large(entry: &Entry) -> bool {
    entry.kind == Kind::File && entry.size >= LARGE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: String, size: u64) -> Entry {
        let path = path.into_bytes().into();
        Entry { path, kind: Kind::File, mode: 0, uid: 0, gid: 0, size, modified: 0, changed: 0, inode: 0, names: 1 }
    }

    #[test]
    fn everything_goes_once_and_nothing_is_more_than_a_batch_may_hold() {
        let mut sent: Vec<_> = (0..3000).map(|n| file(format!("{n:0>200}"), 20_000)).collect();
        sent.push(file("x".repeat(4096), 1));
        sent.insert(5, file("large".into(), 3 * LARGE + 1));
        sent.insert(6, file("larger".into(), 40 << 20));
        let (mut seen, mut blocks) = (Vec::new(), 0);
        for work in of(&sent) {
            match work {
                Work::Batch(batch) => {
                    assert!(
                        batch.len() <= BATCH_FILES && batch.iter().map(|n| sent[*n].size).sum::<u64>() <= BATCH_BYTES
                    );
                    assert!(batch.iter().map(|n| sent[*n].path.len() + 3).sum::<usize>() <= NAMES_AT_ONCE);
                    seen.extend(batch);
                }
                Work::Piece { file, blocks: some, .. } => {
                    assert!([5, 6].contains(&file) && some <= PIECE_BLOCKS);
                    blocks += some;
                }
            }
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..sent.len()).filter(|n| ![5, 6].contains(n)).collect::<Vec<_>>());
        assert_eq!(blocks, 13 + 40);
    }
}
