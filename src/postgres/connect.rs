//! Sessions with a server: one login, pinned settings, and proof that no pooler stands in between.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use tokio::task::JoinHandle;
use tokio_postgres::config::{ChannelBinding, SslMode};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, CopyInSink, CopyOutStream, Row};

use super::endpoint::{self, Endpoint, TlsMode};
use super::fault::Fault;
use super::settings::{self, Purpose};
use super::tls;
use crate::error::Failure;

/// A parameter of a query with its type, so that a query is one round trip.
pub(super) type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// One session. Dropping it closes the socket at once, whatever is under way; the server then rolls back.
pub(super) struct Session {
    client: Client,
    driver: Driver,
    /// What `server_version_num` says, such as 160004.
    version_num: i32,
    /// What `server_version` says.
    pub(super) version: String,
    pub(super) superuser: bool,
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
    pub(super) async fn open(endpoint: &Endpoint, purpose: Purpose) -> Result<Self> {
        Self::try_open(endpoint, purpose).await.with_context(|| format!("connect to `{endpoint}`"))
    }

    async fn try_open(endpoint: &Endpoint, purpose: Purpose) -> Result<Self> {
        let token = format!("{:016x}", rand::random::<u64>());
        let config = config(endpoint, purpose, &token);
        let connecting = config.connect(tls::connector(endpoint)?);
        // The driver's own limit covers the socket only, not a server that accepts and then says nothing.
        let limit = endpoint.connect_timeout * 2;
        let (client, connection) = match tokio::time::timeout(limit, connecting).await {
            Ok(connected) => connected.map_err(|error| connect_error(error.into()))?,
            Err(_) => bail!(super::fault::Transient(format!("no answer within {} s", limit.as_secs()))),
        };
        let driver = Driver(tokio::spawn(async move {
            // An error of the connection reaches every request that is waiting on it.
            let _ = connection.await;
        }));
        let mut session = Self { client, driver, version_num: 0, version: String::new(), superuser: false };
        session.introduce(&token).await?;
        let (names, values) = settings::for_purpose(purpose);
        session
            .rows(settings::APPLY, &[(&names, Type::TEXT_ARRAY), (&values, Type::TEXT_ARRAY)])
            .await
            .context("set the session's settings")?;
        Ok(session)
    }

    async fn introduce(&mut self, token: &str) -> Result<()> {
        let row = self
            .row(
                "SELECT current_setting('server_version_num')::int4, current_setting('server_version'),
                        current_setting('is_superuser') = 'on', current_setting('railstage.session', true)",
                &[],
            )
            .await?;
        if row.get::<_, Option<String>>(3).as_deref() != Some(token) {
            return Err(pooler_refused());
        }
        (self.version_num, self.version, self.superuser) = (row.get(0), row.get(1), row.get(2));
        Ok(())
    }

    /// The major version, such as 16.
    pub(super) fn major(&self) -> i32 {
        self.version_num / 10_000
    }

    pub(super) async fn rows(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Fault> {
        Ok(self.client.query_typed(sql, params).await?)
    }

    /// The only row of an answer.
    pub(super) async fn row(&self, sql: &str, params: &[Param<'_>]) -> Result<Row> {
        let mut rows = self.rows(sql, params).await?;
        match (rows.pop(), rows.is_empty()) {
            (Some(row), true) => Ok(row),
            _ => bail!("the server's answer has not the one row that was expected"),
        }
    }

    /// Sends statements in one round trip; more than one of them are one transaction.
    pub(super) async fn run(&self, sql: &str) -> Result<(), Fault> {
        Ok(self.client.batch_execute(sql).await?)
    }

    pub(super) async fn copy_out(&self, sql: &str) -> Result<CopyOutStream, Fault> {
        Ok(self.client.copy_out(sql).await?)
    }

    /// Dropping the sink before `finish` makes the server roll the COPY back.
    pub(super) async fn copy_in(&self, sql: &str) -> Result<CopyInSink<Bytes>, Fault> {
        Ok(self.client.copy_in(sql).await?)
    }

    /// Says goodbye and waits until the socket is closed, so that the server has no session of ours left.
    pub(super) async fn close(self) {
        let Session { client, mut driver, .. } = self;
        drop(client);
        // A server that does not close is left to the driver's own end.
        let _ = tokio::time::timeout(Duration::from_secs(2), &mut driver.0).await;
    }
}

fn config(endpoint: &Endpoint, purpose: Purpose, token: &str) -> Config {
    let mut config = Config::new();
    for (host, port) in &endpoint.hosts {
        config.host(host).port(*port);
    }
    let local = endpoint.hosts.iter().all(|(host, _)| endpoint::is_socket_dir(host));
    config
        .user(&endpoint.user)
        .dbname(&endpoint.database)
        .application_name(&endpoint.application_name)
        .options(startup_options(endpoint, purpose, token))
        .connect_timeout(endpoint.connect_timeout)
        .keepalives_idle(Duration::from_secs(10))
        .keepalives_interval(Duration::from_secs(10))
        .keepalives_retries(3)
        .ssl_mode(match endpoint.tls {
            _ if local => SslMode::Disable,
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => SslMode::Require,
        })
        .channel_binding(match endpoint.channel_binding {
            endpoint::ChannelBinding::Disable => ChannelBinding::Disable,
            endpoint::ChannelBinding::Prefer => ChannelBinding::Prefer,
            endpoint::ChannelBinding::Require => ChannelBinding::Require,
        });
    if let Some(password) = &endpoint.password {
        config.password(password.expose());
    }
    config
}

/// What the server applies before the first command: read-only for a source, and a token that a pooler would lose,
/// since it hands out server sessions that others have started.
fn startup_options(endpoint: &Endpoint, purpose: Purpose, token: &str) -> String {
    let mut options = endpoint.options.clone().unwrap_or_default();
    if purpose == Purpose::Read {
        options.push_str(" -c default_transaction_read_only=on");
    }
    options.push_str(" -c railstage.session=");
    options.push_str(token);
    options.trim_start().to_owned()
}

fn connect_error(fault: Fault) -> anyhow::Error {
    // PgBouncer's words when it is not told to ignore `options`.
    if fault.to_string().contains("unsupported startup parameter") { pooler_refused() } else { fault.into() }
}

fn pooler_refused() -> anyhow::Error {
    Failure::invalid("a connection pooler answers there, and a copy needs one server session for its snapshot")
        .hint("use the database's direct URL: on Railway `DATABASE_PUBLIC_UNPOOLED_URL` or `DATABASE_UNPOOLED_URL`")
        .into()
}
