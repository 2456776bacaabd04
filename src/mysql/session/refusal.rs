//! Why a session is refused, by the server or by us, and what mends it.

use super::connect::{Family, Version};
use crate::error::Failure;

/// The oldest versions that are read; what is older lacks a snapshot for several sessions, or words that we use.
pub(crate) const OLDEST_MYSQL: (u16, u16) = (8, 0);
pub(crate) const OLDEST_MARIADB: (u16, u16) = (10, 6);

/// Names by which proxies that share their sessions call themselves.
const PROXIES: &[&str] = &[
    "proxysql",
    "maxscale",
    "mysqlrouter",
    "mysql router",
    "vitess",
    "planetscale",
    "tidb",
    "dolt",
    "oceanbase",
    "singlestore",
    "clickhouse",
];

pub(super) fn of_age(family: Family, version: Version) -> anyhow::Result<()> {
    let (oldest, name) = match family {
        Family::MySql => (OLDEST_MYSQL, "MySQL"),
        Family::MariaDb => (OLDEST_MARIADB, "MariaDB"),
    };
    if (version.0, version.1) >= oldest {
        return Ok(());
    }
    let (major, minor) = (version.0, version.1);
    Err(Failure::invalid(format!(
        "the server is {name} {major}.{minor}, and copies are made from {name} {}.{} on",
        oldest.0, oldest.1
    ))
    .hint("upgrade the server first: a dump of it can be loaded into a newer one")
    .into())
}

/// Whether words of a server's are those of something else that speaks its protocol.
pub(super) fn is_of_another(words: &str) -> Option<&'static str> {
    let words = words.to_lowercase();
    PROXIES.iter().copied().find(|name| words.contains(name))
}

pub(super) fn of_another(name: &str) -> anyhow::Error {
    Failure::invalid(format!(
        "`{name}` answers there, and a copy needs sessions with the server itself for its snapshot"
    ))
    .hint("use the database's own address; one that is no MySQL or MariaDB, but speaks like it, cannot be copied")
    .into()
}

pub(super) fn of_pooler() -> anyhow::Error {
    Failure::invalid("a proxy that shares its sessions answers there, and a copy needs sessions with the server itself for its snapshot")
        .hint("use the database's own address, past the proxy")
        .into()
}

/// Who has greeted is not who answers.
pub(super) fn of_other_greeting(greeted: &str, answers: &str) -> anyhow::Error {
    let plain = |text: &str| text.chars().filter(char::is_ascii_graphic).take(64).collect::<String>();
    Failure::invalid(format!(
        "a server greets there as {}, and the one that answers is {}",
        plain(greeted),
        plain(answers)
    ))
    .hint(
        "use the database's own address, past the proxy; if there is none, somebody stands between here and the server",
    )
    .into()
}

/// The server has no TLS, and nobody has said that the line may do without.
pub(super) fn without_tls(family: Family) -> anyhow::Error {
    let how = match family {
        Family::MariaDb => {
            "give the server a certificate (`ssl_cert`, `ssl_key`), which MariaDB makes itself from 11.4 on"
        }
        Family::MySql => "let the server make its certificates (`auto_generate_certs`)",
    };
    Failure::invalid("the server has no TLS, so whoever is in between could read the line, and answer in its place")
        .hint(format!("{how}; or, if nobody can come in between, name the service in `weak_lines` of the policy, or add `?sslmode=disable` to a URL"))
        .into()
}

/// A way to log in that would give the password away, or that we do not know.
pub(super) fn of_plugin(name: &str) -> anyhow::Error {
    let (why, hint) = match name {
        "mysql_clear_password" | "dialog" => (
            "which would send the password as it is to whoever answers",
            "give the login a plug-in that keeps it: `mysql_native_password`, `caching_sha2_password` or `ed25519`",
        ),
        "mysql_old_password" => {
            ("which anybody can undo", "give the login a new password: its plug-in is of before 2004")
        }
        "sha256_password" => (
            "which gives the password away where the server is not proven",
            "let the login use `caching_sha2_password`",
        ),
        _ => {
            ("which we do not know", "let the login use `mysql_native_password`, `caching_sha2_password` or `ed25519`")
        }
    };
    let name: String = name.chars().filter(char::is_ascii_graphic).take(64).collect();
    Failure::invalid(format!("the server asks to log in by `{name}`, {why}")).hint(hint).into()
}

/// The password would have to go over a line that is not secured.
pub(super) fn of_full_login() -> anyhow::Error {
    Failure::invalid("the server does not know this login yet, and would have the password sent to it without TLS (`caching_sha2_password`)")
        .hint("use TLS: take `sslmode=disable` out of the URL")
        .into()
}

/// What answers is not what was pinned.
pub(super) fn of_certificate(fingerprint: &str) -> anyhow::Error {
    Failure::outside(format!("the certificate that answers is not the pinned one: its SHA-256 is {fingerprint}"))
        .hint("somebody may stand between here and the server: nothing was told him. If the server has a new certificate, pin that one (`pinned_certificates` of the policy, `certificate_sha256` of a URL)")
        .into()
}

/// The server does not know the password, by which MariaDB proves its certificate.
pub(super) fn of_middle() -> anyhow::Error {
    Failure::outside("somebody stands between here and the server: the certificate that answers is not the server's")
        .hint("find out who answers at this address before the next run, and give the login a new password: he may try to guess it from what he has heard")
        .into()
}

/// Nothing proves the server, and it must be proven.
pub(super) fn of_unproven(fingerprint: Option<&str>) -> anyhow::Error {
    let hint = match fingerprint {
        Some(fingerprint) => format!("pin its certificate, if this is its SHA-256: {fingerprint} (`pinned_certificates` of the policy, `certificate_sha256` of a URL)"),
        None => "use TLS, and pin the server's certificate (`pinned_certificates` of the policy, `certificate_sha256` of a URL)".to_owned(),
    };
    Failure::invalid("nothing proves that this server is the one that is meant").hint(hint).into()
}
