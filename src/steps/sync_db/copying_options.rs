//! How a request wants its databases copied, within what the policy grants: how fast, and how patiently.

use std::time::Duration;

use crate::contract::copying_request::CopyingRequest;
use crate::contract::policy::Policy;
use crate::contract::ttl::Ttl;
use crate::copying::options::CopyOptions;

/// Options of a copy that say so; what is not named is the policy's. A request that asks for more was refused before.
pub(super) fn of_request(policy: &Policy, asked: &CopyingRequest) -> CopyOptions {
    let CopyingRequest { jobs, max_mb_per_s, attempts, max_snapshot_age, max_write_pause_ms, stall } = asked;
    let plain = CopyOptions::default();
    let jobs = jobs.unwrap_or(policy.production_connections).min(policy.production_connections);
    let age = max_snapshot_age.unwrap_or(policy.max_snapshot_age).min(policy.max_snapshot_age);
    let pause = max_write_pause_ms.unwrap_or(policy.max_write_pause_ms).min(policy.max_write_pause_ms);
    CopyOptions {
        jobs: jobs as usize,
        max_mb_per_s: [*max_mb_per_s, policy.fastest_mb_per_s()].into_iter().flatten().reduce(f64::min),
        attempts: attempts.unwrap_or(policy.max_attempts).min(policy.max_attempts),
        snapshot_max_age: age.duration(),
        max_write_pause: Duration::from_millis(pause.into()),
        stall: stall.map_or(plain.stall, Ttl::duration).min(policy.max_stall.duration()),
        ..plain
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn options(policy: Value, copying: Value) -> CopyOptions {
        of_request(&Policy::read(policy).unwrap(), &serde_json::from_value(copying).unwrap())
    }

    #[test]
    fn what_a_request_does_not_name_is_the_policys_and_nothing_is_beyond_it() {
        let policy = json!({"production_connections": 4, "production_mb_per_s": 20, "max_attempts": 5, "max_snapshot_age": "PT6H", "max_write_pause_ms": 100, "max_stall": "PT30M"});
        let of_policy = options(policy.clone(), json!({}));
        assert_eq!((of_policy.jobs, of_policy.max_mb_per_s, of_policy.attempts), (4, Some(20.0), 5));
        assert_eq!((of_policy.snapshot_max_age, of_policy.stall), (Duration::from_hours(6), Duration::from_mins(2)));
        let less = json!({"jobs": 1, "max_mb_per_s": 2.5, "attempts": 1, "max_snapshot_age": "PT2H", "max_write_pause_ms": 50, "stall": "PT10M"});
        let less = options(policy.clone(), less);
        assert_eq!((less.jobs, less.max_mb_per_s, less.attempts), (1, Some(2.5), 1));
        assert_eq!((less.snapshot_max_age, less.stall), (Duration::from_hours(2), Duration::from_mins(10)));
        assert_eq!([&of_policy, &less].map(|options| options.max_write_pause.as_millis()), [100, 50]);
        let more = options(policy, json!({"jobs": 16, "max_mb_per_s": 900, "stall": "PT5H"}));
        assert_eq!((more.jobs, more.max_mb_per_s, more.stall), (4, Some(20.0), Duration::from_mins(30)));
        let plain = options(json!({}), json!({}));
        assert_eq!((plain.jobs, plain.max_mb_per_s, plain.snapshot_max_age), (2, None, Duration::from_hours(1)));
    }
}
