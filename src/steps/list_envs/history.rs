//! What past runs did in a project, by the accounts that they have given in Kestra.

use anyhow::Result;
use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::ids::ProjectId;
use crate::external::executions::{Executions, Told};
use crate::running::account::{Account, CopyAccount};
use crate::running::context::Context;

/// A run that has given account of itself.
#[derive(Serialize, JsonSchema)]
pub(in crate::steps) struct Past {
    /// The flow that ran.
    pub flow: String,
    /// Its execution.
    pub execution_id: String,
    pub account: Account,
}

impl Past {
    /// A line for each copy.
    pub(super) fn lines(&self) -> Vec<String> {
        let Self { flow, account, .. } = self;
        let line = |copy: &CopyAccount| {
            let by = copy.owner.as_ref().map_or(String::new(), |owner| format!(", by {owner}"));
            format!("{} {flow}: `{}` {}{by}", account.written_at, copy.name, copy.deed.told())
        };
        account.copies.iter().map(line).collect()
    }
}

/// What past runs did with copies of this project, or with those of them that descend from `source`; the newest first.
///
/// # Errors
/// When no Kestra is given, or it cannot be asked.
pub(super) async fn of(ctx: &Context, project_id: &ProjectId, source: Option<&str>) -> Result<Vec<Past>> {
    let told = Executions::of(&ctx.env)?.accounts::<Account>().await?;
    let mut past: Vec<_> = told.into_iter().filter_map(|told| within(told, project_id, source)).collect();
    past.sort_by(|a, b| b.account.written_at.cmp(&a.account.written_at));
    past.iter().flat_map(Past::lines).for_each(|line| tracing::info!("{line}"));
    Ok(past)
}

/// Of an account what is of the project and the source; one sweep may have been in several projects.
fn within(told: Told<Account>, project_id: &ProjectId, source: Option<&str>) -> Option<Past> {
    let Told { flow_id, execution_id, mut account } = told;
    account.copies.retain(|copy| {
        let descends = |source: &str| copy.ancestors.iter().any(|a| a.id.as_ref() == source || a.name == source);
        copy.project_id == *project_id && source.is_none_or(descends)
    });
    (!account.copies.is_empty()).then_some(Past { flow: flow_id, execution_id, account })
}
