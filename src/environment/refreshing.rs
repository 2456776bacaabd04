//! A refresh's hold on a copy: which copies may get new data, and that one run at a time brings it.

use anyhow::{Context as _, Result, bail, ensure};
use jiff::Timestamp;

use crate::contract::bounds;
use crate::contract::files_request::{self, FilesRequest};
use crate::contract::record::{self, Record, Refreshing, State};
use crate::contract::refresh_request::RefreshRequest;
use crate::contract::request::{CloneRequest, DatabaseRequest};
use crate::contract::signature::Reading;
use crate::environment::deletion_rules::promoted_host;
use crate::environment::granted;
use crate::environment::guard::{self, Target};
use crate::environment::lease::{self, Work};
use crate::environment::recorded::reading;
use crate::environment::{file_volumes, named, services};
use crate::error::Failure;
use crate::railway::{Environment, Project, ServiceInstance, Weight};
use crate::running::context::Context;

/// Does a refresh's work at its copy when its turn comes: another process of the same run is waited for, another run is not.
/// The work gets what a clone would have been asked for. Of a run that has refreshed the copy before, it changes nothing.
///
/// # Errors
/// As [`claim`], and whatever the work fails with.
pub(crate) async fn in_turn<T>(ctx: &Context, request: &RefreshRequest, work: Work<T>) -> Result<T> {
    let (began, mut has_waited) = (record::now(), false);
    loop {
        let (mut target, asked) = claim(ctx, request).await?;
        if is_done(ctx, &target.record) {
            return lease::without_turn(ctx, &asked, target, work).await;
        }
        let is_ours = target.record.refreshing.as_ref().is_some_and(|refreshing| refreshing.run == ctx.run.id);
        ensure!(is_ours || !has_waited, lost(&target, began));
        let (run, name) = (&ctx.run.id, &target.environment().name);
        tracing::info!(
            "run `{run}` refreshes `{name}`; should it be cut off, `rollback-refresh --run-id {run}` takes it back"
        );
        let give_up_at = record::give_up_at(record::now(), ctx.policy.longest_run);
        target.record.refreshing = Some(Refreshing { run: ctx.run.id.clone(), give_up_at });
        if let Some(done) = lease::try_turn(ctx, &asked, target, work).await? {
            return Ok(done);
        }
        has_waited = true;
    }
}

/// Why a run that has waited for its turn does not hold the copy any more: one that began with it came first, or it was taken back.
fn lost(target: &Target, began: Timestamp) -> Failure {
    let (name, refreshed) = (&target.environment().name, target.record.refreshed.as_ref());
    match refreshed.filter(|other| other.at >= began) {
        Some(other) => {
            Failure::invalid(format!("`environment`: run `{}` has refreshed the copy `{name}` meanwhile", other.run))
                .hint("start a new run if newer data is wanted")
        }
        None => Failure::outside("another process has taken this run's refresh back").hint("start a new run"),
    }
}

/// Whether this run has refreshed the copy, so that nothing is left to do.
pub(crate) fn is_done(ctx: &Context, record: &Record) -> bool {
    record.refreshed.as_ref().is_some_and(|refreshed| refreshed.run == ctx.run.id)
}

/// The copy of this name, if its refresh by this run is under way, and whose databases are being refreshed there.
///
/// # Errors
/// When Railway cannot be read, or what is there may not be written.
pub(crate) async fn begun(ctx: &Context, request: &RefreshRequest) -> Result<Option<(Target, CloneRequest)>> {
    let project = ctx.railway.project(&request.project_id, Weight::Repeatable).await?;
    let Some(environment) = position(&project, request) else { return Ok(None) };
    let record = match reading(ctx, &project, &project.environments[environment]) {
        Reading::Signed(record) => *record,
        Reading::Absent | Reading::Unsigned(_) | Reading::Unreadable(_) => return Ok(None),
    };
    if record.refreshing.as_ref().is_none_or(|refreshing| refreshing.run != ctx.run.id) {
        return Ok(None);
    }
    let target = target(ctx, project, environment, record)?;
    let (databases, files) = (databases(&target.record, request), files(&target.record, request));
    Ok(Some((target, CloneRequest { databases, files, ..request.of_clone() })))
}

