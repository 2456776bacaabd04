//! Odd databases: what a copy of each must be. The small ones are in `tests/fixtures/odd`, a file each.

mod before;
mod compression;
mod computed;
mod extensions;
mod failures;
mod families;
mod leftovers;
mod memory;
mod old_servers;
mod order;
mod patience;
mod plain;
mod queues;
mod scale;
mod schema_text;
mod settings;
mod statistics;
mod views;
mod words_of_the_server;

use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::Result;
use backboard::postgres::{Cluster, ClusterOptions, PgBin};
use railstage::copying::{CopyOptions, CopyReport};

use super::shapes::{assert_equal, dump};
use super::{DATABASE, copy, run, texts};
use crate::stage;

/// Two servers on which each case has a database of its own.
pub(crate) struct Odd {
    /// The newer of the two servers', for every program.
    pub bin: PgBin,
    pub source: Cluster,
    pub target: Cluster,
}

impl Odd {
    /// Both of the newest version.
    pub(crate) async fn start() -> Self {
        let bin = PgBin::find().unwrap();
        Self::between(&bin, &bin).await
    }

    pub(crate) async fn between(from: &PgBin, to: &PgBin) -> Self {
        Self::of(from, ClusterOptions::default(), to, ClusterOptions::default()).await
    }

    pub(crate) async fn of(from: &PgBin, source: ClusterOptions, to: &PgBin, target: ClusterOptions) -> Self {
        let (source, target) = tokio::try_join!(Cluster::start(from, source), Cluster::start(to, target)).unwrap();
        Self { bin: to.clone(), source, target }
    }

    /// The file of this name in `tests/fixtures/odd`, in a database of its name; what it says of the database `railway`
    /// is said of that.
    pub(crate) async fn load_file(&self, name: &str) {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/odd").join(format!("{name}.sql"));
        let sql = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        self.load(name, &sql).await;
    }

    /// Databases of this name on both servers, the source's made by this script for `psql`.
    pub(crate) async fn load(&self, name: &str, sql: &str) {
        for cluster in [&self.source, &self.target] {
            run(&cluster.connect("postgres").await.unwrap(), &format!("CREATE DATABASE \"{name}\"")).await;
        }
        let sql = sql.replace(&format!("DATABASE {DATABASE}"), &format!("DATABASE \"{name}\""));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), sql).unwrap();
        let loaded = Command::new(self.bin.program("psql"))
            .args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--output=/dev/null", "--file"])
            .arg(file.path())
            .arg(of(&self.source.url(), name))
            .output()
            .unwrap();
        assert!(loaded.status.success(), "{name}: {}", String::from_utf8_lossy(&loaded.stderr));
    }

    pub(crate) fn source_url(&self, name: &str) -> String {
        of(&self.source.url(), name)
    }

    pub(crate) fn target_url(&self, name: &str) -> String {
        of(&self.target.url(), name)
    }

    pub(crate) fn options(&self) -> CopyOptions {
        CopyOptions { pg_dump: self.bin.program("pg_dump"), ..CopyOptions::default() }
    }

    /// Copies the case, by the library.
    pub(crate) async fn copy(&self, name: &str, options: &CopyOptions) -> Result<CopyReport> {
        copy(&self.source_url(name), &self.target_url(name), options).await
    }

    /// Runs `railstage copy-db` between the case's two databases.
    pub(crate) async fn copy_db(&self, name: &str, arguments: &[&str]) -> Output {
        let mut command = stage::binary();
        command.arg("copy-db").args(arguments);
        command.env("SOURCE_DATABASE_URL", self.source_url(name)).env("TARGET_DATABASE_URL", self.target_url(name));
        command.output().await.unwrap()
    }

    /// Loads the file, copies it as it is, and checks that the copy is equal.
    pub(crate) async fn copies_equal(&self, name: &str) -> CopyReport {
        self.load_file(name).await;
        let report = self.copy(name, &self.options()).await.unwrap_or_else(|error| panic!("{name}: {error:#}"));
        self.assert_equal(name).await;
        report
    }

    /// Checks that the schema, all rows with what is computed in them, and the objects' statistics are equal.
    pub(crate) async fn assert_equal(&self, name: &str) {
        let (here, there) = (dump(&self.bin, &self.source, name), dump(&self.bin, &self.target, name));
        assert_equal(&here, &there, name);
        let source = self.source.connect(name).await.unwrap();
        let target = self.target.connect(name).await.unwrap();
        let relations = "SELECT c.oid::regclass FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'm') AND c.relispopulated AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' ORDER BY c.oid::regclass::text";
        let names = texts(&source, relations).await;
        assert_eq!(names, texts(&target, relations).await, "{name}");
        for relation in names {
            let rows = format!("SELECT t::text FROM ONLY {relation} AS t ORDER BY t::text COLLATE \"C\"");
            assert_eq!(texts(&source, &rows).await, texts(&target, &rows).await, "{name}: {relation}");
        }
        let objects = "SELECT s.stxname FROM pg_statistic_ext AS s JOIN pg_statistic_ext_data AS d ON d.stxoid = s.oid ORDER BY 1";
        assert_eq!(texts(&source, objects).await, texts(&target, objects).await, "{name}: statistics");
    }

    /// The answer to a query, which must be the same on both servers, by index and by sequential scan.
    pub(crate) async fn answer(&self, name: &str, sql: &str) -> Vec<String> {
        let mut answers = Vec::new();
        for cluster in [&self.source, &self.target] {
            for (seqscan, others) in [("off", "on"), ("on", "off")] {
                let client = cluster.connect(name).await.unwrap();
                run(&client, &format!("SET enable_seqscan = {seqscan}")).await;
                for scan in ["indexscan", "indexonlyscan", "bitmapscan"] {
                    run(&client, &format!("SET enable_{scan} = {others}")).await;
                }
                answers.push(texts(&client, sql).await);
            }
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{name}: {sql}: {answers:?}");
        answers.swap_remove(0)
    }
}

/// The newest of the distribution's own servers that has this extension, which the servers of the other tests have not;
/// or why there is none here.
pub(crate) fn distributed(extension: &str) -> Result<PgBin, String> {
    let folders = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(Result::ok);
    let has_it = |server: &PgBin| {
        let control = format!("/usr/share/postgresql/{}/extension/{extension}.control", server.major());
        std::path::Path::new(&control).exists()
    };
    let servers = folders.filter_map(|folder| PgBin::at(folder.path().join("bin")).ok()).filter(has_it);
    servers.max_by_key(PgBin::major).ok_or_else(|| {
        format!("no server of the distribution's has the extension {extension}; tests/setup installs one, as root")
    })
}

fn of(url: &str, database: &str) -> String {
    url.replace(&format!("/{DATABASE}"), &format!("/{database}"))
}

/// What a program printed, both ways.
pub(crate) fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
