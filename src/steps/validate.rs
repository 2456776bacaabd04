//! `validate`: every check that can be made before anything changes; all findings, not the first.

use std::time::Duration;

use anyhow::{Result, bail};
use schemars::JsonSchema;
use serde::Serialize;

use self::checked::Checked;
use self::findings::Finding;
use crate::contract::ids::EnvironmentId;
use crate::contract::policy::Policy;
use crate::contract::request::CloneRequest;
use crate::copying::inspection::SourceReport;
use crate::environment::{guard, same_key};
use crate::error::counted;
use crate::running::context::Context;
use crate::running::step::{Deadline, Step, ensure_project};

pub(super) mod checked;
mod files;
pub(super) mod findings;
mod isolation;
pub(super) mod sources;
mod webhook;

/// The oldest `railway` that has `railway api`: major, minor.
pub const OLDEST_RAILWAY: (u32, u32) = (5, 28);

/// The step.
pub(super) struct Validate;

/// What a clone would meet.
#[derive(Serialize, JsonSchema)]
pub(super) struct Output {
    /// What the copy will be called.
    pub environment_name: String,
    pub source_environment_id: EnvironmentId,
    /// Worth knowing, but no reason to stop; errors end the step instead.
    pub findings: Vec<Finding>,
    pub databases: Vec<Database>,
    /// Variables that hold a secret, and what is done with each.
    pub secrets: Vec<isolation::Secret>,
    /// Lines to paste into policy or request for those of them that get another value; absent when there are none.
    pub secrets_block: Option<String>,
    /// Version of the `railway` program.
    pub railway_version: String,
}

/// A source database that can be read.
#[derive(Serialize, JsonSchema)]
pub(super) struct Database {
    pub service: String,
    /// By which way it is reached, and how long there and back takes.
    pub way: String,
    #[serde(flatten)]
    pub source: SourceReport,
}

impl Step for Validate {
    const NAME: &'static str = "validate";
    const ABOUT: &'static str = "Check everything that can be checked before anything changes";
    const DEADLINE: Deadline = Deadline::Fixed(Duration::from_secs(110));
    const ONLY_LOOKS: bool = true;
    type Input = CloneRequest;
    type Output = Output;

    /// What is not granted is found beside all else.
    fn ensure_granted(policy: &Policy, request: &CloneRequest) -> Result<()> {
        ensure_project(policy, request)
    }

    fn in_short(output: &Output) -> String {
        counted(output.findings.len(), "finding", "findings")
    }

    async fn run(ctx: &Context, request: CloneRequest) -> Result<Output> {
        let (railway_version, project) = checked::begin(ctx, &request).await?;
        let names = ctx.run.names(&request);
        if let Some(first) = same_key::first(ctx, &project, &names, &request)? {
            bail!(first);
        }
        let own = guard::own(ctx, &project, &names);
        if let Some((environment, record)) = &own {
            guard::ensure_goes_on(environment, record, &request)?;
        }
        let own = own.map(|(own, _)| own);
        let Checked { source, findings, secrets, databases } =
            checked::check(ctx, &request, &project, &names, own).await?;
        if findings.has_errors() {
            return Err(findings.refusal());
        }
        Ok(Output {
            environment_name: names.target,
            source_environment_id: source.id.clone(),
            findings: findings.told(),
            databases: databases.into_iter().map(|seen| seen.database).collect(),
            secrets: secrets.all,
            secrets_block: secrets.block,
            railway_version,
        })
    }
}
