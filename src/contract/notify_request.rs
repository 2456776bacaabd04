//! What is told of an execution that has ended: the request of `notify`, as the flow `notify-staging` makes it.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::contract::ids::ProjectId;
use crate::contract::request::Asked;

/// An execution of another flow, and how it ended.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NotifyRequest {
    /// The flow that has ended.
    pub flow_id: String,
    /// Its execution.
    pub execution_id: String,
    /// The state in which it ended, in Kestra's word: `SUCCESS`, `WARNING`, `FAILED`, `KILLED`.
    pub state: String,
    /// When it began (RFC 3339).
    pub started_at: Option<String>,
    /// When it ended (RFC 3339).
    pub ended_at: Option<String>,
    /// What it gave out, as far as it is told: `needs_person`, `step`, `error`, `hint`, `environment_name`, `environment_id`, `project_id`, `url`, `steps`,
    /// `copied`, `account`, `warned`. What is otherwise than this version writes it is left out.
    #[serde(default)]
    pub outputs: Map<String, Value>,
}

impl Asked for NotifyRequest {
    fn project_id(&self) -> Option<&ProjectId> {
        // Nothing is asked of a project, and what is told was done under a policy.
        None
    }
}
