//! `deploy`: puts a site from a repository or an image into a service of an environment, or takes that back.

mod code;
mod visiting;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use schemars::JsonSchema;
use serde::Serialize;

use self::code::{Code, How};
use self::visiting::Visited;
use crate::contract::deploy_request::{Database, DeployRequest};
use crate::contract::deployed::Deployed;
use crate::contract::ids::{DeploymentId, EnvironmentId, ServiceId};
use crate::contract::record::{self, Record};
use crate::contract::request::CloneRequest;
use crate::contract::variable_override::Override;
use crate::environment::deploying::{self, Destination};
use crate::environment::deployments::{self, Site};
use crate::environment::lease::{self, Turn};
use crate::environment::variables::changes::wished_secret;
use crate::environment::variables::{Owner, Written};
use crate::environment::{adding, costs, isolated};
use crate::railway::{Change, VariableChanges};
use crate::running::account::{CopyAccount, Deed};
use crate::running::context::Context;
use crate::running::step::{Deadline, Group, Step};

/// How long a service may take to build and start.
const UP: Duration = Duration::from_mins(32);

/// The step.
pub(super) struct Deploy;

/// What was deployed.
#[derive(Serialize, JsonSchema)]
pub(super) struct Output {
    pub environment_id: EnvironmentId,
    pub environment_name: String,
    pub service: String,
    pub how: How,
    /// The commit, where one is known.
    pub commit: Option<String>,
    pub image: Option<String>,
    pub deployment_id: DeploymentId,
    /// What ran before, to go back to by `rollback_to`; absent when nothing did.
    pub previous_deployment_id: Option<DeploymentId>,
    /// The service's address; absent where it has no domain.
    pub url: Option<String>,
    /// Every page that was visited.
    pub visits: Vec<Visited>,
    /// The services of the databases that were added.
    pub databases_added: Vec<String>,
    /// Names of the variables that were set.
    pub variables_set: Vec<String>,
    /// What is worth knowing before the next copy is made.
    pub warnings: Vec<String>,
}

impl Step for Deploy {
    const NAME: &'static str = "deploy";
    const ABOUT: &'static str = "Deploy a site from a repository or an image, or go back to what ran before";
    const GROUP: Group = Group::Change;
    const DEADLINE: Deadline = Deadline::Fixed(Duration::from_mins(58));
    const ENDS_RUN: bool = true;
    type Input = DeployRequest;
    type Output = Output;

    fn shown(output: &Output) -> String {
        let Output { environment_name, service, commit, image, url, previous_deployment_id, .. } = output;
        let what = commit.as_ref().or(image.as_ref()).map(|what| format!(" {what}")).unwrap_or_default();
        let at = url.as_ref().map(|url| format!(" at {url}")).unwrap_or_default();
        let back = previous_deployment_id.as_ref();
        let back = back.map(|id| format!("\nback to what ran before: --rollback-to {id}")).unwrap_or_default();
        let warnings: String = output.warnings.iter().map(|warning| format!("\n{warning}")).collect();
        format!("{service} of {environment_name} runs{what}{at}{back}{warnings}")
    }

    async fn run(ctx: &Context, request: DeployRequest) -> Result<Output> {
        loop {
            match deploying::claim(ctx, &request).await? {
                Destination::Copy(target) => {
                    let done = lease::try_turn(ctx, &request, *target, |ctx, request, target, turn| {
                        Box::pin(deploy(ctx, request, Destination::Copy(Box::new(target)), Some(turn)))
                    });
                    if let Some(done) = done.await? {
                        return Ok(done);
                    }
                }
                other @ Destination::Other(..) => return deploy(ctx, &request, other, None).await,
            }
        }
    }
}

