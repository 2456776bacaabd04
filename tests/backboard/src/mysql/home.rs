//! The programs of one version of MariaDB or MySQL, and the empty data directory made with them once.

use crate::cache;
use crate::postgres::account::Account;
use anyhow::{Context, Result, ensure};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Which of the two a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    MariaDb,
    MySql,
}

/// A folder that `tests/mysql/setup` has made.
#[derive(Debug, Clone)]
pub struct MysqlHome {
    folder: PathBuf,
    family: Family,
    version: String,
}

impl MysqlHome {
    /// Every server that `tests/setup` unpacks, MariaDB first, each family from oldest to newest: `RAILSTAGE_MYSQL_HOMES`, a
    /// list like PATH, else the cache.
    pub fn all() -> Result<Vec<Self>> {
        let folders: Vec<PathBuf> = match std::env::var_os("RAILSTAGE_MYSQL_HOMES").filter(|value| !value.is_empty()) {
            Some(list) => std::env::split_paths(&list).collect(),
            None => fs::read_dir(cache::folder()?)?
                .filter_map(Result::ok)
                .map(|entry| entry.path())
                .filter(|path| {
                    path.join("done").exists()
                        && ["mariadbd", "mysqld"].iter().any(|name| path.join("bin").join(name).exists())
                })
                .collect(),
        };
        let mut all = folders.into_iter().map(MysqlHome::at).collect::<Result<Vec<_>>>()?;
        all.sort_by_key(|home| (home.family, home.number()));
        Ok(all)
    }

    /// The servers of a family, from oldest to newest.
    pub fn of(family: Family) -> Result<Vec<Self>> {
        let all: Vec<_> = MysqlHome::all()?.into_iter().filter(|home| home.family == family).collect();
        ensure!(!all.is_empty(), "no server of {family:?} is unpacked: run tests/setup");
        Ok(all)
    }

    fn at(folder: PathBuf) -> Result<Self> {
        let is_maria = folder.join("bin/mariadbd").exists();
        let (family, program) = if is_maria { (Family::MariaDb, "mariadbd") } else { (Family::MySql, "mysqld") };
        let program = folder.join("bin").join(program);
        let output = Command::new(&program).arg("--version").output();
        let output = output.with_context(|| format!("run `{}`", program.display()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = text.split_once("  Ver ").and_then(|(_, rest)| rest.split(['-', ' ']).next());
        let version = version.with_context(|| format!("no version in `{text}`"))?.to_owned();
        Ok(MysqlHome { folder, family, version })
    }

    pub fn family(&self) -> Family {
        self.family
    }

    /// Such as `10.11.18`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Such as (10, 11).
    pub fn number(&self) -> (u32, u32) {
        let mut parts = self.version.split('.').map(|part| part.parse().unwrap_or_default());
        (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
    }

    /// A program of it.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }

    /// The program that speaks SQL to it; a MySQL that came without one is spoken to by a newer one's.
    pub(crate) fn client(&self) -> Result<PathBuf> {
        let name = if self.family == Family::MariaDb { "mariadb" } else { "mysql" };
        let own = self.program(name);
        if own.exists() {
            return Ok(own);
        }
        let others = MysqlHome::of(self.family)?.into_iter().map(|home| home.program(name));
        others.rev().find(|path| path.exists()).with_context(|| format!("no `{name}` is unpacked: run tests/setup"))
    }

    /// The folder that programs, libraries and texts are in, and that of the texts alone: Debian's packages have one for each kind
    /// of server, MySQL's own archive has not.
    fn places(&self) -> (PathBuf, PathBuf) {
        let root = self.folder.join("root");
        let usr = root.join("usr");
        let of_debian = ["mariadb", "mysql"].map(|name| usr.join("share").join(name));
        match of_debian.into_iter().find(|share| share.join("charsets").is_dir()) {
            Some(share) => (usr, share),
            None => (root.clone(), root.join("share")),
        }
    }

    /// The server with what it needs to find its own files, in a data directory.
    pub(crate) fn server(&self, data: &Path) -> Command {
        let mut command =
            Command::new(self.program(if self.family == Family::MariaDb { "mariadbd" } else { "mysqld" }));
        let of = |name: &str, path: PathBuf| format!("--{name}={}", path.display());
        let (usr, share) = self.places();
        let plugins = usr.join(if usr.ends_with("usr") { "lib/mysql/plugin" } else { "lib/plugin" });
        command.arg("--no-defaults").arg(of("basedir", usr)).arg(of("datadir", data.to_owned()));
        command.arg(of("lc-messages-dir", share.clone())).arg(of("character-sets-dir", share.join("charsets")));
        command.arg(of("plugin-dir", plugins)).arg("--secure-file-priv=");
        command
    }

    /// The path of a data directory with the server's own tables, to be copied; it belongs to whom servers run as.
    pub fn data_directory(&self) -> Result<PathBuf> {
        self.template(Account::find()?)
    }

    /// The same, for a server that runs as this account.
    pub(crate) fn template(&self, account: Account) -> Result<PathBuf> {
        let name = self.folder.file_name().context("name the server")?.to_string_lossy();
        cache::made_once(&format!("data-{name}-{}", self.version), |folder| {
            fs::create_dir(folder).with_context(|| format!("create `{}`", folder.display()))?;
            account.own(folder)?;
            let mut command = self.server(folder);
            account.apply(&mut command);
            if self.family == Family::MySql {
                command.arg("--initialize-insecure").stdin(Stdio::null());
                return run(command, "");
            }
            command.arg("--bootstrap").arg("--innodb-log-file-size=16M");
            run(command, &self.system_tables()?)
        })
    }

    /// What makes MariaDB's own tables, a statement a line where it has none yet.
    fn system_tables(&self) -> Result<String> {
        let (_, folder) = self.places();
        // They were called after MySQL once.
        let prefix = if folder.join("mysql_system_tables.sql").exists() { "mysql" } else { "mariadb" };
        let mut script = String::from(
            "create database mysql;\nuse mysql;\nSET @auth_root_socket=NULL;\nSET @skip_auth_anonymous=1;\n",
        );
        let tables =
            ["system_tables", "performance_tables", "system_tables_data"].map(|name| format!("{prefix}_{name}.sql"));
        let functions = ["maria_add_gis_sp_bootstrap.sql".to_owned(), format!("{prefix}_sys_schema.sql")];
        for name in tables.into_iter().chain(functions) {
            let path = folder.join(name);
            script += &fs::read_to_string(&path).with_context(|| format!("read `{}`", path.display()))?;
            script.push('\n');
        }
        Ok(script)
    }
}

/// Runs a server that ends when it has done what it is fed.
fn run(mut command: Command, script: &str) -> Result<()> {
    let log = tempfile::NamedTempFile::new()?;
    let name = Path::new(command.get_program()).display().to_string();
    command
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(log.reopen()?)
        .stderr(File::options().append(true).open(log.path())?);
    let mut child = command.spawn().with_context(|| format!("run `{name}`"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read to the end says why in its log.
        stdin.write_all(script.as_bytes()).ok();
    }
    let status = child.wait()?;
    let said = fs::read_to_string(log.path()).unwrap_or_default();
    ensure!(status.success(), "`{name}` ended with {status}\n  {}", said.trim_end());
    Ok(())
}
