//! What is in a volume, as its own container tells it.

use anyhow::{Context as _, Result, ensure};

use super::container::{Heard, Place};
use super::path::{self, Path};
use crate::copying::transient::Transient;
use crate::error::{Exit, Failure};

/// Ends the entry of a name: no path has two slashes side by side.
const END: &[u8] = b"//\n";
/// The longest path that Linux takes is 4,096 bytes.
const LONGEST_ENTRY: usize = 8 << 10;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    Link,
    /// A socket, a pipe or a device: nothing that could be copied.
    Special,
}

/// One name in a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) path: Path,
    pub(super) kind: Kind,
    /// Permissions, the bits for other users' rights among them.
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) size: u64,
    /// Seconds since 1970.
    pub(super) modified: i64,
    /// When anything of it changed the last time, its name's rights too: nobody can set it back.
    pub(super) changed: i64,
    pub(super) inode: u64,
    pub(super) names: u32,
}

/// All that is in a volume, in the order of its paths: each folder stands before what is in it.
///
/// # Errors
/// When the container does not tell all of it.
pub(super) async fn of(place: &Place) -> Result<Vec<Entry>> {
    let mut heard = place.ask("list", &[]).await?;
    let mut entries = Vec::new();
    let mut end = None;
    while let Some(told) = heard.until(END, LONGEST_ENTRY).await? {
        if let Some(code) = told.strip_prefix(b"railstage-end ") {
            end = Some(code.to_vec());
            break;
        }
        entries.push(entry(&told)?);
    }
    ensure_whole(heard, end.as_deref()).await?;
    entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    let is_a_tree = entries.first().is_some_and(|root| root.path.is_empty() && root.kind == Kind::Folder)
        && entries.windows(2).all(|pair| pair[0].path != pair[1].path);
    ensure!(is_a_tree, Failure::new(Exit::Failed, format!("what {place} tells of its volume is no tree of files")));
    Ok(entries)
}

/// A name that goes while it is read is no failure; a folder that may not be entered is one.
async fn ensure_whole(heard: Heard, code: Option<&[u8]>) -> Result<()> {
    let place = heard.place().to_owned();
    let ended = heard.end().await?;
    let code = code.ok_or_else(|| Transient(format!("the list of what is in the volume of {place} broke off")))?;
    let serious = ended.complained.lines().find(|line| !line.contains("No such file or directory"));
    let is_whole = code == b"0" || serious.is_none() && !ended.complained.is_empty();
    ensure!(
        is_whole,
        Failure::new(Exit::Failed, format!("not all of the volume of {place} can be read: {}", serious.unwrap_or("`find` failed")))
            .hint("the container's user must be able to read every folder of the volume; or leave the folder out (`files` with `exclude`)")
    );
    Ok(())
}

fn entry(told: &[u8]) -> Result<Entry> {
    let mut fields = told.splitn(9, |byte| *byte == b' ');
    let mut field = || fields.next().and_then(|field| std::str::from_utf8(field).ok());
    let numbers = (|| {
        let mode = u32::from_str_radix(field()?, 16).ok()?;
        let (uid, gid) = (field()?.parse().ok()?, field()?.parse().ok()?);
        let size = field()?.parse().ok()?;
        let (modified, changed) = (field()?.parse().ok()?, field()?.parse().ok()?);
        Some((mode, uid, gid, size, modified, changed, field()?.parse().ok()?, field()?.parse().ok()?))
    })();
    let broken = || Failure::new(Exit::Failed, format!("`{}` is no entry of a list of files", path::shown(told)));
    let (raw, uid, gid, size, modified, changed, inode, names) = numbers.with_context(broken)?;
    let kind = match raw >> 12 {
        0o10 => Kind::File,
        0o4 => Kind::Folder,
        0o12 => Kind::Link,
        _ => Kind::Special,
    };
    let path = path::of_listing(fields.next().with_context(broken)?)?;
    Ok(Entry { path, kind, mode: raw & 0o7777, uid, gid, size, modified, changed, inode, names })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_its_name_in_any_bytes() {
        let read = entry(b"81a4 33 0 17 1700000000 1700000001 9 2 ./a b/\xff 1 2\n.php").unwrap();
        assert_eq!(&*read.path, b"a b/\xff 1 2\n.php");
        assert_eq!((read.kind, read.mode, read.uid, read.size, read.names), (Kind::File, 0o644, 33, 17, 2));
        assert_eq!(entry(b"41ed 0 0 0 -1 0 1 1 .").unwrap().modified, -1);
        for broken in [&b"81a4 0 0 1 2 3 4 5"[..], b"81a4 0 0 x 2 3 4 5 ./a", b"", b"81a4 0 0 1 2 3 4 5 ./../a"] {
            assert!(entry(broken).is_err());
        }
    }
}
