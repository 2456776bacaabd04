//! By which way databases are reached: at their TCP proxies, or through Railway's SSH relay.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::policy::Policy;

/// By which way databases are reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Connect {
    /// The private way where there is no TCP proxy, and where nothing would prove a server at one; the public way else. Without `relay_host_keys` in the policy, the public way.
    #[default]
    Auto,
    /// At TCP proxies, which are on the internet.
    Public,
    /// Through Railway's SSH relay, to the container's own loopback: nothing has to be open.
    Private,
}

impl Connect {
    /// What holds under a policy.
    pub(crate) fn under(self, policy: &Policy) -> Self {
        if policy.private_only { Self::Private } else { self }
    }
}
