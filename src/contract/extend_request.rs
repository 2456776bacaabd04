//! How a caller asks for a copy to live longer, or not as long.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::contract::bounds::{self, Refusal};
use crate::contract::ids::ProjectId;
use crate::contract::policy::Policy;
use crate::contract::request::Asked;
use crate::contract::ttl::Ttl;

/// Asks for another end of one copy.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExtendRequest {
    /// Id of the Railway project; must be one of the policy's `allowed_projects`.
    pub project_id: ProjectId,
    /// Name or id of the copy.
    pub environment: String,
    /// How long the copy lives from now on: an ISO-8601 duration of days to seconds.
    pub ttl: Option<Ttl>,
    /// It never expires, in place of a `ttl`.
    #[serde(default)]
    pub keep: bool,
}

impl Asked for ExtendRequest {
    fn project_id(&self) -> Option<&ProjectId> {
        Some(&self.project_id)
    }

    fn refusals(&self, policy: &Policy) -> Vec<Refusal> {
        let mut refusals = bounds::lifetime(policy, self.ttl, self.keep);
        match (self.ttl, self.keep) {
            (None, false) => {
                refusals.push(Refusal::wrong("ttl", "say how long the copy lives from now on, or `keep: true`"));
            }
            (Some(_), true) => {
                refusals.push(Refusal::wrong("keep", "what is kept for ever has no `ttl`: say one of the two"));
            }
            _ => {}
        }
        refusals
    }
}
