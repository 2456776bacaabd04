//! What must be done so that one volume holds what of the other is wanted.

use std::collections::{HashMap, HashSet};

use super::listing::{Entry, Kind};
use super::path::{self, Path};

/// What is wanted of a source's volume, and what of it is not.
#[derive(Default)]
pub(super) struct Wanted {
    /// In the order of paths.
    pub(super) entries: Vec<Entry>,
    /// More names of files: the name, and the one under which its file comes.
    pub(super) more_names: Vec<(Entry, Path)>,
    pub(super) special: Vec<Path>,
}

impl Wanted {
    /// What of a list is wanted: `is_left` says it of a path, and of a folder (`true`) for all that is in it.
    pub(super) fn of(listing: Vec<Entry>, mut is_left: impl FnMut(&[u8], bool) -> bool) -> Self {
        let mut wanted = Self::default();
        let mut left: HashSet<Path> = HashSet::new();
        let mut first_names: HashMap<u64, Path> = HashMap::new();
        for entry in listing {
            let is_folder = entry.kind == Kind::Folder;
            let is_within_left = path::parent(&entry.path).is_some_and(|parent| left.contains(parent));
            // The volume itself is always there.
            if is_within_left || !entry.path.is_empty() && is_left(&entry.path, is_folder) {
                if is_folder {
                    left.insert(entry.path);
                }
                continue;
            }
            if entry.kind == Kind::Special {
                wanted.special.push(entry.path);
                continue;
            }
            if entry.kind == Kind::File && entry.names > 1 {
                match first_names.get(&entry.inode) {
                    Some(first) => {
                        wanted.more_names.push((entry, first.clone()));
                        continue;
                    }
                    None => drop(first_names.insert(entry.inode, entry.path.clone())),
                }
            }
            wanted.entries.push(entry);
        }
        wanted
    }

    /// The paths of all that is wanted.
    pub(super) fn paths(&self) -> impl Iterator<Item = &[u8]> {
        let further = self.more_names.iter().map(|(entry, _)| entry);
        self.entries.iter().chain(further).map(|entry| &*entry.path)
    }
}

/// A file as it was when it was sent: what of it is another whenever it has changed. No more is kept, since it is kept of each.
#[derive(PartialEq, Eq)]
pub(super) struct Sent {
    size: u64,
    modified: i64,
    changed: i64,
    inode: u64,
}

impl Sent {
    pub(super) fn of(entry: &Entry) -> Self {
        Self { size: entry.size, modified: entry.modified, changed: entry.changed, inode: entry.inode }
    }
}

/// What there is to do, in this order.
#[derive(Default)]
pub(super) struct Difference {
    /// Paths of the target that nothing wanted has, or something else.
    pub(super) removed: Vec<Path>,
    /// Folders that are not there, or have other attributes.
    pub(super) folders: Vec<Entry>,
    /// Files and links.
    pub(super) sent: Vec<Entry>,
    pub(super) more_names: Vec<(Entry, Path)>,
    /// How many files and links are there as they should be.
    pub(super) unchanged: u64,
}

impl Difference {
    pub(super) fn is_none(&self) -> bool {
        self.removed.is_empty() && self.folders.is_empty() && self.sent.is_empty() && self.more_names.is_empty()
    }

    /// What `there` needs for what is `wanted`. `is_same` says whether a file or link that is there need not be sent.
    pub(super) fn between(
        wanted: &Wanted,
        there: &[Entry],
        with_owners: bool,
        is_same: impl Fn(&Entry, &Entry) -> bool,
    ) -> Self {
        let by_path: HashMap<&[u8], &Entry> = there.iter().map(|entry| (&*entry.path, entry)).collect();
        let mut difference = Self::default();
        let mut kinds: HashMap<&[u8], Kind> = HashMap::new();
        let is_like = |a: &Entry, b: &Entry| has_attributes(a, b, with_owners);
        for entry in &wanted.entries {
            kinds.insert(&entry.path, entry.kind);
            let before = by_path.get(&*entry.path).filter(|before| before.kind == entry.kind);
            let is_there = before.is_some_and(|before| is_like(entry, before));
            match entry.kind {
                Kind::Folder if !is_there => difference.folders.push(entry.clone()),
                Kind::Folder => {}
                _ if is_there && before.is_some_and(|before| is_same(entry, before)) => difference.unchanged += 1,
                _ => difference.sent.push(entry.clone()),
            }
        }
        let sent: HashSet<&[u8]> = difference.sent.iter().map(|entry| &*entry.path).collect();
        let mut more_names = Vec::new();
        for (entry, first) in &wanted.more_names {
            kinds.insert(&entry.path, entry.kind);
            let inode = |path: &[u8]| by_path.get(path).map(|entry| entry.inode);
            let is_one = inode(&entry.path).is_some() && inode(&entry.path) == inode(first);
            // Its file is another one once it has been sent.
            if !is_one || sent.contains(&**first) {
                more_names.push((entry.clone(), first.clone()));
            } else {
                difference.unchanged += 1;
            }
        }
        drop(sent);
        difference.more_names = more_names;
        let mut removed: HashSet<&[u8]> = HashSet::new();
        for entry in there.iter().filter(|entry| !entry.path.is_empty()) {
            let goes_with_its_folder = path::parent(&entry.path).is_some_and(|parent| removed.contains(parent));
            if goes_with_its_folder || kinds.get(&*entry.path) != Some(&entry.kind) {
                removed.insert(&entry.path);
                if !goes_with_its_folder {
                    difference.removed.push(entry.path.clone());
                }
            }
        }
        difference
    }
}