async fn deploy(ctx: &Context, request: &DeployRequest, to: Destination, turn: Option<&Turn>) -> Result<Output> {
    let site = to.site();
    let service = site.environment.service(&request.service).context("find the service again")?;
    let mut output = Output {
        environment_id: site.environment.id.clone(),
        environment_name: site.environment.name.clone(),
        service: service.service_name.clone(),
        how: How::Rollback,
        commit: None,
        image: None,
        deployment_id: DeploymentId::default(),
        previous_deployment_id: service.running().map(|deployment| deployment.id.clone()),
        url: service.domains.service_domains.first().map(|domain| format!("https://{}", domain.domain)),
        visits: Vec::new(),
        databases_added: Vec::new(),
        variables_set: request
            .variables
            .get(&request.service)
            .into_iter()
            .flatten()
            .map(|(name, _)| name.clone())
            .collect(),
        warnings: Vec::new(),
    };
    if let Some(done) = before(ctx, &to, request) {
        tracing::info!("this run has deployed `{}` before", output.service);
        (output.how, output.commit, output.image) = (How::of(done), done.commit.clone(), done.image.clone());
        (output.deployment_id, output.previous_deployment_id) = (done.deployment_id.clone(), None);
        return Ok(output);
    }
    // All that may be wrong comes first: nothing is changed before it is known to be right.
    let variables = variables(ctx, request, &service.service_id)?;
    if let Some(target) = to.copy() {
        ensure_isolated(ctx, target, request, &variables).await?;
    }
    let back = deploying::coming_back(ctx, site, request).await?;
    let code = Code::find(ctx, site, request, back).await?;
    output.warnings = code.warnings(&output.service);
    for warning in &output.warnings {
        tracing::warn!("{warning}");
    }
    let missing = adding::missing(site.environment, &request.add_databases);
    if !missing.is_empty() || !variables.is_empty() || code.source().is_some() {
        adding::ensure_nothing_staged(ctx, site.environment).await?;
    }
    output.databases_added = add_databases(ctx, site, request, turn, &missing).await?;
    prepare(ctx, site, request, turn, &code, variables).await?;
    (output.how, output.commit, output.image) = (code.how(), code.commit(), code.image());
    output.deployment_id = code.deploy(ctx, site, &service.service_id).await?;
    tracing::info!("service `{}`: deployment `{}` is under way", output.service, output.deployment_id);
    deployments::come_up(ctx, site, &service.service_id, &output.deployment_id, UP, request.logs).await?;
    tracing::info!("service `{}` is up", output.service);
    if let Some(previous) = &output.previous_deployment_id {
        tracing::info!("`rollback_to: {previous}` takes it back");
    }
    let record = written(ctx, site, turn, &output, request).await?;
    output.visits = visiting::all(ctx, site, request, Instant::now()).await?;
    let copy = (&site.project.id, &site.environment.id, site.environment.name.as_str());
    let cost = costs::so_far(ctx, &site.project.id, site.environment).await;
    ctx.account_for(CopyAccount::of(Deed::Deployed, copy, record.as_ref()).at_cost(cost));
    Ok(output)
}

/// What this very run has deployed already.
fn before<'a>(ctx: &Context, to: &'a Destination, request: &DeployRequest) -> Option<&'a Deployed> {
    let deployed = to.copy()?.record.made.deployed.get(&request.service)?;
    (deployed.run == ctx.run.id).then_some(deployed)
}

/// What becomes of the service's variables.
fn variables(ctx: &Context, request: &DeployRequest, service_id: &ServiceId) -> Result<VariableChanges> {
    let mut own = BTreeMap::new();
    for (name, wish) in request.variables.get(&request.service).into_iter().flatten() {
        let value = match wish {
            Override::Value(value) => Some(value.clone()),
            Override::Blank => Some(String::new()),
            Override::Remove => None,
            Override::Secret(secret) => Some(wished_secret(&ctx.env, "variables", secret)?.expose().to_owned()),
        };
        own.insert(name.clone(), value);
    }
    let is_any = !own.is_empty();
    Ok(is_any.then(|| (service_id.clone(), own)).into_iter().collect())
}

