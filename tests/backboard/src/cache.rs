//! The folder that outlives runs: database templates, loaded fixtures, unpacked programs.

use anyhow::{Context, Result};
use nix::fcntl::{Flock, FlockArg};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::versions;

/// `RAILSTAGE_CACHE`, else `/var/cache/railstage` for root, else `railstage` in the user's cache folder.
pub fn folder() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(folder) = set("RAILSTAGE_CACHE") {
        return Ok(folder);
    }
    if nix::unistd::geteuid().is_root() {
        return Ok("/var/cache/railstage".into());
    }
    let caches = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    Ok(caches.context("neither XDG_CACHE_HOME nor HOME is set")?.join("railstage"))
}

/// The folders of the programs that `tests/setup` has put into the cache: Railway's CLI, then the newest Postgres.
pub fn programs() -> Result<[PathBuf; 2]> {
    let bin = |folder: String| Ok::<_, anyhow::Error>(self::folder()?.join(folder).join("bin"));
    Ok([bin(format!("railway-{}", versions::of("RAILWAY")))?, bin(format!("postgresql-{}", versions::of("POSTGRES")))?])
}

/// The folder of the program that Caddy's image holds.
pub(crate) fn caddy() -> Result<PathBuf> {
    Ok(folder()?.join(format!("caddy-{}", versions::of("CADDY"))).join("bin"))
}

/// Returns a cached folder, making it first if need be; of several processes one makes it and the others wait.
pub(crate) fn made_once(name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let cache = folder()?;
    fs::create_dir_all(&cache).with_context(|| format!("create `{}`", cache.display()))?;
    let wanted = cache.join(name);
    if wanted.is_dir() {
        return Ok(wanted);
    }
    let lock = cache.join(format!("{name}.lock"));
    let file = File::create(&lock).with_context(|| format!("create `{}`", lock.display()))?;
    let held = Flock::lock(file, FlockArg::LockExclusive)
        .map_err(|(_, errno)| errno)
        .with_context(|| format!("lock `{}`", lock.display()))?;
    if !wanted.is_dir() {
        let unfinished = cache.join(format!("{name}.unfinished"));
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).with_context(|| format!("remove `{}`", unfinished.display()))?;
        }
        make(&unfinished)?;
        fs::rename(&unfinished, &wanted).with_context(|| format!("create `{}`", wanted.display()))?;
    }
    drop(held);
    Ok(wanted)
}

/// Copies a folder with owners and modes, sharing blocks where the file system can.
pub(crate) fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    let output = Command::new("cp").args(["-a", "--reflink=auto"]).arg(from).arg(to).output().context("run `cp`")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().last().unwrap_or_default();
    anyhow::ensure!(output.status.success(), "copy `{}`: `cp` ended with {}\n  {last}", from.display(), output.status);
    Ok(())
}
