//! Masking: people become strangers on their way, and what a copy must not hold or do is left behind.
//!
//! How it is decided: a [`Masking`] is what a caller asks for. `plan` lays its own `rules` and the WordPress preset over
//! the tables that are there, which gives each table a mask (`table`). That tells for each row which rule holds for
//! which column; `transformers`, `strangers` and `contacts` make the new values under a `key`, `values` look into
//! serialized data. What no rule speaks of and yet looks personal is found by `suspects`. The `sheet` tells what was done.

use anyhow::{Context as _, Result};

use crate::context::env_secret;
use crate::error::{Exit, Failure};
use crate::request::CloneRequest;

mod contacts;
mod key;
pub(crate) mod plan;
mod rules;
mod sheet;
mod strangers;
pub(crate) mod suspects;
pub(crate) mod table;
mod transformers;
mod values;
mod words;

pub(crate) use sheet::Account;

pub use key::{Key, KeySource};
pub use rules::{Rule, RulesFile, When, check};
pub use sheet::{ColumnLine, DroppedLine, EmptiedLine, Sheet, Suspect, Treatment};
pub use transformers::Transformer;

/// How people are masked.
#[derive(Clone, Debug)]
pub struct Masking {
    /// Decides which stranger a person becomes.
    pub key: Key,
    /// Rules that go before the preset's.
    pub rules: Vec<Rule>,
    /// Which WordPress users keep their login and password.
    pub keep_users: KeepUsers,
    /// Whether a column that looks personal and that no rule speaks of is refused.
    pub strict: bool,
}

impl Masking {
    /// The preset alone, under a key.
    pub fn new(key: Key) -> Self {
        Self { key, rules: Vec::new(), keep_users: KeepUsers::default(), strict: false }
    }
}

/// The environment variable of a site's own key.
pub const KEY_VARIABLE: &str = "RAILSTAGE_MASKING_KEY";

/// The word for all administrators in a list of users.
const ADMINISTRATORS: &str = "administrators";

/// WordPress users that keep their login and password: someone must get into the copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeepUsers {
    /// Everyone whose role is administrator.
    pub administrators: bool,
    /// Logins or e-mail addresses.
    pub named: Vec<String>,
}

impl Default for KeepUsers {
    /// The administrators: they are the people who look after the site.
    fn default() -> Self {
        Self { administrators: true, named: Vec::new() }
    }
}

impl KeepUsers {
    /// Reads a list of logins or e-mail addresses, the word `administrators` for all of these, or `none` alone.
    pub fn parse(list: &[String]) -> Self {
        let named = list.iter().filter(|name| *name != ADMINISTRATORS && *name != "none").cloned().collect();
        Self { administrators: list.iter().any(|name| name == ADMINISTRATORS), named }
    }
}

/// What a request asks for one of its databases; `None` when its people are copied as they are.
///
/// Without a key of the site's own, the run has one that is the same in all of its databases and attempts: made of the
/// token that every worker has, since who knows the run's name alone must not be able to try out addresses.
///
/// # Errors
/// Invalid input when a rule contradicts itself or the site's key is too short.
pub(crate) fn of_request(request: &CloneRequest, service: &str, run_hash: &str) -> Result<Option<Masking>> {
    if !request.anonymize {
        return Ok(None);
    }
    let key = match env_secret(KEY_VARIABLE) {
        Some(secret) => Key::of_site(&secret)?,
        None => {
            let token = env_secret("RAILWAY_API_TOKEN").with_context(|| {
                Failure::new(Exit::Program, "there is no RAILWAY_API_TOKEN to make the run's masking key of")
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
    Ok(Some(Masking { key, rules, keep_users: KeepUsers::parse(&request.keep_users), strict: request.strict }))
}
