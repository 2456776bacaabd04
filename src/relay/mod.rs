//! Railway's SSH relay: one connection to the container of a service, on which its own loopback ports are reached as channels.
//! Which container that is, and which key its account knows, is decided above; nothing here asks Railway.
//!
//! `address.rs` says where the relay is, `host_keys.rs` which one it must be, `key.rs` by which key we are let in;
//! `connection.rs` speaks SSH, `command.rs` feeds and hears a command, `line.rs` keeps one connection for all channels to a container, `socket.rs` lends one to a
//! program, and `trouble.rs` has the words for what goes wrong.

mod address;
mod command;
mod connection;
mod host_keys;
mod key;
mod key_name;
mod line;
mod socket;
mod trouble;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;

use self::address::RelayAddress;
use self::host_keys::HostKeys;
use crate::external::process_env::ProcessEnv;

pub(crate) use self::command::{Command, Ended};
pub(crate) use self::connection::Stream;
pub(crate) use self::key::RelayKey;
pub(crate) use self::key_name::KeyName;
pub(crate) use self::line::Line;
pub(crate) use self::socket::Socket;

/// The relay, as one process uses it.
pub(crate) struct Relay {
    env: ProcessEnv,
    host_keys: HostKeys,
    lines: Mutex<BTreeMap<String, Arc<Line>>>,
}

impl Relay {
    /// The relay of the backend that `env` chooses, which must have one of these host keys.
    pub(crate) fn new(env: &ProcessEnv, host_keys: &[String]) -> Self {
        Self { env: env.clone(), host_keys: HostKeys::pinned(host_keys), lines: Mutex::default() }
    }

    /// The line to the container of a service instance, which `key` is let in to: the same one every time. Nobody is called yet.
    ///
    /// # Errors
    /// Invalid input for an address that is none.
    pub(crate) fn line(&self, service: &str, instance_id: &str, key: &RelayKey) -> Result<Arc<Line>> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.get(instance_id) {
            return Ok(Arc::clone(line));
        }
        let address = RelayAddress::of(&self.env)?;
        let line = Line::new(address, self.host_keys.clone(), service, instance_id, key.clone());
        let line = Arc::new(line);
        lines.insert(instance_id.to_owned(), Arc::clone(&line));
        Ok(line)
    }

    /// Ends all lines.
    pub(crate) async fn close(&self) {
        let lines = std::mem::take(&mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner));
        for line in lines.into_values() {
            line.close().await;
        }
    }
}
