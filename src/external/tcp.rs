//! Whether somebody listens at a TCP endpoint.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::net::TcpStream;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// Whether a connection to `host:port` is refused: nobody listens there. No answer at all proves nothing.
pub(crate) async fn is_refused(host: &str, port: u16) -> bool {
    match tokio::time::timeout(CONNECT, TcpStream::connect((host, port))).await {
        Ok(Err(error)) => error.kind() == ErrorKind::ConnectionRefused,
        Ok(Ok(_)) | Err(_) => false,
    }
}
