//! Two databases to copy between, each test's own, on two servers that all tests of a family share.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use anyhow::Result;
use backboard::mysql::{Family, MysqlHome, Server, ServerOptions};
use railstage::copying::{Compress, CopyOptions, CopyReport};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::stoppable;

/// The password of every login.
const PASSWORD: &str = "canary-server-password";

/// What is running, of MariaDB and of MySQL; the last test that uses a pair ends it.
static SHARED: [Mutex<Weak<[Arc<Server>; 2]>>; 2] = [Mutex::const_new(Weak::new()), Mutex::const_new(Weak::new())];

/// What MySQL takes rows from its clients with, and MariaDB takes them anyway.
const TAKES_ROWS: &str = "--local-infile=ON";

/// How many tests have taken a database.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// One end of a copy: a database on a server.
pub(super) struct Database {
    pub server: Arc<Server>,
    pub name: String,
    /// What ends both servers with the last test that has them.
    _shared: Option<Arc<[Arc<Server>; 2]>>,
}

impl Database {
    /// An empty database, with a login that owns it and nothing else, and one that may do all.
    pub(super) fn make(server: Arc<Server>, name: &str, shared: Option<Arc<[Arc<Server>; 2]>>) -> Self {
        let sql = format!(
            "CREATE DATABASE {name}; CREATE USER {name}@'%' IDENTIFIED BY '{PASSWORD}'; GRANT ALL ON {name}.* TO {name}@'%';
             CREATE USER {name}root@'%' IDENTIFIED BY '{PASSWORD}'; GRANT ALL ON *.* TO {name}root@'%' WITH GRANT OPTION"
        );
        server.sql(&sql).unwrap();
        Self { server, name: name.to_owned(), _shared: shared }
    }

    /// Runs statements in it as the server's owner.
    pub(super) fn sql(&self, statements: &str) -> Result<Vec<String>> {
        self.server.sql_in(&self.name, statements)
    }

    pub(super) fn port(&self) -> u16 {
        self.server.port()
    }

    pub(super) fn family(&self) -> Family {
        self.server.home().family()
    }

    pub(super) fn version(&self) -> &str {
        self.server.home().version()
    }

    /// The URL of the login that may do all.
    pub(super) fn url(&self) -> String {
        self.url_of(&format!("{}root", self.name))
    }

    /// The URL of the login that the site has, which owns the database and nothing else.
    pub(super) fn site_url(&self) -> String {
        self.url_of(&self.name)
    }

    pub(super) fn url_of(&self, user: &str) -> String {
        self.server.url_of(user).replace("/railway", &format!("/{}", self.name))
    }

    /// The URL of a database that the server has not.
    pub(super) fn url_of_nowhere(&self) -> String {
        self.server.url().replace("/railway", "/nowhere")
    }

    /// The server, where no other test has it.
    pub(super) fn own_server(&mut self) -> &mut Server {
        Arc::get_mut(&mut self.server).expect("the server is the test's own")
    }
}

/// A source and a target.
pub(super) struct Ends {
    pub source: Database,
    pub target: Database,
}

impl Ends {
    /// Databases on servers that are there for all tests: of MariaDB, the source's older than the target's, and of MySQL, both the newest.
    pub(super) async fn of(family: Family) -> Self {
        let pair = shared(family).await;
        let name = format!("shop{}", TAKEN.fetch_add(1, Ordering::SeqCst));
        let [source, target] = pair.each_ref().map(|server| Database::make(server.clone(), &name, Some(pair.clone())));
        Self { source, target }
    }

    /// Both on one server, under two names.
    pub(super) async fn on_one_server(family: Family) -> Self {
        let pair = shared(family).await;
        let number = TAKEN.fetch_add(2, Ordering::SeqCst);
        let [source, target] = [number, number + 1]
            .map(|number| Database::make(pair[1].clone(), &format!("shop{number}"), Some(pair.clone())));
        Self { source, target }
    }

