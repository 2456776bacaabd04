//! SIGINT and SIGTERM: the word to stop, and which of the two it was.

use std::sync::Arc;
use std::sync::OnceLock;

use anyhow::{Context as _, Result};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::error::Exit;

/// Listens for signals from its making on.
#[derive(Clone)]
pub struct Stop {
    /// Cancelled by the first signal.
    pub token: CancellationToken,
    by: Arc<OnceLock<Exit>>,
}

impl Stop {
    /// Starts to listen.
    ///
    /// # Errors
    /// When the system allows no handler.
    pub fn listen() -> Result<Self> {
        let stop = Self { token: CancellationToken::new(), by: Arc::default() };
        for (kind, exit) in [(SignalKind::interrupt(), Exit::Interrupted), (SignalKind::terminate(), Exit::Terminated)]
        {
            let mut signals = signal(kind).context("listen for signals")?;
            let stop = stop.clone();
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    stop.by.get_or_init(|| exit);
                    stop.token.cancel();
                }
            });
        }
        Ok(stop)
    }

    /// The exit code that the first signal asks for.
    pub fn exit(&self) -> Option<Exit> {
        self.by.get().copied()
    }
}
