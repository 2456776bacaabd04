//! A TCP proxy before a server that can stop in the middle of a transfer, or change it, and a server that plays a pooler.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Which way of a connection is held.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    FromServer,
    ToServer,
}

/// Holds each connection once it has carried so many bytes one way.
pub struct Proxy {
    pub port: u16,
    state: Arc<State>,
    task: JoinHandle<()>,
}

struct State {
    way: Way,
    after: usize,
    open: AtomicBool,
    held: AtomicUsize,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    /// Starts in front of a server on the loopback.
    pub async fn start(server_port: u16, way: Way, after: usize) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State { way, after, open: AtomicBool::new(false), held: AtomicUsize::new(0) });
        let shared = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server_port, shared.clone()));
            }
        });
        Self { port, state, task }
    }

    /// How many connections are being held.
    pub fn held(&self) -> usize {
        self.state.held.load(Ordering::SeqCst)
    }

    /// Lets everything through from now on.
    pub fn open(&self) {
        self.state.open.store(true, Ordering::SeqCst);
    }
}

/// The URL of a server with the proxy's port in it.
pub fn through(url: &str, server_port: u16, proxy: &Proxy) -> String {
    url.replace(&format!(":{server_port}/"), &format!(":{}/", proxy.port))
}

async fn carry(client: TcpStream, server_port: u16, state: Arc<State>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", server_port)).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let down = pump(from_server, to_client, (state.way == Way::FromServer).then(|| state.clone()));
    let up = pump(from_client, to_server, (state.way == Way::ToServer).then_some(state));
    // Whoever closes first closes both, as a real proxy does.
    tokio::select! { () = down => {}, () = up => {} }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: Option<Arc<State>>) {
    let (mut buffer, mut carried) = (vec![0; 16 << 10], 0);
    loop {
        let Ok(len @ 1..) = from.read(&mut buffer).await else { return };
        carried += len;
        if let Some(state) = state.as_ref().filter(|state| carried > state.after) {
            let _held = Held::new(state);
            while !state.open.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        if to.write_all(&buffer[..len]).await.is_err() {
            return;
        }
    }
}

struct Held<'a>(&'a State);

impl<'a> Held<'a> {
    fn new(state: &'a State) -> Self {
        state.held.fetch_add(1, Ordering::SeqCst);
        Self(state)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A proxy that puts other bytes, as many, in place of some on the way to the server, which must not use TLS.
pub async fn forger(server_port: u16, from: &'static [u8], to: &'static [u8]) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let server = TcpStream::connect(("127.0.0.1", server_port)).await.unwrap();
                let ((mut from_client, to_client), (from_server, mut to_server)) =
                    (client.into_split(), server.into_split());
                let up = async {
                    let mut buffer = vec![0; 64 << 10];
                    while let Ok(len @ 1..) = from_client.read(&mut buffer).await {
                        if let Some(at) = buffer[..len].windows(from.len()).position(|bytes| bytes == from) {
                            buffer[at..at + to.len()].copy_from_slice(to);
                        }
                        if to_server.write_all(&buffer[..len]).await.is_err() {
                            return;
                        }
                    }
                };
                tokio::select! { () = up => {}, () = pump(from_server, to_client, None) => {} }
            });
        }
    });
    (port, task)
}

/// A server that says to every client what PgBouncer says to one that sends `options`.
pub async fn pooler() -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut startup = vec![0; 4096];
            if client.read(&mut startup).await.is_ok() {
                let fields = b"SFATAL\0C08P01\0Munsupported startup parameter: options\0\0";
                let len = (fields.len() as u32 + 4).to_be_bytes();
                let _ = client.write_all(&[b"E", len.as_slice(), fields].concat()).await;
            }
        }
    });
    (port, task)
}
