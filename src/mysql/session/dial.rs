//! What is under a session: a socket, or a channel of the relay's.

use std::io::{self, ErrorKind};
use std::time::Duration;

use anyhow::Result;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use super::endpoint::Endpoint;
use super::fault::Fault;
use super::line::ByteStream;

const KEEPALIVE: Duration = Duration::from_secs(10);
const KEEPALIVE_RETRIES: u32 = 3;

/// Reaches the server; a peer that has gone is noticed within half a minute.
pub(super) async fn dial(endpoint: &Endpoint) -> Result<Box<dyn ByteStream>> {
    match &endpoint.through {
        Some(line) => Ok(Box::new(line.open(endpoint.port).await?)),
        None => Ok(Box::new(socket(endpoint).await.map_err(Fault::from)?)),
    }
}

async fn socket(endpoint: &Endpoint) -> io::Result<TcpStream> {
    let connecting = TcpStream::connect((endpoint.host.as_str(), endpoint.port));
    let connected = tokio::time::timeout(endpoint.connect_timeout, connecting).await;
    let stream = connected.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))?;
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE).with_retries(KEEPALIVE_RETRIES);
    SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
    Ok(stream)
}
