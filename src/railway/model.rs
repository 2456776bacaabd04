//! Railway's answers, typed; fields that we do not know and nulls are accepted, as newer versions send both.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use super::config::{Config, Marks, ServiceConfig, Settings, VariableConfig};
use super::deployment::{Deployment, DeploymentStatus};
use crate::contract::ids::{EnvironmentId, InstanceId, ProjectId, ServiceId};

/// A project with all its environments.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Project {
    pub id: ProjectId,
    pub name: String,
    pub base_environment_id: Option<EnvironmentId>,
    pub primary_environment_id: Option<EnvironmentId>,
    #[serde(deserialize_with = "edges")]
    pub services: Vec<Service>,
    #[serde(default, deserialize_with = "edges")]
    buckets: Vec<NamedBucket>,
    #[serde(deserialize_with = "edges")]
    pub environments: Vec<Environment>,
}

/// A service, known by the same id in every environment.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Service {
    pub id: ServiceId,
    pub name: String,
    pub created_at: Timestamp,
}

#[derive(Deserialize)]
struct NamedBucket {
    id: String,
    name: String,
}

/// A bucket of objects as it stands in one environment.
pub(crate) struct Bucket {
    /// The same in every environment.
    pub id: String,
    pub name: String,
    pub region: Option<String>,
}

/// An environment with its configuration, values in clear.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Environment {
    pub id: EnvironmentId,
    pub name: String,
    pub created_at: Timestamp,
    pub source_environment: Option<WithId>,
    pub config: Config,
    /// None where they were not asked for.
    #[serde(default, deserialize_with = "edges")]
    pub service_instances: Vec<ServiceInstance>,
    /// The gates of ours, which are not among its services: what a gate leads to has the gate's hosts.
    #[serde(skip)]
    pub gates: Vec<ServiceInstance>,
    /// Those that its config has.
    #[serde(skip)]
    pub buckets: Vec<Bucket>,
}

/// An environment of which only the id was asked for.
#[derive(Deserialize)]
pub(crate) struct WithId {
    pub id: EnvironmentId,
}

/// A service as it stands in one environment.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServiceInstance {
    /// Railway's id of the service in this one environment.
    pub id: InstanceId,
    pub service_id: ServiceId,
    pub service_name: String,
    pub cron_schedule: Option<String>,
    pub source: Option<Source>,
    pub domains: Domains,
    pub latest_deployment: Option<Deployment>,
    /// Those that run, by Railway's account; none where they were not asked for.
    #[serde(default)]
    pub active_deployments: Vec<Deployment>,
    /// What its part of the environment's config says of it.
    #[serde(skip)]
    pub marks: Marks,
}

#[derive(Deserialize)]
pub(crate) struct Source {
    pub repo: Option<String>,
    pub image: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Domains {
    pub service_domains: Vec<ServiceDomain>,
    pub custom_domains: Vec<CustomDomain>,
}

/// A `*.up.railway.app` domain.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServiceDomain {
    pub id: String,
    pub domain: String,
    pub suffix: Option<String>,
    pub target_port: Option<u16>,
    /// The gate that has it, in the place of what it leads to.
    #[serde(skip)]
    pub gate: Option<ServiceId>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CustomDomain {
    pub id: String,
    pub domain: String,
    pub target_port: Option<u16>,
    /// The gate that has it, in the place of what it leads to.
    #[serde(skip)]
    pub gate: Option<ServiceId>,
}

/// How the services of an environment stand.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EnvironmentStatus {
    #[serde(deserialize_with = "edges")]
    pub service_instances: Vec<ServiceStatus>,
}

/// How a service stands.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServiceStatus {
    pub service_id: ServiceId,
    pub latest_deployment: Option<Deployment>,
}

/// Which environments there are.
#[derive(Deserialize)]
pub(super) struct EnvironmentIds {
    #[serde(deserialize_with = "edges")]
    pub(super) environments: Vec<WithId>,
}

impl Project {
    /// Hands each service what its environment's config says of it, and each environment its buckets with their names.
    pub(super) fn hand_down(&mut self) {
        for environment in &mut self.environments {
            // Railway promises no order, and what is told of two environments should stand side by side.
            environment.service_instances.sort_by(|a, b| a.service_name.cmp(&b.service_name));
            environment.mark_services();
            environment.set_gates_aside();
            let bucket = |(id, settings): (&String, &Settings)| {
                let named = self.buckets.iter().find(|bucket| bucket.id == *id);
                let region = settings.iter().find(|(name, _)| *name == "region");
                Bucket {
                    id: id.clone(),
                    name: named.map_or_else(|| id.clone(), |bucket| bucket.name.clone()),
                    region: region.map(|(_, region)| region.to_owned()),
                }
            };
            let there = environment.config.buckets.iter();
            environment.buckets =
                there.filter_map(|(id, settings)| Some((id, settings.as_ref()?))).map(bucket).collect();
        }
    }

