//! What runs in a world at first: production's services, with their data.

use super::refused;
use crate::backend::Backend;
use crate::model::{Model, variables};
use crate::options::ExtraService;
use crate::{deploy, fixture, wordpress};
use anyhow::{Context, Result};
use std::sync::Arc;
use uuid::Uuid;

/// Starts what the first state says is deployed: databases first, the first of them with the fixture in it.
pub(super) async fn start(backend: &Arc<Backend>) -> Result<()> {
    let model = backend.current();
    let data = fixture::data_directory(&backend.runtime.pg_bin, backend.options.fixture_bytes).await?;
    let all: Vec<(Uuid, Uuid)> = model
        .projects
        .iter()
        .flat_map(|project| project.services.iter().map(|service| (project.base_environment_id, service.id)))
        .collect();
    let is_database = |one: &(Uuid, Uuid)| deploy::kind(&model, one.0, one.1) == Ok(deploy::Kind::Database);
    let (databases, others): (Vec<_>, Vec<_>) = all.into_iter().partition(is_database);
    for (position, (environment, service)) in databases.into_iter().enumerate() {
        // The shop's own Postgres stands first.
        let copy_of = (position == 0).then(|| data.clone());
        let variables = variables::rendered(&model, environment, Some(service)).map_err(refused)?;
        deploy::start_database(backend, environment, service, variables, copy_of).await?;
    }
    fill_wordpress(backend, &model).await?;
    for (environment, service) in others {
        deploy::run(backend, environment, service).await?;
    }
    Ok(())
}

/// Gives production's WordPress, if it has one, the data of its site, and what is on its volume.
async fn fill_wordpress(backend: &Arc<Backend>, model: &Model) -> Result<()> {
    let has = |extra| backend.options.extra_services.contains(&extra);
    let is_network = has(ExtraService::WordPressNetwork);
    if !is_network && !has(ExtraService::WordPress) {
        return Ok(());
    }
    let project = &model.projects[0];
    let production = project.base_environment_id;
    let service = |name| project.service_named(name).with_context(|| format!("no `{name}`"));
    let mut data = wordpress::dump(is_network).await?;
    if let Some(files) = backend.options.site_files {
        data += wordpress::USE_THEME;
        let volume = backend.volume_of(production, service("wordpress")?.id)?.context("WordPress has no volume")?;
        tokio::task::spawn_blocking(move || files.fill(&volume)).await??;
    }
    backend.runtime.sql(production, service("MariaDB")?.id, &data)?;
    Ok(())
}
