//! How the custom domains of listed copies stand just now, all of them asked for in one call.

use anyhow::Result;

use super::listed::Listed;
use crate::contract::record::now;
use crate::environment::custom_domain;
use crate::environment::recorded::reading;
use crate::railway::{Project, Weight};
use crate::running::context::Context;

/// Adds to each copy that has a custom domain how that stands, and where the copy answers by it.
pub(super) async fn verify(ctx: &Context, project: &Project, listed: &mut [Listed]) -> Result<()> {
    let mut asked = Vec::new();
    for (n, one) in listed.iter().enumerate().filter(|(_, one)| one.custom_domain.is_some()) {
        let Some(environment) = project.environment_by_id(&one.id) else { continue };
        let reading = reading(ctx, project, environment);
        let Some(record) = reading.record() else { continue };
        let found = custom_domain::attached(environment, record).pop();
        asked.extend(found.map(|(service, custom)| (n, environment, custom.owner(service), record.clone())));
    }
    let of: Vec<_> = asked.iter().map(|(_, environment, owner, _)| (&environment.id, *owner)).collect();
    let told = ctx.railway.custom_domains(&project.id, &of, Weight::Repeatable).await?;
    for ((n, environment, _, mut record), domains) in asked.into_iter().zip(told) {
        let one = &mut listed[n];
        let status = domains.into_iter().find(|status| Some(&status.domain) == one.custom_domain.as_ref());
        record.domain_seen_at = status.as_ref().filter(|status| status.is_good()).map(|_| now());
        one.url = custom_domain::url(environment, &record);
        one.custom_domain_status = status;
    }
    Ok(())
}
