//! What may be deleted or taken back: each rule in one place, asked on a reading made right before.

use anyhow::{Result, bail, ensure};
use jiff::{SignedDuration, Timestamp};

use crate::contract::record::{Refreshing, State};
use crate::contract::signature::Reading;
use crate::environment::guard::{ensure_not_production, is_copy, unreadable};
use crate::environment::recorded::reading;
use crate::error::Failure;
use crate::railway::{Environment, Project};
use crate::running::context::Context;
use crate::running::run::is_making_name;

/// An `rs-<16 hex digits>` environment without a record counts as left over after this time.
const LEFT_OVER_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// Why an environment may not be deleted; `None` means that it may. `named` is the name that a person typed.
pub(crate) fn reason_to_spare(
    ctx: &Context,
    project: &Project,
    environment: &Environment,
    named: Option<&str>,
    now: Timestamp,
) -> Option<String> {
    if let Err(error) = ensure_not_production(&ctx.policy, project, environment, None) {
        return Some(error.to_string());
    }
    if let Some(copy) = project.environments.iter().find(|copy| is_living_copy(ctx, project, copy, environment)) {
        return Some(format!("is the source of the living copy `{}`", copy.name));
    }
    let reading = reading(ctx, project, environment);
    if let Some(host) = promoted_host(environment, &reading) {
        return Some(format!("carries the domain `{host}`, which railstage did not attach: someone promoted it"));
    }
    let record = match reading {
        Reading::Absent => return reason_not_left_over(environment, now).map(str::to_owned),
        Reading::Unreadable(why) => return Some(format!("is ours, as it seems, but its record cannot be read: {why}")),
        Reading::Unsigned(_) if named.is_none() => {
            return Some(
                "has a record that is not signed: delete it by its name, or sign it by `railstage adopt`".into(),
            );
        }
        Reading::Unsigned(_) if !is_copy(environment) => {
            return Some(
                "has a record that is not signed, and Railway knows no environment that it is a copy of".into(),
            );
        }
        Reading::Unsigned(record) | Reading::Signed(record) => record,
    };
    if let Some(Refreshing { run, give_up_at }) = record.refresh_at(now) {
        return Some(format!("is being refreshed by run `{run}`, which is given up at {give_up_at}"));
    }
    match named {
        Some(name) if name == environment.name => None,
        Some(_) => Some("is not the name that was typed".to_owned()),
        None if record.is_over(now) => None,
        None if record.keep => Some("is kept".to_owned()),
        None if record.state == State::Cloning => Some(format!("is being made, and given up at {}", record.give_up_at)),
        None => Some(format!("lives until {}", record.expires_at)),
    }
}

/// Whether `copy` was made from `source`, by its record or, where that cannot be read, by Railway's own account.
fn is_living_copy(ctx: &Context, project: &Project, copy: &Environment, source: &Environment) -> bool {
    let is_by_railway = || copy.source_environment.as_ref().is_some_and(|s| s.id == source.id);
    let is_made_from = match reading(ctx, project, copy) {
        Reading::Absent => false,
        Reading::Signed(record) | Reading::Unsigned(record) => record.source_id == source.id,
        Reading::Unreadable(_) => is_by_railway(),
    };
    copy.id != source.id && is_made_from
}

/// Why an environment without a record is not what a run of ours left over; `None` means that it is. A run that died
/// before it wrote its record has made a copy under its own name, and nothing more.
fn reason_not_left_over(environment: &Environment, now: Timestamp) -> Option<&'static str> {
    if !is_making_name(&environment.name) {
        Some("has no record of railstage")
    } else if !is_copy(environment) {
        Some("has no record of railstage, and Railway knows no environment that it is a copy of")
    } else if is_deployed(environment) {
        Some("has no record of railstage, and a service in it was deployed")
    } else if now.duration_since(environment.created_at) <= LEFT_OVER_AFTER {
        Some("has no record of railstage yet, and is younger than an hour")
    } else {
        None
    }
}

/// A custom domain that no record lists.
pub(crate) fn promoted_host<'a>(environment: &'a Environment, reading: &Reading) -> Option<&'a str> {
    let listed = reading.record().map_or(&[][..], |record| &record.domains);
    let custom = environment.with_gates().flat_map(|s| &s.domains.custom_domains);
    custom.map(|d| d.domain.as_str()).find(|host| !listed.iter().any(|listed| listed == host))
}

/// Refuses to take back what this run did not make, or what someone has made his own since.
///
/// # Errors
/// [`crate::error::Exit::Invalid`], saying why.
pub(crate) fn ensure_undoable(ctx: &Context, project: &Project, environment: &Environment) -> Result<()> {
    let reading = reading(ctx, project, environment);
    let source_id = reading.record().map(|record| &record.source_id);
    ensure_not_production(&ctx.policy, project, environment, source_id)?;
    if let Some(host) = promoted_host(environment, &reading) {
        let message =
            format!("environment `{}` carries the domain `{host}`, which this run did not attach", environment.name);
        bail!(Failure::invalid(message));
    }
    if let Reading::Unreadable(why) = reading {
        bail!(unreadable(environment, why));
    }
    // A run that died before it wrote its record has made a copy, and deployed nothing in it.
    let is_untouched = is_copy(environment) && !is_deployed(environment);
    ensure!(
        reading != Reading::Absent || is_untouched,
        Failure::invalid(format!(
            "environment `{}` has no record, and is more than what a run leaves without one",
            environment.name
        ))
    );
    Ok(())
}

fn is_deployed(environment: &Environment) -> bool {
    environment.with_gates().any(|s| s.latest_deployment.is_some())
}
