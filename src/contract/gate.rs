//! A gate: a service of ours that stands before a copy and asks for a password; what it is called, and what its variables tell.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::ids::ServiceId;

/// Variables of a gate: who gets in.
pub(crate) const USER: &str = "RAILSTAGE_GATE_USER";
/// With what password; the only place where it stands in clear.
pub(crate) const PASSWORD: &str = "RAILSTAGE_GATE_PASSWORD";
/// What a program sends in [`BYPASS_HEADER`] in the place of user and password.
pub(crate) const BYPASS: &str = "RAILSTAGE_GATE_BYPASS";
/// The header of a browser that gives user and password: an app behind the gate is not to take it for its own.
pub(crate) const AUTHORIZATION: &str = "RAILSTAGE_GATE_AUTH";
/// Caddy's configuration.
pub(crate) const CONFIG: &str = "RAILSTAGE_GATE_CONFIG";
/// [`Routes`] in JSON.
pub(crate) const ROUTES: &str = "RAILSTAGE_GATE_ROUTES";

/// The header of programs that cannot give a password, such as senders of webhooks.
pub(crate) const BYPASS_HEADER: &str = "X-Railstage-Gate";

/// Where a gate leads, by whole hosts and by the first labels of hosts.
pub(crate) type Routes = BTreeMap<String, Route>;

/// What stands behind a host of a gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Route {
    pub service: ServiceId,
    pub port: u16,
}

/// How a gate asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BasicAuth {
    /// The user's name.
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$"), extend("x-expects" = "at most 32 of `A-Z`, `a-z`, `0-9`, `.`, `_` and `-`"))]
    #[serde(skip_serializing_if = "is_usual")]
    pub user: String,
    /// The secret with the password: `NAME` of `RAILSTAGE_SECRET_NAME`; without one, a password is made up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// Who gets in unless a request says otherwise.
const USUAL: &str = "staging";

fn is_usual(user: &str) -> bool {
    user == USUAL
}

impl Default for BasicAuth {
    fn default() -> Self {
        Self { user: USUAL.to_owned(), secret: None }
    }
}

/// Whether copies must have a gate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum GateRule {
    /// Those have one that are asked for with one.
    #[default]
    Optional,
    /// No copy is made without one.
    Required,
}

/// What the gate of a run's copy is called.
pub(crate) fn service_name(run_hash: &str) -> String {
    format!("rs-{run_hash}-gate")
}

/// The hash of the run whose copy a gate stands before, if a service is called as one.
pub(crate) fn run_hash(service_name: &str) -> Option<&str> {
    let hash = service_name.strip_prefix("rs-")?.strip_suffix("-gate")?;
    is_run_hash(hash).then_some(hash)
}

/// Whether a text is what stands for a run in names.
pub(crate) fn is_run_hash(text: &str) -> bool {
    let is_lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == 16 && text.bytes().all(is_lower_hex)
}

/// The route of a host.
pub(crate) fn route<'r>(routes: &'r Routes, host: &str) -> Option<&'r Route> {
    routes.get(host).or_else(|| routes.get(host.split('.').next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_runs_own_name_is_a_gates() {
        assert_eq!(run_hash(&service_name("0123456789abcdef")), Some("0123456789abcdef"));
        for name in
            ["rs-0123456789abcde-gate", "rs-0123456789ABCDEF-gate", "gate", "rs-gate", "rs-0123456789abcdef-gates"]
        {
            assert_eq!(run_hash(name), None, "{name}");
        }
    }
}
