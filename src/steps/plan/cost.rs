//! What a plan expects a copy to cost: as much a day as those services cost in the source that would run in the copy.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::services::{ServicePlan, VolumePlan};
use crate::error::chain;
use crate::railway::{Environment, PRICES, Project, Usage};
use crate::running::context::Context;

/// So far back the source's use is asked for.
const DAYS: i32 = 7;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What a copy would cost.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct CostPlan {
    /// US dollars a day, volumes included; absent where Railway tells nothing of the source's use.
    pub usd_per_day: Option<f64>,
    /// The day of the prices, which are without what a plan of Railway's includes.
    pub prices_as_of: String,
    /// Each service that would run.
    pub services: Vec<ServiceCost>,
    /// How much the source's volumes hold, in bytes; absent where Railway does not tell it.
    pub volume_bytes: Option<u64>,
}

/// What a service costs.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct ServiceCost {
    pub service: String,
    /// US dollars a day, as it cost in the source; absent where Railway tells nothing of its use.
    pub usd_per_day: Option<f64>,
}

/// The project's use of the last seven days; none where Railway does not tell it.
pub(super) async fn used(ctx: &Context, project: &Project) -> Usage {
    let start = Timestamp::now().checked_sub(DAY * DAYS).unwrap_or(Timestamp::UNIX_EPOCH);
    match ctx.railway.usage(&project.id, start).await {
        Ok(usage) => usage,
        Err(error) => {
            tracing::info!("what a copy would cost is not known: {}", chain(&error));
            Usage::default()
        }
    }
}

/// By the source's own use of the last seven days, or of as many as it is there.
pub(super) fn expected(
    usage: &Usage,
    source: &Environment,
    services: &[ServicePlan],
    volumes: &[VolumePlan],
) -> CostPlan {
    let age = Timestamp::now().duration_since(source.created_at).clamp(DAY, DAY * DAYS);
    let a_day = |usd: f64| rounded(usd / (age.as_secs_f64() / DAY.as_secs_f64()));
    let running = services.iter().filter(|service| service.runs);
    let costs: Vec<_> = running
        .filter_map(|plan| Some((plan, source.service(&plan.service)?)))
        .map(|(plan, service)| {
            let used = usage.of_service(&source.id, Some(&service.service_id));
            ServiceCost { service: plan.service.clone(), usd_per_day: used.map(|used| a_day(used.cost_usd())) }
        })
        .collect();
    // A service that has used nothing is told by nothing; of an environment that is told nothing of, nothing is known.
    let is_known = usage.of(&source.id).is_some();
    let of_volumes = usage.of_service(&source.id, None).map_or(0.0, |used| a_day(used.cost_usd() * filled(volumes)));
    let sum: f64 = costs.iter().filter_map(|cost| cost.usd_per_day).sum();
    CostPlan {
        usd_per_day: is_known.then(|| rounded(sum + of_volumes)),
        prices_as_of: PRICES.as_of.to_owned(),
        services: costs,
        volume_bytes: usage.volume_bytes(&source.id),
    }
}

/// How much of what the source's volumes hold would be in the copy's; all of it where nobody knows.
#[expect(clippy::cast_precision_loss, reason = "a share")]
fn filled(volumes: &[VolumePlan]) -> f64 {
    let bytes = |is_counted: &dyn Fn(&VolumePlan) -> bool| {
        volumes.iter().filter(|volume| is_counted(volume)).map(|volume| volume.size_bytes).sum::<Option<u64>>()
    };
    let all = bytes(&|_| true).filter(|all| *all > 0);
    all.zip(bytes(&|volume| volume.filled)).map_or(1.0, |(all, filled)| filled as f64 / all as f64)
}

/// To the cent.
fn rounded(usd: f64) -> f64 {
    (usd * 100.0).round() / 100.0
}
