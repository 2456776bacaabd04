//! `start-apps`: deploys the copy's apps at production's commits, once nothing of theirs points at production.

use std::time::Duration;

use anyhow::{Result, bail};
use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::policy::Policy;
use crate::contract::request::CloneRequest;
use crate::environment::deployments;
use crate::environment::granted;
use crate::environment::guard::{Readiness, Target};
use crate::environment::lease::{self, Turn};
use crate::environment::services::{self, Role, with_role};
use crate::error::Failure;
use crate::railway::{Deploy, Rendered, Weight};
use crate::running::context::Context;
use crate::running::step::{Deadline, Step};

/// How long an app may take to build and start.
const APP_UP: Duration = Duration::from_mins(32);

/// URL schemes of servers that hold data.
const DATA_SCHEMES: &[&str] =
    &["postgres", "postgresql", "mysql", "mariadb", "mongodb", "mongodb+srv", "redis", "rediss", "amqp", "amqps"];

/// Names of variables that hold such a server's bare host.
const HOST_VARIABLES: &[&str] = &[
    "PGHOST",
    "MYSQLHOST",
    "REDISHOST",
    "MONGOHOST",
    "DB_HOST",
    "DATABASE_HOST",
    "POSTGRES_HOST",
    "MYSQL_HOST",
    "REDIS_HOST",
    "WORDPRESS_DB_HOST",
];

/// The step.
pub(super) struct StartApps;

/// What was started.
#[derive(Serialize, JsonSchema)]
pub(super) struct Output {
    pub started: Vec<Started>,
    /// Services that stay undeployed: left out by the request, or with a cron schedule.
    pub left_out: Vec<String>,
}

/// One app that is up.
#[derive(Serialize, JsonSchema)]
pub(super) struct Started {
    pub service: String,
    /// The commit it runs, production's own; absent for an image.
    pub commit: Option<String>,
}

impl Step for StartApps {
    const NAME: &'static str = "start-apps";
    const ABOUT: &'static str = "Deploy the copy's apps at production's commits";
    const DEADLINE: Deadline = Deadline::Fixed(Duration::from_mins(34));
    type Input = CloneRequest;
    type Output = Output;

    async fn run(ctx: &Context, request: CloneRequest) -> Result<Output> {
        lease::in_turn(ctx, &request, Readiness::HasData, |ctx, request, target, turn| {
            Box::pin(start(ctx, request, target, turn))
        })
        .await
    }
}

/// Refuses while an app that would start names production's database, or any other that the policy does not allow.
async fn ensure_isolated(ctx: &Context, target: &Target, request: &CloneRequest) -> Result<()> {
    let apps = with_role(target.source(), request, &[Role::App]);
    let databases = services::databases(target.source(), request);
    let (source_id, copy_id) = (&target.source().id, &target.environment().id);
    let mut asked: Vec<_> = apps.iter().map(|s| (copy_id, &s.service_id)).collect();
    asked.extend(databases.iter().map(|s| (copy_id, &s.service_id)));
    asked.extend(databases.iter().map(|s| (source_id, &s.service_id)));
    let rendered = ctx.railway.rendered(&target.project.id, &asked, Weight::Repeatable).await?;
    let (of_apps, of_databases) = rendered.split_at(apps.len());
    let (of_copy, of_source) = of_databases.split_at(databases.len());
    let world = Neighbours {
        own: of_copy.iter().filter_map(proxy).collect(),
        foreign: of_source.iter().filter_map(proxy).collect(),
    };
    let mut findings = Vec::new();
    for (app, variables) in apps.iter().zip(of_apps) {
        for (name, value) in variables.iter().filter_map(|(name, value)| Some((name, value.as_deref()?))) {
            if let Some(what) = world.objection(&ctx.policy, name, value) {
                findings.push(format!("`{name}` of service `{}` names {what}", app.service_name));
            }
        }
    }
    if findings.is_empty() {
        return Ok(());
    }
    bail!(Failure::invalid(format!("the copy's apps are not started: {}", findings.join("; "))).hint(
        "set the variable in `variables`, make it a reference such as `${{Postgres.DATABASE_URL}}`, or add the host to the policy's `allowed_hosts`"
    ))
}

