//! What railstage writes into an environment about itself: the shared variable `RAILSTAGE`.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::environment_type::EnvironmentType;
use crate::contract::files_request::FilesRequest;
use crate::contract::ids::{DeploymentId, EnvironmentId, ProjectId};
use crate::contract::made::Made;
use crate::contract::made_with::MadeWith;
use crate::contract::masked::Masked;
use crate::contract::ttl::Ttl;

/// Name of the shared variable that holds the record.
pub(crate) const VARIABLE: &str = "RAILSTAGE";

/// The version that this program writes.
pub(crate) const VERSION: u32 = 2;

/// What a run is given beyond the policy's `longest_run` before it counts as dead: tasks wait for a worker, and for each other.
const WAITING_FOR_WORKERS: SignedDuration = SignedDuration::from_hours(1);

/// A copy's account of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Record {
    pub project_id: ProjectId,
    /// The environment that this record speaks of; in any other it counts as absent.
    pub environment_id: EnvironmentId,
    /// When Railway says that it made the environment.
    #[schemars(with = "String")]
    pub environment_created_at: Timestamp,
    pub run_id: String,
    /// 16 hex digits of the run id's hash; in a record of version 1, of the idempotency key's where the request had one.
    pub run_hash: String,
    /// 16 hex digits of the idempotency key's hash, where the request had one.
    #[serde(default)]
    pub key_hash: Option<String>,
    /// Hash of the whole request that the copy is made for; absent in a record of version 1.
    #[serde(default)]
    pub request_hash: Option<String>,
    pub source_id: EnvironmentId,
    pub source_name: String,
    /// What the source itself was copied from, nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ancestors: Vec<Ancestor>,
    /// Who asked for the copy, by the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// What the environment is to be called.
    pub target_name: String,
    /// The request's `client_name` as the copy's name spells it, and not cut as there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When the copy became ready; its longest life counts from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub ready_at: Option<Timestamp>,
    /// How long it was to live when that was last said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Ttl>,
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
    /// How long before its end somebody was warned of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warned: Vec<Ttl>,
    /// When a run in state `cloning` counts as dead.
    #[schemars(with = "String")]
    pub give_up_at: Timestamp,
    pub state: State,
    /// Which process works at the copy just now, if one does.
    #[serde(default)]
    pub lease: Option<Lease>,
    /// Which process changed it last once the copy was ready, by chance: two that write the same are told apart by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<String>,
    /// The refresh under way, if one is.
    pub refreshing: Option<Refreshing>,
    /// The last refresh that came to its end.
    pub refreshed: Option<Refreshed>,
    /// Never expires.
    pub keep: bool,
    pub environment_type: EnvironmentType,
    /// Hosts that this copy may carry; any other means that someone promoted it.
    #[serde(default)]
    pub domains: Vec<String>,
    /// When the copy's custom domain was last seen to lead to it, with its certificate; absent while that is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub domain_seen_at: Option<Timestamp>,
    #[serde(default)]
    pub databases: Vec<DatabaseRecord>,
    /// The apps whose files are all there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FilesRecord>,
    /// Deployments of apps on hold, which were there for their volumes alone: none is the app itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<DeploymentId>,
    /// What of the copy is not its source's; of a record of an earlier version, nothing is known.
    #[serde(default)]
    pub made: Made,
}

/// An environment that a copy descends from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Ancestor {
    pub id: EnvironmentId,
    /// What it was called when the copy was made.
    pub name: String,
}

/// How far a copy has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Cloning,
    Ready,
    /// Left for a look.
    Failed,
    /// About to be deleted by its run.
    RollingBack,
}

/// As people read it.
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cloning => "cloning",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::RollingBack => "rolling back",
        })
    }
}

/// A process's right to work at a copy alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Lease {
    /// What the process calls itself, by chance.
    pub holder: String,
    /// When it is over, unless it is renewed.
    #[schemars(with = "String")]
    pub until: Timestamp,
}

/// A run that brings new data into a copy that is ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Refreshing {
    /// Its id.
    pub run: String,
    /// When it counts as dead: from then on the copy is as if it had never begun.
    #[schemars(with = "String")]
    pub give_up_at: Timestamp,
}

/// A run that has brought new data into the copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Refreshed {
    /// Its id.
    pub run: String,
    #[schemars(with = "String")]
    pub at: Timestamp,
}

/// What was copied into one database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct DatabaseRecord {
    pub service: String,
    /// When the source was as the copy is now.
    pub snapshot_at: String,
    pub bytes: u64,
    pub rows: u64,
    pub masked: Masked,
    pub digest: String,
    /// How long the copying took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// A digest of the people whom the source knew, which tells at a later time whether they have changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people_digest: Option<String>,
    /// What decided what became of the data; absent in records that do not know it yet.
    pub made_with: Option<MadeWith>,
}

