//! What a run may write to and what may be deleted: each rule in one place, checked on a fresh reading of the project.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use jiff::{SignedDuration, Timestamp};

use crate::contract::ids::{EnvironmentId, ServiceId};
use crate::contract::policy::Policy;
use crate::contract::record::{Record, State};
use crate::contract::request::CloneRequest;
use crate::environment::recorded::record_of;
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
            let is_worth_waiting = may_be_ready_soon(&project, names_of_run);
            Ok((is_ready(&project, names_of_run, request, needed) || !is_worth_waiting).then_some(()))
        }
    };
    ctx.within("the copy", VISIBLE_WITHIN, Duration::from_millis(500), look).await?;
    let project = last.into_inner().unwrap_or_else(PoisonError::into_inner);
    let is_ready = is_ready(&project, &names, request, needed);
    let target = claim(&ctx.policy, project, &names, &request.source_environment)?;
    let before = if needed == Readiness::HasData { "sync-db" } else { "assign-domain" };
    ensure!(
        is_ready,
        Failure::invalid(format!("the copy `{}` has not come far enough for this step", target.environment().name))
            .hint(format!("run {before} first"))
    );
    Ok(target)
}

fn is_ready(project: &Project, names: &Names, request: &CloneRequest, needed: Readiness) -> bool {
    let Some(copy) = position(project, names).map(|n| &project.environments[n]) else { return false };
    let Some(record) = record_of(copy) else { return false };
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
fn may_be_ready_soon(project: &Project, names: &Names) -> bool {
    let unrecorded = |e: &Environment| (e.name == names.making || e.name == names.target) && record_of(e).is_none();
    position(project, names).is_some() || project.environments.iter().any(unrecorded)
}

fn claim(policy: &Policy, project: Project, names: &Names, source: &str) -> Result<Target> {
    let Some(environment) = position(&project, names) else {
        bail!(missing(&project, names));
    };
    let Some(source) = project.environments.iter().position(|e| e.id.as_ref() == source || e.name == source) else {
        bail!(Failure::invalid(format!(
            "`source_environment`: project `{}` has no environment `{source}`",
            project.name
        )));
    };
    let target = Target {
        record: record_of(&project.environments[environment]).expect("position() saw it"),
        project,
        source,
        environment,
    };
    ensure!(
        target.record.source_id == target.source().id,
        Failure::invalid(format!(
            "environment `{}` is a copy of another source than `{}`",
            target.environment().name,
            target.source().name
        ))
    );
    ensure_not_production(policy, &target.project, target.environment(), Some(&target.source().id))?;
    Ok(target)
}

/// Where this run's environment is among the project's: told by its record, which must name the environment itself.
pub(crate) fn position(project: &Project, names: &Names) -> Option<usize> {
    project.environments.iter().position(|e| record_of(e).is_some_and(|r| r.run_hash == names.run_hash))
}

fn missing(project: &Project, names: &Names) -> Failure {
    match project.environments.iter().find(|e| e.name == names.target) {
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

/// Why an environment may not be deleted; `None` means that it may. `named` is the name that a person typed.
pub(crate) fn reason_to_spare(
    policy: &Policy,
    project: &Project,
    environment: &Environment,
    named: Option<&str>,
    now: Timestamp,
) -> Option<String> {
    let sources: Vec<_> = project.environments.iter().filter_map(|e| Some((e, record_of(e)?))).collect();
    if let Err(error) = ensure_not_production(policy, project, environment, None) {
        return Some(error.to_string());
    }
    if let Some((copy, _)) = sources.iter().find(|(copy, r)| r.source_id == environment.id && copy.id != environment.id)
    {
        return Some(format!("is the source of the living copy `{}`", copy.name));
    }
    let Some(record) = record_of(environment) else {
        return reason_not_left_over(environment, now).map(str::to_owned);
    };
    if let Some(host) = promoted_host(environment, &record) {
        return Some(format!("carries the domain `{host}`, which railstage did not attach: someone promoted it"));
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

/// Why an environment without a record is not what a run of ours left over; `None` means that it is. A run that died
/// before it wrote its record has made a copy under its own name, and nothing more.
fn reason_not_left_over(environment: &Environment, now: Timestamp) -> Option<&'static str> {
    if !is_making_name(&environment.name) {
        Some("has no record of railstage")
    } else if environment.source_environment.is_none() {
        Some("has no record of railstage, and Railway knows no environment that it is a copy of")
    } else if environment.service_instances.iter().any(|s| s.latest_deployment.is_some()) {
        Some("has no record of railstage, and a service in it was deployed")
    } else if environment.service_instances.iter().any(|s| !s.domains.custom_domains.is_empty()) {
        Some("has no record of railstage, and carries a custom domain")
    } else if now.duration_since(environment.created_at) <= LEFT_OVER_AFTER {
        Some("has no record of railstage yet, and is younger than an hour")
    } else {
        None
    }
}

/// A custom domain that the record does not list.
fn promoted_host<'a>(environment: &'a Environment, record: &Record) -> Option<&'a str> {
    let custom = environment.service_instances.iter().flat_map(|s| &s.domains.custom_domains);
    custom.map(|d| d.domain.as_str()).find(|host| !record.domains.iter().any(|listed| listed == host))
}
