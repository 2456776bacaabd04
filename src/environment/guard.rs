//! What a run may write to and what may be deleted: each rule in one place, checked on a fresh reading of the project.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use jiff::{SignedDuration, Timestamp};

use crate::contract::ids::{EnvironmentId, ServiceId};
use crate::contract::policy::Policy;
use crate::contract::record::{Record, State};
use crate::contract::request::CloneRequest;
use crate::contract::signature::Reading;
use crate::environment::recorded::{claimed, reading};
use crate::environment::services;
use crate::error::Failure;
use crate::railway::{Environment, Project, Weight};
use crate::running::context::Context;
use crate::running::run::{Names, is_making_name};

/// How long what was written may stay invisible: Railway's reads lag its writes.
const VISIBLE_WITHIN: Duration = Duration::from_secs(10);

/// An `rs-<16 hex digits>` environment without a record counts as left over after this time.
const LEFT_OVER_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// A run's copy as it stands now, proven to be its own.
pub(crate) struct Target {
    pub project: Project,
    pub record: Record,
    source: usize,
    environment: usize,
}

impl Target {
    /// The environment that was copied.
    pub(crate) fn source(&self) -> &Environment {
        &self.project.environments[self.source]
    }

    /// The copy.
    pub(crate) fn environment(&self) -> &Environment {
        &self.project.environments[self.environment]
    }

    /// Whether it is ready, and so nothing of a clone changes it any more: not a step that Kestra runs once more, nor one that
    /// comes late.
    pub(crate) fn is_ready(&self) -> bool {
        self.record.state == State::Ready
    }

    /// Takes a name that a service's domain is about to get for given.
    pub(crate) fn rename_domain(&mut self, service_id: &ServiceId, domain: &str) {
        let instances = &mut self.project.environments[self.environment].service_instances;
        let service = instances.iter_mut().find(|s| s.service_id == *service_id);
        if let Some(first) = service.and_then(|s| s.domains.service_domains.first_mut()) {
            domain.clone_into(&mut first.domain);
        }
    }
}

/// How far a copy must have come for a step to go on with it. What the step before wrote may not be readable at once, and
/// going on from an older reading would undo it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Readiness {
    /// Its environment is there.
    Created,
    /// It has its domains.
    HasDomains,
    /// Its databases hold their data.
    HasData,
}

/// Reads the project and returns this run's copy, or refuses. Every step that writes goes through here first.
///
/// # Errors
/// [`crate::error::Exit::Invalid`] when there is no copy of this run, when what bears its name is not its own, or when it
/// has not come as far as it must.
pub(crate) async fn own_target(ctx: &Context, request: &CloneRequest, needed: Readiness) -> Result<Target> {
    let names = ctx.run.names(request);
    ensure_unprotected(&ctx.policy, &names.target)?;
    let last = Mutex::new(ctx.railway.project(&request.project_id, Weight::Repeatable).await?);
    let (names_of_run, latest) = (&names, &last);
    let mut is_first = true;
    let look = || {
        let reads = !std::mem::take(&mut is_first);
        async move {
            if reads {
                let project = ctx.railway.project(&request.project_id, Weight::Poll).await?;
                *latest.lock().unwrap_or_else(PoisonError::into_inner) = project;
            }
            let project = latest.lock().unwrap_or_else(PoisonError::into_inner);
            let is_worth_waiting = may_be_ready_soon(ctx, &project, names_of_run);
            Ok((is_ready(ctx, &project, names_of_run, request, needed) || !is_worth_waiting).then_some(()))
        }
    };
    ctx.within("the copy", VISIBLE_WITHIN, Duration::from_millis(500), look).await?;
    let project = last.into_inner().unwrap_or_else(PoisonError::into_inner);
    let is_ready = is_ready(ctx, &project, &names, request, needed);
    let target = claim(ctx, project, &names, &request.source_environment)?;
    let before = if needed == Readiness::HasData { "sync-db" } else { "assign-domain" };
    ensure!(
        is_ready,
        Failure::invalid(format!("the copy `{}` has not come far enough for this step", target.environment().name))
            .hint(format!("run {before} first"))
    );
    Ok(target)
}

