//! An environment's configuration: Railway's `EnvironmentConfig` JSON with the few readings that behaviour depends on.

use super::HandleKind;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Config(Value);

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Variable {
    pub(crate) value: String,
    pub(crate) is_sealed: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config(json!({ "services": {}, "sharedVariables": {}, "volumes": {}, "buckets": {} }))
    }
}

impl Config {
    pub(crate) fn service_ids(&self) -> Vec<Uuid> {
        object(&self.0["services"]).filter_map(|(id, _)| Uuid::parse_str(id).ok()).collect()
    }

    pub(crate) fn service(&self, id: Uuid) -> &Value {
        &self.0["services"][id.to_string()]
    }

    /// A bucket's instance in this environment.
    pub(crate) fn bucket(&self, id: Uuid) -> Option<&Value> {
        self.0["buckets"].get(id.to_string())
    }

    pub(crate) fn text(&self, service: Uuid, path: &str) -> Option<&str> {
        self.service(service).pointer(path)?.as_str()
    }

    /// The keys of one map of a service's configuration, such as its domains.
    pub(crate) fn keys(&self, service: Uuid, kind: HandleKind) -> Vec<String> {
        let at = match kind {
            HandleKind::ServiceDomain => "/networking/serviceDomains",
            HandleKind::CustomDomain => "/networking/customDomains",
            HandleKind::TcpProxy => "/networking/tcpProxies",
            HandleKind::VolumeMount => "/volumeMounts",
        };
        self.service(service)
            .pointer(at)
            .map(|map| object(map).map(|(key, _)| key.clone()).collect())
            .unwrap_or_default()
    }

    pub(crate) fn handle_keys(&self, service: Uuid) -> BTreeSet<String> {
        use HandleKind::{CustomDomain, ServiceDomain, TcpProxy, VolumeMount};
        [ServiceDomain, CustomDomain, TcpProxy, VolumeMount]
            .into_iter()
            .flat_map(|kind| self.keys(service, kind).into_iter().map(move |key| kind.key(&key)))
            .collect()
    }

    /// The variables of a service, or the shared ones.
    pub(crate) fn variables(&self, service: Option<Uuid>) -> BTreeMap<String, Variable> {
        let map = match service {
            Some(id) => &self.service(id)["variables"],
            None => &self.0["sharedVariables"],
        };
        object(map)
            .filter_map(|(name, variable)| {
                Some((
                    name.clone(),
                    Variable {
                        value: variable.get("value")?.as_str()?.to_owned(),
                        is_sealed: variable["isSealed"] == true,
                    },
                ))
            })
            .collect()
    }

    /// Applies a patch: `null` removes a key, `isDeleted` a service or volume.
    pub(crate) fn apply(&mut self, patch: &Value) {
        merge(&mut self.0, patch);
        for group in ["services", "volumes", "buckets"] {
            let Some(map) = self.0.get_mut(group).and_then(Value::as_object_mut) else { continue };
            map.retain(|_, one| one["isDeleted"] != true);
            for one in map.values_mut().filter_map(Value::as_object_mut) {
                one.remove("isCreated");
            }
        }
    }

    /// The services whose own part differs, and those that refer to a shared variable that does.
    pub(crate) fn services_changed_since(&self, before: &Config) -> Vec<Uuid> {
        let (old, new) = (before.variables(None), self.variables(None));
        let changed: Vec<String> = old
            .keys()
            .chain(new.keys())
            .filter(|name| old.get(*name) != new.get(*name))
            .map(|name| format!("shared.{name}"))
            .collect();
        let refers = |id: Uuid| {
            let text = self.service(id)["variables"].to_string();
            changed.iter().any(|reference| text.contains(reference))
        };
        self.service_ids().into_iter().filter(|id| self.service(*id) != before.service(*id) || refers(*id)).collect()
    }

    /// As Railway shows it: sealed values never, other values only to those who ask for them.
    pub(crate) fn shown(&self, decrypt: bool) -> Value {
        let mut shown = self.0.clone();
        withhold_values(&mut shown, decrypt);
        shown
    }

    /// What a copy of the environment starts from: everything but sealed variables, domains and (mostly) proxies.
    pub(crate) fn for_copy(&self, keep_tcp_proxies: bool) -> Config {
        let mut copy = self.0.clone();
        let unsealed = |map: &mut Value| {
            if let Some(map) = map.as_object_mut() {
                map.retain(|_, variable| variable["isSealed"] != true);
            }
        };
        copy.get_mut("sharedVariables").map(unsealed);
        let services = copy.get_mut("services").and_then(Value::as_object_mut);
        for service in services.into_iter().flat_map(Map::values_mut) {
            service.get_mut("variables").map(unsealed);
            if let Some(networking) = service.get_mut("networking").and_then(Value::as_object_mut) {
                networking.remove("serviceDomains");
                networking.remove("customDomains");
                if !keep_tcp_proxies {
                    networking.remove("tcpProxies");
                }
            }
        }
        Config(copy)
    }

    /// Whether a service or volume of this id is part of the configuration.
    pub(crate) fn mentions(&self, id: Uuid) -> bool {
        let id = id.to_string();
        ["services", "volumes"].iter().any(|group| self.0[group].get(&id).is_some())
    }

    pub(crate) fn etag(&self) -> String {
        let digest = Sha256::digest(self.0.to_string());
        digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Removes from a configuration or a patch the values that its reader may not see.
pub(crate) fn withhold_values(config: &mut Value, decrypt: bool) {
    let withhold = |map: &mut Value| {
        for variable in map.as_object_mut().into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut) {
            if !decrypt || variable.get("isSealed") == Some(&Value::Bool(true)) {
                variable.remove("value");
            }
        }
    };
    if let Some(shared) = config.get_mut("sharedVariables") {
        withhold(shared);
    }
    for service in config.get_mut("services").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut) {
        if let Some(variables) = service.get_mut("variables") {
            withhold(variables);
        }
    }
}

/// Merges a patch into a document; `null` removes.
fn merge(document: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *document = patch.clone();
        return;
    };
    if !document.is_object() {
        *document = json!({});
    }
    let Value::Object(document) = document else { return };
    for (key, change) in patch {
        if change.is_null() {
            document.remove(key);
        } else {
            merge(document.entry(key.clone()).or_insert(Value::Null), change);
        }
    }
}

/// Merges a later patch into an earlier one, keeping its removals.
pub(crate) fn merge_patches(earlier: &mut Value, later: &Value) {
    match (earlier, later) {
        (Value::Object(earlier), Value::Object(later)) => {
            for (key, change) in later {
                merge_patches(earlier.entry(key.clone()).or_insert(Value::Null), change);
            }
        }
        (earlier, later) => *earlier = later.clone(),
    }
}

/// How many single settings a patch changes.
pub(crate) fn count_changes(patch: &Value) -> usize {
    match patch {
        Value::Object(map) if !map.is_empty() => map.values().map(count_changes).sum(),
        _ => 1,
    }
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}
