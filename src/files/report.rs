//! What was done to the files of a volume, in numbers and names.

use schemars::JsonSchema;
use serde::Serialize;

use super::path::{Path, shown};

/// How many paths are named of each sort.
const MOST_NAMED: usize = 20;

/// What was done to the files of one volume.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub(crate) struct FilesReport {
    /// Files, symbolic links and further names of files that the copy has from its source, those that were there already among them.
    pub files: u64,
    pub folders: u64,
    /// How many of the files were there already.
    pub unchanged: u64,
    /// Bytes of contents that were sent.
    pub bytes: u64,
    /// Files of the copy that its source has not, or not any more, and that were removed.
    pub removed: u64,
    /// Files whose contents were changed on their way, at most 20 of them.
    pub rewritten: Vec<String>,
    pub rewritten_files: u64,
    /// Files that were changed in the source again and again while they were read: what came is what was read last.
    pub changed: Vec<String>,
    /// Files that were in the source when its volume was listed, and then not any more.
    pub vanished: Vec<String>,
    /// Symbolic links that lead out of the volume, and so stay behind.
    pub leading_out: Vec<String>,
    /// Sockets, pipes and devices, which cannot be copied.
    pub special: Vec<String>,
    /// What stays behind, and why.
    pub left: Vec<LeftFiles>,
    /// Files that name production still, and why.
    pub naming_production: Vec<String>,
    /// Where the copy's guard plug-in was written: one for each WordPress on the volume.
    pub guards: Vec<String>,
    /// Why a WordPress has none that should have one.
    pub unguarded: Option<String>,
    /// Globs of the request that fitted nothing.
    pub unmatched: Vec<String>,
    /// Whether files have the owners that they have in the source: a container that is not run by root cannot give them.
    pub with_owners: bool,
    pub seconds: f64,
}

/// Adds a path to those that are named, of which there are not too many.
pub(super) fn name(named: &mut Vec<String>, path: &Path) {
    if named.len() < MOST_NAMED {
        named.push(shown(path));
    }
}

/// Files and folders that stay behind for one reason.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct LeftFiles {
    pub why: String,
    /// How many, each folder as one.
    pub count: usize,
    /// At most 20 of them.
    pub paths: Vec<String>,
}

impl LeftFiles {
    /// All that were left for a reason.
    pub(crate) fn new<'a>(why: &str, paths: impl ExactSizeIterator<Item = &'a Path>) -> Self {
        let count = paths.len();
        Self { why: why.to_owned(), count, paths: paths.take(MOST_NAMED).map(|path| shown(path)).collect() }
    }
}
