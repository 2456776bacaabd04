//! The account that servers run as: Postgres refuses to be root.

use anyhow::{Context, Result};
use nix::unistd::{Gid, Uid, User, chown, geteuid};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// `None`: run as whoever we are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account(Option<(Uid, Gid)>);

impl Account {
    pub(crate) fn find() -> Result<Self> {
        if !geteuid().is_root() {
            return Ok(Account(None));
        }
        let user = User::from_name("postgres").context("look up the user `postgres`")?;
        let user = user.context(
            "Postgres does not run as root, and there is no user `postgres`; create one: useradd --system postgres",
        )?;
        Ok(Account(Some((user.uid, user.gid))))
    }

    pub(crate) fn apply(self, command: &mut Command) {
        if let Some((uid, gid)) = self.0 {
            command.uid(uid.as_raw()).gid(gid.as_raw());
        }
    }

    pub(crate) fn own(self, path: &Path) -> Result<()> {
        if let Some((uid, gid)) = self.0 {
            chown(path, Some(uid), Some(gid)).with_context(|| format!("give `{}` to `postgres`", path.display()))?;
        }
        Ok(())
    }
}
