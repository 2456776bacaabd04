//! What may be changed in an environment, bundled into one document that deploys nothing.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::batch::Batch;
use super::config::Setting;
use super::domains;
use super::program::Weight;
use crate::contract::ids::{DeploymentId, EnvironmentId, ProjectId, ServiceId};

/// Variables by service id, then name; `None` takes one out.
pub(crate) type VariableChanges = BTreeMap<ServiceId, BTreeMap<String, Option<String>>>;

/// Shared variables by name; `None` takes one out.
pub(crate) type SharedChanges = BTreeMap<String, Option<String>>;

/// How a service is deployed, by the names of Railway's settings; `None` takes one out.
pub(crate) type DeploySettings = BTreeMap<&'static str, Option<Setting>>;

/// Changes to one environment that are sent as one call, in the order of the fields, and deploy nothing.
#[derive(Default)]
pub(crate) struct Change {
    /// Shared variables by name; written before all else.
    pub shared_variables: BTreeMap<&'static str, String>,
    /// Services that a push must no longer deploy.
    pub auto_deploy_off: Vec<ServiceId>,
    /// Ids of `*.up.railway.app` domains that are taken away, before any is made.
    pub deleted_domains: Vec<String>,
    pub service_domains: Vec<DomainChange>,
    pub custom_domain: Option<CustomDomainChange>,
    /// A service of ours that comes into the environment, and the others that go.
    pub own_service: Option<OwnService>,
    pub removed_services: Vec<ServiceId>,
    /// Services that get another source.
    pub sources: Vec<(ServiceId, SourceChange)>,
    /// Services that are deployed in another way.
    pub deploy_settings: Vec<(ServiceId, DeploySettings)>,
    pub variables: VariableChanges,
    /// Shared variables that change together with those of the services.
    pub shared: SharedChanges,
    /// Services that get a TCP proxy, each with the port that it leads to.
    pub tcp_proxies: Vec<(ServiceId, u16)>,
    /// Those that lose theirs.
    pub closed_proxies: Vec<(ServiceId, u16)>,
    /// Deployments whose containers are to end.
    pub stop_deployments: Vec<DeploymentId>,
    /// The environment's new name.
    pub rename: Option<String>,
}

/// A service of ours, whose row is there, as it is in one environment.
pub(crate) struct OwnService {
    pub service_id: ServiceId,
    pub image: &'static str,
    pub start_command: &'static str,
    pub variables: BTreeMap<&'static str, String>,
}

/// What a service is deployed from.
pub(crate) enum SourceChange {
    /// A branch of its repository.
    Branch(String),
    Image(String),
}

/// A `*.up.railway.app` domain that is made, or renamed when it has an id.
pub(crate) struct DomainChange {
    /// The service that it leads to.
    pub service_id: ServiceId,
    /// The gate that has it in that service's place.
    pub gate: Option<ServiceId>,
    pub domain_id: Option<String>,
    pub domain: String,
    pub target_port: Option<u16>,
}

/// A custom domain that is attached.
pub(crate) struct CustomDomainChange {
    /// The service that has it, be it a gate.
    pub service_id: ServiceId,
    pub domain: String,
    pub target_port: Option<u16>,
}

impl Change {
    pub(super) fn batch(&self, project_id: &ProjectId, environment_id: &EnvironmentId) -> (Batch, Weight) {
        let mut batch = Batch::mutation();
        if !self.shared_variables.is_empty() {
            let input = json!({
                "projectId": project_id, "environmentId": environment_id, "variables": self.shared_variables,
                "skipDeploys": true,
            });
            batch.field("shared", "variableCollectionUpsert", [("input", "VariableCollectionUpsertInput!", input)], "");
        }
        for (n, service_id) in self.auto_deploy_off.iter().enumerate() {
            let input = json!({
                "projectId": project_id, "environmentId": environment_id, "serviceId": service_id, "enabled": false,
            });
            let arguments = [("input", "ServiceInstanceAutoDeployUpdateInput!", input)];
            batch.field(&format!("auto_deploy{n}"), "serviceInstanceAutoDeployUpdate", arguments, "{ __typename }");
        }
        for (n, id) in self.deleted_domains.iter().enumerate() {
            batch.field(&format!("deleted{n}"), "serviceDomainDelete", [("id", "String!", json!(id))], "");
        }
        for (n, domain) in self.service_domains.iter().enumerate() {
            domain.add(&mut batch, &format!("domain{n}"), environment_id);
        }
        if let Some(custom) = &self.custom_domain {
            let input = json!({
                "projectId": project_id, "environmentId": environment_id, "serviceId": custom.service_id,
                "domain": custom.domain, "targetPort": custom.target_port,
            });
            let selection = format!("{{ domain {} }}", domains::STATUS);
            let arguments = [("input", "CustomDomainCreateInput!", input)];
            batch.field("custom_domain", "customDomainCreate", arguments, &selection);
        }
        self.stage(&mut batch, environment_id);
        for (n, id) in self.stop_deployments.iter().enumerate() {
            batch.field(&format!("stop{n}"), "deploymentStop", [("id", "String!", json!(id))], "");
        }
        if let Some(name) = &self.rename {
            let arguments = [
                ("id", "String!", json!(environment_id)),
                ("input", "EnvironmentRenameInput!", json!({ "name": name })),
            ];
            batch.field("rename", "environmentRename", arguments, "{ id }");
        }
        let makes = self.custom_domain.is_some()
            || !self.deleted_domains.is_empty()
            || self.service_domains.iter().any(|d| d.domain_id.is_none());
        (batch, if makes { Weight::Once } else { Weight::Repeatable })
    }

