//! A session with the source that can read and nothing else: it has no method that writes, and its very first statement made
//! it one in which the server lets nothing be written.

use std::sync::Arc;

use anyhow::{Context as _, Result};

use super::connect::{Family, Session, Version};
use super::endpoint::Endpoint;
use super::fault::Fault;
use super::login::Proof;
use super::many::{Asking, Failed};
use super::row_stream::{Row, RowStream};
use super::settings::Purpose;
use super::sql;
use crate::copying::throttle::Throttle;

/// Where the snapshot is, whatever was read since.
const BEFORE_TABLE: &str = "railstage_before_table";

/// A read-only session with the source.
pub(crate) struct SourceSession {
    session: Session,
    endpoint: Endpoint,
}

impl SourceSession {
    /// Opens a session that reads the catalog.
    pub(crate) async fn open(endpoint: &Endpoint) -> Result<Self> {
        Ok(Self { session: Session::open(endpoint, Purpose::Read).await?, endpoint: endpoint.clone() })
    }

    /// Opens a session that reads rows in the bytes in which they are kept.
    pub(crate) async fn open_for_rows(endpoint: &Endpoint) -> Result<Self> {
        Ok(Self { session: Session::open(endpoint, Purpose::Rows).await?, endpoint: endpoint.clone() })
    }

    /// Opens a session that reads rows, all of them as they are now.
    pub(crate) async fn open_to_look(endpoint: &Endpoint) -> Result<Self> {
        let mut source = Self::open_for_rows(endpoint).await?;
        source.begin().await.context("take a snapshot")?;
        source.before_table().await.context("keep the snapshot")?;
        Ok(source)
    }

    pub(crate) fn family(&self) -> Family {
        self.session.family
    }

    pub(crate) fn version(&self) -> Version {
        self.session.version
    }

    pub(crate) fn version_text(&self) -> &str {
        &self.session.version_text
    }

    /// The server's number for the session.
    pub(crate) fn id(&self) -> u64 {
        self.session.id
    }

    pub(crate) fn proof(&self) -> Proof {
        self.session.proof
    }

    pub(crate) fn database(&self) -> &str {
        &self.endpoint.database
    }

    /// Whether the line is slow on which rows come.
    pub(crate) async fn has_slow_line(&mut self) -> Result<bool, Fault> {
        self.session.has_slow_line(false).await
    }

    /// What the source's reads may take.
    pub(crate) fn throttle(&self) -> Arc<Throttle> {
        self.endpoint.throttle.clone()
    }

    pub(crate) async fn rows(&mut self, sql: &str) -> Result<Vec<Row>, Fault> {
        self.session.rows(sql).await
    }

    pub(crate) async fn row(&mut self, sql: &str) -> Result<Row> {
        self.session.row(sql).await
    }

    /// Begins to read rows; a read that ends with warnings is none.
    pub(crate) async fn start_rows(&mut self, sql: &str) -> Result<RowStream<'_>, Fault> {
        self.session.start_rows(sql).await
    }

    /// The rows of several queries.
    pub(crate) async fn all(&mut self, queries: &[String]) -> Result<Vec<Vec<Row>>, Failed> {
        self.session.all(queries).await
    }

    /// Begins to read tables one after the other, in a snapshot; a read that ends with warnings is none. What follows each is that it
    /// is let go: whoever changes a definition waits for who has read the table, and everybody else behind him.
    pub(crate) fn read_tables(&mut self, queries: Vec<String>) -> Asking<'_> {
        let let_go = format!("ROLLBACK TO SAVEPOINT {BEFORE_TABLE}");
        self.session.ask_many(queries.into_iter().flat_map(|query| [query, let_go.clone()]).collect())
    }

    /// Takes a snapshot: from here on this session sees all tables as they are now.
    pub(crate) async fn begin(&mut self) -> Result<(), Fault> {
        self.session.run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY").await.map(drop)
    }

    /// Notes that no table is held: what is read from here on is let go by [`Self::let_go`], and the snapshot stays.
    pub(crate) async fn before_table(&mut self) -> Result<(), Fault> {
        self.session.run(&format!("SAVEPOINT {BEFORE_TABLE}")).await.map(drop)
    }

    /// Lets go of what was read since [`Self::before_table`].
    pub(crate) async fn let_go(&mut self) -> Result<(), Fault> {
        self.session.run(&format!("ROLLBACK TO SAVEPOINT {BEFORE_TABLE}")).await.map(drop)
    }

    /// Keeps every other session from writing these tables, until [`Self::unlock`]. It waits for transactions that have written, and
    /// while it waits new ones wait behind it; no reader does.
    pub(crate) async fn lock(&mut self, tables: &[String]) -> Result<(), Fault> {
        let names: Vec<_> =
            tables.iter().map(|table| format!("{} READ", sql::qualified(&self.endpoint.database, table))).collect();
        self.session.run(&format!("LOCK TABLES {}", names.join(", "))).await.map(drop)
    }

    pub(crate) async fn unlock(&mut self) -> Result<(), Fault> {
        self.session.run("UNLOCK TABLES").await.map(drop)
    }

    /// Ends what another session of this login is at, and with `whole` that session.
    pub(crate) async fn end(&mut self, id: u64, whole: bool) -> Result<(), Fault> {
        let what = if whole { "CONNECTION" } else { "QUERY" };
        self.session.run(&format!("KILL {what} {id}")).await.map(drop)
    }

    pub(crate) async fn close(self) {
        self.session.close().await;
    }
}
