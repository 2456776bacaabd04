//! What keeps other processes of this machine from reading secrets: of our own memory and environment, and of files for programs that take
//! a secret in no other way but the environment, which everybody of the same account can read.

use std::fs::{File, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use tempfile::TempDir;

use crate::secret::Secret;

/// Folders in memory, which no disk keeps.
const IN_MEMORY: &str = "/dev/shm";

/// Closes `/proc/<pid>/environ` and our memory to other processes of our account, and leaves no core behind.
pub(crate) fn hide() {
    // Where the kernel refuses, all is as it was before.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// A folder that only our account can enter; gone when dropped. What a process leaves there that is killed, the next one that makes a folder
/// beside it removes.
pub(crate) struct PrivateFolder {
    folder: TempDir,
    /// Held for as long as the folder is somebody's.
    _lock: File,
}

impl PrivateFolder {
    fn beside(parent: &Path) -> Result<Self> {
        remove_left_over(parent);
        let closed = Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().prefix(PREFIX).permissions(closed).tempdir_in(parent)?;
        let lock = File::open(folder.path())?;
        lock.lock()?;
        Ok(Self { folder, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Nothing of anybody else is called so: whatever is may be removed.
const PREFIX: &str = "railstage-private-";

/// How old a folder is at the least that may be nobody's: between being made and being locked it is somebody's, too.
const NOBODYS_AFTER: Duration = Duration::from_mins(1);

/// A private folder in memory, where there is such a place.
///
/// # Errors
/// When none can be made.
pub(crate) fn private_folder() -> Result<PrivateFolder> {
    PrivateFolder::beside(Path::new(IN_MEMORY)).or_else(|_| folder_on_disk())
}

/// A private folder for what is large and no secret.
///
/// # Errors
/// When none can be made.
pub(crate) fn folder_on_disk() -> Result<PrivateFolder> {
    PrivateFolder::beside(&tempfile::env::temp_dir()).context("make a private folder")
}

/// Removes the folders that processes of ours have left which were killed: nobody has them locked.
fn remove_left_over(parent: &Path) {
    let ours = rustix::process::geteuid().as_raw();
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_named = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        let Ok(found) = entry.metadata() else { continue };
        let is_old = found.modified().is_ok_and(|at| at.elapsed().is_ok_and(|age| age > NOBODYS_AFTER));
        if !is_named || !found.is_dir() || found.uid() != ours || !is_old {
            continue;
        }
        if File::open(entry.path()).is_ok_and(|folder| folder.try_lock().is_ok()) {
            // Another process may be doing the same; whoever is second has nothing left to do.
            std::fs::remove_dir_all(entry.path()).ok();
        }
    }
}

/// Writes a file that only our account can read.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write_secret(folder: &Path, name: &str, content: &Secret) -> Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join(name));
    file.and_then(|mut file| file.write_all(content.expose().as_bytes())).with_context(|| format!("write `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_can_enter_a_private_folder() {
        for folder in [private_folder().unwrap(), folder_on_disk().unwrap()] {
            assert_eq!(std::fs::metadata(folder.path()).unwrap().mode() & 0o777, 0o700);
        }
    }
}
