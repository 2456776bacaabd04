//! The hash that binds a clone to a plan: a short keyed one for each part of what the plan was made of, so that the part can be named that has
//! changed since. Rows and sizes are no part: they change all the time.

use std::fmt::Write as _;

use anyhow::{Result, bail, ensure};

use crate::contract::policy::Policy;
use crate::contract::request::CloneRequest;
use crate::contract::signature::{KEY_VARIABLE, RecordKeys};
use crate::engines;
use crate::environment::services::{Role, databases as databases_of};
use crate::environment::variables::Written;
use crate::environment::{databases, guard};
use crate::error::{Failure, listed};
use crate::railway::{Environment, Project, ServiceConfig, ServiceInstance};
use crate::running::context::Context;

/// The form of the hash, before its first point.
const VERSION: &str = "1";

/// Databases by service with their schemas.
pub(crate) type Schemas<'a> = [(&'a str, &'a str)];

/// A part of what a plan was made of: what people call it, and what it is bound to.
struct Part {
    name: String,
    bound_to: String,
}

/// The hash of what a plan is made of; `None` without a key.
pub(crate) fn of(
    keys: &RecordKeys,
    policy: &Policy,
    request: &CloneRequest,
    source: &Environment,
    schemas: &Schemas<'_>,
) -> Option<String> {
    let hash = |part: Part| keys.short_hashes(&part.bound()).into_iter().next();
    let hashes: Option<Vec<_>> = parts(policy, request, source, Some(schemas)).into_iter().map(hash).collect();
    keys.can_sign().then_some(())?;
    Some(format!("{VERSION}.{}", hashes?.join(".")))
}

/// The parts that have changed since the plan that a request names; none where it names none. Without `schemas` those of the databases are not
/// asked about.
///
/// # Errors
/// [`crate::error::Exit::Invalid`] without the key that could tell.
pub(crate) fn moved(
    ctx: &Context,
    request: &CloneRequest,
    source: &Environment,
    schemas: Option<&Schemas<'_>>,
) -> Result<Vec<String>> {
    let Some(planned) = &request.plan_hash else { return Ok(Vec::new()) };
    ensure!(
        ctx.record_keys.can_sign(),
        Failure::invalid(format!("cannot be compared without {KEY_VARIABLE}")).hint("leave it out, or set the key")
    );
    let mut planned = planned.split('.').skip(1);
    let mut moved = Vec::new();
    let all = parts(&ctx.policy, request, source, schemas);
    for part in all {
        let hashes = ctx.record_keys.short_hashes(&part.bound());
        if !planned.next().is_some_and(|planned| hashes.iter().any(|hash| hash == planned)) {
            moved.push(part.name);
        }
    }
    if schemas.is_some() && planned.next().is_some() {
        moved.push("the databases".to_owned());
    }
    Ok(moved)
}

/// That a part has changed, for people.
pub(crate) fn told(part: &str) -> String {
    format!("{part} changed since the plan; make a new plan, or leave `plan_hash` out")
}

/// Refuses when anything has changed since the plan that a request names.
///
/// # Errors
/// [`crate::error::Exit::Invalid`], naming each part.
pub(crate) async fn ensure_unmoved(
    ctx: &Context,
    project: &Project,
    source: &Environment,
    request: &CloneRequest,
) -> Result<()> {
    if request.plan_hash.is_none() {
        return Ok(());
    }
    let services = databases_of(source, request);
    let endpoints = databases::sources(ctx, &project.id, &source.id, &services, request.connect).await?;
    let mut schemas = Vec::new();
    for endpoint in &endpoints {
        schemas.push(engines::schema(endpoint).await?);
    }
    let schemas: Vec<_> =
        services.iter().zip(&schemas).map(|(s, schema)| (s.service_name.as_str(), schema.as_str())).collect();
    match refusal(&moved(ctx, request, source, Some(&schemas))?) {
        Some(refusal) => bail!(refusal),
        None => Ok(()),
    }
}

/// Why a clone is not begun, once these parts have changed.
pub(crate) fn refusal(moved: &[String]) -> Option<Failure> {
    let told: Vec<_> = moved.iter().map(|part| format!("`plan_hash`: {}", told(part))).collect();
    (!told.is_empty()).then(|| Failure::invalid(listed(&told)))
}

