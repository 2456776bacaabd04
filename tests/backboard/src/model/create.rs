//! Environments come, are renamed and go; and what a copy takes over from its source.

use super::config::Config;
use super::{Answer, Effect, Environment, HandleKind, Instance, Model, Patch, ReservedName, domains};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Instant;
use uuid::Uuid;

pub(crate) const NAME_TAKEN: &str = "An environment with that name already exists";

#[derive(Debug, Default)]
pub(crate) struct NewEnvironment {
    pub(crate) name: String,
    pub(crate) source: Option<Uuid>,
    pub(crate) skip_initial_deploys: bool,
    pub(crate) stage_initial_changes: bool,
    pub(crate) is_ephemeral: bool,
}

impl Model {
    pub(crate) fn create_environment(&mut self, project: Uuid, new: NewEnvironment) -> Answer<Uuid> {
        self.refuse_taken_name(project, &new.name)?;
        let source = new.source.map(|id| self.environment(id).cloned()).transpose()?;
        let config = source.as_ref().map(|source| self.copied_config(source, &new.name)).unwrap_or_default();
        let id = Uuid::new_v4();
        let mut environment = Environment {
            id,
            project_id: project,
            name: new.name,
            created_at: Timestamp::now(),
            updated_at: Timestamp::now(),
            is_ephemeral: new.is_ephemeral,
            source_environment_id: new.source,
            config: Config::default(),
            staged: None,
            patches: Vec::new(),
            instances: BTreeMap::new(),
            deleting: false,
        };
        if new.stage_initial_changes {
            environment.staged = Some(Patch::new(config.shown(true), None));
        } else {
            environment.config = config;
            let lag = self.habits.lag;
            let now = Instant::now();
            environment.settle(&self.ports, |position| now + lag + lag.mul_f64((position + 1) as f64 / 3.0));
        }
        let services: Vec<Uuid> = environment.instances.keys().copied().collect();
        self.project_mut(project)?.environments.push(environment);
        if !new.skip_initial_deploys && !new.stage_initial_changes {
            self.deploy_those_that_can(id, services);
        }
        Ok(id)
    }

    /// The source's configuration with domains of the copy's own.
    fn copied_config(&self, source: &Environment, name: &str) -> Config {
        let mut config = source.config.for_copy(self.habits.clone_tcp_proxies);
        for service in source.config.service_ids() {
            for path in &self.habits.copy_forgets {
                let forgotten = path.rsplit('.').fold(Value::Null, |inner, key| json!({ key: inner }));
                config.apply(&json!({ "services": { service.to_string(): forgotten } }));
            }
            let before = source.config.keys(service, super::HandleKind::ServiceDomain);
            let Some(domain) = before.first() else { continue };
            let port = source.config.service(service)["networking"]["serviceDomains"][domain].clone();
            let label = self.free_label(service, source.id, name);
            config.apply(&domains::patch_of(service, super::HandleKind::ServiceDomain, &label, &port));
        }
        config
    }

    pub(crate) fn rename_environment(&mut self, id: Uuid, name: &str) -> Answer<()> {
        let project = self.environment(id)?.project_id;
        if self.environment(id)?.name != name {
            self.refuse_taken_name(project, name)?;
        }
        let environment = self.environment_mut(id)?;
        name.clone_into(&mut environment.name);
        environment.updated_at = Timestamp::now();
        Ok(())
    }

    /// Starts a deletion; the environment stays to be seen until [`Model::forget_environment`].
    pub(crate) fn delete_environment(&mut self, id: Uuid) -> Answer<()> {
        self.environment_mut(id)?.deleting = true;
        self.effects.push(Effect::RemoveEnvironment { environment: id });
        Ok(())
    }

    pub(crate) fn forget_environment(&mut self, id: Uuid) {
        let until = Instant::now() + self.habits.name_reserved;
        for project in &mut self.projects {
            if let Some(position) = project.environments.iter().position(|environment| environment.id == id) {
                let gone = project.environments.remove(position);
                // Nothing says that they are free again, so here they are not.
                let left = gone.instances.keys().flat_map(|one| gone.config.keys(*one, HandleKind::CustomDomain));
                self.foreign_domains.extend(left);
                self.reserved_names.push(ReservedName { project_id: project.id, name: gone.name, until });
            }
        }
    }

    fn refuse_taken_name(&self, project: Uuid, name: &str) -> Answer<()> {
        let now = Instant::now();
        let reserved =
            self.reserved_names.iter().any(|one| one.project_id == project && one.name == name && one.until > now);
        if reserved || self.project(project)?.environment_named(name).is_some() {
            return Err(NAME_TAKEN.into());
        }
        Ok(())
    }

    /// A volume's id is the same in every environment, so this takes it from all of them.
    pub(crate) fn delete_volume(&mut self, volume: Uuid) -> Answer<()> {
        let project = self.projects.iter_mut().find(|project| project.volumes.contains_key(&volume));
        let project = project.ok_or("Volume not found")?;
        project.volumes.remove(&volume);
        for environment in &mut project.environments {
            for service in environment.config.service_ids() {
                environment.config.apply(&serde_json::json!({
                    "services": { service.to_string(): { "volumeMounts": { volume.to_string(): null } } },
                    "volumes": { volume.to_string(): null },
                }));
            }
            environment.settle(&self.ports, |_| Instant::now());
        }
        Ok(())
    }
}

impl Patch {
    pub(crate) fn new(changes: serde_json::Value, message: Option<String>) -> Self {
        Patch { id: Uuid::new_v4(), created_at: Timestamp::now(), message, changes, applied_at: None }
    }
}

impl Instance {
    pub(crate) fn latest(&self) -> Option<&super::Deployment> {
        self.deployments.last()
    }
}