/// Reads the project and returns the copy, if it may be refreshed by this run.
///
/// # Errors
/// [`crate::error::Exit::Invalid`], saying what is in the way.
async fn claim(ctx: &Context, request: &RefreshRequest) -> Result<(Target, CloneRequest)> {
    let project = ctx.railway.project(&request.project_id, Weight::Repeatable).await?;
    let environment = position(&project, request)
        .with_context(|| named::none_called(&project, "environment", &request.environment))?;
    let record = ready_record(ctx, &project, &project.environments[environment], "refreshed")?;
    let target = target(ctx, project, environment, record)?;
    ensure_free(ctx, &target)?;
    let source = granted::source(&ctx.policy, &target.project, target.source(), "environment");
    bounds::ensure_none(source.as_slice())?;
    let asked = asked(ctx, &target, request)?;
    Ok((target, asked))
}

fn position(project: &Project, request: &RefreshRequest) -> Option<usize> {
    let wanted = &request.environment;
    project.environments.iter().position(|e| e.id.as_ref() == wanted || e.name == *wanted)
}

/// A copy with its source.
pub(super) fn target(ctx: &Context, project: Project, environment: usize, record: Record) -> Result<Target> {
    let source = project.environments.iter().position(|e| e.id == record.source_id).with_context(|| {
        let (copy, source) = (&project.environments[environment].name, &record.source_name);
        Failure::invalid(format!("`environment`: what `{copy}` was copied from, `{source}`, is gone"))
            .hint("without its source a copy gets no new data; make a new copy of another one")
    })?;
    let target = Target { project, record, source, environment };
    guard::ensure_not_production(&ctx.policy, &target.project, target.environment(), Some(&target.source().id))?;
    Ok(target)
}

/// Refuses a copy that another run refreshes, or that may be deleted at any moment.
pub(super) fn ensure_free(ctx: &Context, target: &Target) -> Result<()> {
    let (name, record, now) = (&target.environment().name, &target.record, Timestamp::now());
    if let Some(Refreshing { run, give_up_at }) = record.refresh_at(now).filter(|other| other.run != ctx.run.id) {
        bail!(
            Failure::invalid(format!("`environment`: the copy `{name}` is being refreshed by run `{run}`"))
                .hint(format!("wait for it to end; it is given up at {give_up_at}"))
        );
    }
    ensure!(
        !record.is_over(now),
        Failure::invalid(format!("`environment`: the copy `{name}` has expired, and the next sweep deletes it"))
            .hint("extend it first, or make a new copy")
    );
    Ok(())
}

/// The record of a copy that may be changed; `done` is what is done with it.
pub(super) fn ready_record(ctx: &Context, project: &Project, environment: &Environment, done: &str) -> Result<Record> {
    guard::ensure_not_production(&ctx.policy, project, environment, None)?;
    let about = |what: String| Failure::invalid(format!("`environment`: `{}` {what}", environment.name));
    let reading = reading(ctx, project, environment);
    if let Some(host) = promoted_host(environment, &reading) {
        bail!(
            about(format!("carries the domain `{host}`, which railstage did not attach: someone promoted it"))
                .hint("a refresh would replace what lives there; take the domain off, or make a new copy")
        );
    }
    let record = match reading {
        Reading::Signed(record) => *record,
        Reading::Unsigned(_) => bail!(
            about("has a record that is not signed".to_owned())
                .hint("sign it by `railstage adopt`, or make a new copy")
        ),
        Reading::Absent => bail!(about("is no copy of ours: it has no record of railstage".to_owned())),
        Reading::Unreadable(why) => bail!(guard::unreadable(environment, why)),
    };
    let hint = match record.state {
        State::Ready => return Ok(record),
        State::Cloning => "wait until its clone is done",
        State::Failed | State::RollingBack => "make a new copy",
    };
    bail!(about(format!("is {}, and only a copy that is ready is {done}", record.state)).hint(hint));
}

