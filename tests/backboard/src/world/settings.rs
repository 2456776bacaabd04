//! Changes that a test makes behind Railway's back; the journal does not see them.

use super::{World, refused};
use crate::model::create::NewEnvironment;
use crate::model::services::NewService;
use crate::model::usage::Used;
use crate::model::{HandleKind, domains};
use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

impl World {
    /// Sets a variable of a service, or, without one, a shared one; nothing is deployed.
    pub fn set_variable(&self, environment: &str, service: Option<&str>, name: &str, value: &str) -> Result<()> {
        self.patch_variable(environment, service, name, &json!({ "value": value }))
    }

    pub fn remove_variable(&self, environment: &str, service: Option<&str>, name: &str) -> Result<()> {
        self.patch_variable(environment, service, name, &Value::Null)
    }

    /// Makes a variable a sealed one with this value.
    pub fn seal_variable(&self, environment: &str, service: &str, name: &str, value: &str) -> Result<()> {
        self.patch_variable(environment, Some(service), name, &json!({ "value": value, "isSealed": true }))
    }

    /// Makes a variable that all services of an environment share a sealed one with this value.
    pub fn seal_shared_variable(&self, environment: &str, name: &str, value: &str) -> Result<()> {
        self.patch_variable(environment, None, name, &json!({ "value": value, "isSealed": true }))
    }

    fn patch_variable(&self, environment: &str, service: Option<&str>, name: &str, change: &Value) -> Result<()> {
        let (id, service) = (self.find(environment)?, service.map(|name| self.find_service(name)).transpose()?);
        self.change(|model| model.change_variables(id, service, &json!({ name: change }), false))
    }

    /// Gives a service a schedule, or takes it away.
    pub fn set_cron(&self, environment: &str, service: &str, schedule: Option<&str>) -> Result<()> {
        self.change_service(environment, service, &json!({ "deploy": { "cronSchedule": schedule } }))
    }

    /// Merges a change into a service's part of the configuration; `null` removes.
    pub fn change_service(&self, environment: &str, service: &str, change: &Value) -> Result<()> {
        let (id, service) = (self.find(environment)?, self.find_service(service)?);
        self.change(|model| model.change(id, &json!({ "services": { service.to_string(): change } }), false))
    }

    /// Gives the `Postgres` of an environment its TCP proxy, or takes it away.
    pub fn set_tcp_proxy(&self, environment: &str, on: bool) -> Result<()> {
        let proxy = if on { json!({}) } else { Value::Null };
        self.change_service(environment, "Postgres", &json!({ "networking": { "tcpProxies": { "5432": proxy } } }))?;
        let (id, service) = (self.find(environment)?, self.find_service("Postgres")?);
        self.change(|model| {
            model.environment_mut(id)?.let_proxies_act(service);
            Ok(())
        })
    }

    /// Makes a bucket and puts an instance of it into an environment, as `railway bucket create` does; gives its id.
    pub fn add_bucket(&self, environment: &str, name: &str, region: &str) -> Result<String> {
        let (id, bucket) = (self.find(environment)?, Uuid::new_v4());
        self.backend.change(|model| Arc::make_mut(model).projects[0].buckets.insert(bucket, name.to_owned()));
        self.change_bucket(id, bucket, &json!({ "region": region, "isCreated": true }))?;
        Ok(bucket.to_string())
    }

    /// Takes a bucket's instance out of an environment, as `railway bucket delete` does.
    pub fn delete_bucket(&self, environment: &str, bucket: &str) -> Result<()> {
        self.change_bucket(self.find(environment)?, Uuid::parse_str(bucket)?, &json!({ "isDeleted": true }))
    }

    fn change_bucket(&self, environment: Uuid, bucket: Uuid, change: &Value) -> Result<()> {
        self.change(|model| model.change(environment, &json!({ "buckets": { bucket.to_string(): change } }), false))
    }

    /// Attaches a custom domain whose DNS records are there already, or are not.
    pub fn add_custom_domain(&self, environment: &str, service: &str, domain: &str, verified: bool) -> Result<()> {
        let (id, service) = (self.find(environment)?, self.find_service(service)?);
        self.change(|model| {
            model.change(id, &domains::patch_of(service, HandleKind::CustomDomain, domain, &json!({})), false)?;
            let key = HandleKind::CustomDomain.key(domain);
            let handles = &mut model.environment_mut(id)?.instance_mut(service)?.handles;
            if let Some(handle) = handles.get_mut(&key) {
                handle.verified = verified;
                handle.certificate = if verified { "VALID" } else { "VALIDATING_OWNERSHIP" };
            }
            Ok(())
        })
    }

