//! Whether somebody listens at a TCP endpoint, and how far away.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long it takes to connect to `host:port`, which is one way there and back; `None` where nobody answers in time.
pub(crate) async fn round_trip(host: &str, port: u16) -> Option<Duration> {
    let began = Instant::now();
    tokio::time::timeout(CONNECT, TcpStream::connect((host, port))).await.ok()?.ok()?;
    Some(began.elapsed())
}

/// Whether a connection to `host:port` is refused: nobody listens there. No answer at all proves nothing.
pub(crate) async fn is_refused(host: &str, port: u16) -> bool {
    match tokio::time::timeout(CONNECT, TcpStream::connect((host, port))).await {
        Ok(Err(error)) => error.kind() == ErrorKind::ConnectionRefused,
        Ok(Ok(_)) | Err(_) => false,
    }
}
