//! `diff-env`: how a copy differs from its source, or from another copy, at any time after it was made; changes neither.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::ids::EnvironmentId;
use crate::contract::record::Record;
use crate::contract::request::{CloneRequest, DiffRequest};
use crate::contract::signature::Reading;
use crate::environment::drift::{self, Difference, Expected};
use crate::environment::named;
use crate::environment::recorded::reading;
use crate::error::{Failure, counted};
use crate::railway::{Environment, Project, Weight};
use crate::running::context::Context;
use crate::running::step::{Deadline, Group, Step};

/// How many differences are told: Kestra keeps no large outputs.
const MOST_TOLD: usize = 250;

/// The step.
pub(super) struct DiffEnv;

/// How a copy differs.
#[derive(Serialize, JsonSchema)]
pub(super) struct Output {
    /// The copy.
    pub here: Side,
    /// What it is compared with.
    pub there: Side,
    /// Whether nothing differs but what a copy must have of its own.
    pub same: bool,
    /// How many differences nothing explains.
    pub drift: usize,
    /// How many differences a copy must have, or its request asked for.
    pub expected: usize,
    /// Those that nothing explains first; at most 250.
    pub differences: Vec<Difference>,
    /// How many more there are.
    pub left_out: usize,
}

/// One of the two.
#[derive(Serialize, JsonSchema)]
pub(super) struct Side {
    pub id: EnvironmentId,
    pub name: String,
    /// Whether it is the source of the other.
    pub is_source: bool,
}

impl Step for DiffEnv {
    const NAME: &'static str = "diff-env";
    const ABOUT: &'static str = "Tell how a copy differs from its source, or from another copy";
    const GROUP: Group = Group::Lifecycle;
    const DEADLINE: Deadline = Deadline::Fixed(Duration::from_secs(110));
    type Input = DiffRequest;
    type Output = Output;

    async fn run(ctx: &Context, request: DiffRequest) -> Result<Output> {
        let project = ctx.railway.project(&request.project_id, Weight::Repeatable).await?;
        let here = named(&project, "environment", &request.environment)?;
        let record = record_of(ctx, &project, "environment", here)?;
        let (there, there_record) = other(ctx, &project, &request, here, &record)?;
        let rules = CloneRequest::of_project(&project.id);
        let expected = match &there_record {
            None => Expected::of_source(&ctx.policy, there, here, &record, &rules),
            Some(of_there) => Expected::of_copies(&ctx.policy, (there, of_there), (here, &record), &rules),
        };
        let mut differences = drift::compare(there, here, &expected).differences;
        differences.sort_by_key(|difference| difference.because.is_some());
        let drift = differences.iter().filter(|difference| difference.because.is_none()).count();
        for difference in differences.iter().take(drift.min(MOST_TOLD)) {
            tracing::info!("{}", difference.told());
        }
        let (all, expected) = (differences.len(), differences.len() - drift);
        tracing::info!(
            "`{}` against `{}`: {} that nothing explains, {expected} that a copy has",
            here.name,
            there.name,
            counted(drift, "difference", "differences")
        );
        differences.truncate(MOST_TOLD);
        Ok(Output {
            here: Side::of(here, false),
            there: Side::of(there, there_record.is_none()),
            same: drift == 0,
            drift,
            expected,
            left_out: all - differences.len(),
            differences,
        })
    }
}

impl Side {
    fn of(environment: &Environment, is_source: bool) -> Self {
        Self { id: environment.id.clone(), name: environment.name.clone(), is_source }
    }
}

/// What the copy is compared with; with its record where it is a copy itself, and not the source.
fn other<'a>(
    ctx: &Context,
    project: &'a Project,
    request: &DiffRequest,
    here: &Environment,
    record: &Record,
) -> Result<(&'a Environment, Option<Record>)> {
    let Some(against) = &request.against else {
        let source = project.environment_by_id(&record.source_id).with_context(|| {
            let message = format!("`environment`: the source of `{}`, `{}`, is gone", here.name, record.source_name);
            Failure::invalid(message).hint("name another copy in `against`")
        })?;
        return Ok((source, None));
    };
    let there = named(project, "against", against)?;
    if there.id == record.source_id {
        return Ok((there, None));
    }
    if there.id == here.id {
        bail!(Failure::invalid(format!("`against`: `{}` is the copy itself", there.name)));
    }
    let record = record_of(ctx, project, "against", there)?;
    Ok((there, Some(record)))
}

fn named<'a>(project: &'a Project, field: &str, name: &str) -> Result<&'a Environment> {
    project
        .environment(name)
        .with_context(|| named::none_called(project, field, name).hint("list-envs tells the copies"))
}

/// The record of what is a copy of ours; of nothing else are names and settings told.
fn record_of(ctx: &Context, project: &Project, field: &str, environment: &Environment) -> Result<Record> {
    let why = match reading(ctx, project, environment) {
        Reading::Signed(record) | Reading::Unsigned(record) => return Ok(*record),
        Reading::Absent => "is no copy of ours: it has no record".to_owned(),
        Reading::Unreadable(why) => format!("has a record that cannot be read: {why}"),
    };
    let failure = Failure::invalid(format!("`{field}`: environment `{}` {why}", environment.name));
    bail!(failure.hint("only a copy is compared, with its source or with another copy; list-envs tells the copies"))
}
