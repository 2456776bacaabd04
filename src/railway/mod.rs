//! Railway, through the real `railway` program and nothing else: it owns login, proxies and TLS.
//!
//! `program.rs` is the only place that spells an argument of it, `documents/` and `batch.rs` the only ones that spell
//! GraphQL; `model.rs`, `deployment.rs` and `config.rs` have the typed answers, `calls.rs` and `domains.rs` what the steps ask for, `change.rs` what they change. Railway's habits that the steps rely on
//! are those of its CLI 5.28 to 5.71 and the schema in its published source (`src/gql/schema.json`).

mod answer;
mod batch;
mod calls;
mod change;
mod config;
mod deployment;
mod domains;
mod gates;
mod model;
mod program;
mod rendered;
mod rows;
mod ssh_keys;
mod templates;
mod usage;
mod zone;

pub(crate) use answer::{GraphqlErrors, Weather};
pub(crate) use calls::Deploy;
pub(crate) use change::{
    Change, CustomDomainChange, DeploySettings, DomainChange, OwnService, SharedChanges, SourceChange, VariableChanges,
};
pub(crate) use config::{Marks, ServiceConfig, Setting, VariableConfig, VolumeMount};
pub(crate) use deployment::{DeploymentMeta, DeploymentStatus, PlacedDeployment};
pub(crate) use domains::{Availability, DnsRecord, DomainStatus, RecordStatus};
pub(crate) use model::{
    Bucket, CustomDomain, Environment, EnvironmentStatus, Project, Service, ServiceDomain, ServiceInstance,
    ServiceStatus,
};
pub(crate) use program::{Railway, TOKEN_VARIABLE, Weight};
pub(crate) use rendered::{Reachable, Rendered};
pub(crate) use ssh_keys::SshKey;
pub(crate) use templates::TemplateName;
pub(crate) use usage::{PRICES, Prices, Usage};
pub(crate) use zone::zone;
