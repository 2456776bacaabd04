//! What an environment holds, as GraphQL objects: deployments, domains, proxies, volumes, variables, logs.

use super::environment::{environment, service};
use super::node::{Field, Node};
use crate::DeploymentStatus;
use crate::model::deployments::{Deployment, LogLine};
use crate::model::domains::{SUFFIX, TCP_PROXY_HOST};
use crate::model::{Answer, Environment, Handle, HandleKind, Model, Project};
use serde_json::Value;
use std::sync::Arc;
use uuid::Uuid;

type Shared = Arc<Model>;

pub(crate) fn deployment(model: &Shared, environment_id: Uuid, service_id: Uuid, deployment: &Deployment) -> Node {
    let runs = deployment.status == DeploymentStatus::Success && !deployment.stopped;
    let instance = (deployment.id, if runs { "RUNNING" } else { "REMOVED" });
    let shows_instance = deployment.status.is_over();
    let (of_environment, of_service) = (model.clone(), model.clone());
    Node::new("Deployment")
        .leaf("id", deployment.id)
        .leaf("environmentId", environment_id)
        .leaf("serviceId", service_id)
        .leaf("projectId", model.project_of(environment_id).map(|project| project.id).unwrap_or_default())
        .leaf("status", deployment.status)
        .leaf("createdAt", deployment.created_at)
        .leaf("updatedAt", deployment.updated_at)
        .leaf("statusUpdatedAt", deployment.updated_at)
        .leaf("meta", &deployment.meta)
        .leaf("deploymentStopped", deployment.stopped)
        .leaf("canRedeploy", true)
        .leaf("canRollback", deployment.can_come_back())
        .leaf("snapshotId", Value::Null)
        .leaf("staticUrl", Value::Null)
        .leaf("url", Value::Null)
        .leaf("diagnosis", Value::Null)
        .leaf("suggestAddServiceDomain", false)
        .with("instances", move |_| {
            let (id, status) = instance;
            let node = || Node::new("DeploymentDeploymentInstance").leaf("id", id).leaf("status", status);
            Ok(Field::List(shows_instance.then(node).into_iter().collect()))
        })
        .with("environment", move |_| {
            Ok(Field::Object(Some(environment(&of_environment, of_environment.environment(environment_id)?))))
        })
        .with("service", move |_| {
            let project = of_service.project_of(environment_id)?;
            Ok(Field::Object(Some(service(&of_service, project.id, project.service(service_id)?))))
        })
}

/// The deployments of the wanted instances, newest first.
pub(crate) fn deployments(model: &Shared, wanted: impl Fn(Uuid, Uuid) -> bool) -> Vec<Node> {
    let mut found: Vec<_> = model
        .environments()
        .flat_map(|one| one.instances.iter().map(move |(service, instance)| (one.id, *service, instance)))
        .filter(|(environment, service, _)| wanted(*environment, *service))
        .flat_map(|(environment, service, instance)| {
            instance.deployments.iter().map(move |one| (environment, service, one))
        })
        .collect();
    found.sort_by_key(|(_, _, one)| std::cmp::Reverse(one.created_at));
    found.into_iter().map(|(environment, service, one)| deployment(model, environment, service, one)).collect()
}

pub(crate) fn logs(lines: &[LogLine], limit: Option<i64>) -> Vec<Node> {
    let skipped = limit.map_or(0, |limit| lines.len().saturating_sub(usize::try_from(limit).unwrap_or(0)));
    let node = |line: &LogLine| {
        Node::new("Log")
            .leaf("timestamp", line.at)
            .leaf("message", &line.message)
            .leaf("severity", "info")
            .leaf("tags", Value::Null)
            .with("attributes", |_| Ok(Field::List(Vec::new())))
    };
    lines[skipped..].iter().map(node).collect()
}