    /// `environmentPatchCommit` would deploy what it changes; staging first and committing with `skipDeploys` does not.
    fn stage(&self, batch: &mut Batch, environment_id: &EnvironmentId) {
        let mut services = Map::new();
        for (service_id, variables) in &self.variables {
            services.insert(service_id.to_string(), json!({ "variables": staged(variables) }));
        }
        for (service_id, source) in &self.sources {
            let entry = services.entry(service_id.to_string()).or_insert_with(|| json!({}));
            entry["source"] = match source {
                SourceChange::Branch(branch) => json!({ "branch": branch }),
                SourceChange::Image(image) => json!({ "image": image }),
            };
        }
        for (service_id, settings) in &self.deploy_settings {
            let entry = services.entry(service_id.to_string()).or_insert_with(|| json!({}));
            for (name, setting) in settings {
                entry["deploy"][*name] = setting.as_ref().map_or(Value::Null, Setting::value);
            }
        }
        if let Some(own) = &self.own_service {
            services.insert(own.service_id.to_string(), own.staged());
        }
        services.extend(self.removed_services.iter().map(|id| (id.to_string(), json!({ "isDeleted": true }))));
        let opened = self.tcp_proxies.iter().map(|proxy| (proxy, json!({})));
        for ((service_id, port), proxy) in opened.chain(self.closed_proxies.iter().map(|proxy| (proxy, Value::Null))) {
            let entry = services.entry(service_id.to_string()).or_insert_with(|| json!({}));
            entry["networking"]["tcpProxies"][port.to_string()] = proxy;
        }
        let mut config = json!({ "services": services });
        if !self.shared.is_empty() {
            config["sharedVariables"] = Value::Object(staged(&self.shared));
        } else if services.is_empty() {
            return;
        }
        let id = json!(environment_id);
        let stage = [
            ("environmentId", "String!", id.clone()),
            ("input", "EnvironmentConfig!", config),
            ("merge", "Boolean", json!(true)),
        ];
        batch.field("stage", "environmentStageChanges", stage, "{ id }");
        let commit = [
            ("environmentId", "String!", id),
            ("commitMessage", "String", json!("railstage")),
            ("skipDeploys", "Boolean", json!(true)),
        ];
        batch.field("commit", "environmentPatchCommitStaged", commit, "");
    }
}

/// Variables as a patch of an environment's config has them.
fn staged(variables: &BTreeMap<String, Option<String>>) -> Map<String, Value> {
    let one = |(name, value): (&String, &Option<String>)| {
        (name.clone(), value.as_ref().map_or(Value::Null, |value| json!({ "value": value })))
    };
    variables.iter().map(one).collect()
}

impl OwnService {
    fn staged(&self) -> Value {
        let variables: Map<_, _> =
            self.variables.iter().map(|(name, value)| ((*name).to_owned(), json!({ "value": value }))).collect();
        json!({
            "isCreated": true,
            "source": { "image": self.image },
            "deploy": { "startCommand": self.start_command, "restartPolicyType": "ALWAYS" },
            "variables": variables,
        })
    }
}

impl DomainChange {
    fn add(&self, batch: &mut Batch, alias: &str, environment_id: &EnvironmentId) {
        let mut input = json!({ "environmentId": environment_id, "serviceId": self.gate.as_ref().unwrap_or(&self.service_id), "targetPort": self.target_port });
        match &self.domain_id {
            Some(id) => {
                input["serviceDomainId"] = json!(id);
                input["domain"] = json!(self.domain);
                batch.field(alias, "serviceDomainUpdate", [("input", "ServiceDomainUpdateInput!", input)], "");
            }
            None => {
                let arguments = [("input", "ServiceDomainCreateInput!", input)];
                batch.field(alias, "serviceDomainCreate", arguments, "{ domain }");
            }
        }
    }
}
