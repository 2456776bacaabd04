//! How a volume is copied, and what becomes of its files on their way.

use anyhow::Result;
use tokio_util::sync::CancellationToken;

use super::beside::Beside;
use super::path::Path;
use crate::copying::progress::Progress;

/// What becomes of files on their way.
pub(crate) trait Treatment: Sync {
    /// Whether a file, or a folder with all that is in it, stays behind.
    fn is_left(&self, path: &[u8], is_folder: bool) -> bool;
    /// Whether the contents of a file may change on their way: it is sent at every run.
    fn may_change(&self, path: &[u8]) -> bool;
    /// What a file becomes; `None` for what it is.
    ///
    /// # Errors
    /// When it cannot be told what it would do in a copy.
    fn treat(&self, path: &[u8], contents: &[u8]) -> Result<Option<Vec<u8>>>;
    /// Looks at the contents of a file that stays as it is.
    fn look(&self, path: &[u8], contents: &[u8]);
    /// What the copy has that its source has not, by the paths of what comes along.
    ///
    /// # Errors
    /// When it cannot be made.
    fn own(&self, paths: &mut dyn Iterator<Item = &[u8]>) -> Result<OwnFiles>;
}

/// Files of a copy's own.
#[derive(Default)]
pub(crate) struct OwnFiles {
    pub(crate) files: Vec<OwnFile>,
    /// Why one that the copy should have is not among them.
    pub(crate) finding: Option<String>,
}

/// A file of a copy's own, with its folder's owner.
pub(crate) struct OwnFile {
    pub(crate) path: Path,
    pub(crate) contents: Vec<u8>,
    /// Seconds since 1970.
    pub(crate) modified: i64,
}

/// How a volume is copied.
pub(crate) struct FilesOptions<'a> {
    pub(crate) treatment: &'a dyn Treatment,
    /// Compare what is there by its digest, not by size and time alone.
    pub(crate) by_digest: bool,
    /// What the target's tree is built beside, and takes from what it can; none where it is the volume's own.
    pub(crate) beside: Option<&'a Beside>,
    /// Seconds since 1970 before which the volumes were equal: what has not changed in the source since need not be compared with what was taken.
    pub(crate) unchanged_before: Option<i64>,
    pub(crate) progress: &'a Progress,
    pub(crate) stop: &'a CancellationToken,
}
