//! How a request wants people masked, and under which key.

use anyhow::{Context as _, Result};

use crate::contract::masking_rules::check;
use crate::contract::request::CloneRequest;
use crate::error::{Exit, Failure};
use crate::external::process_env::ProcessEnv;
use crate::masking::{KEY_VARIABLE, KeepUsers, Key, Masking};
use crate::railway::TOKEN_VARIABLE;

/// What a request asks for one of its databases; `None` when its people are copied as they are.
///
/// Without a key of the site's own, the run has one that is the same in all of its databases and attempts: made of the
/// token that every worker has, since who knows the run's name alone must not be able to try out addresses.
///
/// # Errors
/// Invalid input when a rule contradicts itself or the site's key is too short.
pub(crate) fn of_request(
    env: &ProcessEnv,
    request: &CloneRequest,
    service: &str,
    run_hash: &str,
) -> Result<Option<Masking>> {
    if !request.anonymize {
        return Ok(None);
    }
    let key = match env.secret(KEY_VARIABLE) {
        Some(secret) => Key::of_site(&secret)?,
        None => {
            let token = env.secret(TOKEN_VARIABLE).with_context(|| {
                Failure::new(Exit::Program, format!("there is no {TOKEN_VARIABLE} to make the run's masking key of"))
            })?;
            Key::of_run(&token, run_hash)
        }
    };
    let mut rules = Vec::new();
    for (i, database) in request.databases.iter().enumerate() {
        check(&format!("databases.{i}.rules"), &database.rules)?;
        if database.service == service {
            rules.extend(database.rules.iter().cloned());
        }
    }
    let keep_users = KeepUsers::parse(&request.keep_users);
    Ok(Some(Masking { key, rules, keep_users, unknown: request.unknown, residue: request.residue }))
}
