//! A tree of files built beside the one of a volume, in a hidden folder of it, until all takes its place at once; and what takes that back.
//!
//! What has begun there, the folder itself tells: whatever is cut off is finished or taken back by the same text (`beside.sh`).

use std::time::Duration;

use anyhow::Result;

use super::attempts::retried;
use super::container::{Place, Written};
use super::listing::Entry;
use super::path;
use crate::copying::transient::Transient;

/// How long the copy's own programs may be silent: renaming, taking over and removing says nothing until it is done.
const SILENT: Duration = Duration::from_mins(10);
/// How many files are taken over in one go, and how many bytes of them.
const MOST_FILES: usize = 4000;
const MOST_BYTES: u64 = 1 << 30;

/// What one run has beside the files of a volume.
pub(crate) struct Beside {
    volume: Place,
    run_hash: String,
}

/// How far that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing is there.
    None,
    Built,
    /// Some of it may be in its place, and some of the old tree with it.
    Swapping,
    /// All of it is in its place; the old tree is kept.
    InPlace,
    /// What is left of it is removed by and by.
    Over,
}

impl Beside {
    /// Beside the files of `volume`, for the run of this hash.
    pub(crate) fn new(volume: &Place, run_hash: &str) -> Self {
        Self { volume: volume.clone(), run_hash: run_hash.to_owned() }
    }

    /// Where the new tree is built.
    pub(crate) fn tree(&self) -> Place {
        self.volume.folder(&format!(".railstage-{}/new", self.run_hash))
    }

    pub(super) fn volume(&self) -> &Place {
        &self.volume
    }

    /// Makes a place for the new tree, and removes what other runs have left, once what they left by half is taken back.
    ///
    /// # Errors
    /// When the volume cannot be written.
    pub(crate) async fn begin(&self) -> Result<Standing> {
        self.told("begin").await
    }

    /// Takes files of the volume into the new tree, which has their folders.
    pub(super) async fn reuse(&self, files: &[&Entry]) -> Result<()> {
        let mut at = 0;
        while at < files.len() {
            let mut bytes = 0;
            let some: Vec<_> = files[at..]
                .iter()
                .take(MOST_FILES)
                .take_while(|file| {
                    bytes += file.size;
                    bytes <= MOST_BYTES || bytes == file.size
                })
                .collect();
            let names = some.iter().flat_map(|file| [&path::in_container(&file.path)[..], b"\0"].concat());
            let names: Vec<u8> = names.collect();
            at += some.len();
            retried(|| async {
                let mut written = self.script("reuse").await?;
                written.feed(names.clone()).await?;
                written.end().await
            })
            .await?;
        }
        Ok(())
    }

    /// Puts the new tree in its place, entry by entry; the old one is kept.
    ///
    /// # Errors
    /// When it cannot: then it must be taken back.
    pub(crate) async fn swap(&self) -> Result<()> {
        self.told("swap").await.map(drop)
    }

    /// Puts the old tree back, wherever it has gone.
    ///
    /// # Errors
    /// When it cannot.
    pub(crate) async fn take_back(&self) -> Result<()> {
        self.told("undo").await.map(drop)
    }

    /// Removes what is not in its place: the old tree, or the new one.
    ///
    /// # Errors
    /// When it cannot.
    pub(crate) async fn remove(&self) -> Result<()> {
        self.told("drop").await.map(drop)
    }

    /// How far it has come.
    ///
    /// # Errors
    /// When nobody tells.
    pub(crate) async fn standing(&self) -> Result<Standing> {
        self.told("standing").await
    }

    async fn script(&self, todo: &str) -> Result<Written> {
        self.volume.patient(SILENT).beside(todo, &self.run_hash).await
    }

    async fn told(&self, todo: &str) -> Result<Standing> {
        retried(|| async {
            let said = self.script(todo).await?.told().await?;
            let standing = said.lines().find_map(|line| line.strip_prefix("railstage-standing "));
            let standing = standing.and_then(|word| match word {
                "none" => Some(Standing::None),
                "built" => Some(Standing::Built),
                "swapping" => Some(Standing::Swapping),
                "swapped" => Some(Standing::InPlace),
                "over" => Some(Standing::Over),
                _ => None,
            });
            let silent = || Transient(format!("{} does not tell how far it has come", self.volume));
            Ok(standing.ok_or_else(silent)?)
        })
        .await
    }
}