pub(crate) fn service_domain(environment: &Environment, service: Uuid, domain: &str) -> Option<Node> {
    let handle = environment.handle(service, HandleKind::ServiceDomain, domain)?;
    let port = environment.config.service(service)["networking"]["serviceDomains"][domain]["port"].as_i64();
    Some(
        Node::new("ServiceDomain")
            .leaf("id", handle.id)
            .leaf("domain", domain)
            .leaf("suffix", SUFFIX)
            .leaf("environmentId", environment.id)
            .leaf("projectId", environment.project_id)
            .leaf("serviceId", service)
            .leaf("targetPort", port)
            .leaf("syncStatus", "ACTIVE")
            .leaf("createdAt", handle.created_at)
            .leaf("updatedAt", handle.created_at)
            .leaf("deletedAt", Value::Null),
    )
}

pub(crate) fn custom_domain(environment: &Environment, service: Uuid, domain: &str) -> Option<Node> {
    let handle = environment.handle(service, HandleKind::CustomDomain, domain)?;
    let port = environment.config.service(service)["networking"]["customDomains"][domain]["port"].as_i64();
    let (handle, name) = (handle.clone(), domain.to_owned());
    Some(
        Node::new("CustomDomain")
            .leaf("id", handle.id)
            .leaf("domain", domain)
            .leaf("environmentId", environment.id)
            .leaf("projectId", environment.project_id)
            .leaf("serviceId", service)
            .leaf("targetPort", port)
            .leaf("isRailwayDomain", false)
            .leaf("syncStatus", "ACTIVE")
            .leaf("createdAt", handle.created_at)
            .leaf("updatedAt", handle.created_at)
            .leaf("deletedAt", Value::Null)
            .with("status", move |_| Ok(Field::Object(Some(domain_status(&handle, &name))))),
    )
}

/// The owner must make a CNAME and a TXT record; until the TXT record is seen the domain serves nothing.
fn domain_status(handle: &Handle, domain: &str) -> Node {
    let (label, zone) = match domain.splitn(2, '.').collect::<Vec<_>>()[..] {
        [label, zone] if zone.contains('.') => (label.to_owned(), zone.to_owned()),
        _ => (String::new(), domain.to_owned()),
    };
    let (token, verified) = (handle.id.simple().to_string(), handle.verified);
    let target = format!("{}.{SUFFIX}", &token[..8]);
    let host = if label.is_empty() { "_railway-verify".to_owned() } else { format!("_railway-verify.{label}") };
    let seen = handle.seen.clone().unwrap_or_else(|| if verified { target.clone() } else { String::new() });
    let (record, propagated) = (domain.to_owned(), if seen == target { "PROPAGATED" } else { "REQUIRES_UPDATE" });
    Node::new("CustomDomainStatus")
        .leaf("verified", verified)
        .leaf("verificationDnsHost", host)
        .leaf("verificationToken", format!("railway-verify={token}"))
        .leaf("certificateStatus", format!("CERTIFICATE_STATUS_TYPE_{}", handle.certificate))
        .leaf("certificateStatusDetailed", Value::Null)
        .leaf("certificateErrorMessage", Value::Null)
        .leaf("certificateErrorType", Value::Null)
        .leaf("certificateRetryable", Value::Null)
        .leaf("certificates", Value::Null)
        .leaf("cdnProvider", Value::Null)
        .with("dnsRecords", move |_| {
            Ok(Field::List(vec![
                Node::new("DNSRecords")
                    .leaf("hostlabel", &label)
                    .leaf("fqdn", &record)
                    .leaf("zone", &zone)
                    .leaf("recordType", "DNS_RECORD_TYPE_CNAME")
                    .leaf("requiredValue", &target)
                    .leaf("currentValue", &seen)
                    .leaf("status", format!("DNS_RECORD_STATUS_{propagated}"))
                    .leaf("purpose", "DNS_RECORD_PURPOSE_TRAFFIC_ROUTE"),
            ]))
        })
}

pub(crate) fn tcp_proxies(environment: &Environment, service: Uuid) -> Vec<Node> {
    let ports = environment.config.keys(service, HandleKind::TcpProxy);
    ports.iter().filter_map(|port| tcp_proxy(environment, service, port)).collect()
}