    /// The environment of this name or id.
    pub(crate) fn environment(&self, name_or_id: &str) -> Option<&Environment> {
        self.environments.iter().find(|e| e.id.as_ref() == name_or_id || e.name == name_or_id)
    }

    /// The environment of this id.
    pub(crate) fn environment_by_id(&self, id: &EnvironmentId) -> Option<&Environment> {
        self.environments.iter().find(|e| e.id == *id)
    }

    /// Whether Railway treats the environment as the project's main one.
    pub(crate) fn is_main(&self, environment_id: &EnvironmentId) -> bool {
        [&self.base_environment_id, &self.primary_environment_id]
            .into_iter()
            .any(|id| id.as_ref() == Some(environment_id))
    }

    /// The name of a service.
    pub(crate) fn service_name(&self, service_id: &ServiceId) -> Option<&str> {
        self.services.iter().find(|s| s.id == *service_id).map(|s| s.name.as_str())
    }
}

impl Environment {
    /// A service by name.
    pub(crate) fn service(&self, name: &str) -> Option<&ServiceInstance> {
        self.service_instances.iter().find(|s| s.service_name == name)
    }

    /// A service by id, a gate of ours as well.
    pub(crate) fn service_by_id(&self, id: &ServiceId) -> Option<&ServiceInstance> {
        self.with_gates().find(|s| s.service_id == *id)
    }

    /// All services, the gates of ours behind the others.
    pub(crate) fn with_gates(&self) -> impl Iterator<Item = &ServiceInstance> {
        self.service_instances.iter().chain(&self.gates)
    }

    /// A shared variable as it is written; a sealed one has no value.
    pub(crate) fn shared_variable(&self, name: &str) -> Option<&str> {
        self.config.shared_variables.get(name)?.as_ref()?.value.as_deref()
    }

    /// A service's variables as they are written.
    pub(crate) fn variables(&self, service_id: &ServiceId) -> impl Iterator<Item = (&str, &VariableConfig)> {
        let variables = self.config.services.get(service_id).map(|s| &s.variables);
        variables.into_iter().flatten().filter_map(|(name, v)| Some((name.as_str(), v.as_ref()?)))
    }

    fn mark_services(&mut self) {
        for service in &mut self.service_instances {
            service.marks = self.config.services.get(&service.service_id).map(ServiceConfig::marks).unwrap_or_default();
        }
    }

    /// Every public host, of whatever kind.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &str> {
        self.with_gates().flat_map(ServiceInstance::hosts)
    }
}

impl CustomDomain {
    /// The service that has it, be it a gate before `service`.
    pub(crate) fn owner<'d>(&'d self, service: &'d ServiceInstance) -> &'d ServiceId {
        self.gate.as_ref().unwrap_or(&service.service_id)
    }
}

impl ServiceInstance {
    /// The image that it runs, if its source is one.
    pub(crate) fn image(&self) -> Option<&str> {
        self.source.as_ref()?.image.as_deref()
    }

    /// Whether a push to a repository deploys it.
    pub(crate) fn has_repo(&self) -> bool {
        self.source.as_ref().is_some_and(|s| s.repo.is_some())
    }

    /// Whether its source is a `railway up` upload, which Railway cannot deploy elsewhere: it has no other, or what runs is no commit of it.
    pub(crate) fn is_upload(&self) -> bool {
        let has_source = self.source.as_ref().is_some_and(|s| s.repo.is_some() || s.image.is_some());
        let meta = self.running().and_then(|running| running.meta.as_ref());
        let runs_other = meta.is_some_and(|meta| meta.commit_hash.is_none() && meta.image.is_none());
        self.latest_deployment.is_some() && (!has_source || runs_other)
    }

    /// The deployment that runs: the latest may have failed, or be under way.
    pub(crate) fn running(&self) -> Option<&Deployment> {
        let all = self.active_deployments.iter().chain(&self.latest_deployment);
        all.filter(|deployment| deployment.status.is_up()).max_by_key(|deployment| deployment.created_at)
    }

    /// The commit that runs, or that was deployed last where nothing does.
    pub(crate) fn commit(&self) -> Option<&str> {
        self.running().or(self.latest_deployment.as_ref())?.meta.as_ref()?.commit_hash.as_deref()
    }

    /// Its public hosts, Railway's first.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &str> {
        let service = self.domains.service_domains.iter().map(|d| d.domain.as_str());
        service.chain(self.domains.custom_domains.iter().map(|d| d.domain.as_str()))
    }

    /// How its latest deployment stands.
    pub(crate) fn status(&self) -> Option<DeploymentStatus> {
        self.latest_deployment.as_ref().map(|d| d.status)
    }
}

/// Reads a GraphQL connection as a plain list.
pub(super) fn edges<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    #[derive(Deserialize)]
    struct Connection<T> {
        edges: Vec<Edge<T>>,
    }
    #[derive(Deserialize)]
    struct Edge<T> {
        node: T,
    }
    Ok(Connection::deserialize(deserializer)?.edges.into_iter().map(|edge| edge.node).collect())
}
