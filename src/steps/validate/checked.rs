//! The checks of `validate`, which are a plan's as well.

use anyhow::{Result, bail};

use super::files;
use super::findings::Findings;
use super::isolation::{self, Secrets};
use super::sources::{self, Seen};
use super::{OLDEST_RAILWAY, webhook};
use crate::contract::request::{Asked as _, CloneRequest};
use crate::contract::variable_override::Override;
use crate::environment::services::{self, Role, kind, web};
use crate::environment::variables::changes::wished_secret;
use crate::environment::{code, custom_domain, databases, gate, granted, guard, plan_hash, standing};
use crate::error::{Exit, Failure, chain};
use crate::external::process_env::ProcessEnv;
use crate::railway::{Availability, Environment, Project, ServiceInstance, Weight};
use crate::running::context::Context;
use crate::running::run::Names;

/// What was found out about a request.
pub(in crate::steps) struct Checked<'a> {
    pub(in crate::steps) source: &'a Environment,
    pub(in crate::steps) findings: Findings,
    pub(in crate::steps) secrets: Secrets,
    pub(in crate::steps) databases: Vec<Seen>,
}

/// Reads the project, once programs and token are known to do.
///
/// # Errors
/// [`Exit::Program`] when they do not.
pub(in crate::steps) async fn begin(ctx: &Context, request: &CloneRequest) -> Result<(String, Project)> {
    ctx.env.find("pg_dump")?;
    let railway = &ctx.railway;
    let version = railway.version().await?;
    ensure_version(&version)?;
    match railway.project(&request.project_id, Weight::Repeatable).await {
        Ok(project) => Ok((version, project)),
        Err(error) if Exit::of(&error) == Exit::Program && railway.has_project_token().await => {
            bail!(
                Failure::new(Exit::Program, "RAILWAY_API_TOKEN holds a project token, which cannot make environments")
                    .hint("make an account token in Railway's account settings")
            );
        }
        Err(error) => Err(error),
    }
}

/// Makes every check. What is wrong is among the findings, unless the rest cannot be checked for it.
///
/// # Errors
/// [`Exit::Invalid`], naming all that was found until then; and when a server does not answer.
pub(in crate::steps) async fn check<'a>(
    ctx: &Context,
    request: &CloneRequest,
    project: &'a Project,
    names: &Names,
    own: Option<&Environment>,
) -> Result<Checked<'a>> {
    let mut findings = Findings::default();
    findings.refused(request.refusals(&ctx.policy));
    webhook::check(&ctx.env, &mut findings);
    check_name(ctx, project, names, own, &mut findings);
    check_domain(ctx, project, own, request, &mut findings).await?;
    if !ctx.record_keys.can_sign() {
        findings.warning(
            "RAILSTAGE_RECORD_KEY",
            "is not set, so the copy's record is not signed: no sweep will delete the copy, whatever its `ttl`",
        );
    }
    let Some(source) = project.environment(&request.source_environment) else {
        let known: Vec<_> = project.environments.iter().map(|e| e.name.as_str()).collect();
        findings.error(
            "source_environment",
            format!("there is no environment `{}`; the project has {}", request.source_environment, known.join(", ")),
        );
        return Err(findings.refusal());
    };
    let not_granted = granted::refusals(&ctx.policy, project, source, request);
    let may_be_read = not_granted.is_empty();
    findings.refused(not_granted);
    check_services(source, request, &mut findings);
    files::check(ctx, source, request, &mut findings);
    check_variables(&ctx.env, source, request, &mut findings);
    for (field, problem) in gate::problems(&ctx.env, source, request) {
        findings.error(field, problem);
    }
    if !may_be_read {
        // Nobody logs in to a source that the owner has not granted.
        return Err(findings.refusal());
    }
    let services: Vec<_> = source.service_instances.iter().collect();
    let seen = databases::look(ctx, &project.id, &source.id, &services).await?;
    let seen: Vec<_> = services.into_iter().zip(&seen).collect();
    let rendered: Vec<_> = seen.iter().map(|(service, seen)| (*service, &seen.variables)).collect();
    let secrets = isolation::check(ctx, source, &rendered, request, &mut findings);
    if !secrets.are_replaceable {
        return Err(findings.refusal());
    }
    let databases = sources::check(ctx, &seen, request, &mut findings).await?;
    let schemas: Vec<_> =
        databases.iter().map(|seen| (seen.database.service.as_str(), seen.contents.schema.as_str())).collect();
    match plan_hash::moved(ctx, request, source, Some(&schemas)) {
        Ok(moved) => moved.iter().for_each(|part| findings.error("plan_hash", plan_hash::told(part))),
        Err(error) => findings.error("plan_hash", chain(&error)),
    }
    Ok(Checked { source, findings, secrets, databases })
}

