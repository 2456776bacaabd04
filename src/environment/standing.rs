//! How a service of the source stands: whether it runs, and what of its deployments is worth knowing before it is copied.

use schemars::JsonSchema;
use serde::Serialize;

use crate::railway::{DeploymentStatus, ServiceInstance};

/// How a service of the source stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Health {
    /// A deployment of it runs, or sleeps until somebody calls.
    Up,
    /// Nothing of it runs: its latest deployment has failed, crashed or was taken away.
    Down,
    /// Nothing of it runs yet: its deployment is under way.
    Starting,
    /// It has no deployment.
    NeverDeployed,
}

impl Health {
    pub(crate) fn of(service: &ServiceInstance) -> Self {
        match (service.running(), service.status()) {
            (Some(_), _) => Self::Up,
            (None, None) => Self::NeverDeployed,
            (None, Some(status)) if status.is_under_way() => Self::Starting,
            (None, Some(_)) => Self::Down,
        }
    }
}

/// Whether a deployment of a service is under way.
pub(crate) fn is_under_way(service: &ServiceInstance) -> bool {
    service.status().is_some_and(DeploymentStatus::is_under_way)
}

/// What of a service is not well, for people; what runs on a schedule is not up all the time.
pub(crate) fn trouble(service: &ServiceInstance) -> Option<&'static str> {
    let has_failed = service.status().is_some_and(|status| !status.is_up() && !status.is_under_way());
    match Health::of(service) {
        Health::Up if has_failed => {
            Some("had a deployment in the source that failed; what ran before runs there still, and would in the copy")
        }
        Health::Up | Health::Starting => None,
        Health::Down | Health::NeverDeployed if service.cron_schedule.is_some() => None,
        Health::Down => Some("is down in the source, and may not come up in the copy either"),
        Health::NeverDeployed => Some("was never deployed in the source, and may not come up in the copy either"),
    }
}
