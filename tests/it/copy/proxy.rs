//! TCP proxies before a server: one stops or cuts a connection at a certain point, one changes what it carries.
//! Each panics at its end when it never did: a test whose fault does not strike proves nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// So much may lie at a proxy that nobody has read.
const BUFFER_BYTES: usize = 64 << 10;

/// Which way of a connection is held.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    FromServer,
    ToServer,
}

/// What a connection must carry before something happens to it.
#[derive(Clone, Copy)]
enum When {
    Never,
    /// More than so many bytes this way.
    Bytes(Way, usize),
    /// These words to the server, on a connection without TLS; then they, or what the server answers, are held.
    Words(&'static [u8], Way),
}

/// Stops or cuts each connection at a certain point.
pub(crate) struct Proxy {
    pub port: u16,
    state: Arc<State>,
    task: JoinHandle<()>,
}

struct State {
    when: When,
    /// How many connections are cut instead of held.
    cuts: AtomicUsize,
    open: AtomicBool,
    held: AtomicUsize,
    /// How many connections were ever held or cut.
    struck: AtomicUsize,
    end: CancellationToken,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.state.end.cancel();
        if !std::thread::panicking() && !matches!(self.state.when, When::Never) {
            assert!(self.struck() > 0, "no connection came to the point at which it was to be held or cut");
        }
    }
}

impl Proxy {
    /// In front of a server on the loopback; does nothing to what it carries.
    pub(crate) async fn harmless(server_port: u16) -> Self {
        Self::with(server_port, When::Never, 0).await
    }

    /// Holds each connection that has carried so many bytes one way.
    pub(crate) async fn start(server_port: u16, way: Way, after: usize) -> Self {
        Self::with(server_port, When::Bytes(way, after), 0).await
    }

    /// Holds these words, and all that follows them, on their way to the server.
    pub(crate) async fn before(server_port: u16, words: &'static [u8]) -> Self {
        Self::with(server_port, When::Words(words, Way::ToServer), 0).await
    }

    /// Lets these words through, and holds what the server answers to them.
    pub(crate) async fn after(server_port: u16, words: &'static [u8]) -> Self {
        Self::with(server_port, When::Words(words, Way::FromServer), 0).await
    }

    /// Cuts the first so many connections that have carried so many bytes one way, and holds none.
    pub(crate) async fn cutting(server_port: u16, way: Way, after: usize, times: usize) -> Self {
        let proxy = Self::with(server_port, When::Bytes(way, after), times).await;
        proxy.open();
        proxy
    }

    async fn with(server_port: u16, when: When, cuts: usize) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            when,
            cuts: AtomicUsize::new(cuts),
            open: AtomicBool::new(false),
            held: AtomicUsize::new(0),
            struck: AtomicUsize::new(0),
            end: CancellationToken::new(),
        });
        let shared = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server_port, shared.clone()));
            }
        });
        Self { port, state, task }
    }

    /// How many connections are being held.
    pub(crate) fn held(&self) -> usize {
        self.state.held.load(Ordering::SeqCst)
    }

    /// How many connections have been held or cut.
    pub(crate) fn struck(&self) -> usize {
        self.state.struck.load(Ordering::SeqCst)
    }

    /// Lets everything through from now on.
    pub(crate) fn open(&self) {
        self.state.open.store(true, Ordering::SeqCst);
    }
}

/// The URL of a server with the proxy's port in it.
pub(crate) fn through(url: &str, server_port: u16, proxy: &Proxy) -> String {
    url.replace(&format!(":{server_port}/"), &format!(":{}/", proxy.port))
}

/// The same, without TLS, so that the proxy can read what goes by.
pub(crate) fn in_clear(url: &str, server_port: u16, proxy: &Proxy) -> String {
    format!("{}?sslmode=disable", through(url, server_port, proxy))
}

