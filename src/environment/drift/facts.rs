//! What is looked at in one environment: everything that its configuration says, what is deployed, and where it answers.

use std::collections::BTreeMap;

use super::Aspect;
use crate::contract::ids::ServiceId;
use crate::contract::record;
use crate::error::counted;
use crate::railway::{Environment, ServiceInstance, VariableConfig};

/// Whose something is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Shared,
    Service(ServiceId),
}

impl Place {
    /// What a mark of it is called by.
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Shared => SHARED,
            Self::Service(id) => id.as_ref(),
        }
    }
}

/// What all services share, where services are called by their ids.
const SHARED: &str = "shared";

/// What one fact is about, the same in every environment of a project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) place: Place,
    pub(super) what: Aspect,
    /// Which of several; empty where there is one.
    pub(super) name: String,
}

/// How something is.
pub(super) struct Fact {
    pub(super) compared: String,
    /// What of it may be told.
    pub(super) shown: Option<String>,
}

/// The settings whose values are told, and as what. Others may hold a secret, such as a start command or the login of a registry.
const SHOWN: &[(&str, Aspect)] = &[
    ("source.repo", Aspect::Repository),
    ("source.branch", Aspect::Branch),
    ("source.image", Aspect::Image),
    ("deploy.region", Aspect::Region),
    ("deploy.numReplicas", Aspect::Replicas),
];

/// Where a service's regions are, each with its replicas.
const REGIONS: &str = "deploy.multiRegionConfig.";

/// What is told of a volume.
const OF_VOLUMES: &[&str] = &["region", "sizeMB"];

/// Everything that can differ.
pub(super) fn facts(environment: &Environment) -> BTreeMap<Key, Fact> {
    let mut facts = Facts { place: Place::Shared, found: BTreeMap::new() };
    let shared = environment.config.shared_variables.iter().filter(|(name, _)| *name != record::VARIABLE);
    for (name, variable) in shared.filter_map(|(name, variable)| Some((name, variable.as_ref()?))) {
        facts.variable(name, variable);
    }
    for bucket in &environment.buckets {
        let region = bucket.region.as_ref().map(|region| format!("region {region}"));
        // Names are people's, and two may be the same.
        let is_alone = environment.buckets.iter().filter(|other| other.name == bucket.name).count() == 1;
        let name = if is_alone { bucket.name.clone() } else { format!("{} {}", bucket.name, bucket.id) };
        facts.add(Aspect::Bucket, &name, format!("{} {region:?}", bucket.id), region);
    }
    for service in &environment.service_instances {
        facts.place = Place::Service(service.service_id.clone());
        facts.of_service(environment, service);
    }
    facts.found
}

/// A mark for each service's part of an environment's configuration, and for what all share, by id: it changes with any of it, deployments,
/// domains and proxies aside.
pub(crate) fn marks(environment: &Environment, mark: impl Fn(&str) -> Option<String>) -> BTreeMap<String, String> {
    let mut parts: BTreeMap<String, String> = BTreeMap::new();
    for (key, fact) in facts(environment) {
        let elsewhere = [Aspect::Deployment, Aspect::Commit, Aspect::Domain, Aspect::Proxy];
        if !elsewhere.contains(&key.what) {
            let part = parts.entry(key.place.id().to_owned()).or_default();
            part.push_str(&format!("{:?}", (key.what, &key.name, &fact.compared)));
        }
    }
    parts.into_iter().filter_map(|(id, part)| Some((id, mark(&part)?))).collect()
}

struct Facts {
    place: Place,
    found: BTreeMap<Key, Fact>,
}

impl Facts {
    fn add(&mut self, what: Aspect, name: &str, compared: impl Into<String>, shown: Option<String>) {
        let key = Key { place: self.place.clone(), what, name: name.to_owned() };
        self.found.insert(key, Fact { compared: compared.into(), shown });
    }

    fn shown(&mut self, what: Aspect, name: &str, value: &str) {
        self.add(what, name, value, Some(value.to_owned()));
    }

    fn variable(&mut self, name: &str, variable: &VariableConfig) {
        let compared = match (variable.is_sealed(), &variable.value) {
            (true, _) | (_, None) => "sealed".to_owned(),
            (false, Some(value)) => format!("={value}"),
        };
        self.add(Aspect::Variable, name, compared, None);
    }

    fn of_service(&mut self, environment: &Environment, service: &ServiceInstance) {
        self.add(Aspect::Service, "", "", None);
        if service.latest_deployment.is_some() {
            self.add(Aspect::Deployment, "", "", None);
        }
        if let Some(commit) = service.commit() {
            self.shown(Aspect::Commit, "", commit);
        }
        for host in service.hosts() {
            self.add(Aspect::Domain, host, "", None);
        }
        for (name, variable) in environment.variables(&service.service_id) {
            self.variable(name, variable);
        }
        let Some(config) = environment.config.services.get(&service.service_id) else { return };
        for port in config.tcp_proxies() {
            self.add(Aspect::Proxy, &port.to_string(), "", None);
        }
        for (id, mount) in &config.volume_mounts {
            let path = mount.as_ref().and_then(|mount| mount.mount_path.as_deref()).unwrap_or_default();
            self.volume(environment, id, path);
        }
        for (path, value) in config.all_settings() {
            self.setting(path, value);
        }
    }

    fn volume(&mut self, environment: &Environment, id: &str, path: &str) {
        let settings: Vec<_> = match environment.config.volumes.get(id) {
            Some(Some(settings)) => settings.iter().collect(),
            _ => Vec::new(),
        };
        let told = settings.iter().filter(|(name, _)| OF_VOLUMES.contains(name));
        let shown: Vec<_> = told.map(|(name, value)| format!("{name} {value}")).collect();
        self.add(Aspect::Volume, path, format!("{id} {settings:?}"), Some(shown.join(", ")));
    }

    fn setting(&mut self, path: &str, value: &str) {
        if let Some((_, what)) = SHOWN.iter().find(|(shown, _)| *shown == path) {
            self.shown(*what, "", value);
        } else if let Some(region) = path.strip_prefix(REGIONS) {
            let (region, of) = region.rsplit_once('.').unwrap_or((region, ""));
            match of {
                "numReplicas" => self.shown(Aspect::Region, region, &counted(value, "replica", "replicas")),
                _ => self.add(Aspect::Region, path.trim_start_matches(REGIONS), value, None),
            }
        } else {
            self.add(Aspect::Setting, path, value, None);
        }
    }
}
