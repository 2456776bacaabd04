//! Renders variables: the ones Railway provides, and `${{…}}` references resolved inside their own environment.

use super::{Answer, Environment, HandleKind, Model, Project, slug};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use uuid::Uuid;

/// References may refer to references; a circle ends here, as an empty value.
const MAX_DEPTH: usize = 12;

pub(crate) type Variables = BTreeMap<String, String>;

/// What a variable reader gets: the rendered values; a sealed one is never among them.
pub(crate) fn visible(model: &Model, environment: Uuid, service: Option<Uuid>) -> Answer<Variables> {
    let sealed = model.environment(environment)?.config.variables(service);
    let mut rendered = rendered(model, environment, service)?;
    rendered.retain(|name, _| !sealed.get(name).is_some_and(|variable| variable.is_sealed));
    Ok(rendered)
}

/// As [`visible`], with sealed variables named and `null`.
pub(crate) fn for_deployment(model: &Model, environment: Uuid, service: Uuid) -> Answer<Value> {
    let own = model.environment(environment)?.config.variables(Some(service));
    Ok(rendered(model, environment, Some(service))?
        .into_iter()
        .map(|(name, value)| {
            let sealed = own.get(&name).is_some_and(|variable| variable.is_sealed);
            (name, if sealed { Value::Null } else { Value::String(value) })
        })
        .collect())
}

/// What the process in the container gets, sealed values included.
pub(crate) fn rendered(model: &Model, environment: Uuid, service: Option<Uuid>) -> Answer<Variables> {
    let scope = Scope { project: model.project_of(environment)?, environment: model.environment(environment)? };
    let mut rendered = service.map(|id| scope.provided(id)).unwrap_or_default();
    for (name, variable) in scope.environment.config.variables(service) {
        rendered.insert(name, scope.expand(&variable.value, service, 0));
    }
    Ok(rendered)
}

/// The raw values as written, references kept.
pub(crate) fn unrendered(model: &Model, environment: Uuid, service: Option<Uuid>) -> Answer<Variables> {
    let config = &model.environment(environment)?.config;
    let readable = config.variables(service).into_iter().filter(|(_, variable)| !variable.is_sealed);
    Ok(readable.map(|(name, variable)| (name, variable.value)).collect())
}

struct Scope<'a> {
    project: &'a Project,
    environment: &'a Environment,
}

impl Scope<'_> {
    fn expand(&self, text: &str, service: Option<Uuid>, depth: usize) -> String {
        let mut expanded = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${{") {
            let Some((reference, after)) = after.split_once("}}") else { break };
            expanded.push_str(before);
            expanded.push_str(&self.resolve(reference.trim(), service, depth + 1));
            rest = after;
        }
        expanded + rest
    }

    fn resolve(&self, reference: &str, service: Option<Uuid>, depth: usize) -> String {
        if depth > MAX_DEPTH {
            return String::new();
        }
        match reference.split_once('.') {
            Some(("shared", name)) => self.value(None, name, depth),
            Some((other, name)) => {
                let other = other.trim_matches('"');
                match self.project.service_named(other) {
                    Some(owner) => self.value(Some(owner.id), name, depth),
                    None => self.of_bucket(other, name).unwrap_or_default(),
                }
            }
            None => self.value(service, reference, depth),
        }
    }

    fn value(&self, service: Option<Uuid>, name: &str, depth: usize) -> String {
        if let Some(variable) = self.environment.config.variables(service).get(name) {
            return self.expand(&variable.value, service, depth);
        }
        service.and_then(|id| self.provided(id).remove(name)).unwrap_or_default()
    }

    /// What a bucket tells those who refer to it; each environment has an instance of its own, with a login of its own.
    fn of_bucket(&self, bucket: &str, name: &str) -> Option<String> {
        let (id, _) = self.project.buckets.iter().find(|(_, named)| *named == bucket)?;
        let instance = self.environment.config.bucket(*id)?;
        let own = |what: &str| {
            let digest = Sha256::digest(format!("{what} {id} {}", self.environment.id));
            digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        match name {
            "BUCKET" => Some(format!("{}-{}", slug(bucket), &own("name")[..8])),
            "ACCESS_KEY_ID" => Some(format!("tid_{}", own("key"))),
            "SECRET_ACCESS_KEY" => Some(format!("tsec_{}", own("secret"))),
            "REGION" => instance["region"].as_str().map(str::to_owned),
            "ENDPOINT" => Some("https://storage.railway.app".to_owned()),
            _ => None,
        }
    }

    fn provided(&self, service: Uuid) -> Variables {
        let (project, environment) = (self.project, self.environment);
        let name = project.service(service).map(|service| service.name.clone()).unwrap_or_default();
        let mut provided: Variables = [
            ("RAILWAY_PROJECT_ID", project.id.to_string()),
            ("RAILWAY_PROJECT_NAME", project.name.clone()),
            ("RAILWAY_ENVIRONMENT", environment.name.clone()),
            ("RAILWAY_ENVIRONMENT_NAME", environment.name.clone()),
            ("RAILWAY_ENVIRONMENT_ID", environment.id.to_string()),
            ("RAILWAY_SERVICE_ID", service.to_string()),
            ("RAILWAY_SERVICE_NAME", name.clone()),
            ("RAILWAY_PRIVATE_DOMAIN", format!("{}.railway.internal", slug(&name))),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let mut add = |name: &str, value: String| provided.insert(name.to_owned(), value);
        if let Some(domain) = self.public_domain(service) {
            add("RAILWAY_PUBLIC_DOMAIN", domain.clone());
            add("RAILWAY_STATIC_URL", domain);
        }
        for other in &project.services {
            if let Some(domain) = self.public_domain(other.id) {
                let spelled = slug(&other.name).to_uppercase().replace('-', "_");
                add(&format!("RAILWAY_SERVICE_{spelled}_URL"), domain);
            }
        }
        if let Some(port) = environment.config.keys(service, HandleKind::TcpProxy).first()
            && let Some(handle) = environment.handle(service, HandleKind::TcpProxy, port)
        {
            add("RAILWAY_TCP_PROXY_DOMAIN", super::domains::TCP_PROXY_HOST.to_owned());
            add("RAILWAY_TCP_PROXY_PORT", handle.proxy_port.unwrap_or_default().to_string());
            add("RAILWAY_TCP_APPLICATION_PORT", port.clone());
        }
        if let Some(volume) = environment.config.keys(service, HandleKind::VolumeMount).first() {
            let mount = environment.config.text(service, &format!("/volumeMounts/{volume}/mountPath"));
            add("RAILWAY_VOLUME_MOUNT_PATH", mount.unwrap_or_default().to_owned());
            let id = Uuid::parse_str(volume).unwrap_or_default();
            add("RAILWAY_VOLUME_NAME", project.volumes.get(&id).cloned().unwrap_or_default());
            add("RAILWAY_VOLUME_ID", volume.clone());
        }
        provided
    }

    fn public_domain(&self, service: Uuid) -> Option<String> {
        let of = |kind| self.environment.config.keys(service, kind).into_iter().next();
        of(HandleKind::ServiceDomain).or_else(|| of(HandleKind::CustomDomain))
    }
}