fn ensure_version(version: &str) -> Result<()> {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let found = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if found < OLDEST_RAILWAY {
        let (major, minor) = OLDEST_RAILWAY;
        bail!(Failure::new(
            Exit::Program,
            format!("`railway` is version {version}; at least {major}.{minor} is needed")
        ));
    }
    Ok(())
}

fn check_name(ctx: &Context, project: &Project, names: &Names, own: Option<&Environment>, findings: &mut Findings) {
    if let Err(error) = guard::ensure_unprotected(&ctx.policy, names.field, &names.target) {
        findings.error(names.field, chain(&error));
        return;
    }
    let taken = project.environments.iter().find(|e| e.name == names.target);
    if taken.is_some_and(|e| own.is_none_or(|own| own.id != e.id)) {
        let stem = &names.target[..names.target.len().min(21)];
        // One name more than there are environments, so one of them is free.
        let mut names_to_try = (2..=project.environments.len() + 2).map(|n| format!("{stem}-{n}"));
        let free = names_to_try.find(|name| project.environment(name).is_none()).unwrap_or_default();
        findings.error(names.field, format!("there is an environment `{}` already; `{free}` is free", names.target));
    }
}

/// Railway gives a domain to one service of one environment, of whosever project.
async fn check_domain(
    ctx: &Context,
    project: &Project,
    own: Option<&Environment>,
    request: &CloneRequest,
    findings: &mut Findings,
) -> Result<()> {
    let Some(domain) = &request.custom_domain else { return Ok(()) };
    if let Some(refusal) = custom_domain::refusal(project, own, request) {
        findings.refused(vec![refusal]);
    } else if ctx.policy.grants_domain(domain) && !own.is_some_and(|own| custom_domain::is_attached(own, request)) {
        let Availability { available, message } = ctx.railway.custom_domain_available(domain).await?;
        if !available {
            findings.error("custom_domain", format!("Railway does not give `{domain}`: {message}"));
        }
    }
    Ok(())
}

fn check_services(source: &Environment, request: &CloneRequest, findings: &mut Findings) {
    check_service_names(source, request, findings);
    match web(source, request) {
        Some(service) if Role::of(service, request) != Role::App => {
            findings.error("web_service", format!("service `{}` is left out of the copy", service.service_name));
        }
        Some(_) => {}
        None if request.web_service.is_some() => {}
        None => {
            let public: Vec<_> = source
                .service_instances
                .iter()
                .filter(|s| s.hosts().next().is_some())
                .map(|s| s.service_name.as_str())
                .collect();
            let which = if public.is_empty() {
                "no service has a public domain".to_owned()
            } else {
                format!("`{}` have public domains", public.join("`, `"))
            };
            findings.error("web_service", format!("{which}; name the one that people visit"));
        }
    }
    for service in &source.service_instances {
        check_service(service, request, findings);
    }
    for bucket in &source.buckets {
        findings.warning(
            format!("bucket `{}`", bucket.name),
            "comes up empty, as one of the copy's own: Railway copies no objects",
        );
    }
}

