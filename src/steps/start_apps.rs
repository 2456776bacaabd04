//! `start-apps`: deploys the copy's apps at production's commits, once nothing of theirs points at production.

use std::time::Duration;

use anyhow::Result;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::Instant;

use crate::contract::code_source::CodeSource;
use crate::contract::request::CloneRequest;
use crate::environment::after::{self, Ran};
use crate::environment::code;
use crate::environment::deployments;
use crate::environment::granted;
use crate::environment::guard::{Readiness, Target};
use crate::environment::hold;
use crate::environment::isolated::{self, Outside};
use crate::environment::lease::{self, Turn};
use crate::environment::services::{Role, with_role};
use crate::error::counted;
use crate::railway::{Deploy, ServiceInstance, VariableChanges};
use crate::running::context::Context;
use crate::running::step::{Deadline, Step};

/// How long an app may take to build and start.
const APP_UP: Duration = Duration::from_mins(32);
/// How long the step may take, and what of that is left for its end when a command in a container never ends.
const WHOLE: Duration = Duration::from_mins(34);
const LAST_WORDS: Duration = Duration::from_secs(20);

/// The step.
pub(super) struct StartApps;

/// What was started.
#[derive(Serialize, JsonSchema)]
pub(super) struct Output {
    pub started: Vec<Started>,
    /// Services that stay undeployed: left out by the request, or with a cron schedule.
    pub left_out: Vec<String>,
    /// Variables that name a host outside the copy which holds no data, as far as can be told.
    pub outside: Vec<Outside>,
    /// The request's commands that were run in containers of the copy, in their order.
    pub after: Vec<Ran>,
}

/// One app that is up.
#[derive(Serialize, JsonSchema)]
pub(super) struct Started {
    pub service: String,
    /// The commit it runs, production's own unless the request names another; absent for an image, and for the newest of a branch.
    pub commit: Option<String>,
    /// What the request had it run in the place of production's code.
    pub other_code: Option<CodeSource>,
}

impl Step for StartApps {
    const NAME: &'static str = "start-apps";
    const ABOUT: &'static str = "Deploy the copy's apps at production's commits, or the request's";
    const DEADLINE: Deadline = Deadline::Fixed(WHOLE);
    type Input = CloneRequest;
    type Output = Output;

    fn in_short(output: &Output) -> String {
        format!("{} up", counted(output.started.len(), "app", "apps"))
    }

    async fn run(ctx: &Context, request: CloneRequest) -> Result<Output> {
        lease::in_turn(ctx, &request, Readiness::HasFiles, |ctx, request, target, turn| {
            Box::pin(start(ctx, request, target, turn))
        })
        .await
    }
}

async fn start(ctx: &Context, request: &CloneRequest, target: Target, turn: &Turn) -> Result<Output> {
    let end = Instant::now() + WHOLE - LAST_WORDS;
    granted::ensure(&ctx.policy, &target.project, target.source(), request)?;
    let outside = if target.is_ready() {
        Vec::new()
    } else {
        let is_app = |service: &ServiceInstance| Role::of(service, request) == Role::App;
        isolated::ensure(ctx, &target, request, is_app, &VariableChanges::new()).await?
    };
    let apps = with_role(target.source(), request, &[Role::App]);
    let deploys: Vec<_> = apps.iter().map(|service| code::deploy(service, request)).collect();
    let started = |(service, deploy): (&&ServiceInstance, &Deploy)| Started {
        service: service.service_name.clone(),
        commit: deploy.commit.clone(),
        other_code: request.sources.get(&service.service_name).cloned(),
    };
    let started: Vec<_> = apps.iter().zip(&deploys).map(started).collect();
    if !target.is_ready() {
        let stale = hold::end(ctx, &target, turn).await?;
        deployments::deploy_over(ctx, &target, deploys, &stale, APP_UP, request.logs).await?;
    }
    for app in &started {
        let other = app.other_code.as_ref().map(|code| format!(" with `{}`", code.told())).unwrap_or_default();
        tracing::info!("service `{}` is up{other}", app.service);
    }
    let after = if target.is_ready() { Vec::new() } else { after::run(ctx, &target, request, end).await? };
    let left_out = with_role(target.source(), request, &[Role::LeftOut, Role::Cron]);
    let left_out = left_out.into_iter().map(|s| s.service_name.clone()).collect();
    Ok(Output { started, left_out, outside, after })
}
