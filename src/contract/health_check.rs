//! What a request calls healthy: a page of a service that is visited, and what it must answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::bounds::Refusal;
use crate::contract::ttl::Ttl;

/// The longest that a page can be waited for: the step that visits it has a minute more.
const LONGEST: Ttl = Ttl::minutes(10);

/// A page that is visited.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HealthCheck {
    /// The service; by default the one that people visit.
    pub service: Option<String>,
    /// Its path, with a query if it needs one.
    #[serde(default = "root")]
    #[schemars(
        regex(pattern = r"^/(?:[!-.0-\[\]-~][!-\[\]-~]{0,1022})?$"),
        extend("x-expects" = "a path such as `/health`, of at most 1024 characters, which begins with one `/`")
    )]
    pub path: String,
    /// The HTTP status that it must answer with; by default any from 200 to 299.
    #[schemars(range(min = 100, max = 599))]
    pub expect_status: Option<u16>,
    /// Text that the page must contain.
    #[schemars(length(min = 1, max = 1000), extend("x-expects" = "text of at most 1000 characters"))]
    pub contains: Option<String>,
    /// How long it may take until it does, at most ten minutes.
    #[serde(default = "longest")]
    pub timeout: Ttl,
}

impl HealthCheck {
    /// The visit that is made when nothing is asked for.
    pub(crate) fn of_web() -> Self {
        Self { service: None, path: root(), expect_status: None, contains: None, timeout: LONGEST }
    }

    /// What of it no policy grants.
    pub(crate) fn beyond(&self) -> Option<Refusal> {
        (self.timeout > LONGEST)
            .then(|| Refusal::never("health.timeout", format!("{}, more than {LONGEST},", self.timeout)))
    }
}

fn root() -> String {
    "/".to_owned()
}

fn longest() -> Ttl {
    LONGEST
}
