//! A session with the source that can read and nothing else: it has no method that writes, and every statement runs
//! in a read-only transaction on a session that is read-only by default.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::connect::{Param, Session};
use super::copy_protocol::CopyReader;
use super::endpoint::Endpoint;
use super::fault::Fault;
use super::settings::Purpose;
use super::sql;
use crate::copying::throttle::Throttle;

/// Well under the minute after which a session of ours is ended that does nothing.
const ASK_EVERY: Duration = Duration::from_secs(15);

/// What the source's list of sessions shows for a `pg_dump` that reads in a snapshot.
pub(crate) fn dump_name(snapshot: &str) -> String {
    format!("pg_dump {snapshot}")
}

/// A read-only transaction on the source.
pub(crate) struct SourceSession {
    session: Session,
    endpoint: Endpoint,
    /// What its transactions see; none for what is there when each begins.
    snapshot: Option<String>,
}

impl SourceSession {
    /// Opens a session and begins a transaction, which sees `snapshot` when one is given.
    pub(crate) async fn open(endpoint: &Endpoint, snapshot: Option<&str>) -> Result<Self> {
        let session = Session::open(endpoint, Purpose::Read).await?;
        let source = Self { session, endpoint: endpoint.clone(), snapshot: snapshot.map(str::to_owned) };
        source.run(&source.beginning()).await?;
        Ok(source)
    }

    /// The statements that begin a transaction.
    fn beginning(&self) -> Vec<String> {
        let mut beginning = vec!["BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY".to_owned()];
        let snapshot = self.snapshot.as_ref();
        beginning.extend(snapshot.map(|snapshot| format!("SET TRANSACTION SNAPSHOT {}", sql::literal(snapshot))));
        beginning
    }

    /// The statements that end a transaction and begin another one.
    fn renewal(&self) -> Vec<String> {
        std::iter::once("COMMIT".to_owned()).chain(self.beginning()).collect()
    }

    async fn run(&self, statements: &[String]) -> Result<()> {
        let run = self.session.run(&statements.join("; ")).await;
        run.map_err(|fault| anyhow::Error::from(self.told(fault)).context("begin a read-only transaction"))
    }

    /// What a server said when a transaction was begun. Where the snapshot is not there any more, its holder has gone, for a
    /// reason that its own watch tells better.
    fn told(&self, fault: Fault) -> Fault {
        let is_gone = fault.sqlstate.starts_with("22") || fault.sqlstate == "42704";
        if self.snapshot.is_some() && is_gone { fault.of_the_moment() } else { fault }
    }

    /// Ends the transaction and begins another one that sees the same: whatever is read is locked until then, and a server
    /// has room for a few thousand locks.
    pub(crate) async fn renew(&self) -> Result<()> {
        self.run(&self.renewal()).await
    }

