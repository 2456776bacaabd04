//! A way to a port of a container for a program that needs an address: a Unix socket in a folder that only our account can enter.
//! Never a TCP port: whoever reached that would be at the container's loopback, where PostgreSQL's own image asks nobody for a password.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::io::copy_bidirectional;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::{JoinHandle, JoinSet};

use super::line::Line;
use crate::error::chain;
use crate::external::privacy::{self, PrivateFolder};

/// Listens until it is dropped, and then ends what it has let in.
pub(crate) struct Socket {
    folder: PrivateFolder,
    task: JoinHandle<()>,
}

impl Socket {
    pub(super) fn listen(line: Arc<Line>, port: u16, name: &str) -> Result<Self> {
        let folder = privacy::private_folder()?;
        let listener = UnixListener::bind(folder.path().join(name)).context("listen at a socket of our own")?;
        let task = tokio::spawn(accept(listener, line, port));
        Ok(Self { folder, task })
    }

    /// The folder that the socket is in.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: UnixListener, line: Arc<Line>, port: u16) {
    let mut served = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { return };
                if is_ours(&stream) {
                    served.spawn(serve(stream, Arc::clone(&line), port));
                }
            }
            Some(_) = served.join_next() => {}
        }
    }
}

/// Whether our own account is at the other end; the folder lets in nobody else, but root.
fn is_ours(stream: &UnixStream) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::geteuid().as_raw())
}

async fn serve(mut stream: UnixStream, line: Arc<Line>, port: u16) {
    match line.open(port).await {
        // Either end may break off: the other one is told by its end.
        Ok(mut channel) => drop(copy_bidirectional(&mut stream, &mut channel).await),
        Err(error) => tracing::info!("a program of ours was not led to {line}: {}", chain(&error)),
    }
}
