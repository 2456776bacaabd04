//! Files that a copy has and its source has not, written when all else is there.

use anyhow::Result;
use sha2::{Digest as _, Sha256};

use super::archive::{self, As};
use super::difference::Wanted;
use super::listing::{Entry, Kind};
use super::options::OwnFile;
use super::path;
use super::sending::Sending;

/// Writes a file into what is there of `wanted`, with the folders that it needs; whether it could be: what its folders are called may be
/// something else, such as a link, which is never followed.
///
/// # Errors
/// When the volume takes it not, or what is there is not what was sent.
pub(super) async fn write(sending: &Sending<'_>, wanted: &Wanted, file: &OwnFile) -> Result<bool> {
    let there = |path: &[u8]| wanted.entries.binary_search_by(|entry| (*entry.path).cmp(path)).ok();
    let mut above = std::iter::successors(path::parent(&file.path), |path| path::parent(path));
    let mut made = Vec::new();
    let nearest = loop {
        let Some(path) = above.next() else { return Ok(false) };
        match there(path) {
            Some(n) => break &wanted.entries[n],
            None => made.push(path),
        }
    };
    if nearest.kind != Kind::Folder
        || above.any(|path| there(path).is_some_and(|n| wanted.entries[n].kind != Kind::Folder))
    {
        return Ok(false);
    }
    let like_folder = |path: &[u8]| Entry { path: path.into(), modified: file.modified, ..nearest.clone() };
    let folders = made.iter().rev().map(|path| like_folder(path));
    let mut members: Vec<_> = folders.map(|folder| archive::member(&folder, folder.mode, &As::Folder)).collect();
    let size = file.contents.len() as u64;
    let mut member = archive::member(&like_folder(&file.path), 0o644, &As::File(size));
    member.extend_from_slice(&file.contents);
    member.resize(member.len() + usize::try_from(archive::padding(size))?, 0);
    members.push(member);
    sending.archive(members.into_iter()).await?;
    sending.compare(&[(&file.path, Sha256::digest(&file.contents).into())]).await?;
    // What was put into it has changed its time.
    sending.folders(std::slice::from_ref(nearest), true).await?;
    Ok(true)
}
