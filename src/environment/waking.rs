//! A service that Railway has put to sleep: nothing runs in it until somebody visits one of its domains.

use std::time::Duration;

use anyhow::Result;

use crate::error::Exit;
use crate::external::http;
use crate::railway::ServiceInstance;

/// How long a container that is up takes to be reached.
const UP_WITHIN: Duration = Duration::from_secs(8);

/// Tries to reach a service's container, `within` so long in all; one that is not up soon is visited at its domain, once, as that wakes it if it sleeps.
///
/// # Errors
/// What the last attempt fails with.
pub(crate) async fn reached<T, F>(
    service: &ServiceInstance,
    within: Duration,
    attempt: impl Fn(Duration) -> F,
) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let (Some(host), true) = (service.hosts().next(), within > UP_WITHIN) else { return attempt(within).await };
    match attempt(UP_WITHIN).await {
        Err(error) if Exit::of(&error) == Exit::Outside => {
            tracing::info!("service `{}` may be asleep: visiting https://{host}/ once", service.service_name);
            if let Err(error) = http::visit(&http::client()?, &format!("https://{host}/"), None).await {
                tracing::debug!("it did not answer: {error:#}");
            }
            attempt(within.saturating_sub(UP_WITHIN)).await
        }
        done => done,
    }
}
