//! The engine of MariaDB and MySQL between real servers: what arrives, what is refused, and what a failure leaves behind.

mod commands;
mod exact;
mod faults;
mod guards;
mod logins;
mod middle;
mod moments;
mod objects;
mod started;
mod swapping;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use backboard::mysql::{Family, MysqlHome, Server, ServerOptions};
use railstage::copying::{CopyOptions, CopyReport, Progress};
use railstage::mysql::{Endpoint, copy_database};
use tokio_util::sync::CancellationToken;

/// A source and a target, each a server of its own.
struct Ends {
    source: Server,
    target: Server,
}

impl Ends {
    async fn start(source: &MysqlHome, target: &MysqlHome) -> Self {
        let options = ServerOptions::default;
        let (source, target) =
            tokio::try_join!(Server::start(source, options()), Server::start(target, options())).unwrap();
        Self { source, target }
    }

    /// Two of the newest servers of a family.
    async fn newest(family: Family) -> Self {
        let home = MysqlHome::of(family).unwrap().pop().unwrap();
        Self::start(&home, &home).await
    }

    fn options() -> CopyOptions {
        CopyOptions { copy_id: "run-1".to_owned(), stall: Duration::from_secs(20), ..CopyOptions::default() }
    }

    /// Copies with the login that the site has on the source, which owns its database and nothing else.
    async fn copy(&self, options: &CopyOptions) -> Result<CopyReport> {
        self.stoppable(options, &CancellationToken::new()).await
    }

    async fn stoppable(&self, options: &CopyOptions, cancel: &CancellationToken) -> Result<CopyReport> {
        stoppable(&self.source.url_of("railway"), &self.target.url(), options, cancel).await
    }

    /// Checks that no copy has left anything on either end.
    fn assert_nothing_is_left(&self) {
        let sql = "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'rs\\_%'";
        assert_eq!(self.target.sql(sql).unwrap(), [""; 0]);
        let sql = "SELECT ID, INFO FROM information_schema.PROCESSLIST WHERE USER IN ('root', 'railway') AND ID <> CONNECTION_ID()";
        let (source, target) = (self.source.sql(sql).unwrap(), self.target.sql(sql).unwrap());
        assert!(source.is_empty() && target.is_empty(), "{source:?} {target:?}");
        if self.target.home().family() == Family::MySql {
            assert_eq!(self.target.sql("SELECT @@GLOBAL.local_infile").unwrap(), ["0"]);
        }
    }
}

async fn copy(source: &str, target: &str, options: &CopyOptions) -> Result<CopyReport> {
    stoppable(source, target, options, &CancellationToken::new()).await
}

async fn stoppable(
    source: &str,
    target: &str,
    options: &CopyOptions,
    cancel: &CancellationToken,
) -> Result<CopyReport> {
    let (source, target) = (Endpoint::parse(source)?, Endpoint::parse(target)?);
    copy_database(&source, &target, options, &Arc::new(Progress::default()), cancel).await
}

/// The pairs of servers that are copied between: of each family to itself and to a newer one.
fn pairs() -> Vec<(MysqlHome, MysqlHome)> {
    let of = |family| {
        let homes = MysqlHome::of(family).unwrap();
        let (oldest, newest) = (homes[0].clone(), homes.last().unwrap().clone());
        let all = crate::asked::all() && oldest.version() != newest.version();
        [(oldest.clone(), newest.clone())]
            .into_iter()
            .chain(all.then(|| (oldest.clone(), oldest)))
            .chain(Some((newest.clone(), newest)))
    };
    of(Family::MariaDb).chain(of(Family::MySql)).collect()
}

/// The newest server of a family.
async fn newest(family: Family) -> Server {
    let home = MysqlHome::of(family).unwrap().pop().unwrap();
    Server::start(&home, ServerOptions::default()).await.unwrap()
}

/// The oldest server of a family.
async fn oldest(family: Family, options: ServerOptions) -> Server {
    let home = MysqlHome::of(family).unwrap().remove(0);
    Server::start(&home, options).await.unwrap()
}

/// The error as a user reads it.
fn told<T: std::fmt::Debug>(result: Result<T>) -> String {
    railstage::error::describe("copy-db", &result.unwrap_err())
}
