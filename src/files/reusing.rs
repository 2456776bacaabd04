//! A tree that is built beside another one: room for it, and what it takes from there in the container itself.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use anyhow::{Result, ensure};

use super::attempts::retried;
use super::beside::Beside;
use super::container::Place;
use super::copying::Copying;
use super::difference::{Difference, Sent, Wanted};
use super::listing::{self, Entry, Kind};
use super::needs::tools;
use super::options::Treatment;
use super::path::Path;
use super::sending::Sending;
use crate::error::{Exit, Failure};

/// What a file or folder takes of a volume's room at the least, and in multiples of what.
const UNIT: u64 = 4 << 10;

/// Refuses what has no room beside the files of a volume, or cannot be read or written there, before anything is.
///
/// # Errors
/// [`Exit::Failed`] with what it takes.
pub(crate) async fn ensure_fits(source: &Place, beside: &Beside, treatment: &dyn Treatment) -> Result<()> {
    let (volume, tree) = (beside.volume(), beside.tree());
    tools(source).await?;
    let free = tools(volume).await?.free_bytes;
    let (listing, built) = tokio::try_join!(retried(|| listing::of(source)), retried(|| listing::of(&tree)))?;
    let wanted = Wanted::of(listing, |path, is_folder| treatment.is_left(path, is_folder));
    ensure_room(volume, room(&wanted.entries).saturating_sub(room(&built)), free)
}

fn ensure_room(volume: &Place, needed: u64, free: u64) -> Result<()> {
    let millions = |bytes: u64| bytes.div_ceil(1_000_000);
    ensure!(
        needed <= free,
        Failure::new(
            Exit::Failed,
            format!("the new files do not fit into the volume of {volume} in the copy beside those that it has: they take {} MB, and it has room for {}", millions(needed), free / 1_000_000)
        )
        .hint("make the copy's volume larger, or make a new copy; the files that it has were not touched")
    );
    Ok(())
}

/// What entries take of a volume.
fn room(entries: &[Entry]) -> u64 {
    let of = |entry: &Entry| match entry.kind {
        Kind::File => entry.size.next_multiple_of(UNIT),
        Kind::Folder => UNIT,
        Kind::Link | Kind::Special => 0,
    };
    entries.iter().map(of).sum()
}

impl Copying<'_> {
    /// Takes over what looks as it should among the files that the new tree is built beside. It is copied, since a running app writes into its
    /// files, whatever other names they have. What nobody has changed in either place since the copy was made is taken for what it was then;
    /// all else is compared by its digest.
    pub(super) async fn reuse(&mut self, beside: &Beside, free: u64) -> Result<()> {
        let treatment = self.options.treatment;
        let (source, old, new) = tokio::try_join!(
            retried(|| listing::of(self.source)),
            retried(|| listing::of(beside.volume())),
            retried(|| listing::of(self.target))
        )?;
        let wanted = Wanted::of(source, |path, is_folder| treatment.is_left(path, is_folder));
        ensure_room(self.target, room(&wanted.entries).saturating_sub(room(&new)), free)?;
        let is_same = |entry: &Entry, there: &Entry| entry.size == there.size && !treatment.may_change(&entry.path);
        let difference = Difference::between(&wanted, &old, self.with_owners, is_same);
        let others: HashSet<&[u8]> = difference.sent.iter().chain(&new).map(|entry| &*entry.path).collect();
        let is_taken = |entry: &&Entry| entry.kind == Kind::File && !others.contains(&*entry.path);
        // Of several names `tar` would make one file again, where the source has one for each of them.
        let linked: HashMap<&[u8], u64> =
            old.iter().filter(|entry| entry.names > 1).map(|entry| (&*entry.path, entry.inode)).collect();
        let mut seen = HashSet::new();
        let is_first = |entry: &&Entry| linked.get(&*entry.path).is_none_or(|inode| seen.insert(*inode));
        let taken: Vec<&Entry> = wanted.entries.iter().filter(is_taken).filter(is_first).collect();
        if taken.is_empty() {
            return Ok(());
        }
        let sending = Sending {
            source: self.source,
            target: self.target,
            treatment,
            progress: self.options.progress,
            told: Mutex::default(),
        };
        let folders: Vec<_> = wanted.entries.iter().filter(|entry| entry.kind == Kind::Folder).cloned().collect();
        retried(|| sending.folders(&folders, false)).await?;
        beside.reuse(&taken).await?;
        let Some(before) = self.options.unchanged_before else { return Ok(()) };
        // What the app has written meanwhile may have been taken by half.
        let after = retried(|| listing::of(beside.volume())).await?;
        let by_path = |entries: Vec<Entry>| -> HashMap<Path, Entry> {
            entries.into_iter().map(|entry| (entry.path.clone(), entry)).collect()
        };
        let (old, after) = (by_path(old), by_path(after));
        let is_still =
            |path: &Path| old.get(path).zip(after.get(path)).is_some_and(|(old, now)| Sent::of(old) == Sent::of(now));
        let trusted = taken.into_iter().filter(|entry| entry.changed < before && is_still(&entry.path));
        self.trusted = trusted.map(|entry| (entry.path.clone(), Sent::of(entry))).collect();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_takes_is_never_counted_as_less_than_it_takes() {
        let entry = |kind, size| Entry {
            path: Path::default(),
            kind,
            mode: 0,
            uid: 0,
            gid: 0,
            size,
            modified: 0,
            changed: 0,
            inode: 0,
            names: 1,
        };
        let all = [
            entry(Kind::File, 1),
            entry(Kind::File, 4096),
            entry(Kind::Folder, 0),
            entry(Kind::Link, 9),
            entry(Kind::File, 0),
        ];
        assert_eq!(room(&all), 3 * 4096);
    }
}
