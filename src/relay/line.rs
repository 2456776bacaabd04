//! The line to one container: a connection that is made when it is needed, and made anew when it was cut.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::sync::Mutex;

use super::address::RelayAddress;
use super::command::Command;
use super::connection::{Connection, Stream};
use super::host_keys::HostKeys;
use super::key::RelayKey;
use super::socket::Socket;
use super::trouble::Trouble;

/// How long it is at first until the next try, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// One connection to the container of a service instance, for all channels to it.
pub(crate) struct Line {
    address: RelayAddress,
    host_keys: HostKeys,
    service: String,
    instance_id: String,
    key: RelayKey,
    connection: Mutex<Option<Arc<Connection>>>,
}

impl Line {
    pub(super) fn new(
        address: RelayAddress,
        host_keys: HostKeys,
        service: &str,
        instance_id: &str,
        key: RelayKey,
    ) -> Self {
        let (service, instance_id) = (service.to_owned(), instance_id.to_owned());
        Self { address, host_keys, service, instance_id, key, connection: Mutex::default() }
    }

    /// Waits until the container runs commands and something listens at this port of its loopback; how long it then takes to reach it.
    ///
    /// # Errors
    /// What is in the way, at once or, where it may pass, after `patience`.
    pub(crate) async fn ready(&self, port: u16, patience: Duration) -> Result<Duration> {
        self.tried(patience, || self.try_ready(port)).await
    }

    /// Waits until the container runs commands, whether or not anything listens there.
    ///
    /// # Errors
    /// As [`Line::ready`].
    pub(crate) async fn ready_for_commands(&self, patience: Duration) -> Result<()> {
        self.tried(patience, || self.try_commands()).await
    }

    async fn tried<T, F>(&self, patience: Duration, attempt: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<T, Trouble>>,
    {
        let (end, mut pause, mut is_told) = (Instant::now() + patience, FIRST_PAUSE, false);
        loop {
            let trouble = match attempt().await {
                Ok(got) => return Ok(got),
                Err(trouble) => trouble,
            };
            if !trouble.may_pass() || Instant::now() + pause > end {
                return Err(trouble.told(&self.service));
            }
            if !std::mem::replace(&mut is_told, true) {
                tracing::info!("waiting for the way to service `{}`: {}", self.service, trouble.in_short());
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn try_commands(&self) -> Result<(), Trouble> {
        self.connected().await?.ensure_runs().await
    }

    async fn try_ready(&self, port: u16) -> Result<Duration, Trouble> {
        let connection = self.connected().await?;
        connection.ensure_runs().await?;
        let began = Instant::now();
        drop(connection.reach(port).await?);
        Ok(began.elapsed())
    }

    /// Reaches a port of the container's loopback; a connection that was cut is made anew.
    ///
    /// # Errors
    /// What is in the way; what may pass has an [`std::io::Error`] behind it.
    pub(crate) async fn open(&self, port: u16) -> Result<Stream> {
        let reached = match self.try_open(port).await {
            // Nobody knew yet that the connection had been cut.
            Err(Trouble::Broken(_)) => self.try_open(port).await,
            reached => reached,
        };
        reached.map_err(|trouble| trouble.told(&self.service))
    }

    /// The service whose container it leads to.
    pub(crate) fn service(&self) -> &str {
        &self.service
    }

    /// Begins a command in the container, for its login shell; a connection that was cut is made anew.
    ///
    /// # Errors
    /// What is in the way; what may pass has an [`std::io::Error`] behind it.
    pub(crate) async fn run(&self, text: &str) -> Result<Command> {
        let begun = match self.try_run(text).await {
            // Nobody knew yet that the connection had been cut.
            Err(Trouble::Broken(_)) => self.try_run(text).await,
            begun => begun,
        };
        begun.map_err(|trouble| trouble.told(&self.service))
    }

    async fn try_run(&self, text: &str) -> Result<Command, Trouble> {
        let connection = self.connected().await?;
        let begun = connection.run(&self.service, text).await;
        if matches!(begun, Err(Trouble::Broken(_))) {
            self.forget(&connection).await;
        }
        begun
    }

    async fn try_open(&self, port: u16) -> Result<Stream, Trouble> {
        let connection = self.connected().await?;
        let reached = connection.reach(port).await;
        if matches!(reached, Err(Trouble::Broken(_))) {
            self.forget(&connection).await;
        }
        reached
    }

    /// A way in for a program that needs an address: a socket named `name` in a folder that only our account can enter.
    ///
    /// # Errors
    /// When there is no place for it.
    pub(crate) fn socket(self: &Arc<Self>, port: u16, name: &str) -> Result<Socket> {
        Socket::listen(Arc::clone(self), port, name)
    }

    async fn connected(&self) -> Result<Arc<Connection>, Trouble> {
        let mut held = self.connection.lock().await;
        if let Some(connection) = held.as_ref().filter(|connection| !connection.is_closed()) {
            return Ok(Arc::clone(connection));
        }
        let connection = Connection::open(&self.address, &self.host_keys, &self.instance_id, &self.key).await?;
        let connection = Arc::new(connection);
        *held = Some(Arc::clone(&connection));
        Ok(connection)
    }

    /// Leaves a broken connection, unless another one has taken its place.
    async fn forget(&self, broken: &Arc<Connection>) {
        let mut held = self.connection.lock().await;
        if held.as_ref().is_some_and(|connection| Arc::ptr_eq(connection, broken)) {
            *held = None;
        }
    }

    /// Ends the connection, if there is one.
    pub(super) async fn close(&self) {
        if let Some(connection) = self.connection.lock().await.take() {
            connection.close().await;
        }
    }
}

/// How the line is told in messages.
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (through Railway's SSH relay)", self.service)
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