    /// Lets Railway see this in the DNS of a custom domain, and come this far with its certificate.
    pub fn see_dns(
        &self,
        environment: &str,
        domain: &str,
        seen: &str,
        verified: bool,
        certificate: &'static str,
    ) -> Result<()> {
        let id = self.find(environment)?;
        self.change(|model| {
            let key = HandleKind::CustomDomain.key(domain);
            let mut handles = model.environment_mut(id)?.instances.values_mut();
            let handle = handles.find_map(|instance| instance.handles.get_mut(&key)).ok_or("Domain not found")?;
            (handle.seen, handle.verified, handle.certificate) = (Some(seen.to_owned()), verified, certificate);
            Ok(())
        })
    }

    /// The environment that has a domain.
    pub fn owner_of_domain(&self, domain: &str) -> Option<String> {
        let model = self.backend.current();
        let (environment, _) = model.owner_of_domain(domain)?;
        Some(model.environment(environment).ok()?.name.clone())
    }

    /// Makes a service that is in no environment, as it has been for this long.
    pub fn add_service_row(&self, name: &str, age: Duration) -> Result<()> {
        let project = Uuid::parse_str(&self.project_id())?;
        let created_at = Timestamp::now().checked_sub(age).context("subtract the age")?;
        self.change(|model| {
            let id = model.create_service(project, NewService { name: name.to_owned(), ..NewService::default() })?;
            let mut services = model.project_mut(project)?.services.iter_mut();
            services.find(|one| one.id == id).ok_or("Service not found")?.created_at = created_at;
            Ok(())
        })
    }

    /// Puts a service, as it is in one environment, into another.
    pub fn add_instance(&self, environment: &str, service: &str) -> Result<()> {
        self.change_service(environment, service, &json!({ "isCreated": true }))
    }

    /// Makes a domain one of somebody else's.
    pub fn take_domain(&self, domain: &str) {
        self.backend.change(|model| Arc::make_mut(model).foreign_domains.insert(domain.to_owned()));
    }

    /// Makes an undeployed copy of production that has been there for `age`; gives its id.
    pub fn create_environment(&self, name: &str, age: Duration) -> Result<String> {
        let source = self.find("production")?;
        let project = Uuid::parse_str(&self.project_id())?;
        let new = NewEnvironment {
            name: name.to_owned(),
            source: Some(source),
            skip_initial_deploys: true,
            ..NewEnvironment::default()
        };
        let created_at = Timestamp::now().checked_sub(age).context("subtract the age")?;
        let created = self.backend.change(|model| {
            let model = Arc::make_mut(model);
            let id = model.create_environment(project, new)?;
            let environment = model.environment_mut(id)?;
            (environment.created_at, environment.updated_at) = (created_at, created_at);
            for instance in environment.instances.values_mut() {
                instance.visible_at = std::time::Instant::now();
            }
            Ok(id)
        });
        created.map(|id: Uuid| id.to_string()).map_err(refused)
    }

    /// Makes an environment one that was not made as a copy.
    pub fn forget_source(&self, environment: &str) -> Result<()> {
        let id = self.find(environment)?;
        self.change(|model| {
            model.environment_mut(id)?.source_environment_id = None;
            Ok(())
        })
    }

    /// Counts some use of an environment, by a service or by its volumes.
    pub fn use_up(&self, environment: &str, service: Option<&str>, measurement: &str, value: f64) -> Result<()> {
        let (project, environment) = (Uuid::parse_str(&self.project_id())?, self.find(environment)?);
        let service = service.map(|name| self.find_service(name)).transpose()?;
        let used = Used { project, environment, service, measurement: measurement.to_owned(), value };
        self.backend.change(|model| Arc::make_mut(model).usage.used.push(used));
        Ok(())
    }

