//! Whether a finished copy is what its source is, but for what the rules and its request explain.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use schemars::JsonSchema;
use serde::Serialize;

use crate::contract::request::CloneRequest;
use crate::environment::drift::{self, Because, Comparison, Expected};
use crate::environment::guard::{self, Readiness, Target};
use crate::error::{Exit, Failure};
use crate::running::context::Context;

/// How long what was written may stay invisible: Railway's reads lag its writes.
const SHOWS_WITHIN: Duration = Duration::from_secs(10);

/// How many differences are named: a message is to be read.
const MOST_NAMED: usize = 20;

/// How a finished copy compares with its source.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Fidelity {
    /// How many keys of services and variables were compared.
    pub compared: usize,
    /// How many differ by the rules or as the request asked for.
    pub expected: usize,
    /// What was changed in the source while the copy was made; at most 20 are named.
    pub source_moved_on: Vec<String>,
}

/// Compares the copy with its source, key by key.
///
/// # Errors
/// [`Exit::Failed`], naming what differs and is neither the rules' nor the request's doing.
pub(crate) async fn ensure(ctx: &Context, request: &CloneRequest, target: &Target) -> Result<Fidelity> {
    let first = compare(ctx, request, target);
    if first.wrong().is_empty() {
        return Ok(first.told());
    }
    let last = Mutex::new(first);
    let look = || async {
        let target = guard::own_target_now(ctx, request, Readiness::HasFiles).await?;
        let seen = compare(ctx, request, &target);
        let is_right = seen.wrong().is_empty();
        *last.lock().unwrap_or_else(PoisonError::into_inner) = seen;
        Ok(is_right.then_some(()))
    };
    ctx.within("the copy to be like its source", SHOWS_WITHIN, Duration::from_secs(1), look).await?;
    let last = last.into_inner().unwrap_or_else(PoisonError::into_inner);
    let wrong = last.wrong();
    if wrong.is_empty() {
        return Ok(last.told());
    }
    let more = wrong.len().saturating_sub(MOST_NAMED);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let named = wrong[..wrong.len().min(MOST_NAMED)].join("; ");
    let message = format!("the copy is not what its source is: {named}{more}");
    bail!(Failure::new(Exit::Failed, message).hint("neither the request nor a rule explains it: somebody or something else has changed the copy, or Railway has not done what it was asked for"))
}

/// A comparison, and what must differ and does not.
struct Seen {
    comparison: Comparison,
    unmet: Vec<String>,
}

fn compare(ctx: &Context, request: &CloneRequest, target: &Target) -> Seen {
    let (source, copy) = (target.source(), target.environment());
    let expected = Expected::of_source(&ctx.policy, source, copy, &target.record, request)
        .while_making(request, |text| ctx.record_keys.short_hashes(text).into_iter().next());
    Seen { unmet: expected.unmet(), comparison: drift::compare(source, copy, &expected) }
}

impl Seen {
    fn wrong(&self) -> Vec<String> {
        let differing = self.comparison.differences.iter().filter(|d| d.because.is_none()).map(drift::Difference::told);
        self.unmet.iter().cloned().chain(differing).collect()
    }

    fn told(&self) -> Fidelity {
        let moved = self.comparison.differences.iter().filter(|d| d.because == Some(Because::SourceMovedOn));
        let source_moved_on: Vec<_> = moved.take(MOST_NAMED).map(drift::Difference::told).collect();
        for moved in &source_moved_on {
            tracing::warn!("the source was changed while the copy was made: {moved}");
        }
        let Comparison { compared, differences } = &self.comparison;
        Fidelity { compared: *compared, expected: differences.len(), source_moved_on }
    }
}
