//! What railstage writes into an environment about itself: the shared variable `RAILSTAGE`.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::environment_type::EnvironmentType;
use crate::contract::ids::EnvironmentId;

/// Name of the shared variable that holds the record.
pub(crate) const VARIABLE: &str = "RAILSTAGE";

/// The version that this program writes, and the only one it takes for its own.
pub(crate) const VERSION: u32 = 1;

/// A run in state `cloning` counts as dead after this time; the longest that all steps together may take.
pub(crate) const GIVE_UP_AFTER: SignedDuration = SignedDuration::from_hours(4);

/// A copy's account of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Record {
    pub version: u32,
    /// The environment that this record speaks of; in any other it counts as absent.
    pub environment_id: EnvironmentId,
    pub run_id: String,
    /// 16 hex digits of the run id's, or the idempotency key's, hash.
    pub run_hash: String,
    pub source_id: EnvironmentId,
    pub source_name: String,
    /// What the environment is to be called.
    pub target_name: String,
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
    /// When a run in state `cloning` counts as dead.
    #[schemars(with = "String")]
    pub give_up_at: Timestamp,
    pub state: State,
    /// Never expires.
    pub keep: bool,
    pub environment_type: EnvironmentType,
    /// Hosts that this copy may carry; any other means that someone promoted it.
    #[serde(default)]
    pub domains: Vec<String>,
    #[serde(default)]
    pub databases: Vec<DatabaseRecord>,
}

/// How far a copy has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Cloning,
    Ready,
    Failed,
}

/// What was copied into one database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct DatabaseRecord {
    pub service: String,
    /// When the source was as the copy is now.
    pub snapshot_at: String,
    pub bytes: u64,
    pub rows: u64,
    pub masked: bool,
    pub digest: String,
}

/// The time as records tell it, to the second.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default()
}

impl Record {
    /// Reads the record of environment `environment_id` from the variable's value; what a copy of a copy inherited counts as absent.
    pub(crate) fn read(value: &str, environment_id: &EnvironmentId) -> Option<Self> {
        let record: Self = serde_json::from_str(value).ok()?;
        (record.version == VERSION && record.environment_id == *environment_id).then_some(record)
    }

    /// The variable's value.
    pub(crate) fn to_value(&self) -> String {
        serde_json::to_string(self).expect("a record is plain data")
    }

    /// Whether its time is up at `now`: expired, or still `cloning` long after its run must have died.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        let expired = !self.keep && now >= self.expires_at;
        expired || (self.state == State::Cloning && now >= self.give_up_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(now: Timestamp) -> Record {
        Record {
            version: VERSION,
            environment_id: EnvironmentId::from("env-1"),
            run_id: "run".into(),
            run_hash: "hash".into(),
            source_id: EnvironmentId::from("env-0"),
            source_name: "production".into(),
            target_name: "staging".into(),
            created_at: now,
            expires_at: now + SignedDuration::from_hours(48),
            give_up_at: now + GIVE_UP_AFTER,
            state: State::Cloning,
            keep: false,
            environment_type: EnvironmentType::Staging,
            domains: Vec::new(),
            databases: Vec::new(),
        }
    }

    #[test]
    fn a_record_of_another_environment_counts_as_absent() {
        let value = record(Timestamp::UNIX_EPOCH).to_value();
        assert!(Record::read(&value, &EnvironmentId::from("env-1")).is_some());
        assert!(Record::read(&value, &EnvironmentId::from("env-2")).is_none());
        assert!(Record::read("not JSON", &EnvironmentId::from("env-1")).is_none());
    }

    #[test]
    fn a_kept_copy_never_expires_but_a_dead_run_is_over() {
        let start = Timestamp::UNIX_EPOCH;
        let later = start + SignedDuration::from_hours(24 * 30);
        let mut kept = Record { keep: true, state: State::Ready, ..record(start) };
        assert!(!kept.is_over(later));
        kept.state = State::Cloning;
        assert!(kept.is_over(later));
        assert!(!record(start).is_over(start));
    }
}