/// Refuses to deploy an app of a copy while a variable of it names production, or would.
async fn ensure_isolated(
    ctx: &Context,
    target: &crate::environment::guard::Target,
    request: &DeployRequest,
    variables: &VariableChanges,
) -> Result<()> {
    let mut written = Written::of(target.environment());
    let all = || variables.iter().flat_map(|(id, own)| own.iter().map(move |(name, value)| (id, name, value)));
    for (id, name, value) in all() {
        let place = (Owner::Service(id.clone()), name.clone());
        match value {
            Some(value) => written.set(place, value.clone()),
            None => written.remove(&place),
        }
    }
    let mut resolved = VariableChanges::new();
    for (id, name, value) in all() {
        let value = value.as_ref().map(|value| written.rendered(&Owner::Service(id.clone()), value));
        resolved.entry(id.clone()).or_default().insert(name.clone(), value);
    }
    let own = target.environment().service(&request.service).map(|s| target.environment().variables(&s.service_id));
    let live = own.into_iter().flatten().map(|(name, _)| format!("{}.{name}", request.service));
    let asked = CloneRequest {
        allow_live: live.filter(|variable| ctx.policy.grants_live(variable)).collect(),
        variables: request.variables.clone(),
        ..CloneRequest::of_project(&request.project_id)
    };
    isolated::ensure(ctx, target, &asked, |s| s.service_name == request.service, &resolved).await.map(|_| ())
}

/// Adds the databases that are not there, and starts those that were never deployed: somebody may have been cut off between the two.
async fn add_databases(
    ctx: &Context,
    site: Site<'_>,
    request: &DeployRequest,
    turn: Option<&Turn>,
    missing: &[Database],
) -> Result<Vec<String>> {
    let wanted = &request.add_databases;
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    adding::add(ctx, &site.project.id, &site.environment.id, missing).await?;
    let project = adding::shown(ctx, site, wanted).await?;
    let environment = project.environment_by_id(&site.environment.id).context("find the environment again")?;
    let is_new = |name: &String| site.environment.service(name).is_none();
    let names = environment.service_instances.iter().map(|service| service.service_name.clone());
    let added: Vec<_> = names.filter(is_new).collect();
    if let Some(turn) = turn.filter(|_| !added.is_empty()) {
        let change = turn.amended(ctx, |record| record.made.added.extend(added.iter().cloned())).await?;
        ctx.railway.change(&project.id, &environment.id, &change).await.context("write the copy's record")?;
    }
    let site = Site { project: &project, environment, source: None };
    adding::start(ctx, site, wanted, request.logs).await?;
    Ok(added)
}

/// Sets what the deployment is to begin with; nothing is deployed by it.
async fn prepare(
    ctx: &Context,
    site: Site<'_>,
    request: &DeployRequest,
    turn: Option<&Turn>,
    code: &Code,
    variables: VariableChanges,
) -> Result<()> {
    let service = site.environment.service(&request.service).context("find the service again")?;
    let names: Vec<_> = variables.values().flat_map(BTreeMap::keys).cloned().collect();
    let sources: Vec<_> = code.source().map(|source| (service.service_id.clone(), source)).into_iter().collect();
    if names.is_empty() && sources.is_empty() {
        return Ok(());
    }
    let mut change = match turn {
        Some(turn) => {
            let amend = |record: &mut Record| {
                let set = record.made.set_variables.entry(request.service.clone()).or_default();
                set.extend(names.iter().cloned());
                set.sort();
                set.dedup();
            };
            turn.amended(ctx, amend).await?
        }
        None => Change::default(),
    };
    (change.variables, change.sources) = (variables, sources);
    ctx.railway.change(&site.project.id, &site.environment.id, &change).await.context("set what is deployed")?;
    Ok(())
}

/// Writes into a copy's record what runs in it now.
async fn written(
    ctx: &Context,
    site: Site<'_>,
    turn: Option<&Turn>,
    output: &Output,
    request: &DeployRequest,
) -> Result<Option<Record>> {
    let Some(turn) = turn else { return Ok(None) };
    let deployed = Deployed {
        repository: request.repository.as_ref().map(ToString::to_string),
        commit: output.commit.clone(),
        image: output.image.clone(),
        uploaded: output.how == How::Upload,
        deployment_id: output.deployment_id.clone(),
        run: ctx.run.id.clone(),
        at: record::now(),
    };
    let amend = |record: &mut Record| drop(record.made.deployed.insert(request.service.clone(), deployed));
    let change = turn.amended(ctx, amend).await?;
    ctx.railway.change(&site.project.id, &site.environment.id, &change).await.context("write the copy's record")?;
    Ok(Some(turn.record()))
}