/// What a clone would have been asked for, to make the data that the copy gets: for the hosts that it has, and for the databases
/// that were copied into it.
fn asked(ctx: &Context, target: &Target, request: &RefreshRequest) -> Result<CloneRequest> {
    let (copy, record) = (target.environment(), &target.record);
    let host = record.domains.first();
    let visited = host.and_then(|host| copy.service_instances.iter().find(|s| s.hosts().any(|own| own == host)));
    let (host, service) = host.zip(visited).with_context(|| {
        Failure::invalid(format!("`environment`: `{}` no longer has the domain that it was given", copy.name))
            .hint("attach it again, or make a new copy")
    })?;
    let is_custom = service.domains.custom_domains.iter().any(|custom| custom.domain == *host);
    let copied = |name: &str| record.databases.iter().any(|database| database.service == name);
    let others: Vec<_> = request
        .databases
        .iter()
        .map(|d| &d.service)
        .filter(|name| !copied(name))
        .map(|name| format!("`{name}`"))
        .collect();
    ensure!(
        others.is_empty(),
        Failure::invalid(format!("`databases.service`: {} was not copied into `{}`", others.join(", "), copy.name))
            .hint("name databases of `databases` in its list, or make a new copy")
    );
    ensure!(
        !record.databases.is_empty() || request.files && !record.files.is_empty(),
        Failure::invalid(format!("`environment`: no database was copied into `{}`", copy.name)).hint("make a new copy")
    );
    let asked = CloneRequest {
        source_environment: target.source().id.to_string(),
        web_service: Some(service.service_name.clone()),
        custom_domain: is_custom.then(|| host.clone()),
        databases: databases(record, request),
        files: files(record, request),
        guard: guard_asked(ctx, record),
        ..request.of_clone()
    };
    if request.files {
        ensure_files(ctx, target, &asked)?;
    }
    Ok(asked)
}

/// Refuses a copy that has no files to be brought anew, files that cannot be reached, and what the policy no longer grants of them.
fn ensure_files(ctx: &Context, target: &Target, asked: &CloneRequest) -> Result<()> {
    let copy = &target.environment().name;
    ensure!(
        !asked.files.is_empty(),
        Failure::invalid(format!("`files`: no files of an app's volume were copied into `{copy}`"))
            .hint("leave `files` out, or make a new copy")
    );
    ensure!(
        !ctx.policy.relay_host_keys.is_empty(),
        Failure::invalid("`files`: files come along through Railway's SSH relay alone, and the policy knows none")
            .hint("name the relay's host key in `relay_host_keys` of the policy")
    );
    file_volumes::refreshed(target.source(), asked, &target.record)?;
    bounds::ensure_none(&files_request::beyond(asked, &ctx.policy))
}

/// What is said of the files that were copied into it, where they are wanted anew.
fn files(record: &Record, request: &RefreshRequest) -> Vec<FilesRequest> {
    let mut files: Vec<FilesRequest> = Vec::new();
    for recorded in record.files.iter().filter(|_| request.files) {
        let asked = recorded.asked.clone().unwrap_or_else(|| FilesRequest::of_service(&recorded.service));
        if !files.iter().any(|other| other.service == asked.service) {
            files.push(asked);
        }
    }
    files
}

/// Whether new files of a copy have a guard plug-in with them: as those that it has, or as a clone's would.
fn guard_asked(ctx: &Context, record: &Record) -> Option<bool> {
    let (mut files, is_granted) = (record.files.iter(), ctx.policy.may_be_unguarded);
    match files.clone().any(|files| files.is_guarded) {
        true => Some(true),
        false => (is_granted && files.any(|files| files.without_guard)).then_some(false),
    }
}

/// The database services of its source that a copy has new data from: none where none was copied into it.
pub(crate) fn wanted<'a>(target: &'a Target, asked: &CloneRequest) -> Vec<&'a ServiceInstance> {
    if target.record.databases.is_empty() {
        return Vec::new();
    }
    services::databases(target.source(), asked)
}

/// The databases that are refreshed: those that are named, or else all that were copied.
fn databases(record: &Record, request: &RefreshRequest) -> Vec<DatabaseRequest> {
    if request.databases.is_empty() {
        return record.databases.iter().map(|database| DatabaseRequest::of_service(&database.service)).collect();
    }
    request.databases.clone()
}
