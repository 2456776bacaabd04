//! The copy engine between real servers: what arrives, what is refused, and what a failure leaves behind.

mod faults;
mod guards;
mod killing;
mod large;
mod lines;
pub(crate) mod masking;
mod matrix;
mod odd;
pub(crate) mod proxy;
mod rewriting;
pub(crate) mod servers;
pub(crate) mod shapes;
mod stays;
mod swapping;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use backboard::postgres::{Cluster, ClusterOptions, PgBin};
use railstage::copying::{CopyOptions, CopyReport, Progress};
use railstage::postgres::{Endpoint, copy_database};
use tokio_postgres::{Client, SimpleQueryMessage};
use tokio_util::sync::CancellationToken;

use crate::stage::eventually;

pub(crate) const PASSWORD: &str = "canary-cluster-password";
pub(crate) const DATABASE: &str = "railway";

/// A source and a target, both empty, each a server of its own.
pub(crate) struct Ends {
    pub(crate) bin: PgBin,
    pub source: Cluster,
    pub target: Cluster,
}

impl Ends {
    pub(crate) async fn start() -> Self {
        let bin = PgBin::find().unwrap();
        let (source, target) = tokio::try_join!(
            Cluster::start(&bin, ClusterOptions::default()),
            Cluster::start(&bin, ClusterOptions::default())
        )
        .unwrap();
        Self { bin, source, target }
    }

    /// The same, with a table of the old target and one large enough to be caught in the middle on the source.
    async fn with_rows() -> Self {
        let ends = Self::start().await;
        run(&ends.source().await, ROWS).await;
        run(&ends.target().await, OLD).await;
        ends
    }

    pub(crate) async fn source(&self) -> Client {
        self.source.connect(DATABASE).await.unwrap()
    }

    pub(crate) async fn target(&self) -> Client {
        self.target.connect(DATABASE).await.unwrap()
    }

    pub(crate) fn options(&self) -> CopyOptions {
        CopyOptions {
            copy_id: "run-1".to_owned(),
            pg_dump: self.bin.program("pg_dump"),
            stall: Duration::from_secs(20),
            ..CopyOptions::default()
        }
    }

    pub(crate) async fn copy(&self, options: &CopyOptions) -> Result<CopyReport> {
        copy(&self.source.url(), &self.target.url(), options).await
    }

    /// Checks that the old database is there, untouched, and nothing else of a copy.
    async fn assert_target_is_old(&self) {
        let databases = "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1";
        eventually("half-built databases go away", async || {
            texts(&self.target().await, databases).await == ["postgres", DATABASE]
        })
        .await;
        let target = self.target().await;
        assert_eq!(texts(&target, "SELECT word FROM old").await, ["as it was"]);
        assert_eq!(texts(&target, "SELECT count(*) FROM pg_class WHERE relname = 'big'").await, ["0"]);
        let open = "SELECT datallowconn FROM pg_database WHERE datname = current_database()";
        assert_eq!(texts(&target, open).await, ["t"]);
    }

    /// Checks that the source has no session of a copy any more.
    async fn assert_source_is_let_go(&self) {
        let sessions = "SELECT application_name, state, query FROM pg_stat_activity
                         WHERE datname IS NOT NULL AND pid <> pg_backend_pid() AND (application_name = 'railstage' OR application_name LIKE 'pg_dump%')";
        eventually("sessions on the source end", async || texts(&self.source().await, sessions).await.is_empty()).await;
    }
}

const ROWS: &str = "
    CREATE TABLE big (id int PRIMARY KEY, body text NOT NULL);
    INSERT INTO big SELECT i, repeat(md5(i::text), 30) FROM generate_series(1, 20000) AS i;
    CREATE TABLE small (id int PRIMARY KEY REFERENCES big, word text);
    INSERT INTO small VALUES (1, 'one'), (2, 'two');";

const OLD: &str = "CREATE TABLE old (word text); INSERT INTO old VALUES ('as it was');";

pub(crate) async fn copy(source: &str, target: &str, options: &CopyOptions) -> Result<CopyReport> {
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

pub(crate) async fn run(client: &Client, sql: &str) {
    client.batch_execute(sql).await.unwrap_or_else(|e| panic!("{e:?} in {sql:.300}"));
}

/// The rows of a query, each as its fields with `|` between; NULL is `~`.
pub(crate) async fn texts(client: &Client, sql: &str) -> Vec<String> {
    let messages = client.simple_query(sql).await.unwrap_or_else(|e| panic!("{e:?} in {sql}"));
    let row = |message| match message {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|i| row.get(i).unwrap_or("~").to_owned()).collect::<Vec<_>>().join("|"))
        }
        _ => None,
    };
    messages.into_iter().filter_map(row).collect()
}

/// The error as a user reads it.
fn told<T: std::fmt::Debug>(result: Result<T>) -> String {
    railstage::error::describe("copy-db", &result.unwrap_err())
}