fn check_service_names(source: &Environment, request: &CloneRequest, findings: &mut Findings) {
    let lists = [
        ("include_services", &request.include_services),
        ("exclude_services", &request.exclude_services),
        ("allow_empty_volumes", &request.allow_empty_volumes),
    ];
    let mut named: Vec<_> =
        lists.iter().flat_map(|(field, names)| names.iter().map(move |n| ((*field).to_owned(), n))).collect();
    named.extend(request.web_service.iter().map(|n| ("web_service".to_owned(), n)));
    named.extend(request.databases.iter().map(|d| ("databases.service".to_owned(), &d.service)));
    named.extend(request.variables.keys().filter(|n| *n != "*").map(|n| ("variables".to_owned(), n)));
    for (field, name) in named {
        if source.service(name).is_none() {
            let known: Vec<_> = source.service_instances.iter().map(|s| s.service_name.as_str()).collect();
            findings.error(field, format!("there is no service `{name}`; the source has {}", known.join(", ")));
        }
    }
    for problem in code::problems(source, request) {
        findings.error("sources", problem);
    }
    for name in request.health.iter().filter_map(|check| check.service.as_ref()) {
        let is_public = |s: &ServiceInstance| Role::of(s, request) == Role::App && s.hosts().next().is_some();
        if !source.service(name).is_some_and(is_public) {
            findings.error("health.service", format!("there is no app `{name}` with a public domain"));
        }
    }
    for database in &request.databases {
        if source.service(&database.service).is_some_and(|s| kind(s).is_none()) {
            findings.error(
                "databases.service",
                format!("service `{}` is no database that can be copied: Postgres, MySQL or MariaDB", database.service),
            );
        }
    }
}

fn check_service(service: &ServiceInstance, request: &CloneRequest, findings: &mut Findings) {
    let name = service.service_name.as_str();
    let role = Role::of(service, request);
    if role == Role::Cron {
        findings.info(
            name,
            "has a cron schedule and stays undeployed; name it in `include_services` to run it once at the start",
        );
    }
    if let Some(trouble) = standing::trouble(service) {
        findings.warning(name, trouble);
    }
    if standing::is_under_way(service) {
        findings.warning(
            name,
            "has a deployment under way in the source: the copy gets the code that runs when its apps are started",
        );
    }
    if role == Role::EmptyDatabase {
        findings.warning(name, services::why_empty(service));
    }
    if role != Role::App {
        return;
    }
    if services::is_only_called_database(service) {
        findings.warning(name, "is called a database server by its image, and neither variables nor volume nor a TCP proxy say that it is one: it comes up as an app, empty");
    }
    if service.is_upload() {
        findings.error(name, "was deployed by `railway up`, which Railway cannot copy; name it in `exclude_services`");
    }
    for domain in &service.domains.custom_domains {
        findings.info(name, format!("the domain `{}` stays with the source", domain.domain));
    }
}

fn check_variables(env: &ProcessEnv, source: &Environment, request: &CloneRequest, findings: &mut Findings) {
    let apps = source.service_instances.iter().filter(|s| Role::of(s, request) == Role::App);
    for service in apps {
        let set = [request.variables.get("*"), request.variables.get(&service.service_name)];
        let is_set = |name: &str| set.iter().flatten().any(|own| own.contains_key(name));
        for (name, variable) in source.variables(&service.service_id).filter(|(name, _)| !is_set(name)) {
            let subject = format!("{}.{name}", service.service_name);
            if variable.is_sealed() {
                findings.warning(
                    subject,
                    "is sealed, so Railway does not copy it; set it in `variables` if the copy needs it",
                );
            }
        }
    }
    for wish in request.variables.values().flat_map(|own| own.values()) {
        if let Override::Secret(name) = wish
            && let Err(error) = wished_secret(env, "variables", name)
        {
            findings.error("variables", error.root_cause().to_string());
        }
    }
}
