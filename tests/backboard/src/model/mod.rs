//! What Railway would remember: projects, environments, instances, deployments; nothing here runs anything.

pub(crate) mod config;
pub(crate) mod create;
pub(crate) mod deployments;
pub(crate) mod domains;
pub(crate) mod handle;
pub(crate) mod history;
pub(crate) mod patch;
pub(crate) mod seed;
pub(crate) mod services;
pub(crate) mod ssh_keys;
pub(crate) mod templates;
pub(crate) mod usage;
pub(crate) mod variables;

use crate::ports::Ports;
use config::Config;
use deployments::Deployment;
pub(crate) use handle::{Handle, HandleKind};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// An answer of "no" that becomes the text of a GraphQL error.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal(pub(crate) String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for Refusal {
    fn from(message: &str) -> Self {
        Refusal(message.to_owned())
    }
}

pub(crate) type Answer<T> = Result<T, Refusal>;

/// Work that a mutation leaves for the part that runs things.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Effect {
    /// End what runs; the data stays.
    Stop {
        environment: Uuid,
        service: Uuid,
    },
    Deploy {
        environment: Uuid,
        service: Uuid,
        deployment: Uuid,
    },
    RemoveEnvironment {
        environment: Uuid,
    },
    /// To be written into the relay's journal.
    Note(crate::relay::Deed),
}

/// The habits of the backend that touch the state itself.
#[derive(Debug, Clone)]
pub(crate) struct Habits {
    pub(crate) lag: Duration,
    pub(crate) name_reserved: Duration,
    pub(crate) clone_tcp_proxies: bool,
    pub(crate) copy_forgets: Vec<&'static str>,
}

#[derive(Clone)]
pub(crate) struct Model {
    pub(crate) projects: Vec<Project>,
    /// Domains that belong to somebody else's project.
    pub(crate) foreign_domains: BTreeSet<String>,
    pub(crate) reserved_names: Vec<ReservedName>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) usage: usage::Usage,
    pub(crate) ssh_keys: Vec<ssh_keys::SshKey>,
    pub(crate) habits: Habits,
    pub(crate) ports: Arc<Ports>,
}

#[derive(Debug, Clone)]
pub(crate) struct ReservedName {
    pub(crate) project_id: Uuid,
    pub(crate) name: String,
    pub(crate) until: Instant,
}

#[derive(Debug, Clone)]
pub(crate) struct Project {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) created_at: Timestamp,
    pub(crate) base_environment_id: Uuid,
    pub(crate) services: Vec<Service>,
    pub(crate) volumes: BTreeMap<Uuid, String>,
    pub(crate) buckets: BTreeMap<Uuid, String>,
    pub(crate) environments: Vec<Environment>,
}

/// A service exists once per project; what differs per environment is its [`Instance`].
#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) created_at: Timestamp,
    /// Its source came by `railway up`, so no other environment can deploy it.
    pub(crate) uploaded: bool,
    pub(crate) start: Start,
}

/// What a service's code has to say on how its container starts.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Start {
    /// It starts as its settings say.
    #[default]
    AsTold,
    /// Its repository has a `railway.json` with this start command, which overrides the settings.
    ByItself(String),
    /// There is no shell in its image.
    WithoutShell,
}