fn is_ready(ctx: &Context, project: &Project, names: &Names, request: &CloneRequest, needed: Readiness) -> bool {
    let Some((copy, record)) = own(ctx, project, names) else { return false };
    let has_host = |host: &String| copy.hosts().any(|own| own == host);
    let is_placed = || !record.domains.is_empty() && record.domains.iter().all(has_host);
    let wanted = services::databases(copy, request);
    let is_filled = || wanted.iter().all(|s| record.databases.iter().any(|d| d.service == s.service_name));
    match needed {
        Readiness::Created => true,
        Readiness::HasDomains => is_placed(),
        Readiness::HasData => is_placed() && is_filled(),
    }
}

/// Whether there is an environment that is this run's, or may be, its record not readable yet.
fn may_be_ready_soon(ctx: &Context, project: &Project, names: &Names) -> bool {
    let unrecorded = |e: &Environment| bears_name(e, names) && reading(ctx, project, e) == Reading::Absent;
    position(ctx, project, names).is_some() || project.environments.iter().any(unrecorded)
}

fn claim(ctx: &Context, project: Project, names: &Names, source: &str) -> Result<Target> {
    let Some((environment, record)) = position(ctx, &project, names) else {
        bail!(missing(ctx, &project, names));
    };
    let Some(source) = project.environments.iter().position(|e| e.id.as_ref() == source || e.name == source) else {
        bail!(Failure::invalid(format!(
            "`source_environment`: project `{}` has no environment `{source}`",
            project.name
        )));
    };
    let target = Target { project, record, source, environment };
    ensure!(
        target.record.source_id == target.source().id,
        Failure::invalid(format!(
            "environment `{}` is a copy of another source than `{}`",
            target.environment().name,
            target.source().name
        ))
    );
    ensure_not_production(&ctx.policy, &target.project, target.environment(), Some(&target.source().id))?;
    Ok(target)
}

/// This run's environment with its record.
pub(crate) fn own<'a>(ctx: &Context, project: &'a Project, names: &Names) -> Option<(&'a Environment, Record)> {
    position(ctx, project, names).map(|(n, record)| (&project.environments[n], record))
}

/// Where this run's environment is among the project's: told by a record that is signed, or by one that is not where
/// Railway itself calls the environment so and has made it as a copy of what the record names.
fn position(ctx: &Context, project: &Project, names: &Names) -> Option<(usize, Record)> {
    let mut unsigned = None;
    for (n, environment) in project.environments.iter().enumerate() {
        match reading(ctx, project, environment) {
            Reading::Signed(record) if record.run_hash == names.run_hash => return Some((n, *record)),
            Reading::Unsigned(record)
                if record.run_hash == names.run_hash && bears_name(environment, names) && is_copy(environment) =>
            {
                unsigned = Some((n, *record));
            }
            _ => {}
        }
    }
    unsigned
}

fn bears_name(environment: &Environment, names: &Names) -> bool {
    environment.name == names.making || environment.name == names.target
}

/// Whether Railway says that it was made as a copy.
fn is_copy(environment: &Environment) -> bool {
    environment.source_environment.is_some()
}

fn is_deployed(environment: &Environment) -> bool {
    environment.service_instances.iter().any(|s| s.latest_deployment.is_some())
}

fn missing(ctx: &Context, project: &Project, names: &Names) -> Failure {
    match project.environments.iter().find(|e| bears_name(e, names)) {
        Some(other) if matches!(reading(ctx, project, other), Reading::Unreadable(_)) => {
            unreadable(ctx, project, other)
        }
        Some(other) => Failure::invalid(format!("environment `{}` was not made by this run", other.name)),
        None => Failure::invalid(format!(
            "this run has no environment: neither `{}` nor `{}` is its own",
            names.making, names.target
        ))
        .hint("it was rolled back, or create-env never ran; start a new run"),
    }
}

