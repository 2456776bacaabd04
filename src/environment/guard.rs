//! What a run may write to: its own copy, proven on a fresh reading of the project, and never what might be production.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::contract::ids::EnvironmentId;
use crate::contract::policy::Policy;
use crate::contract::record::{Record, State};
use crate::contract::request::CloneRequest;
use crate::contract::signature::{Reading, Unreadable};
use crate::environment::recorded::reading;
use crate::environment::{file_volumes, named, same_key, services};
use crate::error::Failure;
use crate::railway::{Environment, GraphqlErrors, Project, Weight};
use crate::running::context::Context;
use crate::running::run::{Names, is_making_name};

/// How long what was written may stay invisible: Railway's reads lag its writes.
const VISIBLE_WITHIN: Duration = Duration::from_secs(10);

/// A run's copy as it stands now, proven to be its own.
pub(crate) struct Target {
    pub project: Project,
    pub record: Record,
    pub(super) source: usize,
    pub(super) environment: usize,
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
    /// Its apps' volumes hold their files, too.
    HasFiles,
}

/// Reads the project and returns this run's copy, or refuses. Every step that writes goes through here first.
///
/// # Errors
/// [`crate::error::Exit::Invalid`] when there is no copy of this run, when what bears its name is not its own, or when it
/// has not come as far as it must.
pub(crate) async fn own_target(ctx: &Context, request: &CloneRequest, needed: Readiness) -> Result<Target> {
    read_own_target(ctx, request, needed, Weight::Repeatable).await
}

/// The same for whoever waits for something to show.
///
/// # Errors
/// As [`own_target`].
pub(crate) async fn own_target_now(ctx: &Context, request: &CloneRequest, needed: Readiness) -> Result<Target> {
    read_own_target(ctx, request, needed, Weight::Poll).await
}

async fn read_own_target(ctx: &Context, request: &CloneRequest, needed: Readiness, weight: Weight) -> Result<Target> {
    let names = ctx.run.names(request);
    ensure_unprotected(&ctx.policy, names.field, &names.target)?;
    let is_ready = |project: &Project| is_ready(ctx, project, &names, request, needed);
    let is_settled = |project: &Project| is_ready(project) || !may_be_ready_soon(ctx, project, &names);
    let mut project = ctx.railway.project(&request.project_id, weight).await?;
    if !is_settled(&project) {
        let latest = Mutex::new(project);
        let look = || async {
            let read = ctx.railway.project(&request.project_id, Weight::Poll).await?;
            let is_settled = is_settled(&read);
            *latest.lock().unwrap_or_else(PoisonError::into_inner) = read;
            Ok(is_settled.then_some(()))
        };
        ctx.within("the copy", VISIBLE_WITHIN, Duration::from_millis(500), look).await?;
        project = latest.into_inner().unwrap_or_else(PoisonError::into_inner);
    }
    let is_ready = is_ready(&project);
    let target = claim(ctx, project, &names, request)?;
    let before = match needed {
        Readiness::Created | Readiness::HasDomains => "assign-domain",
        Readiness::HasData => "sync-db",
        Readiness::HasFiles => "sync-files",
    };
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
    let volumes = || file_volumes::wanted(&ctx.policy, copy, request);
    let has_files = || volumes().iter().all(|v| record.files.iter().any(|f| f.service == v.service.service_name));
    match needed {
        Readiness::Created => true,
        Readiness::HasDomains => is_placed(),
        Readiness::HasData => is_placed() && is_filled(),
        Readiness::HasFiles => is_placed() && is_filled() && has_files(),
    }
}

/// Whether there is an environment that is this run's, or may be, its record not readable yet.
fn may_be_ready_soon(ctx: &Context, project: &Project, names: &Names) -> bool {
    let unrecorded = |e: &Environment| bears_name(e, names) && reading(ctx, project, e) == Reading::Absent;
    position(ctx, project, names).is_some() || project.environments.iter().any(unrecorded)
}

fn claim(ctx: &Context, project: Project, names: &Names, request: &CloneRequest) -> Result<Target> {
    let Some((environment, record)) = position(ctx, &project, names) else {
        return Err(match same_key::first(ctx, &project, names, request)? {
            Some(first) => first.into(),
            None => missing(ctx, &project, names).into(),
        });
    };
    ensure_goes_on(&project.environments[environment], &record, request)?;
    let source = source_position(&project, &request.source_environment)?;
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

/// Refuses to go on with a copy that its run is done with, or that is made for another request.
///
/// # Errors
/// [`crate::error::Exit::Invalid`].
pub(crate) fn ensure_goes_on(environment: &Environment, record: &Record, request: &CloneRequest) -> Result<()> {
    let name = &environment.name;
    let is_over = match record.state {
        State::Cloning | State::Ready => None,
        State::Failed => Some(format!("the copy `{name}` failed, and is kept for a look until {}", record.expires_at)),
        State::RollingBack => Some(format!("the copy `{name}` is being rolled back")),
    };
    if let Some(what) = is_over {
        bail!(Failure::invalid(format!("{what}: nothing is changed in it")).hint("start a new run"));
    }
    ensure!(
        record.request_hash.as_ref().is_none_or(|hash| *hash == request.hash()),
        Failure::invalid(format!("this run has begun `{name}` with another request"))
            .hint("start a new run for a new request")
    );
    Ok(())
}

/// The environment that a request wants copied.
///
/// # Errors
/// [`crate::error::Exit::Invalid`] when the project has none of this name or id.
pub(crate) fn source<'a>(project: &'a Project, request: &CloneRequest) -> Result<&'a Environment> {
    source_position(project, &request.source_environment).map(|n| &project.environments[n])
}

