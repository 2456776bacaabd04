//! Sessions with a server: one login, pinned settings, and proof that no pooler stands in between.

use std::pin::pin;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures_util::TryStreamExt as _;
use tokio::task::JoinHandle;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use super::answer_timeout::AnswerTimeout;
use super::connection::connect_unheard;
use super::copy_protocol::{CopyReader, CopyWriter};
use super::endpoint::Endpoint;
use super::fault::Fault;
use super::settings::{self, Purpose};
use super::shared_stream::SharedStream;
use super::{at_work, refusal, sql};
use crate::copying::transient::Transient;

/// A parameter of a query with its type, so that a query is one round trip.
pub(crate) type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// What is held of an answer: that of a catalog with a million columns is shorter.
const ANSWER_BYTES: usize = 64 << 20;

/// One session. Dropping it closes the socket at once, whatever is under way; the server then rolls back.
pub(crate) struct Session {
    client: Client,
    driver: Driver,
    stream: SharedStream,
    answer_timeout: AnswerTimeout,
    /// What `server_version_num` says, such as 160004.
    version_num: i32,
    /// What `server_version` says.
    pub(crate) version: String,
    pub(crate) superuser: bool,
    /// Whether code that runs in it could run programs on the server, or read and write its files. The login counts, since
    /// code can always go back to it, and not the role that the session has taken.
    pub(crate) commands_server: bool,
    /// Whether the server can be kept from reading views, and so is.
    pub(crate) reads_no_views: bool,
}

