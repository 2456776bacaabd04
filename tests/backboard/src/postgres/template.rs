//! The programs of one Postgres version, and the empty data directory made with them once.

use super::account::Account;
use crate::cache;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The superuser of every template.
pub(crate) const TEMPLATE_DATABASE_USER: &str = "postgres";

/// The version that `tests/setup` unpacks into the cache.
const CACHED: &str = "postgresql-18.6.0/bin";

/// A folder with the programs of one Postgres version.
#[derive(Debug, Clone)]
pub struct PgBin {
    folder: PathBuf,
    version: String,
}

impl PgBin {
    /// `RAILSTAGE_PG_BIN`, else the one in the cache.
    pub fn find() -> Result<Self> {
        let set = std::env::var_os("RAILSTAGE_PG_BIN").filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder = match set {
            Some(folder) => folder,
            None => cache::folder()?.join(CACHED),
        };
        PgBin::at(folder).context("find Postgres (run tests/setup, or set RAILSTAGE_PG_BIN)")
    }

    pub fn at(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        let postgres = folder.join("postgres");
        let output = Command::new(&postgres).arg("--version").output();
        let output = output.with_context(|| format!("run `{}`", postgres.display()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = text.split_whitespace().nth(2).with_context(|| format!("no version in `{text}`"))?;
        Ok(PgBin { version: version.to_owned(), folder })
    }

    /// Such as `18.6`.
    pub fn version(&self) -> &str {
        &self.version
    }

    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The path of a data directory that `initdb` made, to be copied.
    pub(crate) fn template(&self, account: Account) -> Result<PathBuf> {
        cache::made_once(&format!("cluster-{}", self.version), |folder| {
            fs::create_dir(folder).with_context(|| format!("create `{}`", folder.display()))?;
            account.own(folder)?;
            let mut initdb = Command::new(self.program("initdb"));
            initdb.args(["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]);
            initdb.arg("--username").arg(TEMPLATE_DATABASE_USER).arg("--pgdata").arg(folder);
            run_as(account, initdb)
        })
    }
}

/// Runs one of Postgres's programs to its end.
pub(crate) fn run_as(account: Account, mut command: Command) -> Result<()> {
    account.apply(&mut command);
    let name = Path::new(command.get_program()).display().to_string();
    let output = command.current_dir("/").output().with_context(|| format!("run `{name}`"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`{name}` ended with {}\n  {}", output.status, said.trim_end());
    Ok(())
}
