//! A plan in a file: all of it as JSON. No value of any variable or row is in it.

use anyhow::{Context as _, Result};
use clap::{Arg, ArgMatches};

use crate::cli::args::file_arg;
use crate::error::Failure;
use crate::inert::inert_json;
use crate::running::context::Context;
use crate::running::step::StepDef;
use crate::secret::scrub_outputs;

/// `--file`.
pub(super) fn arg() -> Arg {
    file_arg("file", "Write the whole plan to FILE as JSON")
}

/// Writes the plan that was made to the file that is asked for.
///
/// # Errors
/// Invalid input when that cannot be written.
pub(super) fn write(step: &StepDef, matches: &ArgMatches, ctx: &Context) -> Result<()> {
    let path = if step.tells_a_plan { matches.get_one::<String>("file") } else { None };
    let (Some(path), Some(plan)) = (path, ctx.plan()) else { return Ok(()) };
    let text = serde_json::to_string_pretty(&scrub_outputs(plan)).expect("JSON is JSON");
    std::fs::write(path, inert_json(&text) + "\n")
        .with_context(|| Failure::invalid(format!("`--file {path}` cannot be written")))
}