    /// Databases on servers that are the test's own, so that it can do to them as it likes.
    pub(super) async fn alone(source: &MysqlHome, target: &MysqlHome, of_target: ServerOptions) -> Self {
        let starting = (Server::start(source, settings(false)), Server::start(target, of_target));
        let (source, target) = tokio::try_join!(starting.0, starting.1).unwrap();
        let [source, target] = [source, target].map(|server| Database::make(Arc::new(server), "shop", None));
        Self { source, target }
    }

    /// The same, with the newest servers of a family.
    pub(super) async fn newest_alone(family: Family) -> Self {
        let home = MysqlHome::of(family).unwrap().pop().unwrap();
        Self::alone(&home, &home, settings(true)).await
    }

    pub(super) fn options() -> CopyOptions {
        CopyOptions {
            copy_id: "run-1".to_owned(),
            stall: Duration::from_secs(20),
            // What lines carry here is what else the machine is at.
            compress: Compress::Never,
            ..CopyOptions::default()
        }
    }

    /// Copies with the login that the site has on the source, which owns its database and nothing else.
    pub(super) async fn copy(&self, options: &CopyOptions) -> Result<CopyReport> {
        self.stoppable(options, &CancellationToken::new()).await
    }

    pub(super) async fn stoppable(&self, options: &CopyOptions, cancel: &CancellationToken) -> Result<CopyReport> {
        stoppable(&self.source.site_url(), &self.target.url(), options, cancel).await
    }

    /// The databases that copies into the target have made and not dropped.
    pub(super) fn leftovers(&self) -> Vec<String> {
        let like = format!("{}\\\\_%", self.prefix().replace('_', "\\_"));
        self.target.sql(&format!("SHOW DATABASES LIKE '{like}'")).unwrap()
    }

    /// What every database that a copy into the target makes begins with.
    pub(super) fn prefix(&self) -> String {
        use sha2::Digest as _;
        format!("rs_{}", &data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(&self.target.name))[..12])
    }

    /// Checks that no copy has left anything on either end.
    pub(super) fn assert_nothing_is_left(&self) {
        assert_eq!(self.leftovers(), [""; 0]);
        for end in [&self.source, &self.target] {
            let sql = format!(
                "SELECT ID, INFO FROM information_schema.PROCESSLIST WHERE USER IN ('{0}', '{0}root')",
                end.name
            );
            let sessions = end.sql(&sql).unwrap();
            assert!(sessions.is_empty(), "{sessions:?}");
        }
        let is_on = self.target.family() == Family::MariaDb
            || self.target.server.options().settings.contains(&TAKES_ROWS.to_owned());
        assert_eq!(self.target.sql("SELECT @@GLOBAL.local_infile").unwrap(), [u8::from(is_on).to_string()]);
    }
}

/// The pair of a family, as long as somebody has it.
async fn shared(family: Family) -> Arc<[Arc<Server>; 2]> {
    let [maria, mysql] = &SHARED;
    let mut shared = if family == Family::MariaDb { maria } else { mysql }.lock().await;
    if let Some(pair) = shared.upgrade() {
        return pair;
    }
    let homes = MysqlHome::of(family).unwrap();
    let newest = homes.last().unwrap();
    let source = if family == Family::MariaDb { &homes[0] } else { newest };
    // Each copy would switch it on and off beside the others.
    let mut of_target = settings(true);
    of_target.settings.push(TAKES_ROWS.to_owned());
    let starting = (Server::start(source, settings(false)), Server::start(newest, of_target));
    let (source, target) = tokio::try_join!(starting.0, starting.1).unwrap();
    let pair = Arc::new([Arc::new(source), Arc::new(target)]);
    *shared = Arc::downgrade(&pair);
    pair
}

/// Events happen on targets alone, where those of a copy must not.
pub(super) fn settings(events: bool) -> ServerOptions {
    let events = format!("--event-scheduler={}", if events { "ON" } else { "OFF" });
    ServerOptions { settings: vec![events, "--max-connections=200".to_owned()], ..ServerOptions::default() }
}
