//! How a caller asks how the custom domain of a copy stands.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::contract::bounds::Refusal;
use crate::contract::ids::ProjectId;
use crate::contract::policy::Policy;
use crate::contract::request::Asked;
use crate::contract::ttl::Ttl;

/// The longest that a domain can be waited for: the step has a minute more.
const LONGEST: Ttl = Ttl::minutes(10);

/// Asks whether the custom domain of one copy leads to it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DomainRequest {
    /// Id of the Railway project; must be one of the policy's `allowed_projects`.
    pub project_id: ProjectId,
    /// Name or id of the copy.
    pub environment: String,
    /// How long it may take until it does, at most ten minutes; DNS may take longer, so ask again.
    #[serde(default = "longest")]
    pub timeout: Ttl,
}

impl Asked for DomainRequest {
    fn project_id(&self) -> Option<&ProjectId> {
        Some(&self.project_id)
    }

    fn refusals(&self, _policy: &Policy) -> Vec<Refusal> {
        let long = self.timeout > LONGEST;
        long.then(|| Refusal::never("timeout", format!("{}, more than {LONGEST},", self.timeout))).into_iter().collect()
    }
}

fn longest() -> Ttl {
    LONGEST
}
