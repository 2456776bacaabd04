//! Railway's SSH relay: an SSH server whose users are service instances. How tests use it:
//!
//! - [`crate::World::relay_port`] is where it listens, on 127.0.0.1; [`crate::World::relay_host_key`] is its host key, as a line of
//!   OpenSSH. Whoever logs in is an instance, by [`crate::World::instance_id`], and shows a key that is registered by GraphQL
//!   (`sshPublicKeyCreate`).
//! - A command runs in the container of the instance, by `/bin/sh -c`: with its variables, in its folder, and each volume at its mount
//!   path. A start command that is a shell's (`sh -c …`, `/bin/sh -c …`) is really run, and then no app serves.
//!   [`crate::World::volume`] is the same volume's folder on this machine, to be filled or looked into; in a copy it is empty.
//!   Containers take rights that not every machine gives: [`containers_possible`] and [`files_possible`] say why not.
//! - Files go by SFTP, with paths as in the container.
//! - A forward leads to 127.0.0.1 and the port that the service itself listens on: a database's 5432 or 3306, an app's `PORT`.
//! - What is not running, or not known, is answered for as Railway's relay does it: with success and a JSON document, and no command
//!   runs. A forward to it is refused.
//! - [`crate::RelayFault`] is what can be ordered to go wrong, by [`crate::Fault::relay`]; [`crate::World::set_relay_round_trip`] puts
//!   the relay far away for all. [`crate::World::put_to_sleep`], [`crate::World::restart_container`], [`crate::World::limit_volume`] and
//!   [`crate::World::cut_relay`] change what is there.
//! - [`crate::World::relayed`] is all that was done, [`crate::World::commands_in`] the commands that were sent to an environment.
//! - [`crate::World::relay_cli_env`] leads the real `railway` and its `ssh` here.
//!
//! What `russh` cannot do: it knows no back-pressure per channel. Where a command does not take what it is sent, all channels of that
//! connection wait, so that a command that must be fed and heard at once, with much on its way in both directions, may wait for ever.

mod container;
mod containers;
mod exec;
mod forward;
mod journal;
mod line;
pub(crate) mod names;
mod session;
mod sftp;
mod target;

pub(crate) use container::{Inside, is_of_shell};
pub(crate) use containers::Containers;
pub(crate) use journal::Journal;
pub use journal::{Deed, Relayed};

use crate::RelayFault;
use crate::backend::Backend;
use anyhow::{Context, Result};
use line::Line;
use russh::keys::{Algorithm, PrivateKey, key::safe_rng};
use russh::server::Config;
use russh::{MethodKind, MethodSet};
use session::Session;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Whether containers can be made on this machine, else why not.
pub fn containers_possible() -> Result<(), String> {
    container::POSSIBLE.clone()
}

/// Whether files can be carried by SFTP on this machine, else why not: a thread alone gets into a container only as root.
pub fn files_possible() -> Result<(), String> {
    let is_root = nix::unistd::geteuid().is_root();
    containers_possible().and(if is_root {
        Ok(())
    } else {
        Err("only root gets into a container by a thread".to_owned())
    })
}

/// A running relay; dropping it cuts every connection.
pub(crate) struct Relay {
    pub(crate) port: u16,
    pub(crate) host_key: String,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    backend: Arc<Backend>,
    config: Arc<Config>,
    /// The same with another host key.
    changed: Arc<Config>,
    round_trip: Mutex<Duration>,
    lines: Mutex<Vec<Line>>,
}

impl Relay {
    pub(crate) async fn start(backend: &Arc<Backend>) -> Result<Relay> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("open the relay")?;
        let port = listener.local_addr()?.port();
        let key = || PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).context("make a host key");
        let host_key = key()?;
        let shared = Arc::new(Shared {
            backend: backend.clone(),
            changed: config(key()?),
            round_trip: Mutex::default(),
            lines: Mutex::default(),
            config: config(host_key.clone()),
        });
        let server = tokio::spawn(accept(shared.clone(), listener));
        Ok(Relay { port, host_key: host_key.public_key().to_openssh()?, shared, server })
    }

    pub(crate) fn set_round_trip(&self, round_trip: Duration) {
        *self.shared.round_trip.lock().unwrap_or_else(PoisonError::into_inner) = round_trip;
    }

    /// Cuts every connection that there is.
    pub(crate) fn cut(&self) {
        self.shared.lines.lock().unwrap_or_else(PoisonError::into_inner).drain(..).for_each(|line| line.cut());
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.server.abort();
        self.cut();
    }
}

fn config(host_key: PrivateKey) -> Arc<Config> {
    Arc::new(Config {
        methods: MethodSet::from(&[MethodKind::PublicKey][..]),
        keys: vec![host_key],
        auth_rejection_time: Duration::ZERO,
        inactivity_timeout: None,
        nodelay: true,
        ..Config::default()
    })
}

async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    while let Ok((client, _)) = listener.accept().await {
        shared.attend(client);
    }
}

impl Shared {
    fn attend(&self, client: TcpStream) {
        let fault = self.backend.faults.strike_relay("relayConnect", None, |_| true);
        let config = if fault == Some(RelayFault::HostKeyChanged) { &self.changed } else { &self.config };
        let round_trip = *self.round_trip.lock().unwrap_or_else(PoisonError::into_inner);
        let (line, stream) = Line::of(client, round_trip / 2);
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|line| !line.has_ended());
        lines.push(line.clone());
        let session = Session::new(self.backend.clone(), line, fault == Some(RelayFault::TooMany));
        let config = config.clone();
        tokio::spawn(async move {
            // Clients come and go as they like; what they did is in the journal.
            if let Ok(running) = russh::server::run_stream(config, stream, session).await {
                running.await.ok();
            }
        });
    }
}