pub(super) fn has_time(wanted: &Entry, there: &Entry) -> bool {
    wanted.modified.max(0) == there.modified
}

/// Whether what is there has the attributes of what is wanted.
fn has_attributes(wanted: &Entry, there: &Entry, with_owners: bool) -> bool {
    let has_owner = !with_owners || (wanted.uid, wanted.gid) == (there.uid, there.gid);
    // Nothing but a user's own program changes the mode of a link.
    let has_mode = wanted.kind == Kind::Link || wanted.mode == there.mode;
    has_owner && has_mode && (wanted.kind == Kind::Link || has_time(wanted, there))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, kind: Kind, inode: u64) -> Entry {
        Entry {
            path: path.as_bytes().into(),
            kind,
            mode: 0o644,
            uid: 0,
            gid: 0,
            size: 3,
            modified: 7,
            changed: 7,
            inode,
            names: if kind == Kind::File { 2 } else { 1 },
        }
    }

    fn same(a: &Entry, b: &Entry) -> bool {
        a.size == b.size
    }

    fn paths<'a>(entries: impl IntoIterator<Item = &'a Path>) -> Vec<String> {
        entries.into_iter().map(|path| String::from_utf8_lossy(path).into_owned()).collect()
    }

    #[test]
    fn what_is_in_a_folder_that_stays_behind_stays_behind_and_the_first_name_that_comes_carries_the_file() {
        let listing = vec![
            entry("", Kind::Folder, 1),
            entry("cache", Kind::Folder, 2),
            entry("cache-x", Kind::File, 9),
            entry("cache/a", Kind::File, 3),
            entry("cache/deep", Kind::Folder, 4),
            entry("cache/deep/b", Kind::File, 5),
            entry("one", Kind::File, 3),
            entry("pipe", Kind::Special, 6),
            entry("two", Kind::File, 3),
        ];
        let wanted = Wanted::of(listing, |path, is_folder| is_folder && path == b"cache");
        assert_eq!(paths(wanted.entries.iter().map(|entry| &entry.path)), ["", "cache-x", "one"]);
        assert_eq!((&*wanted.more_names[0].0.path, &*wanted.more_names[0].1), (&b"two"[..], &b"one"[..]));
        assert_eq!(paths(&wanted.special), ["pipe"]);
    }

    #[test]
    fn what_is_there_and_not_wanted_goes_and_what_is_another_thing_is_made_anew() {
        let wanted = Wanted::of(
            vec![
                entry("", Kind::Folder, 1),
                entry("a", Kind::Folder, 2),
                entry("a/x", Kind::Link, 3),
                entry("b", Kind::File, 4),
                entry("c", Kind::File, 4),
            ],
            |_, _| false,
        );
        let there = vec![
            entry("", Kind::Folder, 1),
            entry("a", Kind::Link, 2),
            entry("b", Kind::File, 3),
            entry("c", Kind::File, 4),
            entry("old", Kind::Folder, 5),
            entry("old/x", Kind::File, 6),
        ];
        let difference = Difference::between(&wanted, &there, true, same);
        assert_eq!(paths(&difference.removed), ["a", "old"]);
        assert_eq!(paths(difference.folders.iter().map(|entry| &entry.path)), ["a"]);
        assert_eq!(paths(difference.sent.iter().map(|entry| &entry.path)), ["a/x"]);
        assert_eq!(paths(difference.more_names.iter().map(|(entry, _)| &entry.path)), ["c"]);
        assert_eq!(difference.unchanged, 1);
        let whole = Wanted::of(there.clone(), |_, _| false);
        assert!(Difference::between(&whole, &there, true, same).is_none());
    }
}
