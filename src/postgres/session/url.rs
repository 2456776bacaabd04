//! A postgres URL, read as libpq reads it.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use percent_encoding::percent_decode_str;

use super::endpoint::{ANSWER_WITHIN, APPLICATION, CONNECT_WITHIN, ChannelBinding, Endpoint, TlsMode};
use crate::error::Failure;
use crate::secret::Secret;

/// Parameters that a URL may carry after `?`; every other one is refused by name, as libpq does.
const PARAMETERS: &[&str] = &[
    "host",
    "port",
    "user",
    "password",
    "dbname",
    "sslmode",
    "sslrootcert",
    "channel_binding",
    "options",
    "application_name",
    "connect_timeout",
];

impl Endpoint {
    /// Reads a `postgres://` or `postgresql://` URL.
    ///
    /// # Errors
    /// Invalid input; the message never repeats the URL, which holds a password.
    pub fn parse(url: &str) -> Result<Self> {
        read(url).map_err(|error| {
            let hint = "a postgres URL looks like `postgresql://user:password@host:5432/database?sslmode=require`";
            match crate::error::failure(&error) {
                Some(_) => error,
                None => Failure::invalid(format!("{error:#}")).hint(hint).into(),
            }
        })
    }
}

impl FromStr for Endpoint {
    type Err = anyhow::Error;

    fn from_str(url: &str) -> Result<Self> {
        Self::parse(url)
    }
}

fn read(url: &str) -> Result<Endpoint> {
    let rest = url.trim();
    let rest = ["postgresql://", "postgres://"].iter().find_map(|scheme| rest.strip_prefix(scheme));
    let rest = rest.context("read a database URL: it does not start with `postgresql://`")?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = login.split_once(':').map_or((login, None), |(user, password)| (user, Some(password)));

    let mut parts = UrlParameters {
        user: decode(user)?,
        password: password.map(decode).transpose()?,
        database: decode(database)?,
        hosts: hosts.to_owned(),
        ..UrlParameters::default()
    };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').with_context(|| format!("read `{pair}`: it has no value"))?;
        parts.set(&decode(name)?, decode(value)?)?;
    }
    parts.into_endpoint()
}

/// A URL's pieces, decoded but not yet judged.
#[derive(Default)]
struct UrlParameters {
    hosts: String,
    host: Option<String>,
    port: Option<String>,
    user: String,
    password: Option<String>,
    database: String,
    tls: Option<TlsMode>,
    root_cert: Option<PathBuf>,
    channel_binding: Option<ChannelBinding>,
    options: Option<String>,
    application_name: Option<String>,
    connect_timeout: Option<Duration>,
}

impl UrlParameters {
    fn set(&mut self, name: &str, value: String) -> Result<()> {
        match name {
            "host" => self.host = Some(value),
            "port" => self.port = Some(value),
            "user" => self.user = value,
            "password" => self.password = Some(value),
            "dbname" => self.database = value,
            "sslmode" => self.tls = Some(tls_mode(&value)?),
            "sslrootcert" => self.root_cert = Some(PathBuf::from(value)),
            "channel_binding" => self.channel_binding = Some(channel_binding(&value)?),
            "options" => self.options = Some(value),
            "application_name" => self.application_name = Some(value),
            "connect_timeout" => {
                let secs: u64 = value.parse().context("read `connect_timeout`: it must be seconds")?;
                self.connect_timeout = (secs > 0).then(|| Duration::from_secs(secs));
            }
            _ => bail!(
                Failure::invalid(format!("`{name}` is not a parameter of a database URL"))
                    .hint(format!("known parameters: {}", PARAMETERS.join(", ")))
            ),
        }
        Ok(())
    }

