//! Databases that are added to an environment: by Railway's templates, in that environment alone, and none that is there already.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::contract::deploy_request::Database;
use crate::contract::ids::{EnvironmentId, ProjectId};
use crate::environment::deployments::{self, Site};
use crate::environment::services::is_called;
use crate::error::Failure;
use crate::railway::{Deploy, Environment, Project, ServiceInstance, TemplateName, Weight};
use crate::running::context::Context;

/// How long Railway may take to make a template's services, and how long they may stay invisible.
const MADE_WITHIN: Duration = Duration::from_mins(3);

/// How long a database may take to start.
const UP: Duration = Duration::from_mins(10);

/// Those of `wanted` that an environment does not have.
pub(crate) fn missing(environment: &Environment, wanted: &[Database]) -> Vec<Database> {
    let is_there = |database: &Database| environment.service_instances.iter().any(|service| is_of(service, *database));
    let mut missing: Vec<_> = wanted.iter().filter(|database| !is_there(database)).copied().collect();
    missing.sort_unstable();
    missing.dedup();
    missing
}

/// Whether a service is a server of this kind, as its image is called.
fn is_of(service: &ServiceInstance, database: Database) -> bool {
    let names: &[&str] = match database {
        Database::Postgres => &["postgres", "postgis", "pgvect", "timescaledb"],
        Database::Mysql => &["mysql", "percona"],
        Database::Redis => &["redis", "valkey", "keydb", "dragonfly"],
        Database::Mariadb => &["mariadb"],
    };
    names.iter().any(|name| is_called(service, name))
}

/// Refuses to commit what somebody else has staged: it would be committed along.
///
/// # Errors
/// [`crate::error::Exit::Invalid`].
pub(crate) async fn ensure_nothing_staged(ctx: &Context, environment: &Environment) -> Result<()> {
    let staged = ctx.railway.unmerged_changes(&environment.id).await?;
    let message = format!("`environment`: in `{}` changes are staged that would be committed along", environment.name);
    ensure!(staged == 0, Failure::invalid(message).hint("commit or discard them in Railway's dashboard"));
    Ok(())
}

/// Adds databases, staged and committed without a deployment; the project as it is then, and the names of the new services.
///
/// # Errors
/// When Railway has no such template, or its services do not appear.
pub(crate) async fn add(
    ctx: &Context,
    project_id: &ProjectId,
    environment_id: &EnvironmentId,
    databases: &[Database],
) -> Result<()> {
    for database in databases {
        let word = database.word();
        let id = ctx.policy.deploy.template_of(*database);
        let name = id.map_or(TemplateName::Code(word), TemplateName::Id);
        let template =
            ctx.railway.template(name).await.with_context(|| format!("fetch Railway's template for {word}"))?;
        let workflow = ctx.railway.stage_template(project_id, environment_id, &template).await;
        let workflow = workflow.with_context(|| format!("add {word}"))?;
        if let Some(workflow) = workflow {
            let look = || async { Ok(ctx.railway.is_workflow_done(&workflow).await?.then_some(())) };
            ctx.until("Railway's template", MADE_WITHIN, Duration::from_secs(1), look).await?;
        }
        ctx.railway.commit_staged(environment_id).await?;
        tracing::info!("added {word}");
    }
    Ok(())
}

/// Reads the project until its environment has all of these databases.
///
/// # Errors
/// [`crate::error::Exit::Deadline`] when it does not show them.
pub(crate) async fn shown(ctx: &Context, site: Site<'_>, databases: &[Database]) -> Result<Project> {
    let look = || async {
        let project = ctx.railway.project(&site.project.id, Weight::Poll).await?;
        let is_shown =
            project.environment_by_id(&site.environment.id).is_some_and(|e| missing(e, databases).is_empty());
        Ok(is_shown.then_some(project))
    };
    ctx.until("the databases that were added", MADE_WITHIN, Duration::from_millis(500), look).await
}

/// Deploys those of the databases that were never deployed, and waits for them.
///
/// # Errors
/// As [`deployments::deploy`].
pub(crate) async fn start(ctx: &Context, site: Site<'_>, databases: &[Database], logs: bool) -> Result<Vec<String>> {
    let is_new = |service: &&ServiceInstance| service.latest_deployment.is_none();
    let asked = |service: &&ServiceInstance| databases.iter().any(|database| is_of(service, *database));
    let new: Vec<_> = site.environment.service_instances.iter().filter(is_new).filter(asked).collect();
    let deploys = new.iter().map(|service| Deploy { service_id: service.service_id.clone(), commit: None }).collect();
    deployments::deploy(ctx, site, deploys, UP, logs).await.context("deploy the databases that were added")?;
    Ok(new.iter().map(|service| service.service_name.clone()).collect())
}