async fn start(ctx: &Context, request: &CloneRequest, target: Target, _turn: &Turn) -> Result<Output> {
    granted::ensure(&ctx.policy, &target.project, target.source(), request)?;
    if !target.is_ready() {
        ensure_isolated(ctx, &target, request).await?;
    }
    let apps = with_role(target.source(), request, &[Role::App]);
    let started: Vec<_> = apps
        .iter()
        .map(|s| Started { service: s.service_name.clone(), commit: s.commit().map(str::to_owned) })
        .collect();
    let deploys =
        apps.iter().map(|s| Deploy { service_id: s.service_id.clone(), commit: s.commit().map(str::to_owned) });
    if !target.is_ready() {
        deployments::deploy(ctx, &target, deploys.collect(), APP_UP, request.logs).await?;
    }
    for app in &started {
        tracing::info!("service `{}` is up", app.service);
    }
    let left_out = with_role(target.source(), request, &[Role::LeftOut, Role::Cron]);
    Ok(Output { started, left_out: left_out.into_iter().map(|s| s.service_name.clone()).collect() })
}

/// `host:port` of the public endpoints of the copy's databases and of production's.
struct Neighbours {
    own: Vec<String>,
    foreign: Vec<String>,
}

impl Neighbours {
    /// What is wrong with a variable, without its value.
    fn objection(&self, policy: &Policy, name: &str, value: &str) -> Option<String> {
        if let Some(endpoint) = self.foreign.iter().find(|endpoint| value.contains(endpoint.as_str())) {
            return Some(format!("production's database at `{endpoint}`"));
        }
        let host = data_host(name, value)?;
        let bare = host.split(':').next().unwrap_or_default();
        let inside = bare.ends_with(".railway.internal") || self.own.contains(&host);
        let allowed = policy.allowed_hosts.iter().any(|allowed| allowed == bare || *allowed == host);
        (!inside && !allowed).then(|| format!("the database host `{host}` outside the copy"))
    }
}

/// The `host` or `host:port` of the data server that a variable names.
fn data_host(name: &str, value: &str) -> Option<String> {
    if HOST_VARIABLES.contains(&name) {
        return (!value.is_empty()).then(|| value.to_owned());
    }
    let url = url::Url::parse(value).ok().filter(|url| DATA_SCHEMES.contains(&url.scheme()))?;
    let host = url.host_str().filter(|host| !host.is_empty())?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

fn proxy(variables: &Rendered) -> Option<String> {
    let value = |name: &str| variables.get(name).cloned().flatten().filter(|v| !v.is_empty());
    Some(format!("{}:{}", value("RAILWAY_TCP_PROXY_DOMAIN")?, value("RAILWAY_TCP_PROXY_PORT")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objection(name: &str, value: &str) -> Option<String> {
        let world = Neighbours { own: vec!["proxy.example:2000".into()], foreign: vec!["proxy.example:1000".into()] };
        let policy = Policy { allowed_hosts: vec!["search.example".into()], ..Policy::default() };
        world.objection(&policy, name, value)
    }

    #[test]
    fn productions_proxy_is_found_in_any_variable() {
        assert!(objection("REPORTING", "host is proxy.example:1000 today").unwrap().contains("production"));
    }

    #[test]
    fn a_database_outside_the_copy_is_refused_unless_allowed() {
        assert!(objection("DATABASE_URL", "postgresql://u:p@db.example/x").is_some());
        assert!(objection("PGHOST", "db.example").is_some());
        assert!(objection("SEARCH_URL", "redis://search.example:6379").is_none());
    }

    #[test]
    fn the_copys_own_addresses_and_other_values_pass() {
        assert!(objection("DATABASE_URL", "postgresql://u:p@postgres.railway.internal:5432/x").is_none());
        assert!(objection("PUBLIC_URL", "postgresql://u:p@proxy.example:2000/x").is_none());
        assert!(objection("WP_HOME", "https://staging.example").is_none());
    }

    #[test]
    fn an_objection_never_quotes_a_password() {
        assert!(!objection("DATABASE_URL", "postgresql://u:hunter2@db.example/x").unwrap().contains("hunter2"));
    }
}
