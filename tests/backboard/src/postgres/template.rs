//! The programs of one Postgres version, and the empty data directory made with them once.

use super::account::Account;
use crate::cache;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The superuser of every template.
pub(crate) const TEMPLATE_DATABASE_USER: &str = "postgres";

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
            None => {
                let [_, postgres] = cache::programs()?;
                postgres
            }
        };
        PgBin::at(folder).context("find Postgres (run tests/setup, or set RAILSTAGE_PG_BIN)")
    }

    /// Every version that `tests/setup` unpacks, oldest first: `RAILSTAGE_PG_BINS`, a list like PATH, else the cache.
    pub fn all() -> Result<Vec<Self>> {
        let folders: Vec<PathBuf> = match std::env::var_os("RAILSTAGE_PG_BINS").filter(|value| !value.is_empty()) {
            Some(list) => std::env::split_paths(&list).collect(),
            None => fs::read_dir(cache::folder()?)?
                .filter_map(Result::ok)
                .filter(|entry| entry.file_name().to_string_lossy().starts_with("postgresql-"))
                .map(|entry| entry.path().join("bin"))
                .collect(),
        };
        let mut all = folders.into_iter().map(PgBin::at).collect::<Result<Vec<_>>>()?;
        all.sort_by_key(PgBin::major);
        Ok(all)
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

    /// Such as 18.
    pub fn major(&self) -> u32 {
        self.version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or_default()
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
