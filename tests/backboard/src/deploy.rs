//! The life of a deployment, and the end of an environment.

use crate::DeploymentStatus;
use crate::app::App;
use crate::backend::Backend;
use crate::caddy::{Caddy, is_caddy};
use crate::database::{Database, Image};
use crate::model::config::Config;
use crate::model::deployments::LogLine;
use crate::model::variables::{self, Variables};
use crate::model::{Answer, HandleKind, Model, Start};
use crate::relay::{Inside, is_of_shell};
use crate::runtime::Running;
use crate::upload::Files;
use crate::wordpress::{self, Site, is_wordpress};
use anyhow::{Result, ensure};
use std::path::PathBuf;
use std::sync::Arc;
use uuid::Uuid;

/// What a service instance is when it runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Database,
    App,
    /// Caddy, with a start command.
    Caddy,
    WordPress,
    /// A schedule's job, or an image that nobody here looks into.
    Quiet,
}

/// The command that a service's container starts with, be it its settings' or its repository's.
fn start_command(model: &Model, environment: Uuid, service: Uuid) -> Option<String> {
    let row = model.project_of(environment).and_then(|project| project.service(service)).ok()?;
    if let Start::ByItself(command) = &row.start {
        return Some(command.clone());
    }
    let config = &model.environment(environment).ok()?.config;
    config.text(service, "/deploy/startCommand").map(str::to_owned)
}

/// Refuses what Railway's own machines cannot start.
fn ensure_starts(model: &Model, environment: Uuid, service: Uuid) -> Result<()> {
    let row = model.project_of(environment).and_then(|project| project.service(service));
    let has_shell = row.is_ok_and(|row| row.start != Start::WithoutShell);
    let wants_shell = start_command(model, environment, service).is_some_and(|command| is_of_shell(&command));
    ensure!(has_shell || !wants_shell, "exec: \"sh\": executable file not found in $PATH");
    Ok(())
}

pub(crate) fn kind(model: &Model, environment: Uuid, service: Uuid) -> Answer<Kind> {
    let uploaded =
        model.project_of(environment)?.service(service)?.uploaded || files(model, environment, service).is_some();
    let config = &model.environment(environment)?.config;
    Ok(match config.text(service, "/source/image") {
        Some(image) if Image::of(image).is_some() => Kind::Database,
        Some(image) if is_caddy(image) && config.text(service, "/deploy/startCommand").is_some() => Kind::Caddy,
        // It runs what it is told in the place of what it is.
        _ if start_command(model, environment, service).is_some_and(|command| is_of_shell(&command)) => Kind::Quiet,
        Some(image) if is_wordpress(image) => Kind::WordPress,
        _ if config.text(service, "/deploy/cronSchedule").is_some() => Kind::Quiet,
        _ if uploaded || config.text(service, "/source/repo").is_some() => Kind::App,
        _ => Kind::Quiet,
    })
}

/// What was uploaded for the deployment that is to run.
fn files(model: &Model, environment: Uuid, service: Uuid) -> Option<Arc<Files>> {
    model.environment(environment).ok()?.instance(service).ok()?.latest()?.files.clone()
}

/// Takes a deployment through its states.
pub(crate) async fn deploy(backend: Arc<Backend>, environment: Uuid, service: Uuid, deployment: Uuid) {
    let model = backend.current();
    let instance = model.environment(environment).and_then(|one| one.instance(service));
    let again = backend.options.redeploy_time.filter(|_| instance.is_ok_and(|one| one.deployments.len() > 1));
    let part = again.unwrap_or(backend.options.deploy_time) / 3;
    let Ok(name) = model.service_name(environment, service).map(str::to_owned) else { return };
    drop(model);
    tokio::time::sleep(part).await;
    set(&backend, deployment, DeploymentStatus::Building, |one| one.build_log.push(LogLine::now("Building")));
    tokio::time::sleep(part).await;
    let ordered = backend.runtime.take_outcome(&name);
    if let Some(outcome) = &ordered
        && outcome.status == DeploymentStatus::Failed
    {
        let lines = outcome.log.iter().map(LogLine::now).collect::<Vec<_>>();
        return set(&backend, deployment, DeploymentStatus::Failed, |one| one.build_log.extend(lines));
    }
    set(&backend, deployment, DeploymentStatus::Deploying, |one| one.log.push(LogLine::now("Starting Container")));
    if let Some(outcome) = ordered {
        tokio::time::sleep(part).await;
        let lines = outcome.log.iter().map(LogLine::now).collect::<Vec<_>>();
        set(&backend, deployment, outcome.status, |one| one.log.extend(lines));
        // What crashes had come up, and what ran before was taken away for it.
        backend.change(|model| Arc::make_mut(model).retire_before(environment, service, deployment));
        return;
    }
    let started = run(&backend, environment, service).await;
    tokio::time::sleep(part).await;
    match started {
        Ok(said) => {
            set(&backend, deployment, DeploymentStatus::Success, |one| one.log.push(LogLine::now(said)));
            backend.change(|model| {
                let model = Arc::make_mut(model);
                model.retire_before(environment, service, deployment);
                if let Ok(environment) = model.environment_mut(environment) {
                    environment.let_proxies_act(service);
                }
            });
        }
        Err(error) => {
            let line = LogLine::now(format!("{error:#}"));
            set(&backend, deployment, DeploymentStatus::Crashed, |one| one.log.push(line));
        }
    }
}

