//! An environment's config, typed: unrendered variables, mounts, proxies, and what these tell of a service.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::contract::ids::ServiceId;

/// What Railway calls an environment's config: unrendered variables, sources, mounts, proxies.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Config {
    #[serde(deserialize_with = "or_default")]
    pub services: BTreeMap<ServiceId, ServiceConfig>,
    #[serde(deserialize_with = "or_default")]
    pub shared_variables: BTreeMap<String, Option<VariableConfig>>,
    /// Volumes by id, the same in every environment.
    #[serde(deserialize_with = "or_default")]
    pub volumes: BTreeMap<String, Option<Settings>>,
    /// Buckets by id, the same in every environment, each with an instance of its own.
    #[serde(deserialize_with = "or_default")]
    pub(super) buckets: BTreeMap<String, Option<Settings>>,
}

/// Settings by their paths, such as `deploy.numReplicas`. What is null or an empty object is as if it were not there.
#[derive(Default)]
pub(crate) struct Settings(BTreeMap<String, Setting>);

/// What one setting is, exactly.
#[derive(Clone)]
pub(crate) struct Setting {
    /// As text, or as JSON where it is something else.
    written: String,
    is_text: bool,
}

/// One service's part of a [`Config`].
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ServiceConfig {
    #[serde(deserialize_with = "or_default")]
    pub variables: BTreeMap<String, Option<VariableConfig>>,
    #[serde(deserialize_with = "or_default")]
    pub volume_mounts: BTreeMap<String, Option<VolumeMount>>,
    #[serde(deserialize_with = "or_default")]
    networking: Networking,
    /// All that has no field of its own here.
    #[serde(flatten)]
    settings: Settings,
}

/// Where a volume is in a service's file system.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VolumeMount {
    pub mount_path: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Networking {
    /// By the port that each leads to.
    #[serde(deserialize_with = "keys")]
    tcp_proxies: BTreeSet<String>,
    #[serde(flatten)]
    settings: Settings,
}

/// What tells of a service whether it is a database, of whatever image: what its server reads, and where it listens and
/// keeps its data.
#[derive(Default)]
pub(crate) struct Marks {
    /// Names of variables.
    pub variables: BTreeSet<String>,
    /// Names of those whose values do not come from another service.
    pub own_variables: BTreeSet<String>,
    /// Ports that TCP proxies lead to.
    pub proxied_ports: BTreeSet<u16>,
    pub mount_paths: Vec<String>,
}

/// A variable as it is written, references unresolved; a sealed one has no value.
#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct VariableConfig {
    pub value: Option<String>,
    pub is_sealed: Option<bool>,
}

impl Settings {
    /// Each setting with what it is set to.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(path, setting)| (path.as_str(), setting.written.as_str()))
    }

    fn add(&mut self, path: &str, value: &Value) {
        match value {
            Value::Null => {}
            // What leads to a service is told by the service itself.
            Value::Object(_) if path == "serviceDomains" || path == "customDomains" => {}
            Value::Object(fields) => {
                for (name, field) in fields {
                    let within = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    self.add(&within, field);
                }
            }
            Value::String(text) => drop(self.0.insert(path.to_owned(), Setting::of_text(text))),
            other => {
                drop(self.0.insert(path.to_owned(), Setting { written: other.to_string(), is_text: false }));
            }
        }
    }
}

impl Setting {
    pub(crate) fn of_text(text: &str) -> Self {
        Self { written: text.to_owned(), is_text: true }
    }

    /// The text that it is, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        self.is_text.then_some(self.written.as_str())
    }

    /// As Railway wrote it.
    pub(super) fn value(&self) -> Value {
        if self.is_text {
            return Value::String(self.written.clone());
        }
        serde_json::from_str(&self.written).unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut settings = Self::default();
        settings.add("", &Value::Object(Map::deserialize(deserializer)?));
        Ok(settings)
    }
}

impl ServiceConfig {
    /// Its settings, those of its network among them, which have no field of their own.
    pub(crate) fn all_settings(&self) -> impl Iterator<Item = (&str, &str)> {
        self.settings.iter().chain(self.networking.settings.iter())
    }

    /// How it is deployed in one respect, such as `startCommand`.
    pub(crate) fn deploy_setting(&self, name: &str) -> Option<&Setting> {
        self.settings.0.get(&format!("deploy.{name}"))
    }

    /// The ports that its TCP proxies lead to.
    pub(crate) fn tcp_proxies(&self) -> impl Iterator<Item = u16> {
        self.networking.tcp_proxies.iter().filter_map(|port| port.parse().ok())
    }

    pub(super) fn marks(&self) -> Marks {
        let set = || self.variables.iter().filter_map(|(name, variable)| Some((name, variable.as_ref()?)));
        let own = set().filter(|(_, variable)| variable.is_own());
        let mounts = self.volume_mounts.values().flatten();
        Marks {
            variables: set().map(|(name, _)| name.clone()).collect(),
            own_variables: own.map(|(name, _)| name.clone()).collect(),
            proxied_ports: self.tcp_proxies().collect(),
            mount_paths: mounts.filter_map(|mount| mount.mount_path.clone()).collect(),
        }
    }
}

impl VariableConfig {
    /// Whether its value does not come from another service; `${{NAME}}` is the service's own, and `shared` is no service.
    fn is_own(&self) -> bool {
        let mut references = self.value.as_deref().unwrap_or_default().split("${{").skip(1);
        references.all(|rest| {
            let reference = rest.split("}}").next().unwrap_or_default().trim();
            reference.split_once('.').is_none_or(|(of, _)| of == "shared")
        })
    }

    /// Whether Railway keeps the value to itself.
    pub(crate) fn is_sealed(&self) -> bool {
        self.is_sealed == Some(true)
    }
}

/// Reads the keys of an object, or of null, of which the values do not matter.
fn keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<String>, D::Error> {
    let object: Option<Map<String, Value>> = Option::deserialize(deserializer)?;
    Ok(object.unwrap_or_default().into_iter().map(|(key, _)| key).collect())
}

/// Reads null as the default.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
