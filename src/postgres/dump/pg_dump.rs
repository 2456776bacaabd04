//! The schema as the program `pg_dump` reads it, in the two sections between which the data goes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::entries::{self, DumpEntry};
use super::spelling::Spelling;
use crate::copying::transient::Transient;
use crate::error::{Exit, Failure};
use crate::external::privacy;
use crate::external::process::{Child, ChildOutput};
use crate::external::process_env::ProcessEnv;
use crate::postgres::session::endpoint::{ChannelBinding, Endpoint, TlsMode};
use crate::postgres::session::raised;
use crate::postgres::session::settings::RESTRICTED;
use crate::postgres::session::source_session::dump_name;
use crate::relay::Socket;
use crate::secret::Secret;

/// Whoever watches the snapshot ends it before, when it falls silent or the snapshot is too old.
const DUMP_WITHIN: Duration = Duration::from_hours(48);
/// The file in which the password is given to it.
const PASSWORD_FILE: &str = "password";

/// For `--version`.
const VERSION_WITHIN: Duration = Duration::from_secs(20);

/// What of the schema stands before the data, and what after.
#[derive(Clone, Copy)]
pub(crate) enum DumpSection {
    PreData,
    PostData,
}

/// Reads one half of the schema as of `snapshot`, by the program `pg_dump`.
pub(crate) async fn read(
    source: &Endpoint,
    reads_no_views: bool,
    pg_dump: &Path,
    env: &ProcessEnv,
    snapshot: &str,
    section: DumpSection,
    spelling: &Spelling,
) -> Result<Vec<DumpEntry>> {
    let section = match section {
        DumpSection::PreData => "--section=pre-data",
        DumpSection::PostData => "--section=post-data",
    };
    let private = privacy::private_folder()?;
    if let Some(password) = &source.password {
        write_password(private.path(), password)?;
    }
    // Held until it has come to its end.
    let socket = match (&source.through, source.hosts.first()) {
        (Some(line), Some((_, port))) => Some(line.socket(*port, &format!(".s.PGSQL.{port}"))?),
        _ => None,
    };
    let place = socket.as_ref().map(Socket::folder);
    let dumped = child(source, place, reads_no_views, snapshot, spelling, env.find(&pg_dump.to_string_lossy())?, env)
        .env("PGPASSFILE", private.path().join(PASSWORD_FILE).to_string_lossy())
        .args(["--schema-only", section, "--no-owner", "--no-privileges", "--no-tablespaces", "--no-security-labels"])
        .args(["--no-subscriptions", "--no-password", "--quote-all-identifiers", "--lock-wait-timeout=5s"])
        .args([format!("--snapshot={snapshot}"), format!("--encoding={}", spelling.encoding())].map(OsString::from))
        .run()
        .await
        .context("read the source's schema")?;
    if !dumped.status.success() {
        let stderr = without_details(&String::from_utf8_lossy(&dumped.stderr)).into_bytes();
        // What it had printed of the schema so far is no reason.
        let words = ChildOutput { stderr, stdout: Vec::new(), status: dumped.status }.last_words();
        return Err(judged(
            &words,
            format!("read the source's schema: `pg_dump` ended with {}: {words}", dumped.status),
        ));
    }
    let text = String::from_utf8(dumped.stdout).context(
        "read the source's schema: a name or default in it is not UTF-8, which its encoding SQL_ASCII allows",
    )?;
    let entries = entries::entries(&text, spelling.has_plain_backslashes());
    entries
        .iter()
        .filter(|entry| matches!(entry.kind.as_str(), "FUNCTION" | "PROCEDURE"))
        .for_each(|entry| raised::learn(&entry.sql));
    Ok(entries)
}

/// Refuses a `pg_dump` that is older than a server: it reads those of its own version and older ones.
///
/// # Errors
/// [`Exit::Program`] when it is too old, is not there or does not say which version it is.
pub(crate) async fn ensure_reads(pg_dump: &Path, env: &ProcessEnv, server_major: i32) -> Result<()> {
    let told = Child::new(env.find(&pg_dump.to_string_lossy())?, env, VERSION_WITHIN).args(["--version"]).run().await?;
    let text = String::from_utf8_lossy(&told.stdout).trim().to_owned();
    let major =
        version_in(&text).with_context(|| Failure::new(Exit::Program, format!("`pg_dump --version` says `{text}`")))?;
    if major < server_major {
        let message =
            format!("`pg_dump` is of PostgreSQL {major} and cannot read a server of PostgreSQL {server_major}");
        bail!(
            Failure::new(Exit::Program, message)
                .hint(format!("put the `pg_dump` of PostgreSQL {server_major} or newer first on PATH"))
        );
    }
    Ok(())
}

/// The same for the `pg_dump` on PATH.
///
/// # Errors
/// As [`ensure_reads`].
pub(crate) async fn ensure_can_dump(env: &ProcessEnv, server_major: i32) -> Result<()> {
    ensure_reads(Path::new("pg_dump"), env, server_major).await
}