pub(crate) fn tcp_proxy(environment: &Environment, service: Uuid, port: &str) -> Option<Node> {
    let handle = environment.handle(service, HandleKind::TcpProxy, port)?;
    Some(
        Node::new("TCPProxy")
            .leaf("id", handle.id)
            .leaf("domain", TCP_PROXY_HOST)
            .leaf("proxyPort", handle.proxy_port)
            .leaf("applicationPort", port.parse::<u16>().unwrap_or_default())
            .leaf("environmentId", environment.id)
            .leaf("serviceId", service)
            .leaf("syncStatus", if handle.acts { "ACTIVE" } else { "CREATING" })
            .leaf("createdAt", handle.created_at)
            .leaf("updatedAt", handle.created_at)
            .leaf("deletedAt", Value::Null),
    )
}

pub(crate) fn volume(project: &Project, id: Uuid) -> Node {
    Node::new("Volume")
        .leaf("id", id)
        .leaf("name", project.volumes.get(&id))
        .leaf("projectId", project.id)
        .leaf("createdAt", project.created_at)
}

pub(crate) fn bucket(project: &Project, id: Uuid) -> Node {
    Node::new("Bucket")
        .leaf("id", id)
        .leaf("name", project.buckets.get(&id))
        .leaf("projectId", project.id)
        .leaf("groupId", Value::Null)
        .leaf("createdAt", project.created_at)
        .leaf("updatedAt", project.created_at)
}

pub(crate) fn volume_instances(model: &Shared, environment_id: Uuid) -> Answer<Vec<Node>> {
    let environment = model.environment(environment_id)?;
    let mounts = environment.config.service_ids().into_iter().flat_map(|service| {
        let volumes = environment.config.keys(service, HandleKind::VolumeMount);
        volumes.into_iter().map(move |volume| (service, volume))
    });
    Ok(mounts.filter_map(|(service, volume)| volume_instance(model, environment, service, &volume)).collect())
}

pub(crate) fn volume_instance(model: &Shared, environment: &Environment, service_id: Uuid, key: &str) -> Option<Node> {
    let handle = environment.handle(service_id, HandleKind::VolumeMount, key)?;
    let volume_id = Uuid::parse_str(key).ok()?;
    let (project_id, environment_id) = (environment.project_id, environment.id);
    let settings = environment.config.shown(false)["volumes"][key].clone();
    let (of_volume, of_service) = (model.clone(), model.clone());
    Some(
        Node::new("VolumeInstance")
            .leaf("id", handle.id)
            .leaf("volumeId", key)
            .leaf("environmentId", environment_id)
            .leaf("serviceId", service_id)
            .leaf("mountPath", environment.config.text(service_id, &format!("/volumeMounts/{key}/mountPath")))
            .leaf("sizeMB", settings["sizeMB"].as_i64().unwrap_or(5000))
            .leaf("currentSizeMB", model.usage.volume_mb.get(&handle.id).copied().unwrap_or(0.0))
            .leaf("region", settings["region"].as_str())
            .leaf("state", "READY")
            .leaf("isPendingDeletion", false)
            .leaf("createdAt", handle.created_at)
            .leaf("deletedAt", Value::Null)
            .leaf("externalId", Value::Null)
            .with("volume", move |_| Ok(Field::Object(Some(volume(of_volume.project(project_id)?, volume_id)))))
            .with("service", move |_| {
                let project = of_service.project(project_id)?;
                Ok(Field::Object(Some(service(&of_service, project_id, project.service(service_id)?))))
            }),
    )
}

/// The variables of an environment by name, without values.
pub(crate) fn variables(environment: &Environment) -> Vec<Node> {
    let owners = environment.config.service_ids().into_iter().map(Some).chain([None]);
    owners
        .flat_map(|owner| environment.config.variables(owner).into_iter().map(move |(name, one)| (owner, name, one)))
        .map(|(owner, name, variable)| {
            Node::new("Variable")
                .leaf("name", name)
                .leaf("serviceId", owner)
                .leaf("environmentId", environment.id)
                .leaf("isSealed", variable.is_sealed)
        })
        .collect()
}