async fn carry(client: TcpStream, server_port: u16, state: Arc<State>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", server_port)).await else { return };
    for end in [&client, &server] {
        // Else the kernel takes megabytes from an end whose bytes are held, and it is done with what it was to be held in.
        socket2::SockRef::from(end).set_recv_buffer_size(BUFFER_BYTES).unwrap();
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let said = AtomicBool::new(false);
    let down = pump(from_server, to_client, Some((Way::FromServer, &state, &said)));
    let up = pump(from_client, to_server, Some((Way::ToServer, &state, &said)));
    // Whoever closes first closes both, as a real proxy does.
    tokio::select! { () = down => {}, () = up => {}, () = state.end.cancelled() => {} }
}

/// Moves bytes one way. `said`: the words have gone by on this connection.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, plan: Option<(Way, &State, &AtomicBool)>) {
    let (mut buffer, mut carried, mut tail) = (vec![0; 16 << 10], 0, Vec::new());
    loop {
        let Ok(len @ 1..) = from.read(&mut buffer).await else { return };
        carried += len;
        if let Some((way, state, said)) = plan {
            let is_due = match state.when {
                When::Never => false,
                When::Bytes(at, after) => at == way && carried > after,
                When::Words(words, _) if way == Way::ToServer => {
                    tail.extend_from_slice(&buffer[..len]);
                    if tail.windows(words.len()).any(|window| window == words) {
                        said.store(true, Ordering::SeqCst);
                    }
                    tail.drain(..tail.len().saturating_sub(words.len() - 1));
                    said.load(Ordering::SeqCst)
                }
                When::Words(..) => said.load(Ordering::SeqCst),
            };
            let is_cut = |cuts: usize| cuts.checked_sub(1);
            if is_due && state.cuts.fetch_update(Ordering::SeqCst, Ordering::SeqCst, is_cut).is_ok() {
                state.struck.fetch_add(1, Ordering::SeqCst);
                return;
            }
            let is_held = !matches!(state.when, When::Words(_, held) if held != way);
            if is_due && is_held {
                state.hold().await;
            }
        }
        if to.write_all(&buffer[..len]).await.is_err() {
            return;
        }
    }
}

impl State {
    async fn hold(&self) {
        let _held = Held::new(self);
        while !self.open.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

struct Held<'a>(&'a State);

impl<'a> Held<'a> {
    fn new(state: &'a State) -> Self {
        state.held.fetch_add(1, Ordering::SeqCst);
        state.struck.fetch_add(1, Ordering::SeqCst);
        Self(state)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Puts other bytes, as many, in place of some on the way to the server, which must not use TLS.
pub(crate) struct Forger {
    pub port: u16,
    has_forged: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Drop for Forger {
    fn drop(&mut self) {
        self.task.abort();
        let forged = self.has_forged.load(Ordering::SeqCst);
        assert!(std::thread::panicking() || forged, "the bytes to be forged never came by");
    }
}

impl Forger {
    pub(crate) async fn start(server_port: u16, from: &'static [u8], to: &'static [u8]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let has_forged = Arc::new(AtomicBool::new(false));
        let forged = has_forged.clone();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forge(client, server_port, from, to, forged.clone()));
            }
        });
        Self { port, has_forged, task }
    }
}

async fn forge(
    client: TcpStream,
    server_port: u16,
    from: &'static [u8],
    to: &'static [u8],
    has_forged: Arc<AtomicBool>,
) {
    let server = TcpStream::connect(("127.0.0.1", server_port)).await.unwrap();
    let ((mut from_client, to_client), (from_server, mut to_server)) = (client.into_split(), server.into_split());
    let up = async {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(len @ 1..) = from_client.read(&mut buffer).await {
            if let Some(at) = buffer[..len].windows(from.len()).position(|bytes| bytes == from) {
                buffer[at..at + to.len()].copy_from_slice(to);
                has_forged.store(true, Ordering::SeqCst);
            }
            if to_server.write_all(&buffer[..len]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! { () = up => {}, () = pump(from_server, to_client, None) => {} }
}

#[tokio::test]
#[should_panic(expected = "no connection came to the point")]
async fn a_proxy_that_never_strikes_fails_its_test() {
    drop(Proxy::before(1, b"words that nobody says").await);
}
