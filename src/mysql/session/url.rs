//! A `mysql://` or `mariadb://` URL, as the programs of sites read it.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use percent_encoding::percent_decode_str;

use super::endpoint::{ANSWER_WITHIN, CONNECT_WITHIN, Endpoint, Fingerprint, PORT, TlsMode};
use crate::error::Failure;
use crate::secret::Secret;

const SCHEMES: &[&str] = &["mysql://", "mariadb://"];

/// Parameters that a URL may carry after `?`; every other one is refused by name, since it might have meant to secure the line.
const PARAMETERS: &[&str] = &["sslmode", "ssl-mode", "certificate_sha256", "connect_timeout"];

impl Endpoint {
    /// Reads a `mysql://` or `mariadb://` URL.
    ///
    /// # Errors
    /// Invalid input; the message never repeats the URL, which holds a password.
    pub fn parse(url: &str) -> Result<Self> {
        read(url).map_err(|error| {
            let hint = "a database URL looks like `mysql://user:password@host:3306/database`";
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
    let rest = SCHEMES.iter().find_map(|scheme| rest.strip_prefix(scheme));
    let rest = rest.context("read a database URL: it does not start with `mysql://` or `mariadb://`")?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, address) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = login.split_once(':').map_or((login, None), |(user, password)| (user, Some(password)));
    let (host, port) = split_address(address)?;
    let mut endpoint = Endpoint {
        host,
        port,
        user: decode(user)?,
        password: password.map(decode).transpose()?.filter(|password| !password.is_empty()).map(Secret::new),
        database: decode(database)?,
        ..Endpoint::of_proxy("", PORT, "", "", "")
    };
    (endpoint.connect_timeout, endpoint.answer_within) = (CONNECT_WITHIN, ANSWER_WITHIN);
    ensure!(!endpoint.user.is_empty(), "read a database URL: it names no user");
    ensure!(!endpoint.database.is_empty(), "read a database URL: it names no database");
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').with_context(|| format!("read `{pair}`: it has no value"))?;
        set(&mut endpoint, &decode(name)?, &decode(value)?)?;
    }
    Ok(endpoint)
}

fn set(endpoint: &mut Endpoint, name: &str, value: &str) -> Result<()> {
    match name {
        "sslmode" | "ssl-mode" => endpoint.tls = tls_mode(value)?,
        "certificate_sha256" => {
            let read = |text: &str| {
                Fingerprint::parse(text)
                    .context("read `certificate_sha256`: it must be 64 hexadecimal digits, or several with `,` between")
            };
            endpoint.pinned = value.split(',').map(read).collect::<Result<_>>()?;
        }
        "connect_timeout" => {
            let secs: u64 = value.parse().context("read `connect_timeout`: it must be seconds")?;
            endpoint.connect_timeout = if secs > 0 { Duration::from_secs(secs) } else { CONNECT_WITHIN };
        }
        _ => bail!(
            Failure::invalid(format!("`{name}` is not a parameter of a database URL"))
                .hint(format!("known parameters: {}", PARAMETERS.join(", ")))
        ),
    }
    Ok(())
}

fn tls_mode(word: &str) -> Result<TlsMode> {
    Ok(match word.to_lowercase().as_str() {
        "disable" | "disabled" => TlsMode::Disable,
        "prefer" | "preferred" => TlsMode::Prefer,
        "require" | "required" => TlsMode::Require,
        _ => bail!(
            "read `sslmode`: `{word}` is none of disable, prefer, require; a server is proven by `certificate_sha256`"
        ),
    })
}

/// `host:port`; an IPv6 address stands in brackets.
fn split_address(address: &str) -> Result<(String, u16)> {
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').context("read the host: `[` is not closed")?;
            (host, rest.strip_prefix(':'))
        }
        None => address.split_once(':').map_or((address, None), |(host, port)| (host, Some(port))),
    };
    let host = decode(host)?;
    if host.is_empty() {
        // Railway renders `${{RAILWAY_TCP_PROXY_DOMAIN}}` as nothing while the service has no proxy.
        bail!(Failure::invalid("the database URL names no host").hint(
            "a Railway `MYSQL_PUBLIC_URL` looks like this while the database service has no TCP proxy: add one under its Settings, Networking"
        ));
    }
    let port = match port.unwrap_or("") {
        "" => PORT,
        port => {
            port.parse().ok().filter(|port| *port > 0).with_context(|| format!("read the port: `{port}` is not one"))?
        }
    };
    Ok((host, port))
}

fn decode(text: &str) -> Result<String> {
    let text = percent_decode_str(text).decode_utf8().context("read a database URL: a part of it is not UTF-8")?;
    ensure!(!text.contains('\0'), "read a database URL: a part of it holds a NUL");
    Ok(text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_as_sites_write_it() {
        let read = Endpoint::parse("mariadb://ra%40il:p%3Aw@db.example.com:3307/rail%20way?sslmode=prefer").unwrap();
        assert_eq!((read.host.as_str(), read.port, read.user.as_str()), ("db.example.com", 3307, "ra@il"));
        assert_eq!((read.database.as_str(), read.tls), ("rail way", TlsMode::Prefer));
        assert_eq!(read.password.as_ref().unwrap().expose(), "p:w");
        assert_eq!(read.to_string(), "db.example.com:3307/rail way");
        assert!(!format!("{read:?}").contains("p:w"));
        let read = Endpoint::parse("mysql://root@[::1]/d").unwrap();
        assert_eq!(
            (read.host.as_str(), read.port, read.tls, read.password.is_none()),
            ("::1", 3306, TlsMode::Require, true)
        );
        let pin = "AB:".repeat(31) + "cd";
        let read = Endpoint::parse(&format!("mysql://root@h/d?certificate_sha256={pin}")).unwrap();
        assert_eq!(read.pinned[0].to_string(), "ab".repeat(31) + "cd");
    }

    #[test]
    fn what_is_wrong_with_a_url_is_told_without_its_password() {
        for (url, words) in [
            ("postgres://u:canary@h/d", "does not start with"),
            ("mysql://u:canary@:3306/d", "names no host"),
            ("mysql://u:canary@h", "names no database"),
            ("mysql://:canary@h/d", "names no user"),
            ("mysql://u:canary@h:x/d", "`x` is not one"),
            ("mysql://u:canary@h/d?sslmode=verify_ca", "`verify_ca` is none of"),
            ("mysql://u:canary@h/d?ssl_ca=x", "`ssl_ca` is not a parameter"),
            ("mysql://u:canary@h/d?certificate_sha256=12", "64 hexadecimal digits"),
        ] {
            let told = format!("{:#}", Endpoint::parse(url).unwrap_err());
            assert!(told.contains(words) && !told.contains("canary"), "{url}: {told}");
        }
    }
}
