//! A session's line, above any TLS: its driver and a COPY take turns on it, so that a COPY can forward the server's own
//! bytes without the driver looking at each row.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

/// What a tap sits on: a socket, or TLS over one.
pub(crate) trait Line: AsyncRead + AsyncWrite + Send + Unpin {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl Line for tokio::net::TcpStream {}
impl Line for tokio::net::UnixStream {}

struct Encrypted<S>(S);

impl<S: TlsStream + Send + Unpin> Line for Encrypted<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.0.channel_binding()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Encrypted<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Encrypted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

struct Shared {
    line: Box<dyn Line>,
    /// Whether a COPY has the line; the driver then reads nothing.
    is_taken: bool,
    /// The driver, as it last waited for something to read.
    driver: Option<Waker>,
}

/// The driver's end of a line.
#[derive(Clone)]
pub(crate) struct Tap(Arc<Mutex<Shared>>);

impl Tap {
    pub(crate) fn new(line: Box<dyn Line>) -> Self {
        Self(Arc::new(Mutex::new(Shared { line, is_taken: false, driver: None })))
    }

    /// Takes the line from the driver, which must have nothing under way. It comes back by [`Taken::give_back`] alone:
    /// what was dropped in the middle of a COPY cannot be spoken with any more.
    pub(crate) fn take(&self) -> Taken {
        self.lock().is_taken = true;
        Taken(self.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncRead for Tap {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut shared = self.lock();
        shared.driver = Some(cx.waker().clone());
        if shared.is_taken { Poll::Pending } else { Pin::new(&mut shared.line).poll_read(cx, buf) }
    }
}

impl AsyncWrite for Tap {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.lock().line).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().line).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().line).poll_shutdown(cx)
    }
}

impl TlsStream for Tap {
    fn channel_binding(&self) -> ChannelBinding {
        self.lock().line.channel_binding()
    }
}

/// A line that a COPY has taken; it may be read and written at the same time.
#[derive(Clone)]
pub(crate) struct Taken(Tap);

impl Taken {
    /// Gives the line back to the driver, at a point where the server waits for the next command.
    pub(crate) fn give_back(self) {
        let mut shared = self.0.lock();
        shared.is_taken = false;
        if let Some(driver) = shared.driver.take() {
            driver.wake();
        }
    }
}

impl AsyncRead for Taken {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.lock().line).poll_read(cx, buf)
    }
}

impl AsyncWrite for Taken {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0.lock().line).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.lock().line).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.lock().line).poll_shutdown(cx)
    }
}

/// A TLS connector whose streams have a tap on them; it leaves the tap in `made` too.
pub(crate) struct Tapped<C> {
    connector: C,
    made: Arc<Mutex<Option<Tap>>>,
}

impl<C> Tapped<C> {
    pub(crate) fn new(connector: C) -> (Self, Arc<Mutex<Option<Tap>>>) {
        let made = Arc::default();
        (Self { connector, made: Arc::clone(&made) }, made)
    }
}

impl<C, S> TlsConnect<S> for Tapped<C>
where
    C: TlsConnect<S>,
    C::Stream: Send + 'static,
    C::Future: Send + 'static,
    C::Error: 'static,
{
    type Stream = Tap;
    type Error = C::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Tap, C::Error>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        let connecting = self.connector.connect(stream);
        Box::pin(async move {
            let tap = Tap::new(Box::new(Encrypted(connecting.await?)));
            *self.made.lock().unwrap_or_else(PoisonError::into_inner) = Some(tap.clone());
            Ok(tap)
        })
    }
}
