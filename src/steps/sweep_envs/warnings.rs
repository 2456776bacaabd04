//! Warnings of a copy's end: at each mark once, remembered in its record before anybody is told.

use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::expiry::told;
use crate::contract::ids::{EnvironmentId, ProjectId};
use crate::contract::signature::Reading;
use crate::contract::ttl::Ttl;
use crate::environment::{custom_domain, deletion_rules, recorded};
use crate::railway::{Environment, Project};
use crate::running::account::{CopyAccount, Deed};
use crate::running::context::Context;

/// A copy whose end is near.
#[derive(Serialize, JsonSchema)]
pub(in crate::steps) struct Warning {
    pub project_id: ProjectId,
    pub environment_id: EnvironmentId,
    pub name: String,
    pub url: Option<String>,
    /// Who asked for it.
    pub owner: Option<String>,
    /// When it is deleted, unless it is extended.
    pub expires_at: String,
    /// The mark that it has passed.
    pub mark: Ttl,
    /// What there is to say, in a sentence.
    pub message: String,
}

/// Remembers that somebody is warned of a copy's end, if that is due, and tells of it. A copy that no sweep would delete has no end.
///
/// # Errors
/// When the record cannot be written, or is not seen to stand: then nobody is warned, and the next sweep does it.
pub(super) async fn warn(ctx: &Context, project: &Project, environment: &Environment) -> Result<Option<Warning>> {
    let Reading::Signed(record) = recorded::reading(ctx, project, environment) else { return Ok(None) };
    let is_deleted_then = deletion_rules::reason_to_spare(ctx, project, environment, None, record.expires_at).is_none();
    if record.warning_due(Timestamp::now()).is_none() || !is_deleted_then {
        return Ok(None);
    }
    let due = Mutex::new(None);
    let remembering = |_: &Environment, reading: Reading| {
        let Reading::Signed(record) = reading else { return Ok(None) };
        let mark = record.warning_due(Timestamp::now());
        // Made again on what somebody else has written, a warning that stands there already is the other's.
        *due.lock().unwrap_or_else(PoisonError::into_inner) = mark;
        Ok(mark.map(|mark| record.warned_at(mark)))
    };
    let written = recorded::amend(ctx, &project.id, &environment.id, remembering).await?;
    let mark = due.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (Some(record), Some(mark)) = (written, mark) else { return Ok(None) };
    let left = told(record.expires_at.duration_since(Timestamp::now()));
    let message = format!(
        "the copy `{}` is deleted in {left}, at {}; extend-staging or `railstage extend-env` puts that off",
        environment.name, record.expires_at
    );
    tracing::warn!("{message}");
    let copy = (&project.id, &environment.id, environment.name.as_str());
    ctx.account_for(CopyAccount::of(Deed::Warned, copy, Some(&record)));
    Ok(Some(Warning {
        project_id: project.id.clone(),
        environment_id: environment.id.clone(),
        name: environment.name.clone(),
        url: custom_domain::url(environment, &record),
        owner: record.owner,
        expires_at: record.expires_at.to_string(),
        mark,
        message,
    }))
}
