//! Loopback ports that are kept for a TCP proxy before anything listens on them.

use anyhow::{Context, Result};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use tokio::net::{TcpListener, TcpSocket};

/// A bound socket refuses connections until it listens, and nobody else can take its port meanwhile.
#[derive(Default)]
pub(crate) struct Ports {
    bound: Mutex<HashMap<u16, TcpSocket>>,
}

impl Ports {
    /// Binds a free port; 0 when the machine has none left.
    pub(crate) fn reserve(&self) -> u16 {
        let bind = || -> std::io::Result<(u16, TcpSocket)> {
            let socket = TcpSocket::new_v4()?;
            socket.bind(([127, 0, 0, 1], 0).into())?;
            Ok((socket.local_addr()?.port(), socket))
        };
        let Ok((port, socket)) = bind() else { return 0 };
        self.bound.lock().unwrap_or_else(PoisonError::into_inner).insert(port, socket);
        port
    }

    /// Starts to listen on a port that was reserved, or was listened on before.
    pub(crate) fn listen(&self, port: u16) -> Result<TcpListener> {
        let reserved = self.bound.lock().unwrap_or_else(PoisonError::into_inner).remove(&port);
        let socket = match reserved {
            Some(socket) => socket,
            None => {
                let socket = TcpSocket::new_v4()?;
                socket.set_reuseaddr(true)?;
                socket.bind(([127, 0, 0, 1], port).into())?;
                socket
            }
        };
        socket.listen(128).with_context(|| format!("listen on port {port}"))
    }
}