/// Tells what has changed since the plan that a request names, once a copy is under way.
pub(crate) fn warn_of_moved(ctx: &Context, request: &CloneRequest, target: &guard::Target) {
    for part in moved(ctx, request, target.source(), None).unwrap_or_default() {
        tracing::warn!("{part} changed since the plan that this clone was begun by");
    }
}

fn parts(policy: &Policy, request: &CloneRequest, source: &Environment, schemas: Option<&Schemas<'_>>) -> Vec<Part> {
    let part = |name: &str, bound_to: String| Part { name: name.to_owned(), bound_to };
    let asked = CloneRequest { plan_hash: None, idempotency_key: None, ..request.clone() };
    let policy = serde_json::to_string(policy).expect("a policy is plain data");
    let mut parts = vec![
        part("the request", asked.hash()),
        part("the policy", policy),
        part("the services", of_services(source, |s| service(source, s, request))),
        part("the variables", variables(source)),
        part("the domains", of_services(source, domains)),
        part("the volumes and buckets", of_services(source, |s| volumes(source, s)) + &buckets(source)),
    ];
    let mut schemas: Vec<_> = schemas.unwrap_or_default().to_vec();
    schemas.sort_unstable();
    let of_schema =
        |(service, schema): (&str, &str)| part(&format!("the schema of database `{service}`"), schema.to_owned());
    parts.extend(schemas.into_iter().map(of_schema));
    parts
}

/// What is told of each service, in an order that is not Railway's.
fn of_services(source: &Environment, told: impl Fn(&ServiceInstance) -> String) -> String {
    let line = |s: &ServiceInstance| format!("{:?} {:?} {}", s.service_id, s.service_name, told(s));
    let mut lines: Vec<_> = source.service_instances.iter().map(line).collect();
    lines.sort();
    lines.join("\n")
}

fn service(source: &Environment, service: &ServiceInstance, request: &CloneRequest) -> String {
    let repo = service.source.as_ref().and_then(|source| source.repo.as_deref());
    let role: Role = Role::of(service, request);
    let config = source.config.services.get(&service.service_id);
    let settings: Vec<_> = config.into_iter().flat_map(ServiceConfig::all_settings).collect();
    format!("{role:?} {repo:?} {:?} {:?} {:?} {settings:?}", service.image(), service.commit(), service.cron_schedule)
}

fn variables(source: &Environment) -> String {
    let written = Written::of(source);
    let mut lines: Vec<_> =
        written.iter().map(|((owner, name), value)| format!("{owner:?} {name:?} {value:?}")).collect();
    for service in &source.service_instances {
        let sealed = source.variables(&service.service_id).filter(|(_, variable)| variable.is_sealed());
        lines.extend(sealed.map(|(name, _)| format!("{:?} {name:?} sealed", service.service_id)));
    }
    lines.sort();
    lines.join("\n")
}

fn domains(service: &ServiceInstance) -> String {
    let mut hosts: Vec<_> = service.hosts().collect();
    hosts.sort_unstable();
    let ports: Vec<_> = service.domains.service_domains.iter().map(|domain| domain.target_port).collect();
    format!("{hosts:?} {ports:?}")
}

fn volumes(source: &Environment, service: &ServiceInstance) -> String {
    let mut told = String::new();
    let mounts = source.config.services.get(&service.service_id).map(|config| &config.volume_mounts);
    for (id, mount) in mounts.into_iter().flatten() {
        let path = mount.as_ref().and_then(|mount| mount.mount_path.as_deref());
        let _ = write!(told, "{id:?} {path:?} ");
    }
    told
}

fn buckets(source: &Environment) -> String {
    let mut lines: Vec<_> =
        source.buckets.iter().map(|b| format!("\n{:?} {:?} {:?}", b.id, b.name, b.region)).collect();
    lines.sort();
    lines.concat()
}

impl Part {
    /// What its hash is made of: parts that say the same are told apart by their names.
    fn bound(&self) -> String {
        format!("{}\0{}", self.name, self.bound_to)
    }
}
