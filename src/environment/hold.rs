//! Apps on hold: deployed with a start command that only waits, so that their volumes can be reached in a running container while no app serves.
//! Whether one is on hold is told by the start command in the copy's own configuration, and by nothing else; what a container really runs, by its
//! processes.

mod inside;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use self::inside::Seen;
use crate::contract::ids::{DeploymentId, ServiceId};
use crate::contract::request::CloneRequest;
use crate::environment::guard::Target;
use crate::environment::isolated;
use crate::environment::lease::Turn;
use crate::environment::services::Role;
use crate::environment::{code, deployments, file_volumes, granted};
use crate::error::{Exit, Failure, chain};
use crate::inert::one_line;
use crate::railway::{Change, DeploySettings, Environment, ServiceInstance, Setting, VariableChanges};
use crate::relay::Line;
use crate::running::context::Context;
use crate::running::relay_key;

/// What a service on hold is known by, in its configuration as in its container.
const MARK: &str = "railstage-hold";

/// Waits, and ends as soon as it is told to. Railway starts no shell for a start command, so it names its own.
const START_COMMAND: &str = r#"sh -c ': railstage-hold; trap "exit 0" TERM INT; while :; do sleep 86400 & wait; done'"#;

/// The settings of a service that are others while it is on hold: what it starts with, and what would keep its deployment from coming up, run something
/// of the site's, or put it to sleep.
const SETTINGS: [&str; 5] = [START, "preDeployCommand", "healthcheckPath", "cronSchedule", "sleepApplication"];
const START: &str = "startCommand";

/// How long a service on hold may take to be built or pulled, and to start.
const UP_WITHIN: Duration = Duration::from_mins(32);
/// How long its container may take until commands run there.
const REACHED_WITHIN: Duration = Duration::from_mins(3);
/// How long what an image does before its command may take.
const SETTLES_WITHIN: Duration = Duration::from_secs(20);
/// How long what the steps before have written may stay invisible: Railway's reads lag its writes.
const SHOWS_WITHIN: Duration = Duration::from_secs(10);

/// An app on hold, whose volumes can be reached.
pub(crate) struct Held {
    pub service: String,
    /// The line to the copy's container.
    pub line: Arc<Line>,
}

/// Those whose files come along and are not all there yet.
fn apps<'a>(ctx: &Context, target: &'a Target, request: &'a CloneRequest) -> Vec<&'a ServiceInstance> {
    let mut apps: Vec<&ServiceInstance> = Vec::new();
    for volume in file_volumes::wanted(&ctx.policy, target.source(), request) {
        let (id, name) = (&volume.service.service_id, &volume.service.service_name);
        let is_done = target.record.files.iter().any(|done| done.service == *name);
        if !is_done && !apps.iter().any(|app| app.service_id == *id) {
            apps.push(volume.service);
        }
    }
    apps
}

/// Puts the apps on hold whose files come along, unless they are, and waits for nothing: they are built or pulled while databases are copied.
///
/// # Errors
/// [`Exit::Invalid`] when an app of the copy names production, or acts live: then nothing is deployed.
pub(crate) async fn begin(ctx: &Context, target: &Target, request: &CloneRequest) -> Result<()> {
    let apps = apps(ctx, target, request);
    let put = put(ctx, target, request, &apps).await?;
    let is_new = |app: &&&ServiceInstance| {
        let here = target.environment().service_by_id(&app.service_id);
        put.contains(&app.service_id) || here.is_none_or(|service| service.latest_deployment.is_none())
    };
    let new: Vec<_> = apps.iter().filter(is_new).map(|app| code::deploy(app, request)).collect();
    if new.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = apps.iter().filter(is_new).map(|app| app.service_name.as_str()).collect();
    tracing::info!("deploying `{}` on hold, for its files", names.join("`, `"));
    ctx.railway.deploy(&target.environment().id, &new).await.context("deploy the apps on hold").map(drop)
}

