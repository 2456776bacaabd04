//! The record in an environment, the shared variable `RAILSTAGE`: read from what Railway tells, written as a change.

use crate::contract::ids::ProjectId;
use crate::contract::record::{Record, VARIABLE};
use crate::contract::signature::{Place, Reading};
use crate::railway::{Change, Environment, Project};
use crate::running::context::Context;

/// What an environment's record proves.
pub(crate) fn reading(ctx: &Context, project: &Project, environment: &Environment) -> Reading {
    reading_in(ctx, &project.id, environment)
}

/// The same where only the project's id is at hand.
pub(crate) fn reading_in(ctx: &Context, project_id: &ProjectId, environment: &Environment) -> Reading {
    let Some(variable) = environment.config.shared_variables.get(VARIABLE) else { return Reading::Absent };
    let value = variable.as_ref().filter(|v| !v.is_sealed()).and_then(|v| v.value.as_deref());
    let place = Place {
        project_id,
        environment_id: &environment.id,
        created_at: environment.created_at,
        source_id: environment.source_environment.as_ref().map(|source| &source.id),
    };
    ctx.record_keys.read(value, &place)
}

/// A change that writes a record, and nothing more.
pub(crate) fn writing(ctx: &Context, record: &Record) -> Change {
    Change { shared_variables: [(VARIABLE, ctx.record_keys.value(record))].into(), ..Change::default() }
}
