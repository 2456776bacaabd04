//! Changes of an environment's configuration: staged, committed, or by variable; most of them deploy what they change.

use super::config::{count_changes, merge_patches};
use super::{Answer, HandleKind, Model, Patch};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::time::Instant;
use uuid::Uuid;

impl Model {
    pub(crate) fn stage(&mut self, environment: Uuid, changes: Value, merge: bool) -> Answer<Patch> {
        let environment = self.environment_mut(environment)?;
        let staged = match environment.staged.take() {
            Some(mut before) if merge => {
                merge_patches(&mut before.changes, &changes);
                before
            }
            _ => Patch::new(changes, None),
        };
        environment.staged = Some(staged.clone());
        Ok(staged)
    }

    /// Deploys what it changes; equal to what is there, it does nothing and says nothing.
    pub(crate) fn commit(&mut self, environment: Uuid, changes: Value, message: Option<String>) -> Answer<Uuid> {
        self.apply_patch(environment, Patch::new(changes, message), true)
    }

    pub(crate) fn commit_staged(
        &mut self,
        environment: Uuid,
        message: Option<String>,
        skip_deploys: bool,
    ) -> Answer<Uuid> {
        let staged = self.environment(environment)?.staged.clone();
        let mut staged = staged.ok_or("No staged changes to commit")?;
        staged.message = message.or(staged.message);
        let id = self.apply_patch(environment, staged, !skip_deploys)?;
        self.environment_mut(environment)?.staged = None;
        Ok(id)
    }

    fn apply_patch(&mut self, environment: Uuid, mut patch: Patch, deploy: bool) -> Answer<Uuid> {
        self.change(environment, &patch.changes, deploy)?;
        patch.applied_at = Some(Timestamp::now());
        let id = patch.id;
        self.environment_mut(environment)?.patches.push(patch);
        Ok(id)
    }

    /// Every change of settings goes through here.
    pub(crate) fn change(&mut self, environment: Uuid, changes: &Value, deploy: bool) -> Answer<()> {
        self.refuse_unknown_services(environment, changes)?;
        let changes = &self.with_own_domains(environment, changes.clone())?;
        self.refuse_taken_domains(environment, changes)?;
        let ports = self.ports.clone();
        let target = self.environment_mut(environment)?;
        let before = target.config.clone();
        target.config.apply(changes);
        let changed = target.config.services_changed_since(&before);
        if target.config != before {
            target.settle(&ports, |_| Instant::now());
        }
        if deploy {
            self.deploy_those_that_can(environment, changed);
        }
        Ok(())
    }

    /// A service must be one of the project's, and in the environment already unless the change brings it there.
    fn refuse_unknown_services(&self, environment: Uuid, changes: &Value) -> Answer<()> {
        let project = self.project_of(environment)?;
        let instances = &self.environment(environment)?.instances;
        for (id, change) in changes["services"].as_object().into_iter().flatten() {
            let id = Uuid::parse_str(id).map_err(|_| "Service not found")?;
            project.service(id)?;
            if !instances.contains_key(&id) && change["isCreated"] != true {
                return Err("ServiceInstance not found".into());
            }
        }
        Ok(())
    }

    /// A service that comes into an environment as a copy brings the domains of where it was; it gets others.
    fn with_own_domains(&self, environment: Uuid, mut changes: Value) -> Answer<Value> {
        let name = &self.environment(environment)?.name;
        let services = changes.get_mut("services").and_then(Value::as_object_mut);
        for (id, change) in services.into_iter().flatten() {
            let (Ok(service), true) = (Uuid::parse_str(id), change["isCreated"] == true) else { continue };
            let Some(networking) = change.get_mut("networking").and_then(Value::as_object_mut) else { continue };
            networking.remove("customDomains");
            if let Some(Value::Object(domains)) = networking.remove("serviceDomains")
                && let Some(setting) = domains.into_values().next()
            {
                let label = self.free_label(service, environment, name);
                networking.insert("serviceDomains".to_owned(), json!({ label: setting }));
            }
        }
        Ok(changes)
    }

    fn refuse_taken_domains(&self, environment: Uuid, changes: &Value) -> Answer<()> {
        for (service, change) in changes["services"].as_object().into_iter().flatten() {
            for kind in [HandleKind::ServiceDomain, HandleKind::CustomDomain] {
                let at = if kind == HandleKind::ServiceDomain { "serviceDomains" } else { "customDomains" };
                for (domain, value) in change["networking"][at].as_object().into_iter().flatten() {
                    let owner = self.owner_of_domain(domain);
                    let ours = owner.is_some_and(|(id, owner)| id == environment && owner.to_string() == *service);
                    if !value.is_null() && !ours {
                        self.refuse_taken_domain(domain)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Sets variables of a service, or shared ones; `replace` removes those not named.
    pub(crate) fn set_variables(
        &mut self,
        environment: Uuid,
        service: Option<Uuid>,
        values: &Map<String, Value>,
        replace: bool,
        deploy: bool,
    ) -> Answer<()> {
        let before = self.environment(environment)?.config.variables(service);
        let mut changes: Map<String, Value> = Map::new();
        if replace {
            changes.extend(before.keys().map(|name| (name.clone(), Value::Null)));
        }
        for (name, value) in values {
            let value = match value {
                Value::Null => Value::Null,
                Value::String(text) => json!({ "value": text }),
                other => json!({ "value": other.to_string() }),
            };
            changes.insert(name.clone(), value);
        }
        self.change_variables(environment, service, &Value::Object(changes), deploy)
    }

    pub(crate) fn change_variables(
        &mut self,
        environment: Uuid,
        service: Option<Uuid>,
        changes: &Value,
        deploy: bool,
    ) -> Answer<()> {
        let patch = match service {
            Some(id) => json!({ "services": { id.to_string(): { "variables": changes } } }),
            None => json!({ "sharedVariables": changes }),
        };
        self.change(environment, &patch, deploy)
    }

    /// The settings that `serviceInstanceUpdate` writes; they take effect with the next deployment.
    pub(crate) fn update_instance(
        &mut self,
        environment: Uuid,
        service: Uuid,
        input: &Map<String, Value>,
    ) -> Answer<()> {
        const BUILD: [&str; 5] = ["builder", "buildCommand", "dockerfilePath", "nixpacksPlan", "watchPatterns"];
        self.environment(environment)?.instance(service)?;
        let (mut deploy, mut build, mut source) = (Map::new(), Map::new(), Value::Object(Map::new()));
        for (name, value) in input {
            match name.as_str() {
                "source" => source = value.clone(),
                "rootDirectory" => source["rootDirectory"] = value.clone(),
                name if BUILD.contains(&name) => drop(build.insert(name.to_owned(), value.clone())),
                _ => drop(deploy.insert(name.clone(), value.clone())),
            }
        }
        let change = json!({ "source": source, "deploy": deploy, "build": build });
        self.change(environment, &json!({ "services": { service.to_string(): change } }), false)
    }
}

impl super::Environment {
    pub(crate) fn unmerged_changes(&self) -> usize {
        self.staged.as_ref().map_or(0, |patch| count_changes(&patch.changes))
    }
}
