//! How a request asks its databases to be copied: how fast, and how patiently.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::bounds::Refusal;
use crate::contract::policy::Policy;
use crate::contract::ttl::Ttl;

/// How databases are copied.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CopyingRequest {
    /// How many tables are copied at a time, each over a connection of its own to the source; at most the policy's `production_connections`, which it is by default.
    #[schemars(range(min = 1, max = 16))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jobs: Option<u32>,
    /// Read a source, its files too, no faster than so many megabytes (1,000,000 bytes) a second; at most the policy's `production_mb_per_s`, which it is by default.
    #[schemars(range(min = 0.001), extend("x-expects" = "a number of megabytes a second, such as 20"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_mb_per_s: Option<f64>,
    /// How many times the whole is tried when a line or a server fails; at most the policy's `max_attempts`, which it is by default.
    #[schemars(range(min = 1, max = 10))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// How long a source's snapshot may be held, which keeps its vacuum back; at most the policy's `max_snapshot_age`, which it is by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_snapshot_age: Option<Ttl>,
    /// How many milliseconds the writers of a MySQL or MariaDB may be held; at most the policy's `max_write_pause_ms`, which it is by default.
    #[schemars(range(min = 1, max = 60000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_write_pause_ms: Option<u32>,
    /// How long a server or a line may be silent, two minutes by default; at most the policy's `max_stall`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stall: Option<Ttl>,
}

impl CopyingRequest {
    /// What of it the policy does not grant.
    pub(crate) fn beyond(&self, policy: &Policy) -> Vec<Refusal> {
        let Self { jobs, max_mb_per_s, attempts, max_snapshot_age, max_write_pause_ms, stall } = self;
        let more = |field, asked: String, allowed: String, line: &str| {
            let what = format!("{asked}, more than {allowed},");
            Refusal::new(field, what, format!("{line}: {asked}"))
        };
        let count = |asked: Option<u32>, allowed: u32, field, line: &str| {
            let asked = asked.filter(|asked| *asked > allowed)?;
            Some(more(field, asked.to_string(), allowed.to_string(), line))
        };
        let time = |asked: Option<Ttl>, allowed: Ttl, field, line: &str| {
            let asked = asked.filter(|asked| *asked > allowed)?;
            Some(more(field, asked.to_string(), allowed.to_string(), line))
        };
        let fastest = policy.production_mb_per_s;
        let too_fast = max_mb_per_s.filter(|rate| fastest > 0 && *rate > f64::from(fastest));
        let rate = too_fast.map(|rate| {
            more("copying.max_mb_per_s", rate.ceil().to_string(), fastest.to_string(), "production_mb_per_s")
        });
        [
            count(*jobs, policy.production_connections, "copying.jobs", "production_connections"),
            rate,
            count(*attempts, policy.max_attempts, "copying.attempts", "max_attempts"),
            time(*max_snapshot_age, policy.max_snapshot_age, "copying.max_snapshot_age", "max_snapshot_age"),
            count(*max_write_pause_ms, policy.max_write_pause_ms, "copying.max_write_pause_ms", "max_write_pause_ms"),
            time(*stall, policy.max_stall, "copying.stall", "max_stall"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_beyond_the_policy_is_refused_with_the_line_that_would_allow_it() {
        let all = json!({"jobs": 8, "max_mb_per_s": 99.5, "attempts": 9, "max_snapshot_age": "PT6H", "max_write_pause_ms": 900, "stall": "PT1H"});
        let asked: CopyingRequest = serde_json::from_value(all).unwrap();
        let policy = |lines| Policy::read(lines).unwrap();
        let refused: Vec<_> =
            asked.beyond(&policy(json!({"production_mb_per_s": 50}))).iter().map(Refusal::told).collect();
        for line in [
            "production_connections: 8",
            "production_mb_per_s: 100",
            "max_attempts: 9",
            "max_snapshot_age: PT6H",
            "max_write_pause_ms: 900",
            "max_stall: PT1H",
        ] {
            assert!(refused.iter().any(|told| told.contains(&format!("`{line}`"))), "{refused:?}");
        }
        let granted = json!({"production_connections": 8, "max_attempts": 9, "max_snapshot_age": "PT6H", "max_write_pause_ms": 900, "max_stall": "PT1H"});
        assert!(asked.beyond(&policy(granted)).is_empty(), "without a line any rate is as good as another");
        assert!(CopyingRequest::default().beyond(&policy(json!({}))).is_empty());
    }
}