/// The major version in `pg_dump (PostgreSQL) 18.6 (Debian 18.6-1)` or `pg_dump (PostgreSQL) 19beta1`.
fn version_in(text: &str) -> Option<i32> {
    let number = text.split_once("(PostgreSQL) ")?.1;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Words of `pg_dump` and its library about what another attempt may get past.
const PASSING: &[&str] = &[
    "server closed the connection",
    "terminating connection",
    "could not receive data",
    "could not send data",
    "no connection to the server",
    "SSL error: unexpected eof",
    "SSL SYSCALL error",
    "SSL connection has been closed",
    "expected authentication request",
    "Connection refused",
    "Connection reset",
    "Connection timed out",
    "connection timed out",
    "timeout expired",
    "the database system is",
    "too many clients",
    "connection slots are reserved",
    "lock timeout",
    "invalid snapshot identifier",
    "could not import the requested snapshot",
];

/// What it says without what a server adds to a message, which may quote rows: from such a line on to the next of its own.
fn without_details(stderr: &str) -> String {
    const LABELS: &[&str] = &["DETAIL:", "CONTEXT:", "HINT:", "QUERY:", "STATEMENT:"];
    let mut is_detail = false;
    let is_told = |line: &&str| {
        let is_own = line.starts_with("pg_dump:");
        is_detail = !is_own && (is_detail || LABELS.iter().any(|label| line.starts_with(label)));
        !is_detail
    };
    stderr.split_inclusive('\n').filter(is_told).collect()
}

fn judged(words: &str, message: String) -> anyhow::Error {
    if words.contains("server version mismatch") {
        return Failure::new(Exit::Program, message)
            .hint("install the client programs of the newest PostgreSQL")
            .into();
    }
    if PASSING.iter().any(|sign| words.contains(sign)) {
        Transient(message).into()
    } else {
        Failure::outside(message).into()
    }
}

/// A password for whatever server, in a file: the environment of a program can be read by every process of our account.
fn write_password(folder: &Path, password: &Secret) -> Result<()> {
    let escaped = password.expose().replace('\\', "\\\\").replace(':', "\\:");
    privacy::write_secret(folder, PASSWORD_FILE, &Secret::new(format!("*:*:*:*:{escaped}\n")))
}

/// `place` is the folder of the socket by which the source is reached, where it is reached by one of ours.
fn child(
    source: &Endpoint,
    place: Option<&Path>,
    reads_no_views: bool,
    snapshot: &str,
    spelling: &Spelling,
    program: PathBuf,
    env: &ProcessEnv,
) -> Child {
    let join = |parts: Vec<String>| parts.join(",");
    let hosts = || join(source.hosts.iter().map(|(host, _)| host.clone()).collect());
    // Should we be killed, nobody but the server is left to end a `pg_dump` whose line is dead.
    let mut options = source.closed_options();
    options.push_str(
        " -c search_path= -c default_transaction_read_only=on -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3",
    );
    options.push_str(&spelling.options());
    if reads_no_views {
        options.push_str(&format!(" -c restrict_nonsystem_relation_kind={RESTRICTED}"));
    }
    if source.silences_event_triggers.get() == Some(&true) {
        options.push_str(" -c event_triggers=off");
    }
    let mut child = Child::new(program, env, DUMP_WITHIN)
        // The labels of what a server adds to a message are known in English.
        .env("LC_ALL", "C")
        .env("PGHOST", place.map_or_else(hosts, |place| place.to_string_lossy().into_owned()))
        .env("PGPORT", join(source.hosts.iter().map(|(_, port)| port.to_string()).collect()))
        .env("PGUSER", &source.user)
        .env("PGDATABASE", &source.database)
        .env("PGAPPNAME", dump_name(snapshot))
        .env("PGCONNECT_TIMEOUT", source.connect_timeout.as_secs().to_string())
        .env("PGOPTIONS", options.trim_start())
        .env(
            "PGSSLMODE",
            match source.tls {
                TlsMode::Disable => "disable",
                TlsMode::Prefer => "prefer",
                TlsMode::Require => "require",
                TlsMode::VerifyCa => "verify-ca",
                TlsMode::VerifyFull => "verify-full",
            },
        )
        .env(
            "PGCHANNELBINDING",
            match source.channel_binding {
                ChannelBinding::Disable => "disable",
                ChannelBinding::Prefer => "prefer",
                ChannelBinding::Require => "require",
            },
        );
    if let Some(path) = &source.root_cert {
        child = child.env("PGSSLROOTCERT", path.to_string_lossy());
    }
    child
}

#[cfg(test)]
mod tests {
    use super::{version_in, without_details};

    #[test]
    fn what_a_server_adds_to_a_message_is_not_told() {
        let stderr = "pg_dump: error: query failed: ERROR:  out of memory\nDETAIL:  Key (email)=(canary@example.com)\ncanary\nCONTEXT:  canary\npg_dump: detail: Query was: LOCK TABLE a\n";
        assert_eq!(
            without_details(stderr),
            "pg_dump: error: query failed: ERROR:  out of memory\npg_dump: detail: Query was: LOCK TABLE a\n"
        );
    }

    #[test]
    fn the_version_of_every_build_is_read() {
        assert_eq!(version_in("pg_dump (PostgreSQL) 18.6 (Debian 18.6-1.pgdg13+1)"), Some(18));
        assert_eq!(version_in("pg_dump (PostgreSQL) 19beta1"), Some(19));
        assert_eq!(version_in("something else"), None);
    }
}