fn set(
    backend: &Arc<Backend>,
    deployment: Uuid,
    status: DeploymentStatus,
    note: impl FnOnce(&mut crate::model::deployments::Deployment),
) {
    backend.change(|model| {
        Arc::make_mut(model).with_deployment(deployment, |one| {
            one.status = status;
            note(one);
        });
    });
}

/// Starts what the instance is; the container gets the variables of this moment.
pub(crate) async fn run(backend: &Arc<Backend>, environment: Uuid, service: Uuid) -> Result<String> {
    let model = backend.current();
    let gone = |refusal: crate::model::Refusal| anyhow::anyhow!("{refusal}");
    let kind = kind(&model, environment, service).map_err(gone)?;
    ensure_starts(&model, environment, service)?;
    let variables = variables::rendered(&model, environment, Some(service)).map_err(gone)?;
    let files = files(&model, environment, service);
    let settings = model.environment(environment).map_err(gone)?.config.clone();
    drop(model);
    let of_container = variables.clone();
    let said = match kind {
        Kind::Caddy => {
            let start = settings.text(service, "/deploy/startCommand").unwrap_or_default();
            let caddy = Caddy::start(backend, environment, start, variables).await?;
            replace(backend, environment, service, Running::Caddy(Box::new(caddy)));
            "serving".to_owned()
        }
        Kind::WordPress => {
            let volumes = volumes(backend, &settings, environment, service)?;
            let site = Site::start(backend, environment, variables, volumes).await?;
            replace(backend, environment, service, Running::WordPress(Box::new(site)));
            "resuming normal operations".to_owned()
        }
        Kind::Quiet => {
            backend.runtime.stop_service(environment, service);
            "started".to_owned()
        }
        Kind::App => {
            let app = App::start(backend, environment, variables, files).await?;
            let port = app.port();
            replace(backend, environment, service, Running::App(app));
            format!("listening on port {port}")
        }
        Kind::Database => {
            // One that runs is stopped first: a volume is in one container at a time.
            if let Some(database) = backend.runtime.take_database(environment, service) {
                let database = database.restart().await?;
                replace(backend, environment, service, Running::database(database));
                open(backend, environment, service, variables)?;
            } else {
                start_database(backend, environment, service, variables, None).await?;
            }
            return Ok("ready to accept connections".to_owned());
        }
    };
    // A schedule's job runs when its time has come.
    if settings.text(service, "/deploy/cronSchedule").is_none() {
        open(backend, environment, service, of_container)?;
    }
    Ok(said)
}

/// Gives what has started its inside, which the relay leads into.
fn open(backend: &Arc<Backend>, environment: Uuid, service: Uuid, variables: Variables) -> Result<()> {
    let model = backend.current();
    let Ok(config) = model.environment(environment).map(|one| one.config.clone()) else { return Ok(()) };
    let working_folder = match config.text(service, "/source/image") {
        Some(image) if is_wordpress(image) => wordpress::FOLDER,
        Some(_) => "/",
        None => "/app",
    };
    let start_command = start_command(&model, environment, service);
    let inside = Inside {
        variables,
        volumes: volumes(backend, &config, environment, service)?,
        working_folder: working_folder.to_owned(),
        start_command,
        limit: None,
        user: None,
        only_busybox: false,
    };
    backend.runtime.containers.start(environment, service, inside);
    Ok(())
}

/// The mount paths of a service's volumes, and the folders that they are here.
fn volumes(backend: &Backend, config: &Config, environment: Uuid, service: Uuid) -> Result<Vec<(String, PathBuf)>> {
    let mut volumes = Vec::new();
    for volume in config.keys(service, HandleKind::VolumeMount) {
        let Some(path) = config.text(service, &format!("/volumeMounts/{volume}/mountPath")) else { continue };
        let folder = match backend.runtime.database_folder(environment, service) {
            Some(folder) => folder,
            None => backend.runtime.containers.volume(environment, &volume)?,
        };
        volumes.push((path.to_owned(), folder));
    }
    Ok(volumes)
}

/// Starts a database on an empty volume, or on a copy of loaded data.
pub(crate) async fn start_database(
    backend: &Arc<Backend>,
    environment: Uuid,
    service: Uuid,
    variables: Variables,
    copy_of: Option<PathBuf>,
) -> Result<()> {
    let model = backend.current();
    let config = model.environment(environment).ok().map(|one| &one.config);
    let image = config.and_then(|config| config.text(service, "/source/image")).unwrap_or_default();
    let database = Database::start(backend, image, &variables, copy_of).await?;
    replace(backend, environment, service, Running::database(database));
    open(backend, environment, service, variables)
}

/// Puts what was started in its place, unless the environment has gone meanwhile.
fn replace(backend: &Arc<Backend>, environment: Uuid, service: Uuid, running: Running) {
    let mut all = backend.runtime.running();
    let model = backend.current();
    let wanted = model.environment(environment).is_ok_and(|one| !one.deleting && one.instances.contains_key(&service));
    let unwanted = if wanted { all.insert((environment, service), running) } else { Some(running) };
    drop(all);
    if let Some(unwanted) = unwanted {
        unwanted.stop();
    }
    backend.runtime.match_proxies(&model);
}

/// The end of an environment: seen for a while still, then gone with all that ran in it.
pub(crate) async fn remove_environment(backend: Arc<Backend>, environment: Uuid) {
    tokio::time::sleep(backend.options.delete_time).await;
    let of_stop = backend.clone();
    // A panic in there would be a bug of ours; the environment is taken off the list all the same.
    tokio::task::spawn_blocking(move || of_stop.runtime.stop_environment(environment)).await.ok();
    backend.change(|model| Arc::make_mut(model).forget_environment(environment));
}