fn source_position(project: &Project, name_or_id: &str) -> Result<usize> {
    let position = project.environments.iter().position(|e| e.id.as_ref() == name_or_id || e.name == name_or_id);
    position.with_context(|| named::none_called(project, "source_environment", name_or_id))
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
            Reading::Signed(record) if is_of_run(ctx, &record, names) => return Some((n, *record)),
            Reading::Unsigned(record)
                if is_of_run(ctx, &record, names)
                    && bears_name(environment, names)
                    && is_copy(environment)
                    && (record.request_hash.is_none() || !ctx.record_keys.can_sign()) =>
            {
                unsigned = Some((n, *record));
            }
            _ => {}
        }
    }
    unsigned
}

/// Whether a record is this run's. Version 1 wrote the idempotency key's hash where the request had one.
pub(super) fn is_of_run(ctx: &Context, record: &Record, names: &Names) -> bool {
    let is_of_version_1 = || record.request_hash.is_none() && Some(&record.run_hash) == names.key_hash.as_ref();
    record.run_hash == names.run_hash || (is_of_version_1() && record.run_id == ctx.run.id)
}

/// Whether an environment has a signed record, and it is another run's.
pub(crate) fn is_anothers(ctx: &Context, project: &Project, environment: &Environment, names: &Names) -> bool {
    matches!(reading(ctx, project, environment), Reading::Signed(record) if !is_of_run(ctx, &record, names))
}

fn bears_name(environment: &Environment, names: &Names) -> bool {
    environment.name == names.making || environment.name == names.target
}

/// Whether Railway says that it was made as a copy.
pub(super) fn is_copy(environment: &Environment) -> bool {
    environment.source_environment.is_some()
}

fn missing(ctx: &Context, project: &Project, names: &Names) -> Failure {
    match project.environments.iter().find(|e| bears_name(e, names)) {
        Some(other) => match reading(ctx, project, other) {
            Reading::Unreadable(why) => unreadable(other, why),
            _ => Failure::invalid(format!("environment `{}` was not made by this run", other.name)),
        },
        None => Failure::invalid(format!(
            "this run has no environment: neither `{}` nor `{}` is its own",
            names.making, names.target
        ))
        .hint("it was rolled back and is gone, or create-env never ran; start a new run"),
    }
}

/// Refuses a name that the policy protects.
///
/// # Errors
/// [`crate::error::Exit::Invalid`].
pub(crate) fn ensure_unprotected(policy: &Policy, field: &str, name: &str) -> Result<()> {
    ensure!(
        !policy.protects(name),
        Failure::invalid(format!(
            "`{field}`: environment `{name}` is protected by the policy's `protected_environments`, and is never written or deleted"
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
    ensure_unprotected(policy, "environment", &environment.name)?;
    let rule = if Some(&environment.id) == source_id {
        "is the source of the copy"
    } else if project.is_main(&environment.id) {
        "is the project's base or primary environment"
    } else {
        return Ok(());
    };
    Err(Failure::invalid(format!("environment `{}` {rule} and is never written or deleted", environment.name)).into())
}

/// Whether Railway said that it has no such thing.
pub(crate) fn is_not_found(error: &anyhow::Error) -> bool {
    error.downcast_ref::<GraphqlErrors>().is_some_and(|said| said.say("not found"))
}

/// The refusal of an environment whose record cannot be read.
pub(crate) fn unreadable(environment: &Environment, why: Unreadable) -> Failure {
    Failure::invalid(format!("the record in environment `{}` cannot be read: {why}", environment.name))
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
        Reading::Unreadable(why) => bail!(unreadable(environment, why)),
    }
}

/// Whether an environment counts as one of a project's copies: whatever bears a record, and what is being made.
pub(crate) fn is_copy_of_ours(ctx: &Context, project: &Project, environment: &Environment) -> bool {
    let is_recorded = reading(ctx, project, environment) != Reading::Absent || is_making_name(&environment.name);
    is_recorded && !project.is_main(&environment.id)
}