/// The task that moves a session's bytes; dropping it closes the socket.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Session {
    /// Opens a session with the settings of its purpose.
    pub(crate) async fn open(endpoint: &Endpoint, purpose: Purpose) -> Result<Self> {
        // It is large, and part of whatever opens a session.
        Box::pin(Self::try_open(endpoint, purpose)).await.with_context(|| format!("connect to `{endpoint}`"))
    }

    async fn try_open(endpoint: &Endpoint, purpose: Purpose) -> Result<Self> {
        let token = format!("{:016x}", rand::random::<u64>());
        // The socket's own limit does not cover a server that accepts and then says nothing.
        let limit = endpoint.connect_timeout * 2;
        let connecting = connect_unheard(endpoint, purpose, &token);
        let (client, connection, stream) = match tokio::time::timeout(limit, connecting).await {
            Ok(connected) => connected?,
            Err(_) => bail!(Transient(format!("no answer within {} s", limit.as_secs()))),
        };
        // Before anything is asked that an old server might not know.
        let told =
            connection.parameter("server_version").and_then(|version| version.split(['.', ' ']).next()?.parse().ok());
        told.map_or(Ok(()), refusal::of_age)?;
        let driver = Driver(tokio::spawn(async move {
            // An error of the connection reaches every request that is waiting on it.
            let _ = connection.await;
        }));
        let answer_timeout = AnswerTimeout::new(endpoint.answer_within, at_work::probe(endpoint, purpose));
        let mut session = Self {
            client,
            driver,
            stream,
            answer_timeout,
            version_num: 0,
            version: String::new(),
            superuser: false,
            commands_server: true,
            reads_no_views: false,
        };
        session.identify(&token).await?;
        let (names, values) = settings::for_purpose(purpose);
        session
            .rows(settings::APPLY, &[(&names, Type::TEXT_ARRAY), (&values, Type::TEXT_ARRAY)])
            .await
            .context("set the session's settings")?;
        Ok(session)
    }

    async fn identify(&mut self, token: &str) -> Result<()> {
        let row = self
            .row(
                "SELECT current_setting('server_version_num')::int4, current_setting('server_version'),
                        current_setting('is_superuser') = 'on', current_setting('railstage.session', true),
                        pg_catalog.pg_backend_pid(),
                        pg_has_role(session_user, 'pg_execute_server_program', 'MEMBER')
                            OR pg_has_role(session_user, 'pg_write_server_files', 'MEMBER')
                            OR pg_has_role(session_user, 'pg_read_server_files', 'MEMBER'),
                        current_setting('restrict_nonsystem_relation_kind', true) IS NOT NULL",
                &[],
            )
            .await?;
        if row.get::<_, Option<String>>(3).as_deref() != Some(token) {
            return Err(refusal::of_pooler());
        }
        (self.version_num, self.version, self.superuser) = (row.get(0), row.get(1), row.get(2));
        refusal::of_age(self.major())?;
        self.answer_timeout.pid = row.get(4);
        (self.commands_server, self.reads_no_views) = (row.get(5), row.get(6));
        Ok(())
    }

    /// The server's process that this session has.
    pub(crate) fn pid(&self) -> i32 {
        self.answer_timeout.pid
    }

    /// The major version, such as 16.
    pub(crate) fn major(&self) -> i32 {
        self.version_num / 10_000
    }

    /// The rows of an answer.
    pub(crate) async fn rows(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Fault> {
        let mut all = Vec::new();
        self.each_row(sql, params, |row| all.push(row)).await?;
        Ok(all)
    }

    /// The same, each as it comes and none of them kept.
    pub(crate) async fn each_row(
        &self,
        sql: &str,
        params: &[Param<'_>],
        mut take: impl FnMut(Row),
    ) -> Result<(), Fault> {
        let params = params.iter().map(|(value, of_type)| (*value, of_type.clone()));
        let rows = self.answered(self.client.query_typed_raw(sql, params)).await?;
        let mut rows = pin!(rows);
        let mut bytes = 0;
        while let Some(row) = self.answered(rows.try_next()).await? {
            bytes += row.raw_size_bytes();
            if bytes > ANSWER_BYTES {
                return Err(Fault::of_answer(&format!("an answer has more than {} MiB", ANSWER_BYTES >> 20)));
            }
            take(row);
        }
        Ok(())
    }

    async fn answered<T>(&self, answer: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, Fault> {
        let answered = self.answer_timeout.wait(answer).await;
        answered.map_err(|fault| self.stream.refused().map_or(fault, |refused| Fault::of_answer(&refused)))
    }

    /// The only row of an answer.
    pub(crate) async fn row(&self, sql: &str, params: &[Param<'_>]) -> Result<Row> {
        let mut rows = self.rows(sql, params).await?;
        match (rows.pop(), rows.is_empty()) {
            (Some(row), true) => Ok(row),
            _ => bail!("the server's answer has not the one row that was expected"),
        }
    }

    /// Sends statements in one round trip; more than one of them are one transaction.
    pub(crate) async fn run(&self, sql: &str) -> Result<(), Fault> {
        self.answered(self.client.batch_execute(sql)).await
    }

    /// The rows of a query of ours, whatever this session is set to and for whatever it is.
    pub(crate) async fn rows_pinned(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Fault> {
        let begin = settings::begin_pinned().join("; ");
        let (begun, rows, ended) = tokio::join!(self.run(&begin), self.rows(sql, params), self.run("COMMIT"));
        begun.and(rows).and_then(|rows| ended.map(|()| rows))
    }

    /// Sets the search path, until it is set again.
    pub(crate) async fn set_search_path(&self, path: &str) -> Result<()> {
        let set = format!("SELECT pg_catalog.set_config('search_path', {}, false)", sql::literal(path));
        self.run(&set).await.context("set the search path")
    }

    /// Sends a command whose answer is read, and whose rows are written, past the driver. Both ends go with the session
    /// when they are not brought to [`CopyReader::until_ready`] and given back.
    pub(crate) async fn start_copy(&self, sql: &str) -> Result<(CopyReader, CopyWriter), Fault> {
        let line = self.stream.borrow();
        let mut writer = CopyWriter::new(line.clone());
        writer.query(sql).await?;
        Ok((CopyReader::new(line), writer))
    }

    /// Says goodbye and waits until the socket is closed, so that the server has no session of ours left.
    pub(crate) async fn close(self) {
        let Session { client, mut driver, stream: _stream, .. } = self;
        drop(client);
        // A server that does not close is left to the driver's own end.
        let _ = tokio::time::timeout(Duration::from_secs(2), &mut driver.0).await;
    }
}
