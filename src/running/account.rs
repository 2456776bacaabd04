//! The account of a run: who asked, what was done with which copy, from which data, at what cost, and of a deletion the proof.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::ids::{EnvironmentId, ProjectId};
use crate::contract::record::{Ancestor, DatabaseRecord, Record};
use crate::running::outcome::{Cost, Status};

/// What one run did, written at its end whether it succeeded or not.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Account {
    /// When this was written (RFC 3339).
    pub written_at: String,
    /// The version of railstage that wrote it.
    pub version: String,
    pub run_id: String,
    /// The step that ended the run.
    pub step: String,
    pub status: Status,
    /// What went wrong, if anything did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What the step took.
    pub took: Cost,
    /// The copies with which something was done; none where nothing was.
    pub copies: Vec<CopyAccount>,
}

/// What was done with one copy.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct CopyAccount {
    pub deed: Deed,
    pub project_id: ProjectId,
    pub environment_id: EnvironmentId,
    pub name: String,
    /// What it was copied from, and what that was, nearest first; none of what left no record.
    pub ancestors: Vec<Ancestor>,
    /// Who asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The run that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_by_run: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<String>,
    /// Absent when it is kept for ever, and of what left no record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// Its data: the moment of the source, whether people are masked, by which rules, and a digest of all rows.
    pub databases: Vec<DatabaseRecord>,
    /// What it cost so far, in US dollars; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// Of a deletion: how it is known that the copy is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

/// What was done with a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Deed {
    /// It is ready.
    Made,
    /// It has new data.
    Refreshed,
    /// New data was to come, and it is as it was, but for the databases that its record tells of.
    NotRefreshed,
    /// Something was deployed into it.
    Deployed,
    /// It has another end.
    Extended,
    /// Somebody was warned of its end.
    Warned,
    /// It failed, and stays for a look.
    KeptFailed,
    Deleted,
    /// It was deleted, since its run failed.
    RolledBack,
    /// Railway was asked to delete it, and it was not seen to be gone.
    Left,
}

impl Deed {
    /// For people.
    pub(crate) fn told(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Refreshed => "refreshed",
            Self::NotRefreshed => "not refreshed",
            Self::Deployed => "deployed into",
            Self::Extended => "extended",
            Self::Warned => "warned of",
            Self::KeptFailed => "kept, failed",
            Self::Deleted => "deleted",
            Self::RolledBack => "rolled back",
            Self::Left => "not seen to be gone",
        }
    }
}

/// How it is known that a copy is gone.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Proof {
    /// When Railway was asked to delete it, at the latest.
    pub asked_at: String,
    /// When Railway's list of the project's environments was read in which its id was no more.
    pub seen_gone_at: String,
}

impl CopyAccount {
    /// What was done with a copy, as its record tells of it.
    pub(crate) fn of(
        deed: Deed,
        (project_id, environment_id, name): (&ProjectId, &EnvironmentId, &str),
        record: Option<&Record>,
    ) -> Self {
        let source = |record: &Record| Ancestor { id: record.source_id.clone(), name: record.source_name.clone() };
        let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
        Self {
            deed,
            project_id: project_id.clone(),
            environment_id: environment_id.clone(),
            name: name.to_owned(),
            ancestors: record.map(|r| [&[source(r)][..], &r.ancestors].concat()).unwrap_or_default(),
            owner: record.and_then(|record| record.owner.clone()),
            made_by_run: record.map(|record| record.run_id.clone()),
            created_at: time(record.map(|record| record.created_at)),
            ready_at: time(record.and_then(|record| record.ready_at)),
            expires_at: time(record.filter(|record| !record.keep).map(|record| record.expires_at)),
            databases: record.map(|record| record.databases.clone()).unwrap_or_default(),
            cost_usd: None,
            proof: None,
        }
    }

    /// With what it cost so far.
    pub(crate) fn at_cost(self, cost_usd: Option<f64>) -> Self {
        Self { cost_usd, ..self }
    }

    /// With the proof that it is gone, which was just seen.
    pub(crate) fn gone(self, asked_at: Timestamp) -> Self {
        let seen_gone_at = crate::contract::record::now().to_string();
        Self { proof: Some(Proof { asked_at: asked_at.to_string(), seen_gone_at }), ..self }
    }
}