/// What was copied onto one volume of an app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct FilesRecord {
    pub service: String,
    /// Where the volume is in its container.
    pub mount_path: String,
    pub files: u64,
    pub bytes: u64,
    /// Whether a WordPress on it has the copy's guard plug-in.
    #[serde(default)]
    pub is_guarded: bool,
    /// Whether the request wants none.
    #[serde(default)]
    pub without_guard: bool,
    /// What the request said of them, which holds for a refresh as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<FilesRequest>,
    /// When their source began to be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub read_at: Option<Timestamp>,
}

/// When a run that begins `now` and may take `longest_run` counts as dead.
pub(crate) fn give_up_at(now: Timestamp, longest_run: Ttl) -> Timestamp {
    longest_run.after(now).checked_add(WAITING_FOR_WORKERS).unwrap_or(Timestamp::MAX)
}

/// The time as records tell it, to the second.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default()
}

impl Record {
    /// The refresh that is under way at `now`.
    pub(crate) fn refresh_at(&self, now: Timestamp) -> Option<&Refreshing> {
        self.refreshing.as_ref().filter(|refreshing| now < refreshing.give_up_at)
    }

    /// When its run is to be done by the policy's `longest_run`, were it never to wait for a worker.
    pub(crate) fn run_ends_at(&self) -> Timestamp {
        self.give_up_at.checked_sub(WAITING_FOR_WORKERS).unwrap_or(Timestamp::MIN)
    }

    /// Whether its time is up at `now`: expired, being rolled back, or still `cloning` long after its run must have died. A copy
    /// under way does not expire, and neither does one that is being refreshed.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        match self.state {
            State::Cloning => now >= self.give_up_at,
            State::RollingBack => true,
            State::Ready | State::Failed => !self.keep && now >= self.expires_at && self.refresh_at(now).is_none(),
        }
    }
}

#[cfg(test)]
pub(in crate::contract) mod tests {
    use super::*;

    pub(in crate::contract) fn record(now: Timestamp) -> Record {
        Record {
            project_id: ProjectId::from("project-1"),
            environment_id: EnvironmentId::from("env-1"),
            environment_created_at: now,
            run_id: "run".into(),
            run_hash: "hash".into(),
            key_hash: None,
            request_hash: None,
            source_id: EnvironmentId::from("env-0"),
            source_name: "production".into(),
            ancestors: Vec::new(),
            owner: None,
            target_name: "staging".into(),
            client: None,
            created_at: now,
            ready_at: None,
            ttl: None,
            expires_at: now + SignedDuration::from_hours(1),
            warned: Vec::new(),
            give_up_at: give_up_at(now, Ttl::hours(3)),
            state: State::Cloning,
            lease: None,
            changed_by: None,
            refreshing: None,
            refreshed: None,
            keep: false,
            environment_type: EnvironmentType::Staging,
            domains: Vec::new(),
            domain_seen_at: None,
            databases: Vec::new(),
            files: Vec::new(),
            held: Vec::new(),
            made: Made::default(),
        }
    }

    #[test]
    fn a_kept_copy_never_expires_but_a_dead_run_is_over() {
        let start = Timestamp::UNIX_EPOCH;
        let later = start + SignedDuration::from_hours(24 * 30);
        let mut kept = Record { keep: true, state: State::Ready, ..record(start) };
        assert!(!kept.is_over(later));
        kept.state = State::Cloning;
        assert!(kept.is_over(later));
    }

    #[test]
    fn a_copy_does_not_expire_while_it_is_refreshed_and_a_dead_refresh_counts_for_nothing() {
        let start = Timestamp::UNIX_EPOCH;
        let [expired, given_up] = [2, 5].map(|hours| start + SignedDuration::from_hours(hours));
        let refreshing = Some(Refreshing { run: "run".into(), give_up_at: given_up });
        let record = Record { state: State::Ready, refreshing, ..record(start) };
        assert!(record.refresh_at(expired).is_some() && !record.is_over(expired));
        assert!(record.refresh_at(given_up).is_none() && record.is_over(given_up));
    }

    #[test]
    fn a_copy_under_way_is_given_up_and_does_not_expire() {
        let start = Timestamp::UNIX_EPOCH;
        let expired = start + SignedDuration::from_hours(2);
        assert!(!record(start).is_over(expired));
        assert!(record(start).is_over(give_up_at(start, Ttl::hours(3))));
        assert!(Record { state: State::Failed, ..record(start) }.is_over(expired));
    }
}
