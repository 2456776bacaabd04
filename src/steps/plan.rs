//! `plan`: what a clone would do, told before anything is done, by the code that does it; changes nothing.

use std::time::Duration;

use anyhow::{Result, bail};
use schemars::JsonSchema;
use serde::Serialize;

use self::cost::CostPlan;
use self::data::DatabasePlan;
use self::domains::DomainPlan;
use self::seconds::Seconds;
use self::services::{BucketPlan, ServicePlan, VolumePlan};
use self::totals::Totals;
use self::variables::VariablePlan;
use super::validate::checked::{self, Checked};
use super::validate::findings::Finding;
use crate::contract::ids::EnvironmentId;
use crate::contract::policy::Policy;
use crate::contract::request::CloneRequest;
use crate::environment::plan_hash;
use crate::environment::variables::changes::changes;
use crate::rewriting::UrlPair;
use crate::running::context::Context;
use crate::running::outcome::Partly;
use crate::running::step::{Deadline, Group, Step, ensure_project};

mod cost;
mod data;
mod domains;
mod seconds;
mod services;
mod told;
mod totals;
mod variables;

/// What stands for the part of a name that follows from a run's id, which a plan does not know.
const UNKNOWN_HASH: &str = "xxxxx";

/// So many bytes of findings, and of what a clone would be refused for, stand in the outputs, which Kestra keeps small; all of them are in the file.
const MOST_BYTES: usize = 8 << 10;

/// The step.
pub(super) struct PlanStep;

/// What a clone would do, in numbers; the plan itself is in a file.
#[derive(Serialize, JsonSchema)]
pub(super) struct Output {
    pub source_environment_id: EnvironmentId,
    /// What the copy would be called; `xxxxx` is made of the run's id.
    pub environment_name: String,
    /// Binds a clone to this plan, as the request's `plan_hash`; absent without `RAILSTAGE_RECORD_KEY`.
    pub plan_hash: Option<String>,
    pub totals: Totals,
    /// Whatever else is worth knowing; what a clone would be refused for ends the step.
    pub findings: Vec<Finding>,
    #[serde(skip)]
    lines: String,
}

/// What a clone would do.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Plan {
    /// The version of railstage that made it.
    pub version: String,
    /// The project's name.
    pub project: String,
    /// The source's name.
    pub source: String,
    /// What the copy would be called; `xxxxx` is made of the run's id.
    pub environment_name: String,
    /// Binds a clone to this plan, as the request's `plan_hash`; absent without `RAILSTAGE_RECORD_KEY`.
    pub plan_hash: Option<String>,
    pub totals: Totals,
    pub services: Vec<ServicePlan>,
    pub variables: Vec<VariablePlan>,
    pub volumes: Vec<VolumePlan>,
    pub buckets: Vec<BucketPlan>,
    pub domains: Vec<DomainPlan>,
    /// Production's URLs with those of the copy in their place, in variables and data.
    pub rewritten: Vec<UrlPair>,
    pub databases: Vec<DatabasePlan>,
    pub seconds: Seconds,
    pub cost: CostPlan,
    /// What the source says of itself, what else is worth knowing, and what a clone would be refused for.
    pub findings: Vec<Finding>,
}

impl Step for PlanStep {
    const NAME: &'static str = "plan";
    const ABOUT: &'static str = "Tell what a clone would do, and change nothing";
    const GROUP: Group = Group::Lifecycle;
    const DEADLINE: Deadline = Deadline::Fixed(Duration::from_mins(4));
    const TELLS_A_PLAN: bool = true;
    type Input = CloneRequest;
    type Output = Output;

    /// What is not granted is found beside all else.
    fn ensure_granted(policy: &Policy, request: &CloneRequest) -> Result<()> {
        ensure_project(policy, request)
    }

    fn shown(output: &Output) -> String {
        output.lines.clone()
    }

    async fn run(ctx: &Context, request: CloneRequest) -> Result<Output> {
        let (_, project) = checked::begin(ctx, &request).await?;
        let names = ctx.run.names(&request);
        let Checked { source, findings, secrets: _, databases } =
            checked::check(ctx, &request, &project, &names, None).await?;
        let Ok(changed) = changes(&ctx.policy, &ctx.env, source, source, &request) else {
            return Err(findings.refusal());
        };
        let is_named = request.environment_name.is_some() || request.idempotency_key.is_some();
        let known = &names.target[..names.target.len().saturating_sub(UNKNOWN_HASH.len())];
        let environment_name = if is_named { names.target.clone() } else { format!("{known}{UNKNOWN_HASH}") };
        let domains = domains::of(source, &request, &environment_name);
        let sites = data::sites(ctx, &project, source, &request).await?;
        let rewritten = domains::rewritten(source, &request, &sites, &domains);
        let seconds = seconds::expected(ctx, &project, source, &databases);
        let databases: Vec<_> = databases.iter().map(|seen| data::of(seen, &request)).collect();
        let schemas: Vec<_> = databases.iter().map(|d| (d.plan.service.as_str(), d.schema.as_str())).collect();
        let hash = plan_hash::of(&ctx.record_keys, &ctx.policy, &request, source, &schemas);
        let services = services::of(source, &request);
        let usage = cost::used(ctx, &project).await;
        let volumes = services::volumes(&ctx.policy, source, &request, &usage);
        let cost = cost::expected(&usage, source, &services, &volumes);
        let mut plan = Plan {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            project: project.name.clone(),
            source: source.name.clone(),
            environment_name,
            plan_hash: hash,
            totals: Totals::default(),
            services,
            variables: variables::of(source, &request, &changed, &rewritten),
            volumes,
            buckets: services::buckets(source),
            domains,
            rewritten,
            databases: databases.iter().map(|d| d.plan.clone()).collect(),
            seconds,
            cost,
            findings: findings.all().to_vec(),
        };
        plan.totals = Totals::of(&plan);
        let refusal = findings.has_errors().then(|| findings.refusal_within(MOST_BYTES));
        let lines = told::lines(&plan);
        for line in &lines {
            tracing::info!("{line}");
        }
        let few = findings.told_within(MOST_BYTES);
        let output = Output {
            source_environment_id: source.id.clone(),
            environment_name: plan.environment_name.clone(),
            plan_hash: plan.plan_hash.clone(),
            totals: plan.totals.clone(),
            findings: few,
            lines: lines.join("\n"),
        };
        ctx.keep_plan(serde_json::to_value(plan).expect("a plan is plain data"));
        match refusal {
            Some(refusal) => bail!(Partly::done(output, refusal)),
            None => Ok(output),
        }
    }
}

/// What becomes of something in the copy, as one sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Comes,
    Changes,
    Stays,
    Same,
    Fresh,
}

impl Mark {
    pub(super) fn sign(self) -> char {
        match self {
            Self::Comes => '+',
            Self::Changes => '~',
            Self::Stays => '-',
            Self::Same => '=',
            Self::Fresh => '⚷',
        }
    }
}
