//! A deployment, as Railway tells of it.

use jiff::Timestamp;
use serde::Deserialize;

use crate::contract::ids::{DeploymentId, EnvironmentId, ServiceId};

/// A deployment of a service.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Deployment {
    pub id: DeploymentId,
    pub status: DeploymentStatus,
    /// None where it was not asked for.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
    #[serde(default)]
    pub status_updated_at: Option<Timestamp>,
    #[serde(default)]
    pub meta: Option<DeploymentMeta>,
}

/// A deployment that was asked for by its id.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlacedDeployment {
    pub status: DeploymentStatus,
    #[serde(default)]
    pub meta: Option<DeploymentMeta>,
    /// Whether Railway can bring it back.
    pub can_rollback: bool,
    pub service_id: Option<ServiceId>,
    pub environment_id: EnvironmentId,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeploymentMeta {
    pub commit_hash: Option<String>,
    pub branch: Option<String>,
    pub image: Option<String>,
}

/// Railway's deployment states, as far as they differ for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum DeploymentStatus {
    Success,
    /// A service that sleeps has been up.
    Sleeping,
    Failed,
    Crashed,
    Removed,
    Skipped,
    NeedsApproval,
    /// On its way: queued, waiting, building, deploying and whatever Railway adds.
    #[serde(other)]
    Pending,
}

impl DeploymentStatus {
    /// Whether a service with it runs.
    pub(crate) fn is_up(self) -> bool {
        matches!(self, Self::Success | Self::Sleeping)
    }

    /// Whether it has not come to an end.
    pub(crate) fn is_under_way(self) -> bool {
        matches!(self, Self::Pending | Self::NeedsApproval)
    }
}
