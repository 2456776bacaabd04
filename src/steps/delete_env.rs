//! `delete-env`: deletes one copy whose name was typed.

use std::time::Duration;

use anyhow::{Result, ensure};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::ids::EnvironmentId;
use crate::contract::record;
use crate::contract::request::DeleteRequest;
use crate::environment::named;
use crate::environment::{costs, deletion_rules, guard, recorded, removal};
use crate::error::{Exit, Failure};
use crate::railway::{Environment, Project, Weight};
use crate::running::account::{CopyAccount, Deed};
use crate::running::context::Context;
use crate::running::step::{Deadline, Deletes, Group, Step};

/// The step.
pub(super) struct DeleteEnv;

/// What was deleted.
#[derive(Serialize, JsonSchema)]
pub(super) struct Output {
    pub environment_id: EnvironmentId,
    pub environment_name: String,
    /// False when it was gone already.
    pub deleted: bool,
}

impl Step for DeleteEnv {
    const NAME: &'static str = "delete-env";
    const ABOUT: &'static str = "Delete one copy, and verify that it is gone";
    const GROUP: Group = Group::Lifecycle;
    const DEADLINE: Deadline = Deadline::Fixed(Duration::from_mins(14));
    const DELETES: Deletes = Deletes::OneByName;
    const ENDS_RUN: bool = true;
    type Input = DeleteRequest;
    type Output = Output;

    fn shown(output: &Output) -> String {
        format!("environment `{}` is gone", output.environment_name)
    }

    async fn run(ctx: &Context, request: DeleteRequest) -> Result<Output> {
        guard::ensure_unprotected(&ctx.policy, "environment", &request.environment)?;
        let project = ctx.railway.project(&request.project_id, Weight::Repeatable).await?;
        let environment = named::environment(&project, "environment", &request.environment)?;
        ensure!(
            environment.name == request.confirm,
            Failure::invalid(format!("`confirm`: expected the copy's name, `{}`", environment.name))
                .hint("`environment` may be an id, and `confirm` is the name all the same: give `--confirm NAME`")
        );
        let typed = |project: &Project, environment: &Environment| {
            let reason =
                deletion_rules::reason_to_spare(ctx, project, environment, Some(&request.confirm), Timestamp::now());
            match reason {
                None => Ok(()),
                Some(reason) => {
                    Err(Failure::invalid(format!("environment `{}` is not deleted: it {reason}", environment.name))
                        .into())
                }
            }
        };
        typed(&project, environment)?;
        let read = recorded::reading(ctx, &project, environment);
        let copy = (&project.id, &environment.id, environment.name.as_str());
        let cost = costs::so_far(ctx, &project.id, environment).await;
        let deed = |deed| CopyAccount::of(deed, copy, read.record()).at_cost(cost);
        let asked_at = record::now();
        let removed = removal::remove(ctx, &request.project_id, &environment.id, typed).await;
        match &removed {
            Ok(_) => ctx.account_for(deed(Deed::Deleted).gone(asked_at)),
            Err(error) if Exit::of(error) == Exit::Invalid => {}
            Err(_) => ctx.account_for(deed(Deed::Left)),
        }
        let deleted = removed?;
        tracing::info!("environment `{}` is gone", environment.name);
        Ok(Output {
            environment_id: environment.id.clone(),
            environment_name: environment.name.clone(),
            deleted: deleted.is_some(),
        })
    }
}