    /// Lets every volume of an environment hold this much.
    pub fn fill_volumes(&self, environment: &str, mb: f64) -> Result<()> {
        let id = self.find(environment)?;
        self.change(|model| {
            let handles = model.environment(id)?.instances.values().flat_map(|instance| &instance.handles);
            let volumes = handles.filter(|(key, _)| key.starts_with(HandleKind::VolumeMount.prefix()));
            let ids: Vec<_> = volumes.map(|(_, handle)| handle.id).collect();
            model.usage.volume_mb.extend(ids.into_iter().map(|id| (id, mb)));
            Ok(())
        })
    }

    /// Sets Railway's clock ahead of the machine's, as its answers tell; without a value they tell no time.
    pub fn set_clock(&self, ahead: Option<SignedDuration>) {
        self.backend.set_clock(ahead);
    }

    /// Lets a seed decide which of the requests that wait is answered next, and how old a state each read gets to see;
    /// without one they are answered as they come.
    pub fn set_order(&self, seed: Option<u64>) {
        self.backend.order.set(seed);
    }

    /// Forgets every environment of the project but its base environment, and all that runs in them.
    pub fn forget_copies(&self) {
        let project = &self.backend.current().projects[0];
        let copies = project.environments.iter().map(|one| one.id).filter(|id| *id != project.base_environment_id);
        for id in copies.collect::<Vec<_>>() {
            self.backend.runtime.stop_environment(id);
            self.backend.change(|model| Arc::make_mut(model).forget_environment(id));
        }
    }

    /// Forgets one environment, and all that runs in it.
    pub fn forget_environment(&self, environment: &str) -> Result<()> {
        let id = self.find(environment)?;
        self.backend.runtime.stop_environment(id);
        self.backend.change(|model| Arc::make_mut(model).forget_environment(id));
        Ok(())
    }

    /// Deploys a service at the head of its branch, as Railway does of its own accord after a push.
    pub fn deploy(&self, environment: &str, service: &str) -> Result<()> {
        let (id, service) = (self.find(environment)?, self.find_service(service)?);
        self.change(|model| model.deploy(id, service, None).map(drop))
    }

    /// Commits files to a branch of the git repository at an `https://` address, which is made where there is none; gives the commit.
    pub fn commit(
        &self,
        repository: &str,
        branch: &str,
        files: &[(&str, &str)],
        links: &[(&str, &str)],
    ) -> Result<String> {
        self.backend.git.commit(place_of(repository)?, branch, files, links)
    }

    /// Has a name, such as `refs/tags/v1`, stand for a commit.
    pub fn name_commit(&self, repository: &str, name: &str, commit: &str) -> Result<()> {
        self.backend.git.name(place_of(repository)?, name, commit)
    }

    /// Stages a change in an environment, as somebody does in the dashboard; null discards what is staged.
    pub fn stage(&self, environment: &str, changes: &Value) -> Result<()> {
        let id = self.find(environment)?;
        self.change(|model| {
            if changes.is_null() {
                model.environment_mut(id)?.staged = None;
                return Ok(());
            }
            model.stage(id, changes.clone(), true).map(|_| ())
        })
    }

    /// Has a host show its repositories to nobody but who sends this login, `user:password` in base64.
    pub fn close_repositories(&self, host: &str, login: &str) {
        self.backend.git.close(host, login);
    }

    /// Whether a push to its branch deploys a service.
    pub fn auto_deploys(&self, environment: &str, service: &str) -> Result<bool> {
        let (id, service) = (self.find(environment)?, self.find_service(service)?);
        let model = self.backend.current();
        model.environment(id).and_then(|one| one.instance(service)).map(|one| one.auto_deploy).map_err(refused)
    }

    /// What Railway says of the code of a service's latest deployment.
    pub fn deployed_code(&self, environment: &str, service: &str) -> Result<Value> {
        let (id, service) = (self.find(environment)?, self.find_service(service)?);
        let model = self.backend.current();
        let latest = model.environment(id).and_then(|one| one.instance(service)).map_err(refused)?.latest();
        latest.map(|latest| latest.meta.clone()).context("nothing was deployed")
    }
}

/// The host and the path of a git repository.
fn place_of(repository: &str) -> Result<(&str, &str)> {
    let place = repository.strip_prefix("https://").and_then(|rest| rest.split_once('/'));
    place.with_context(|| format!("`{repository}` is no address of a repository"))
}
