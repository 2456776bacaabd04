//! Where a login leads: a server at an address, or in a container, what a URL says of one, and how far away it is.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};

use super::{Endpoint, Kind};
use crate::error::Failure;
use crate::external::tcp;
use crate::mysql;
use crate::postgres;
use crate::relay::Line;
use crate::secret::Secret;

/// A login to a server at an address.
pub(crate) struct Login<'a> {
    pub host: &'a str,
    pub port: u16,
    pub user: &'a str,
    pub password: &'a Secret,
    pub database: &'a str,
    /// Whether the line may be without TLS, or without proof of the server.
    pub is_weak: bool,
    /// The SHA-256 of certificates of which the server must have one; with none, any.
    pub pinned: &'a [String],
    /// Whether a server is refused that nothing proves.
    pub must_be_proven: bool,
    /// The line to its container, where it is reached through the relay.
    pub through: Option<&'a Arc<Line>>,
}

/// What a URL says of a server, and whom it logs in there.
pub(crate) struct Named {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: Option<Secret>,
}

impl Kind {
    /// Reads a URL of this kind.
    ///
    /// # Errors
    /// Invalid input, saying what is wrong with it.
    pub(crate) fn endpoint(self, url: &str) -> Result<Endpoint> {
        match self {
            Self::Postgres => postgres::Endpoint::parse(url).map(Endpoint::Postgres),
            Self::Mysql | Self::Mariadb => mysql::Endpoint::parse(url).map(Endpoint::Mysql),
        }
    }

    /// What a URL of this kind names, if it is one of one server.
    pub(crate) fn named_in(self, url: &str) -> Option<Named> {
        match self {
            Self::Postgres => {
                let endpoint = postgres::Endpoint::parse(url).ok()?;
                let [(host, port)] = endpoint.hosts.as_slice() else { return None };
                Some(Named { host: host.clone(), port: *port, user: endpoint.user, password: endpoint.password })
            }
            Self::Mysql | Self::Mariadb => {
                let mysql::Endpoint { host, port, user, password, .. } = mysql::Endpoint::parse(url).ok()?;
                Some(Named { host, port, user, password })
            }
        }
    }

    /// A server at an address that Railway, or the owner, names.
    ///
    /// # Errors
    /// Invalid input for a certificate that is pinned to what is not proven by one.
    pub(crate) fn at(self, login: &Login<'_>) -> Result<Endpoint> {
        let Login { host, port, user, password, database, is_weak, pinned, must_be_proven, through } = *login;
        if let Some(line) = through {
            let (line, password) = (Arc::clone(line), password.expose());
            return Ok(match self {
                Self::Postgres => {
                    Endpoint::Postgres(postgres::Endpoint::of_container(line, port, user, password, database))
                }
                Self::Mysql | Self::Mariadb => {
                    Endpoint::Mysql(mysql::Endpoint::of_container(line, port, user, password, database))
                }
            });
        }
        Ok(match self {
            Self::Postgres => {
                ensure!(
                    pinned.is_empty(),
                    Failure::invalid("a PostgreSQL proves itself by the password, and no certificate is pinned to it")
                        .hint("take the service out of the policy's `pinned_certificates`")
                );
                let endpoint = postgres::Endpoint::of_proxy(host, port, user, password.expose(), database);
                Endpoint::Postgres(if is_weak { endpoint.over_weak_line() } else { endpoint })
            }
            Self::Mysql | Self::Mariadb => {
                let endpoint = mysql::Endpoint::of_proxy(host, port, user, password.expose(), database);
                let endpoint = endpoint.proven_by(pinned, must_be_proven)?;
                Endpoint::Mysql(if is_weak && pinned.is_empty() { endpoint.over_weak_line() } else { endpoint })
            }
        })
    }
}

impl Endpoint {
    /// The line to its container, where it is reached through the relay, and else host and port.
    fn place(&self) -> (Option<&Arc<Line>>, &str, u16) {
        match self {
            Self::Postgres(endpoint) => {
                let (host, port) = endpoint.hosts.first().map_or(("", 0), |(host, port)| (host.as_str(), *port));
                (endpoint.through.as_ref(), host, port)
            }
            Self::Mysql(endpoint) => (endpoint.through.as_ref(), &endpoint.host, endpoint.port),
        }
    }

    /// By which way the database is reached, and how long one way there and back takes.
    pub(crate) async fn way(&self) -> String {
        let (way, took) = match self.place() {
            (Some(line), _, port) => {
                let began = Instant::now();
                let reached = line.open(port).await.is_ok();
                (
                    "through Railway's SSH relay, at its container's own port".to_owned(),
                    reached.then(|| began.elapsed()),
                )
            }
            (None, host, port) => (format!("at `{host}:{port}`"), tcp::round_trip(host, port).await),
        };
        let took =
            took.map_or_else(String::new, |took| format!("; there and back takes {} ms", took.as_millis().max(1)));
        way + &took
    }
}
