//! Services: rows of a project, and what of them is in its environments.

use super::{Answer, Model, Service, Start};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Instant;
use uuid::Uuid;

/// A service that is to be made.
#[derive(Debug, Default)]
pub(crate) struct NewService {
    pub(crate) name: String,
    /// Without one, no environment gets it: it is a row of the project and nothing more.
    pub(crate) environment: Option<Uuid>,
    pub(crate) source: Value,
    pub(crate) variables: Value,
}

impl Model {
    /// Makes a service. In an environment that is no fork means in all that are none (the schema's note on
    /// `ServiceCreateInput.environmentId`), and each deploys it at once.
    pub(crate) fn create_service(&mut self, project: Uuid, new: NewService) -> Answer<Uuid> {
        let id = Uuid::new_v4();
        if self.project(project)?.service_named(&new.name).is_some() {
            return Err(super::Refusal(format!("A service named \"{}\" already exists in this project", new.name)));
        }
        let environments = new.environment.map(|one| self.with_those_like_it(one)).transpose()?.unwrap_or_default();
        let row =
            Service { id, name: new.name, created_at: Timestamp::now(), uploaded: false, start: Start::default() };
        self.project_mut(project)?.services.push(row);
        let values = new.variables.as_object().into_iter().flatten();
        let variables: Value = values.map(|(name, value)| (name.clone(), json!({ "value": value }))).collect();
        for environment in environments {
            let one = json!({ "isCreated": true, "source": new.source, "variables": variables });
            self.change(environment, &json!({ "services": { id.to_string(): one } }), true)?;
        }
        Ok(id)
    }

    /// Takes a service out of the environment, if that is a fork, else out of all that are none; a row that is in no
    /// environment any more goes as well.
    pub(crate) fn delete_service(&mut self, service: Uuid, environment: Option<Uuid>) -> Answer<()> {
        let project = self.projects.iter().find(|one| one.service(service).is_ok()).ok_or("Service not found")?;
        let (project, base) = (project.id, project.base_environment_id);
        for id in self.with_those_like_it(environment.unwrap_or(base))? {
            let ports = self.ports.clone();
            let environment = self.environment_mut(id)?;
            environment.config.apply(&json!({ "services": { service.to_string(): null } }));
            environment.settle(&ports, |_| Instant::now());
        }
        let is_elsewhere = self.environments().any(|one| one.instances.contains_key(&service));
        if !is_elsewhere {
            self.project_mut(project)?.services.retain(|one| one.id != service);
        }
        Ok(())
    }

    /// The environment alone, if it is a fork, else every one of its project that is none.
    pub(crate) fn with_those_like_it(&self, environment: Uuid) -> Answer<Vec<Uuid>> {
        if self.environment(environment)?.is_ephemeral {
            return Ok(vec![environment]);
        }
        let all = self.project_of(environment)?.environments.iter();
        Ok(all.filter(|one| !one.is_ephemeral && !one.deleting).map(|one| one.id).collect())
    }
}