#[derive(Debug, Clone)]
pub(crate) struct Environment {
    pub(crate) id: Uuid,
    pub(crate) project_id: Uuid,
    pub(crate) name: String,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) is_ephemeral: bool,
    pub(crate) source_environment_id: Option<Uuid>,
    pub(crate) config: Config,
    pub(crate) staged: Option<Patch>,
    pub(crate) patches: Vec<Patch>,
    pub(crate) instances: BTreeMap<Uuid, Instance>,
    pub(crate) deleting: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Patch {
    pub(crate) id: Uuid,
    pub(crate) created_at: Timestamp,
    pub(crate) message: Option<String>,
    pub(crate) changes: Value,
    pub(crate) applied_at: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub(crate) struct Instance {
    pub(crate) id: Uuid,
    pub(crate) created_at: Timestamp,
    /// Reads do not show the instance before this.
    pub(crate) visible_at: Instant,
    pub(crate) auto_deploy: bool,
    pub(crate) deployments: Vec<Deployment>,
    /// What Railway adds to each key of the configuration: `kind:key` to its own id.
    pub(crate) handles: BTreeMap<String, Handle>,
}

impl Instance {
    pub(crate) fn new(visible_at: Instant) -> Self {
        Instance {
            id: Uuid::new_v4(),
            created_at: Timestamp::now(),
            visible_at,
            auto_deploy: true,
            deployments: Vec::new(),
            handles: BTreeMap::new(),
        }
    }
}

impl Project {
    pub(crate) fn service(&self, id: Uuid) -> Answer<&Service> {
        self.services.iter().find(|service| service.id == id).ok_or("Service not found".into())
    }

    pub(crate) fn service_named(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }

    pub(crate) fn environment_named(&self, name: &str) -> Option<&Environment> {
        self.environments.iter().find(|environment| environment.name == name)
    }
}

impl Environment {
    pub(crate) fn instance(&self, service: Uuid) -> Answer<&Instance> {
        self.instances.get(&service).ok_or("ServiceInstance not found".into())
    }

    pub(crate) fn instance_mut(&mut self, service: Uuid) -> Answer<&mut Instance> {
        self.instances.get_mut(&service).ok_or("ServiceInstance not found".into())
    }

    pub(crate) fn handle(&self, service: Uuid, kind: HandleKind, key: &str) -> Option<&Handle> {
        self.instances.get(&service)?.handles.get(&kind.key(key))
    }

    /// Lets the TCP proxies of a service act, as its deployments do.
    pub(crate) fn let_proxies_act(&mut self, service: Uuid) {
        let handles = self.instances.get_mut(&service).into_iter().flat_map(|instance| instance.handles.values_mut());
        handles.for_each(|handle| handle.acts = true);
    }

    /// Finds what a bare id of a domain, proxy or volume instance stands for.
    pub(crate) fn handle_by_id(&self, kind: HandleKind, id: Uuid) -> Option<(Uuid, String)> {
        self.instances.iter().find_map(|(service, instance)| {
            let (key, _) = instance.handles.iter().find(|(_, handle)| handle.id == id)?;
            Some((*service, key.strip_prefix(kind.prefix())?.to_owned()))
        })
    }

    /// Gives every configured service, domain, proxy and mount its Railway side, and drops those that are gone.
    pub(crate) fn settle(&mut self, ports: &Ports, visible_at: impl Fn(usize) -> Instant) {
        let services: Vec<Uuid> = self.config.service_ids();
        self.instances.retain(|id, _| services.contains(id));
        for (position, service) in services.into_iter().enumerate() {
            let wanted = self.config.handle_keys(service);
            let instance = self.instances.entry(service).or_insert_with(|| Instance::new(visible_at(position)));
            instance.handles.retain(|key, _| wanted.contains(key));
            for key in wanted {
                let is_proxy = key.starts_with(HandleKind::TcpProxy.prefix());
                instance.handles.entry(key).or_insert_with(|| Handle {
                    id: Uuid::new_v4(),
                    created_at: Timestamp::now(),
                    proxy_port: is_proxy.then(|| ports.reserve()),
                    verified: false,
                    seen: None,
                    certificate: "VALIDATING_OWNERSHIP",
                    acts: !is_proxy,
                });
            }
        }
        self.updated_at = Timestamp::now();
    }
}

impl Model {
    pub(crate) fn project(&self, id: Uuid) -> Answer<&Project> {
        self.projects.iter().find(|project| project.id == id).ok_or("Project not found".into())
    }

    pub(crate) fn project_mut(&mut self, id: Uuid) -> Answer<&mut Project> {
        self.projects.iter_mut().find(|project| project.id == id).ok_or("Project not found".into())
    }

    pub(crate) fn environments(&self) -> impl Iterator<Item = &Environment> {
        self.projects.iter().flat_map(|project| &project.environments)
    }

    pub(crate) fn environment(&self, id: Uuid) -> Answer<&Environment> {
        self.environments().find(|environment| environment.id == id).ok_or("Environment not found".into())
    }

    /// An environment that is being deleted can be seen for a while, not changed.
    pub(crate) fn environment_mut(&mut self, id: Uuid) -> Answer<&mut Environment> {
        self.projects
            .iter_mut()
            .flat_map(|project| &mut project.environments)
            .find(|environment| environment.id == id && !environment.deleting)
            .ok_or("Environment not found".into())
    }

    pub(crate) fn project_of(&self, environment: Uuid) -> Answer<&Project> {
        self.projects
            .iter()
            .find(|project| project.environments.iter().any(|one| one.id == environment))
            .ok_or("Environment not found".into())
    }

    pub(crate) fn service_name(&self, environment: Uuid, service: Uuid) -> Answer<&str> {
        Ok(&self.project_of(environment)?.service(service)?.name)
    }
}

/// How Railway spells a service's name in host names.
pub(crate) fn slug(name: &str) -> String {
    let spelled: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    spelled.trim_matches('-').to_owned()
}
