//! Loopback ports that nobody else is given between the moment they are chosen and the moment somebody listens on them.

use anyhow::{Context, Result};
use std::sync::{Mutex, PoisonError};
use tokio::net::{TcpListener, TcpSocket};

/// A port that is bound, but not listened on: the system gives it to nobody who asks for any free one, and connections
/// to it are refused. Whoever allows addresses to be reused, as Postgres and PgBouncer do, can listen on it meanwhile.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _held: TcpSocket,
}

impl Port {
    /// Takes a free port, until it is dropped.
    pub fn take() -> Result<Port> {
        let held = bound(0).context("take a free port")?;
        Ok(Port { number: held.local_addr()?.port(), _held: held })
    }

    pub fn number(&self) -> u16 {
        self.number
    }
}

fn bound(port: u16) -> std::io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(([127, 0, 0, 1], port).into())?;
    Ok(socket)
}

/// The ports of a world's TCP proxies, held as long as the world lives.
#[derive(Default)]
pub(crate) struct Ports {
    held: Mutex<Vec<Port>>,
}

impl Ports {
    /// Takes a free port; 0 when the machine has none left.
    pub(crate) fn reserve(&self) -> u16 {
        let Ok(port) = Port::take() else { return 0 };
        let number = port.number();
        self.held.lock().unwrap_or_else(PoisonError::into_inner).push(port);
        number
    }
}

/// Starts to listen on a port that was reserved.
pub(crate) fn listen(port: u16) -> Result<TcpListener> {
    let listened = bound(port).and_then(|socket| socket.listen(128));
    listened.with_context(|| format!("listen on port {port}"))
}
