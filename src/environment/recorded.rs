//! The record in an environment, the shared variable `RAILSTAGE`: read from what Railway tells, written as a change.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rand::RngExt as _;

use crate::contract::ids::{EnvironmentId, ProjectId};
use crate::contract::record::{Record, VARIABLE};
use crate::contract::signature::{Place, Reading};
use crate::error::Failure;
use crate::railway::{Change, Environment, GraphqlErrors, Project};
use crate::running::context::Context;

/// How long what was written may stay invisible: Railway's reads lag its writes.
const SHOWS_WITHIN: Duration = Duration::from_secs(10);

/// How long what was written must stand for nobody to have written over it who had read before.
const STANDS_FOR: Duration = Duration::from_secs(1);

/// How often a change is made anew on what somebody else has written meanwhile.
const ATTEMPTS: u32 = 8;

/// The longest pause of chance before that: two who meet do not meet again and again.
const AGAIN_WITHIN: Duration = Duration::from_secs(3);

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

/// Changes the signed record of a ready copy, as it stands now, and sees that the change stands; `None` when `change` finds nothing to
/// do. Railway has no way to change a thing only if it is still as it was: so what somebody else writes at the same time is seen
/// when it is there, and the change is made again on that.
///
/// # Errors
/// Whatever `change` refuses with; when the environment is gone, or the change was not seen to stand.
pub(crate) async fn amend(
    ctx: &Context,
    project_id: &ProjectId,
    environment_id: &EnvironmentId,
    change: impl Fn(&Environment, Reading) -> Result<Option<Record>>,
) -> Result<Option<Record>> {
    let mut written: Option<Record> = None;
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            // Readings that lag must show by then whose word was the last: two who each gave way to the other would both be lost.
            let pause = AGAIN_WITHIN.mul_f64(rand::rng().random_range(0.0..1.0));
            tokio::time::sleep(STANDS_FOR + pause).await;
        }
        let environment = read(ctx, environment_id).await?;
        let before = reading_in(ctx, project_id, &environment);
        // What was seen of others may have been of before, and ours stand in the end.
        let ours = written.take().filter(|ours| before.record() == Some(ours));
        let wanted = match ours {
            Some(ours) => ours,
            None => {
                let changed = change(&environment, reading_in(ctx, project_id, &environment))?;
                let Some(changed) = changed else { return Ok(None) };
                let wanted = Record { changed_by: Some(ctx.holder.clone()), ..changed };
                let writing = writing(ctx, &wanted);
                ctx.railway.change(project_id, environment_id, &writing).await.context("write the copy's record")?;
                wanted
            }
        };
        if stands(ctx, project_id, environment_id, &before, &wanted).await? {
            return Ok(Some(wanted));
        }
        tracing::info!(
            "the record of `{}` was changed by somebody else at the same time: looking again",
            environment.name
        );
        written = Some(wanted);
    }
    Err(Failure::outside("the copy's record is changed by others all the time").hint("run it again").into())
}

/// Waits until what was written shows, and stands for a while; false when something else shows that was not there before.
async fn stands(
    ctx: &Context,
    project_id: &ProjectId,
    environment_id: &EnvironmentId,
    before: &Reading,
    wanted: &Record,
) -> Result<bool> {
    let at = Instant::now();
    let look = || async {
        let seen = reading_in(ctx, project_id, &read(ctx, environment_id).await?);
        if seen.record() == Some(wanted) {
            return Ok((at.elapsed() >= STANDS_FOR).then_some(true));
        }
        Ok((seen != *before).then_some(false))
    };
    ctx.until("the copy's record", SHOWS_WITHIN, Duration::from_millis(400), look).await
}

async fn read(ctx: &Context, id: &EnvironmentId) -> Result<Environment> {
    let gone = |error: anyhow::Error| match error.downcast_ref::<GraphqlErrors>() {
        Some(said) if said.say("not found") => error.context(Failure::invalid(format!("environment `{id}` is gone"))),
        _ => error,
    };
    let look = || async { ctx.railway.environment_without_services(id).await.map(Some) };
    ctx.until("the copy", SHOWS_WITHIN, Duration::from_millis(500), look).await.map_err(gone)
}
