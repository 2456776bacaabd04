//! Each environment in short, for people and for proofs that nothing changed.

use crate::backend::Backend;
use crate::deploy;
use crate::model::{Environment, HandleKind, Model};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::PathBuf;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EnvironmentState {
    pub id: String,
    pub name: String,
    pub project_id: String,
    pub created_at: Timestamp,
    /// Changes with every setting, staged change, domain, proxy and deployment.
    pub digest: String,
    pub config_hash: String,
    /// The status of each service's latest deployment.
    pub deployments: BTreeMap<String, Option<String>>,
    /// Where each running app answers without the edge.
    pub direct_urls: BTreeMap<String, String>,
    /// Every host name, with its service.
    pub domains: BTreeMap<String, String>,
    /// Each running database without its proxy, as its own login.
    pub database_urls: BTreeMap<String, String>,
    /// The folders on this machine that are the volumes of services which are no databases.
    pub volumes: BTreeMap<String, PathBuf>,
}

pub(crate) fn environments(backend: &Backend) -> Vec<EnvironmentState> {
    let model = backend.current();
    model.environments().map(|environment| state(backend, &model, environment)).collect()
}

fn state(backend: &Backend, model: &Model, environment: &Environment) -> EnvironmentState {
    let mut state = EnvironmentState {
        id: environment.id.to_string(),
        name: environment.name.clone(),
        project_id: environment.project_id.to_string(),
        created_at: environment.created_at,
        digest: digest(environment),
        config_hash: environment.config.etag(),
        deployments: BTreeMap::new(),
        direct_urls: BTreeMap::new(),
        domains: BTreeMap::new(),
        database_urls: BTreeMap::new(),
        volumes: BTreeMap::new(),
    };
    for (service, instance) in &environment.instances {
        let name = model.service_name(environment.id, *service).unwrap_or_default().to_owned();
        let status = instance.latest().and_then(|latest| Some(json!(latest.status).as_str()?.to_owned()));
        state.deployments.insert(name.clone(), status);
        for kind in [HandleKind::ServiceDomain, HandleKind::CustomDomain] {
            let domains = environment.config.keys(*service, kind);
            state.domains.extend(domains.into_iter().map(|domain| (domain, name.clone())));
        }
        if let Some(app) = backend.runtime.app(environment.id, *service) {
            state.direct_urls.insert(name.clone(), format!("http://127.0.0.1:{}", app.port()));
        }
        if deploy::kind(model, environment.id, *service) != Ok(deploy::Kind::Database)
            && let Ok(Some(volume)) = backend.volume_of(environment.id, *service)
        {
            state.volumes.insert(name.clone(), volume);
        }
        if let Some(url) = backend.runtime.database_url(environment.id, *service) {
            state.database_urls.insert(name, url);
        }
    }
    state
}

/// Everything that is a setting, and which deployments there are; not how far they got.
pub(crate) fn digest(environment: &Environment) -> String {
    let instances: Vec<_> = environment
        .instances
        .iter()
        .map(|(service, instance)| {
            let handles: Vec<_> =
                instance.handles.iter().map(|(key, handle)| (key, handle.id, handle.proxy_port)).collect();
            let deployments: Vec<_> = instance.deployments.iter().map(|deployment| deployment.id).collect();
            json!([service, instance.id, instance.auto_deploy, handles, deployments])
        })
        .collect();
    let staged = environment.staged.as_ref().map(|patch| &patch.changes);
    let all = json!([environment.name, environment.config.etag(), staged, environment.patches.len(), instances]);
    Sha256::digest(all.to_string()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
