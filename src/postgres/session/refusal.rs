//! Why a session is refused, by the server or by us, and what mends it. Driver and server say it in words alone.

use anyhow::{Result, ensure};

use super::endpoint::{ChannelBinding, Endpoint};
use super::fault::Fault;
use super::sql;
use crate::error::Failure;

/// Older servers lack what a copy needs of them.
pub const OLDEST_MAJOR: i32 = 14;

/// Refuses a server that is too old.
///
/// # Errors
/// Invalid input, with what mends it.
pub(super) fn of_age(major: i32) -> Result<()> {
    ensure!(
        major >= OLDEST_MAJOR,
        Failure::invalid(format!("it is PostgreSQL {major}, and {OLDEST_MAJOR} is the oldest that can be copied"))
            .hint("upgrade the server first")
    );
    Ok(())
}

/// What a failure to connect is, told for people.
pub(super) fn told(fault: Fault, endpoint: &Endpoint) -> anyhow::Error {
    let text = fault.to_string();
    // PgBouncer's words when it is not told to ignore `options`.
    if text.contains("unsupported startup parameter") {
        return of_pooler();
    }
    if is_of_code(&fault.sqlstate) {
        return of_login_trigger(&text, endpoint);
    }
    match endpoint.channel_binding {
        ChannelBinding::Require => unproven(&text).unwrap_or_else(|| fault.into()),
        ChannelBinding::Disable | ChannelBinding::Prefer => fault.into(),
    }
}

/// Whether a refusal is that of somebody's code: nothing of ours has been sent yet, and no server refuses a login with such
/// words of its own, but for the rights (`42501`) and the names (`42704`) of what the session begins with.
fn is_of_code(sqlstate: &str) -> bool {
    sqlstate == "25006"
        || ["P0", "23", "38"].iter().any(|class| sqlstate.starts_with(class))
        || sqlstate.starts_with("42") && !matches!(sqlstate, "42501" | "42704")
}

/// A trigger on logins does not run to its end in our sessions, which only read and have no search path.
fn of_login_trigger(text: &str, endpoint: &Endpoint) -> anyhow::Error {
    Failure::invalid(format!(
        "an event trigger of `{}` on logins fails in a session that only reads: {text}",
        endpoint.database
    ))
    .hint(format!(
        "let this login keep event triggers out of its sessions, as a superuser: GRANT SET ON PARAMETER event_triggers TO {}",
        sql::ident(&endpoint.user)
    ))
    .into()
}

pub(super) fn of_pooler() -> anyhow::Error {
    Failure::invalid("a connection pooler answers there, and a copy needs one server session for its snapshot")
        .hint("use the database's direct URL: on Railway `DATABASE_PUBLIC_UNPOOLED_URL` or `DATABASE_UNPOOLED_URL`")
        .into()
}

/// Why a line was refused that must be proven by the password, if `text` says so.
fn unproven(text: &str) -> Option<anyhow::Error> {
    let owner = "or, if nobody can come in between, name the service in `weak_lines` of the policy";
    let failure = if text.contains("server does not support TLS") {
        Failure::invalid("the server has no TLS, so whoever is in between could read the line, and answer in its place")
            .hint(format!(
                "turn TLS on there (Railway's own image, `ghcr.io/railwayapp-templates/postgres-ssl`, has it), {owner}"
            ))
    } else if text.contains("server did not use channel binding") {
        Failure::invalid("the server does not prove that it knows the password, and so could be anybody (no SCRAM-SHA-256-PLUS)")
            .hint(format!("an old login has an MD5 verifier: set `password_encryption` to `scram-sha-256` there and give the login its password anew, with `scram-sha-256` in pg_hba.conf; {owner}. If it worked before, somebody may stand in between"))
    } else if text.contains("channel binding check failed") {
        Failure::outside(
            "somebody stands between here and the server: the certificate that answers is not the server's",
        )
        .hint("the password was not given away; find out who answers at this address before the next run")
    } else {
        return None;
    };
    Some(failure.into())
}
