//! What is checked out, and packed afterwards: no larger than it may be, and with no link that leads out of it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::error::Failure;
use crate::external::process::{Child, ChildOutput};
use crate::inert::one_line;

/// How often it is looked at how large something has become.
const LOOK: Duration = Duration::from_millis(300);

fn too_large(most: u64) -> Failure {
    Failure::invalid(format!("`repository`: it is larger than {} MB", most / 1_000_000))
        .hint("the policy's `deploy.max_upload_mb` says how large it may be")
}

/// Runs a child while a folder stays small enough.
pub(super) async fn within(child: Child, folder: &Path, most: u64) -> Result<ChildOutput> {
    let growing = async {
        loop {
            tokio::time::sleep(LOOK).await;
            if size(folder) > most {
                return;
            }
        }
    };
    tokio::select! {
        done = child.run() => done,
        () = growing => bail!(too_large(most)),
    }
}

/// How many bytes a folder's files have; what goes while it is counted counts nothing.
fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => size(&entry.path()),
            Ok(found) => found.len(),
            Err(_) => 0,
        })
        .sum()
}

/// Refuses links that lead out of a folder or in circles, and more in it than `most` bytes, counted as whoever packs it does.
///
/// # Errors
/// [`crate::error::Exit::Invalid`].
pub(super) fn ensure_contained(root: &Path, most: u64) -> Result<()> {
    Walk { root, most, left: most }.within(root, 0)
}

/// A walk through files, as whoever packs them goes through them: links are followed.
struct Walk<'a> {
    root: &'a Path,
    /// How many bytes there may be, and how many may come still.
    most: u64,
    left: u64,
}

impl Walk<'_> {
    /// Refuses links that lead out or in circles, and more than there may be.
    fn within(&mut self, folder: &Path, depth: usize) -> Result<()> {
        /// What each name costs at least.
        const NAME: u64 = 512;
        const DEEPEST: usize = 64;
        ensure!(depth < DEEPEST, Failure::invalid("`repository`: its folders, or its links, lead too deep"));
        for entry in std::fs::read_dir(folder).context("read the files")? {
            let entry = entry.context("read the files")?;
            let path = entry.path();
            if entry.file_type().context("read the files")?.is_symlink() {
                self.ensure_within(&path)?;
            }
            let found = std::fs::metadata(&path).context("read the files")?;
            let cost = NAME + if found.is_dir() { 0 } else { found.len() };
            self.left = self.left.checked_sub(cost).ok_or_else(|| too_large(self.most))?;
            if found.is_dir() {
                self.within(&path, depth + 1)?;
            }
        }
        Ok(())
    }

    fn ensure_within(&self, link: &Path) -> Result<()> {
        let name = one_line(&link.strip_prefix(self.root).unwrap_or(link).to_string_lossy());
        let leads_out = || {
            Failure::invalid(format!("`repository`: its link `{name}` leads out of it, in a circle, or nowhere"))
                .hint("what links lead to is uploaded in their places")
        };
        let target = link.canonicalize().map_err(|_| leads_out())?;
        ensure!(target.starts_with(self.root) && !link.starts_with(&target), leads_out());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_leads_out_or_in_circles_is_refused_and_one_within_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let files = root.join("files");
        std::fs::create_dir_all(files.join("a/b")).unwrap();
        std::fs::write(root.join("secret"), "x").unwrap();
        std::fs::write(files.join("a/page"), "x").unwrap();
        let try_link = |at: &str, to: &str| {
            std::os::unix::fs::symlink(to, files.join(at)).unwrap();
            let judged = ensure_contained(&files, 100_000);
            std::fs::remove_file(files.join(at)).unwrap();
            judged.is_ok()
        };
        assert!(try_link("page", "a/page") && try_link("a/b/up", "../page") && try_link("c", "a/b"));
        for out in ["/etc/passwd", "../secret", "a/../../secret", "..", ".", "/", "nowhere", "/proc/self/environ"] {
            assert!(!try_link("out", out), "{out}");
        }
        assert!(!try_link("a/b/circle", "..") && !try_link("a/b/circle", "../.."));
    }

    #[test]
    fn links_that_multiply_are_counted_as_often_as_they_are_packed() {
        let folder = tempfile::tempdir().unwrap();
        let files = folder.path().canonicalize().unwrap();
        std::fs::create_dir(files.join("l0")).unwrap();
        std::fs::write(files.join("l0/page"), "x".repeat(1000)).unwrap();
        for n in 1..20 {
            let level = files.join(format!("l{n}"));
            std::fs::create_dir(&level).unwrap();
            for half in ["a", "b"] {
                std::os::unix::fs::symlink(format!("../l{}", n - 1), level.join(half)).unwrap();
            }
        }
        assert!(ensure_contained(&files, 10_000_000).is_err());
    }
}