/// Changes the settings of those of `apps` that are not on hold; which these are.
async fn put(
    ctx: &Context,
    target: &Target,
    request: &CloneRequest,
    apps: &[&ServiceInstance],
) -> Result<Vec<ServiceId>> {
    if let Some(app) = apps.iter().find(|app| is_held(target.source(), app)) {
        let name = &app.service_name;
        bail!(
            Failure::invalid(format!("service `{name}` of the source is on hold itself: a run makes that copy still"))
                .hint("copy it when that run has ended")
        );
    }
    let others: Vec<_> = apps.iter().filter(|app| !is_held(target.environment(), app)).collect();
    if others.is_empty() {
        return Ok(Vec::new());
    }
    granted::ensure(&ctx.policy, &target.project, target.source(), request)?;
    ensure_isolated(ctx, target, request).await?;
    let deploy_settings = others.iter().map(|app| (app.service_id.clone(), on_hold())).collect();
    let change = Change { deploy_settings, ..Change::default() };
    let changed = ctx.railway.change(&target.project.id, &target.environment().id, &change).await;
    changed.context("put apps on hold")?;
    Ok(others.iter().map(|app| app.service_id.clone()).collect())
}

/// As `start-apps` has it, and earlier than there: what was written into the apps' variables a moment ago may not be readable yet.
async fn ensure_isolated(ctx: &Context, target: &Target, request: &CloneRequest) -> Result<()> {
    let last = Mutex::new(None);
    let look = || async {
        let is_app = |service: &ServiceInstance| Role::of(service, request) == Role::App;
        match isolated::ensure(ctx, target, request, is_app, &VariableChanges::new()).await {
            Ok(_) => Ok(Some(())),
            Err(error) if Exit::of(&error) == Exit::Invalid => {
                *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    };
    let is_isolated = ctx.within("the apps' own variables", SHOWS_WITHIN, Duration::from_secs(1), look).await?;
    match last.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(refused) if is_isolated.is_none() => Err(refused),
        _ => Ok(()),
    }
}

/// Waits until each app whose files come along is on hold, and nothing but our waiting runs in its container.
///
/// # Errors
/// [`Exit::Invalid`] for a service that cannot be held, saying why; what the deployment failed with.
pub(crate) async fn ready(ctx: &Context, target: &Target, request: &CloneRequest) -> Result<Vec<Held>> {
    let apps = apps(ctx, target, request);
    if apps.is_empty() {
        return Ok(Vec::new());
    }
    let put = put(ctx, target, request, &apps).await?;
    let copy = target.environment();
    // What was deployed before it was put on hold is the app itself.
    let stale: Vec<_> =
        put.iter().filter_map(|id| Some(copy.service_by_id(id)?.latest_deployment.as_ref()?.id.clone())).collect();
    let deploys = apps.iter().map(|app| code::deploy(app, request)).collect();
    let deployed = deployments::deploy_over(ctx, target, deploys, &stale, UP_WITHIN, request.logs).await;
    deployed.map_err(|error| not_up(&apps, error))?;
    let key = relay_key::of_step(ctx).await?;
    let mut held = Vec::new();
    for service in apps {
        let name = &service.service_name;
        let here =
            copy.service_by_id(&service.service_id).with_context(|| format!("find service `{name}` in the copy"))?;
        let line = ctx.relay.line(name, here.id.as_ref(), &key)?;
        tokio::select! {
            ready = line.ready_for_commands(REACHED_WITHIN) => ready.with_context(|| format!("reach service `{name}`, which is on hold"))?,
            () = ctx.stop.cancelled() => bail!("stopped on the way to service `{name}`"),
        }
        ensure_only_waits(ctx, name, &line).await?;
        tracing::info!("service `{name}` is on hold: its volume can be reached, and it does not serve");
        held.push(Held { service: name.clone(), line });
    }
    Ok(held)
}

/// A deployment on hold starts nothing of the site's, so that what keeps it from coming up is mostly its image.
fn not_up(apps: &[&ServiceInstance], error: anyhow::Error) -> anyhow::Error {
    if Exit::of(&error) != Exit::Failed {
        return error;
    }
    let names: Vec<_> = apps.iter().map(|app| app.service_name.as_str()).collect();
    let failure = Failure::new(Exit::Failed, format!("{}; nothing of its files was copied", chain(&error))).hint(format!(
        "its files are reached in a container that only waits: an image without a shell (`sh`) cannot be started so. `files: [{{\"service\": \"{}\", \"mode\": \"empty\"}}]` has it come up without its files",
        names.first().copied().unwrap_or_default()
    ));
    failure.into()
}

/// Refuses a container in which the app runs, or anything else of the site's: its files would be used while they come.
async fn ensure_only_waits(ctx: &Context, service: &str, line: &Line) -> Result<()> {
    let last = Mutex::new(Vec::new());
    let look = || async {
        Ok(match inside::look(line).await? {
            Seen::OnlyWaits => Some(()),
            Seen::Runs(names) => {
                *last.lock().unwrap_or_else(PoisonError::into_inner) = names;
                None
            }
        })
    };
    let only_waits =
        ctx.within("the container to do nothing but wait", SETTLES_WITHIN, Duration::from_secs(1), look).await?;
    let last = last.into_inner().unwrap_or_else(PoisonError::into_inner);
    let running: Vec<_> = last.iter().map(|name| one_line(name)).collect();
    ensure!(
        only_waits.is_some(),
        Failure::invalid(format!(
            "service `{service}` cannot be put on hold: `{}` runs in its container in the place of what it is to start, or beside it. Nothing of its files was copied",
            running.join("`, `")
        ))
        .hint(format!(
            "its repository sets a start command of its own (`railway.json` or `railway.toml`), or its image starts the app whatever it is told. \
             `files: [{{\"service\": \"{service}\", \"mode\": \"empty\"}}]` has it come up without its files"
        ))
    );
    Ok(())
}

/// Gives the apps on hold their own settings back, those of the source as it is now, and keeps in the record which deployments were theirs on hold: these
/// are not the app, whatever Railway says of them. Nothing is deployed. Returns all deployments that count for nothing.
///
/// # Errors
/// As [`Turn::amended`], and when Railway refuses.
pub(crate) async fn end(ctx: &Context, target: &Target, turn: &Turn) -> Result<Vec<DeploymentId>> {
    let (source, copy) = (target.source(), target.environment());
    let held: Vec<_> = copy.service_instances.iter().filter(|service| is_held(copy, service)).collect();
    let mut stale = target.record.held.clone();
    if held.is_empty() {
        return Ok(stale);
    }
    stale.extend(held.iter().filter_map(|service| Some(service.latest_deployment.as_ref()?.id.clone())));
    stale.sort_unstable_by(|a, b| a.as_ref().cmp(b.as_ref()));
    stale.dedup();
    let mut change = turn.amended(ctx, |record| record.held.clone_from(&stale)).await?;
    change.deploy_settings = held.iter().map(|service| (service.service_id.clone(), own(source, service))).collect();
    let changed = ctx.railway.change(&target.project.id, &copy.id, &change).await;
    changed.context("give apps on hold their own settings back")?;
    Ok(stale)
}

/// Whether the configuration of an environment has a service on hold.
fn is_held(environment: &Environment, service: &ServiceInstance) -> bool {
    let config = environment.config.services.get(&service.service_id);
    let command = config.and_then(|config| config.deploy_setting(START));
    command.and_then(Setting::text).is_some_and(|command| command.contains(MARK))
}

fn on_hold() -> DeploySettings {
    let of = |name: &'static str| (name, (name == START).then(|| Setting::of_text(START_COMMAND)));
    SETTINGS.into_iter().map(of).collect()
}

/// What the source has of all that a hold changes.
fn own(source: &Environment, service: &ServiceInstance) -> DeploySettings {
    let config = source.config.services.get(&service.service_id);
    let of = |name: &'static str| (name, config.and_then(|config| config.deploy_setting(name)).cloned());
    SETTINGS.into_iter().map(of).collect()
}