    /// Does work that this session has a part in now and then: a server ends one that waits for long in a transaction.
    pub(crate) async fn awake_for<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            biased;
            done = work => done,
            never = self.ask_for_ever() => match never {},
        }
    }

    async fn ask_for_ever(&self) -> Infallible {
        loop {
            tokio::time::sleep(ASK_EVERY).await;
            // That the session is lost is told by the work.
            let _ = self.session.run("SELECT").await;
        }
    }

    /// Another session with the same source, which sees this snapshot.
    pub(crate) async fn in_snapshot(&self, snapshot: &str) -> Result<Self> {
        Self::open(&self.endpoint, Some(snapshot)).await
    }

    /// What the source's reads may take.
    pub(crate) fn throttle(&self) -> &Throttle {
        &self.endpoint.throttle
    }

    /// Another session with the same source, which sees the same.
    pub(crate) async fn another(&self) -> Result<Self> {
        Self::open(&self.endpoint, self.snapshot.as_deref()).await
    }

    /// The login that it was opened with.
    pub(crate) fn user(&self) -> &str {
        &self.endpoint.user
    }

    /// The login that the site is said to write with, when that is known to be another.
    pub(crate) fn written_by(&self) -> Option<&str> {
        self.endpoint.written_by.as_deref()
    }

    /// What the source's URL sets, by name.
    pub(crate) fn settings_in_url(&self) -> Vec<(String, String)> {
        self.endpoint.settings()
    }

    /// How long the source may be silent that has been asked something.
    pub(crate) fn answer_within(&self) -> Duration {
        self.endpoint.answer_within
    }

    /// Whether code that a read of ours calls could run programs on the server; then nothing is read that could call any.
    pub(crate) fn commands_server(&self) -> bool {
        self.session.commands_server
    }

    /// Whether the server keeps this session from reading views.
    pub(crate) fn reads_no_views(&self) -> bool {
        self.session.reads_no_views
    }

    pub(crate) fn is_superuser(&self) -> bool {
        self.session.superuser
    }

    pub(crate) fn version(&self) -> &str {
        &self.session.version
    }

    pub(crate) fn major(&self) -> i32 {
        self.session.major()
    }

    pub(crate) async fn rows(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Fault> {
        self.session.rows(sql, params).await
    }

    /// The same, each row as it comes and none of them kept.
    pub(crate) async fn each_row(&self, sql: &str, params: &[Param<'_>], take: impl FnMut(Row)) -> Result<(), Fault> {
        self.session.each_row(sql, params, take).await
    }

    pub(crate) async fn row(&self, sql: &str, params: &[Param<'_>]) -> Result<Row> {
        self.session.row(sql, params).await
    }

    /// Changes how the session prints values: `set` is a SET of one setting.
    pub(crate) async fn set(&self, set: &str) -> Result<(), Fault> {
        debug_assert!(set.starts_with("SET ") && !set.contains(';'));
        self.session.run(set).await
    }

    /// One value of one row.
    pub(crate) async fn value<T: for<'a> tokio_postgres::types::FromSql<'a>>(&self, sql: &str) -> Result<T> {
        Ok(self.session.row(sql, &[]).await?.try_get(0).map_err(Fault::from)?)
    }

    /// Begins to read rows, in a transaction of their own; `copies` are COPYs to standard output and nothing else.
    pub(crate) async fn copy_out(&self, copies: &str) -> Result<CopyReader, Fault> {
        let before = self.renewal();
        let (mut reader, _) = self.session.start_copy(&format!("{}; {copies}", before.join("; "))).await?;
        for _ in before {
            reader.command_complete().await.map_err(|fault| self.told(fault))?;
        }
        Ok(reader)
    }

    /// Takes the weakest lock there is on each table, all in one round trip.
    pub(crate) async fn lock_shared(&self, quoted_names: &BTreeSet<String>) -> Result<(), Fault> {
        if quoted_names.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = quoted_names.iter().map(|name| format!("ONLY {name}")).collect();
        self.session.run(&format!("LOCK TABLE {} IN ACCESS SHARE MODE", names.join(", "))).await
    }

    /// Sessions whose wish for a lock waits behind this one, with the first word of what they want to run: the others are
    /// somebody's data, or a password.
    pub(crate) async fn waiting_behind(&self) -> Result<Vec<(i32, String)>, Fault> {
        let sql =
            "SELECT DISTINCT l.pid, coalesce(pg_catalog.substring(a.query, '^[[:space:]]*([A-Za-z]{2,20})\\M'), '')
                     FROM pg_catalog.pg_locks AS l LEFT JOIN pg_catalog.pg_stat_activity AS a USING (pid)
                    WHERE NOT l.granted AND pg_catalog.pg_backend_pid() = ANY (pg_catalog.pg_blocking_pids(l.pid))";
        Ok(self.rows(sql, &[]).await?.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// Whether a `pg_dump` of ours waits for so long that its line must have fallen silent.
    pub(crate) async fn has_silent_dump(&self, snapshot: &str, stall: Duration) -> Result<bool, Fault> {
        let sql = "SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity
                     WHERE application_name = $1 AND state LIKE 'idle%' AND pg_catalog.clock_timestamp() - state_change > pg_catalog.make_interval(secs => $2))";
        let name = dump_name(snapshot);
        let rows = self.rows(sql, &[(&name, Type::TEXT), (&stall.as_secs_f64(), Type::FLOAT8)]).await?;
        Ok(rows.iter().any(|row| row.get(0)))
    }

    /// Whether a lock of this kind is visible here, which tells that another session is on the same server.
    pub(crate) async fn sees_advisory_lock(&self, key: i64) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND objsubid = 1
                     AND (classid::int8 << 32) | objid::int8 = $1)";
        Ok(self.row(sql, &[(&key, Type::INT8)]).await.context("read the server's locks")?.get(0))
    }

    /// Ends the transaction and the session.
    pub(crate) async fn close(self) {
        self.session.close().await;
    }
}