    fn into_endpoint(self) -> Result<Endpoint> {
        let hosts = match &self.host {
            Some(host) => pair_up(host, self.port.as_deref().unwrap_or(""))?,
            None => split_hosts(&self.hosts, self.port.as_deref())?,
        };
        if self.user.is_empty() {
            bail!("read a database URL: it names no user");
        }
        let tls = match (self.tls.unwrap_or(TlsMode::Prefer), &self.root_cert) {
            // libpq does the same, for people who give a certificate and expect it to be used.
            (TlsMode::Require, Some(_)) => TlsMode::VerifyCa,
            (TlsMode::VerifyCa | TlsMode::VerifyFull, None) => bail!(
                Failure::invalid("`sslmode` asks to verify the server, but no certificate is given")
                    .hint("add `sslrootcert=` with the path of the CA's certificate, or `sslrootcert=system`")
            ),
            (mode, _) => mode,
        };
        let database = if self.database.is_empty() { self.user.clone() } else { self.database };
        Ok(Endpoint {
            hosts,
            user: self.user,
            password: self.password.map(Secret::new),
            database,
            tls,
            root_cert: self.root_cert,
            channel_binding: self.channel_binding.unwrap_or(ChannelBinding::Prefer),
            options: self.options,
            application_name: self.application_name.unwrap_or_else(|| APPLICATION.to_owned()),
            connect_timeout: self.connect_timeout.unwrap_or(CONNECT_WITHIN),
            answer_within: ANSWER_WITHIN,
            through: None,
            throttle: std::sync::Arc::default(),
            written_by: None,
            silences_event_triggers: std::sync::Arc::default(),
        })
    }
}

fn decode(text: &str) -> Result<String> {
    let text = percent_decode_str(text).decode_utf8().context("read a database URL: a part of it is not UTF-8")?;
    if text.contains('\0') {
        bail!("read a database URL: a part of it holds a NUL");
    }
    Ok(text.into_owned())
}

fn tls_mode(word: &str) -> Result<TlsMode> {
    Ok(match word {
        "disable" => TlsMode::Disable,
        "allow" | "prefer" => TlsMode::Prefer,
        "require" | "no-verify" => TlsMode::Require,
        "verify-ca" => TlsMode::VerifyCa,
        "verify-full" => TlsMode::VerifyFull,
        _ => bail!("read `sslmode`: `{word}` is none of disable, prefer, require, verify-ca, verify-full"),
    })
}

fn channel_binding(word: &str) -> Result<ChannelBinding> {
    Ok(match word {
        "disable" => ChannelBinding::Disable,
        "prefer" => ChannelBinding::Prefer,
        "require" => ChannelBinding::Require,
        _ => bail!("read `channel_binding`: `{word}` is none of disable, prefer, require"),
    })
}

/// `a:1,b:2` of the URL's middle; an IPv6 address stands in brackets.
fn split_hosts(hosts: &str, port: Option<&str>) -> Result<Vec<(String, u16)>> {
    let mut pairs = Vec::new();
    for part in hosts.split(',') {
        let (host, own_port) = match part.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']').context("read the host: `[` is not closed")?;
                (host, rest.strip_prefix(':'))
            }
            None => part.split_once(':').map_or((part, None), |(host, port)| (host, Some(port))),
        };
        pairs.push((checked_host(decode(host)?)?, read_port(own_port.or(port).unwrap_or(""))?));
    }
    Ok(pairs)
}

/// `host=a,b&port=1,2`; one port serves all hosts.
fn pair_up(hosts: &str, ports: &str) -> Result<Vec<(String, u16)>> {
    let ports: Vec<_> = ports.split(',').collect();
    let pair = |(i, host): (usize, &str)| {
        let port = if ports.len() == 1 { ports[0] } else { ports.get(i).copied().unwrap_or("") };
        Ok((checked_host(host.to_owned())?, read_port(port)?))
    };
    hosts.split(',').enumerate().map(pair).collect()
}

fn checked_host(host: String) -> Result<String> {
    if host.is_empty() {
        // Railway renders `${{RAILWAY_TCP_PROXY_DOMAIN}}` as nothing while the service has no proxy.
        bail!(Failure::invalid("the database URL names no host").hint(
            "a Railway `DATABASE_PUBLIC_URL` looks like this while the database service has no TCP proxy: add one under its Settings, Networking"
        ));
    }
    Ok(host)
}

fn read_port(port: &str) -> Result<u16> {
    if port.is_empty() {
        return Ok(5432);
    }
    port.parse().ok().filter(|port| *port > 0).with_context(|| format!("read the port: `{port}` is not one"))
}

#[cfg(test)]
#[path = "url_tests.rs"]
mod tests;
