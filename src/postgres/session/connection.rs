//! The connection under a session: the socket, TLS, the login, and what the server is told with it.

use std::io;
use std::sync::PoisonError;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::config::{ChannelBinding, SslMode};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Connection};

use super::endpoint::{self, Endpoint, TlsMode};
use super::fault::{Fault, fault};
use super::framing::Framing;
use super::settings::Purpose;
use super::shared_stream::{ByteStream, SharedStream, SharingConnector};
use super::{refusal, tls};

const KEEPALIVE: Duration = Duration::from_secs(10);
const KEEPALIVE_RETRIES: u32 = 3;

pub(super) type Connected = (Client, Connection<SharedStream, SharedStream>, SharedStream);

/// Connects without being noticed by event triggers where that is allowed: on PostgreSQL 17 and newer, to superusers and to
/// whom it was granted. Nobody knows before who they are, so it is tried once.
pub(super) async fn connect_unheard(endpoint: &Endpoint, purpose: Purpose, token: &str) -> Result<Connected> {
    let is_allowed = &endpoint.silences_event_triggers;
    if is_allowed.get() != Some(&false) {
        match connect(endpoint, config(endpoint, purpose, token, true)).await {
            // There is no such setting, or it is not this login's to set.
            Err(error) if fault(&error).is_some_and(|said| matches!(said.sqlstate.as_str(), "42704" | "42501")) => {}
            connected => {
                if connected.is_ok() {
                    is_allowed.get_or_init(|| true);
                }
                return connected;
            }
        }
    }
    let connected = connect(endpoint, config(endpoint, purpose, token, false)).await?;
    is_allowed.get_or_init(|| false);
    Ok(connected)
}

/// A connection whose stream a COPY can borrow: the TLS stream when there is one, else the socket.
async fn connect(endpoint: &Endpoint, config: Config) -> Result<Connected> {
    let mut last = None;
    for (host, port) in &endpoint.hosts {
        let line: Box<dyn ByteStream> = match &endpoint.through {
            Some(line) => Box::new(line.open(*port).await?),
            None => {
                let dialled = tokio::time::timeout(endpoint.connect_timeout, dial(host, *port)).await;
                match dialled.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
                    Ok(line) => line,
                    Err(error) => {
                        last = Some(error);
                        continue;
                    }
                }
            }
        };
        let connector = MakeTlsConnect::<SharedStream>::make_tls_connect(&mut tls::connector(endpoint)?, host);
        let (connector, encrypted) = SharingConnector::new(connector.context("read the host's name for TLS")?);
        let socket = SharedStream::new(line);
        let connected = config.connect_raw(socket.clone(), connector).await;
        let (client, connection) = connected.map_err(|error| refusal::told(error.into(), endpoint))?;
        let encrypted = encrypted.lock().unwrap_or_else(PoisonError::into_inner).take();
        let stream = match encrypted {
            Some(encrypted) => {
                socket.expect(Framing::Unread);
                encrypted
            }
            None => socket,
        };
        stream.expect(Framing::messages());
        return Ok((client, connection, stream));
    }
    Err(last.map_or_else(|| anyhow!("the URL names no host"), |error| Fault::from(error).into()))
}

/// Opens the socket; a peer that has gone is noticed within half a minute.
async fn dial(host: &str, port: u16) -> io::Result<Box<dyn ByteStream>> {
    if endpoint::is_socket_dir(host) {
        return Ok(Box::new(UnixStream::connect(format!("{host}/.s.PGSQL.{port}")).await?));
    }
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE).with_retries(KEEPALIVE_RETRIES);
    SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
    Ok(Box::new(stream))
}

fn config(endpoint: &Endpoint, purpose: Purpose, token: &str, is_unheard: bool) -> Config {
    let mut config = Config::new();
    let local = endpoint.hosts.iter().all(|(host, _)| endpoint::is_socket_dir(host));
    config
        .user(&endpoint.user)
        .dbname(&endpoint.database)
        .application_name(&endpoint.application_name)
        .options(startup_options(endpoint, purpose, token, is_unheard))
        .ssl_mode(match endpoint.tls {
            _ if local => SslMode::Disable,
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => SslMode::Require,
        })
        .channel_binding(match endpoint.channel_binding {
            endpoint::ChannelBinding::Disable => ChannelBinding::Disable,
            endpoint::ChannelBinding::Prefer => ChannelBinding::Prefer,
            endpoint::ChannelBinding::Require => ChannelBinding::Require,
        });
    if let Some(password) = &endpoint.password {
        config.password(password.expose());
    }
    config
}

/// What the server applies before the first command: no search path, so that a name in a query of ours is nobody's but
/// PostgreSQL's, whatever path the database or the role has; read-only for a source; and a token that a pooler would
/// lose, since it hands out server sessions that others have started.
fn startup_options(endpoint: &Endpoint, purpose: Purpose, token: &str, is_unheard: bool) -> String {
    let mut options = endpoint.closed_options();
    options.push_str(" -c search_path=");
    if is_unheard {
        options.push_str(" -c event_triggers=off");
    }
    if purpose == Purpose::Read {
        options.push_str(" -c default_transaction_read_only=on");
    }
    options.push_str(" -c railstage.session=");
    options.push_str(token);
    options.trim_start().to_owned()
}
