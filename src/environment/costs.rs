//! What a copy cost so far, by Railway's own account of what it used.

use crate::contract::ids::ProjectId;
use crate::error::chain;
use crate::railway::{Environment, Usage};
use crate::running::context::Context;

/// What an environment cost since it was made, in US dollars to the cent; `None` where Railway does not tell it.
pub(crate) async fn so_far(ctx: &Context, project_id: &ProjectId, environment: &Environment) -> Option<f64> {
    match ctx.railway.usage(project_id, environment.created_at).await {
        Ok(usage) => of(&usage, environment),
        Err(error) => {
            tracing::info!("what `{}` cost is not known: {}", environment.name, chain(&error));
            None
        }
    }
}

/// The same by what was read already.
pub(crate) fn of(usage: &Usage, environment: &Environment) -> Option<f64> {
    usage.of(&environment.id).map(|used| (used.cost_usd() * 100.0).round() / 100.0)
}
