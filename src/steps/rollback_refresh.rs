//! `rollback-refresh`: takes back a refresh that has failed or was killed; the copy itself is never deleted by it.

use std::time::Duration;

use anyhow::{Context as _, Result};
use schemars::JsonSchema;
use serde::Serialize;

use super::refresh_env::taking_back::take_back;
use crate::contract::policy::Policy;
use crate::contract::record::Record;
use crate::contract::refresh_request::RefreshRequest;
use crate::environment::{recorded, refreshing};
use crate::error::chain;
use crate::running::context::Context;
use crate::running::relay_key;
use crate::running::step::{Deadline, Group, Step};

/// The step.
pub(super) struct RollbackRefresh;

/// What was taken back.
#[derive(Default, Serialize, JsonSchema)]
pub(super) struct Output {
    /// The copy that is ready again; absent when no refresh of this run was under way.
    pub environment_name: Option<String>,
    /// Databases that had their new data already, and keep it; the others are as they were.
    pub kept: Vec<String>,
    /// Databases beside which something may be left, and apps on whose volumes it may be, which the next refresh drops.
    pub left: Vec<String>,
    /// How often a database server was restarted to close its TCP proxy.
    pub restarts: usize,
    /// How many SSH keys its steps had left on the account, which are removed.
    pub ssh_keys: usize,
}

impl Step for RollbackRefresh {
    const NAME: &'static str = "rollback-refresh";
    const ABOUT: &'static str = "Take back a refresh that failed, so that the copy is ready as it was";
    const GROUP: Group = Group::Recovery;
    const DEADLINE: Deadline = Deadline::Fixed(Duration::from_mins(14));
    const ENDS_RUN: bool = true;
    type Input = RefreshRequest;
    type Output = Output;

    /// What was begun is taken back, whatever else the policy says by now.
    fn ensure_granted(_: &Policy, _: &RefreshRequest) -> Result<()> {
        Ok(())
    }

    fn in_short(output: &Output) -> String {
        match &output.environment_name {
            None => "no refresh of this run was under way".to_owned(),
            Some(name) if output.kept.is_empty() => format!("`{name}` is ready, with the data that it had"),
            Some(name) => format!("`{name}` is ready; {} had new data already", output.kept.join(", ")),
        }
    }

    fn shown(output: &Output) -> String {
        Self::in_short(output)
    }

    async fn run(ctx: &Context, request: RefreshRequest) -> Result<Output> {
        let keys = relay_key::remove_of_run(ctx).await.context("remove the run's SSH keys");
        let taken_back = taken_back(ctx, &request).await?;
        Ok(Output { ssh_keys: keys?, ..taken_back })
    }

    fn without_input(error: anyhow::Error) -> Result<Output> {
        tracing::info!("nothing was begun, since the request was refused: {}", chain(&error));
        Ok(Output::default())
    }
}

async fn taken_back(ctx: &Context, request: &RefreshRequest) -> Result<Output> {
    let Some((target, asked)) = refreshing::begun(ctx, request).await? else {
        tracing::info!("no refresh of this run is under way in `{}`", request.environment);
        return Ok(Output::default());
    };
    let change = async |record| Ok(recorded::writing(ctx, &Record { lease: None, ..record }));
    let taken_back = take_back(ctx, &asked, &target, change).await?;
    Ok(Output {
        environment_name: Some(target.environment().name.clone()),
        kept: taken_back.kept,
        left: taken_back.left,
        restarts: taken_back.restarts,
        ssh_keys: 0,
    })
}