/// Refuses a name that the policy protects.
///
/// # Errors
/// [`crate::error::Exit::Invalid`].
pub(crate) fn ensure_unprotected(policy: &Policy, name: &str) -> Result<()> {
    ensure!(
        !policy.protects(name),
        Failure::invalid(format!(
            "`environment_name`: environment `{name}` is protected and is never written or deleted"
        ))
    );
    Ok(())
}

/// Refuses whatever might be somebody's production, whatever any record says.
///
/// # Errors
/// [`crate::error::Exit::Invalid`], saying which rule it breaks.
pub(crate) fn ensure_not_production(
    policy: &Policy,
    project: &Project,
    environment: &Environment,
    source_id: Option<&EnvironmentId>,
) -> Result<()> {
    ensure_unprotected(policy, &environment.name)?;
    let rule = if Some(&environment.id) == source_id {
        "is the source of the copy"
    } else if project.is_main(&environment.id) {
        "is the project's base or primary environment"
    } else {
        return Ok(());
    };
    Err(Failure::invalid(format!("environment `{}` {rule} and is never written or deleted", environment.name)).into())
}

/// The refusal of an environment whose record cannot be read.
fn unreadable(ctx: &Context, project: &Project, environment: &Environment) -> Failure {
    let Reading::Unreadable(why) = reading(ctx, project, environment) else {
        return Failure::invalid(format!("environment `{}` was not made by this run", environment.name));
    };
    Failure::invalid(format!("the record in environment `{}` cannot be read: {why}", environment.name))
}

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
fn promoted_host<'a>(environment: &'a Environment, reading: &Reading) -> Option<&'a str> {
    let listed: &[String] = match reading {
        Reading::Signed(record) | Reading::Unsigned(record) => &record.domains,
        Reading::Absent | Reading::Unreadable(_) => &[],
    };
    let custom = environment.service_instances.iter().flat_map(|s| &s.domains.custom_domains);
    custom.map(|d| d.domain.as_str()).find(|host| !listed.iter().any(|listed| listed == host))
}

/// Refuses to take back what this run did not make, or what someone has made his own since.
///
/// # Errors
/// [`crate::error::Exit::Invalid`], saying why.
pub(crate) fn ensure_undoable(ctx: &Context, project: &Project, environment: &Environment) -> Result<()> {
    let reading = reading(ctx, project, environment);
    let source_id = claimed(ctx, project, environment).map(|record| record.source_id);
    ensure_not_production(&ctx.policy, project, environment, source_id.as_ref())?;
    if let Some(host) = promoted_host(environment, &reading) {
        let message =
            format!("environment `{}` carries the domain `{host}`, which this run did not attach", environment.name);
        bail!(Failure::invalid(message));
    }
    ensure!(!matches!(reading, Reading::Unreadable(_)), unreadable(ctx, project, environment));
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

/// The record that a person may have signed: one that is not, in what Railway calls a copy.
///
/// # Errors
/// [`crate::error::Exit::Invalid`], saying what is in the way.
pub(crate) fn unsigned_record(ctx: &Context, project: &Project, environment: &Environment) -> Result<Record> {
    ensure_not_production(&ctx.policy, project, environment, None)?;
    let about = |what: &str| Failure::invalid(format!("environment `{}` {what}", environment.name));
    match reading(ctx, project, environment) {
        Reading::Unsigned(record) if is_copy(environment) => Ok(*record),
        Reading::Unsigned(_) => bail!(about("was not made as a copy, by Railway's own account")),
        Reading::Signed(_) => bail!(about("has a record that is signed already")),
        Reading::Absent => bail!(about("has no record of railstage")),
        Reading::Unreadable(_) => bail!(unreadable(ctx, project, environment)),
    }
}

/// Whether an environment counts as one of a project's copies: whatever bears a record, and what is being made.
pub(crate) fn is_copy_of_ours(ctx: &Context, project: &Project, environment: &Environment) -> bool {
    let is_recorded = reading(ctx, project, environment) != Reading::Absent || is_making_name(&environment.name);
    is_recorded && !project.is_main(&environment.id)
}
