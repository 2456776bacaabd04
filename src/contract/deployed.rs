//! What was deployed into a copy since it was ready, as its record keeps it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::ids::DeploymentId;

/// What was deployed last into one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Deployed {
    /// The git repository; absent for an image, and for a deployment that was brought back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The commit, where one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Whether the source was uploaded: Railway knows no commit of it, and cannot deploy it in another environment.
    #[serde(default)]
    pub uploaded: bool,
    pub deployment_id: DeploymentId,
    /// The run that deployed it.
    pub run: String,
    #[schemars(with = "String")]
    pub at: Timestamp,
}
