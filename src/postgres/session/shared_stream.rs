//! A session's stream, above any TLS: its driver and a COPY take turns on it, so that a COPY can forward the server's own
//! bytes without the driver looking at each row.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

use super::framing::Framing;

/// What is shared: a socket, or TLS over one.
pub(crate) trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl ByteStream for tokio::net::TcpStream {}
impl ByteStream for tokio::net::UnixStream {}
impl ByteStream for crate::relay::Stream {}

/// Bytes that are all there.
#[cfg(any(test, fuzzing))]
impl ByteStream for std::io::Cursor<Vec<u8>> {}

struct Encrypted<S>(S);

impl<S: TlsStream + Send + Unpin> ByteStream for Encrypted<S> {
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

struct State {
    stream: Box<dyn ByteStream>,
    /// Whether a COPY has the line; the driver then reads nothing.
    is_borrowed: bool,
    /// What its driver reads.
    framing: Framing,
    /// Why it is read no more.
    refused: Option<String>,
    /// The driver, as it last waited for something to read.
    driver: Option<Waker>,
}

/// The driver's end of a stream.
#[derive(Clone)]
pub(crate) struct SharedStream(Arc<Mutex<State>>);

impl SharedStream {
    pub(crate) fn new(stream: Box<dyn ByteStream>) -> Self {
        let framing = Framing::greeting();
        Self(Arc::new(Mutex::new(State { stream, is_borrowed: false, framing, refused: None, driver: None })))
    }

    /// Takes the stream from the driver, which must have nothing under way. [`BorrowedStream::give_back`] alone returns it:
    /// what was dropped in the middle of a COPY cannot be spoken with any more.
    pub(crate) fn borrow(&self) -> BorrowedStream {
        self.lock().is_borrowed = true;
        BorrowedStream(self.clone())
    }

    /// Why nothing more is read of it, where its driver only knows that it is closed.
    pub(super) fn refused(&self) -> Option<String> {
        self.lock().refused.clone()
    }

    /// Says what its driver will read from now on.
    pub(super) fn expect(&self, framing: Framing) {
        self.lock().framing = framing;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncRead for SharedStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut state = self.lock();
        state.driver = Some(cx.waker().clone());
        if state.is_borrowed {
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let read = Pin::new(&mut state.stream).poll_read(cx, buf);
        if let Err(error) = state.framing.see(&buf.filled()[before..]) {
            state.refused = Some(error.to_string());
            return Poll::Ready(Err(error));
        }
        read
    }
}

impl AsyncWrite for SharedStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.lock().stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.lock().stream).poll_shutdown(cx)
    }
}

impl TlsStream for SharedStream {
    fn channel_binding(&self) -> ChannelBinding {
        self.lock().stream.channel_binding()
    }
}

/// A stream that a COPY has taken; it may be read and written at the same time.
#[derive(Clone)]
pub(crate) struct BorrowedStream(SharedStream);

impl BorrowedStream {
    /// Gives the stream back to the driver, at a point where the server waits for the next command.
    pub(crate) fn give_back(self) {
        let mut state = self.0.lock();
        state.is_borrowed = false;
        if let Some(driver) = state.driver.take() {
            driver.wake();
        }
    }
}

impl AsyncRead for BorrowedStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.lock().stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for BorrowedStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0.lock().stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.lock().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.lock().stream).poll_shutdown(cx)
    }
}

/// A TLS connector whose streams are shared; it leaves the shared stream in `made` too.
pub(crate) struct SharingConnector<C> {
    connector: C,
    made: Arc<Mutex<Option<SharedStream>>>,
}

impl<C> SharingConnector<C> {
    pub(crate) fn new(connector: C) -> (Self, Arc<Mutex<Option<SharedStream>>>) {
        let made = Arc::default();
        (Self { connector, made: Arc::clone(&made) }, made)
    }
}

impl<C, S> TlsConnect<S> for SharingConnector<C>
where
    C: TlsConnect<S>,
    C::Stream: Send + 'static,
    C::Future: Send + 'static,
    C::Error: 'static,
{
    type Stream = SharedStream;
    type Error = C::Error;
    type Future = Pin<Box<dyn Future<Output = Result<SharedStream, C::Error>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        let connecting = self.connector.connect(stream);
        Box::pin(async move {
            let shared = SharedStream::new(Box::new(Encrypted(connecting.await?)));
            *self.made.lock().unwrap_or_else(PoisonError::into_inner) = Some(shared.clone());
            Ok(shared)
        })
    }
}
