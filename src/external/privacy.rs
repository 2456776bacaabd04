//! What keeps other processes of this machine from reading secrets: of our own memory and environment, and of files for programs that take
//! a secret in no other way but the environment, which everybody of the same account can read.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

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

/// A folder that only our account can enter, in memory where there is such a place; gone when dropped.
///
/// # Errors
/// When none can be made.
pub(crate) fn private_folder() -> Result<TempDir> {
    let in_memory = tempfile::Builder::new().prefix("railstage-").tempdir_in(IN_MEMORY);
    in_memory.or_else(|_| tempfile::Builder::new().prefix("railstage-").tempdir()).context("make a private folder")
}

/// Writes a file that only our account can read.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write_secret(folder: &Path, name: &str, content: &Secret) -> Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join(name));
    file.and_then(|mut file| file.write_all(content.expose().as_bytes())).with_context(|| format!("write `{name}`"))
}
