//! The command line: a subcommand for each step and each command, and what is read from files and Kestra's environment.

mod args;
mod commands;
mod log;
pub mod schema_files;
mod ticker;

use std::process::ExitCode;

use anyhow::Result;
use clap::{ArgMatches, Command};
use serde_json::{Value, json};
use tracing::Level;

use crate::cli::log::Output;
use crate::cli::ticker::Ticker;
use crate::error::{Exit, describe};
use crate::external::kestra;
use crate::running::context::Context;
use crate::running::runner;
use crate::running::step::{Finished, Part, StepDef};
use crate::running::stop::Stop;
use crate::steps::{self, STEPS};

const ABOUT: &str =
    "Make an isolated staging copy of a live Railway environment: services, variables, data, URLs and domain";

/// Shown below the list of subcommands.
const AFTER: &str = "The steps read a JSON request from --request or RAILSTAGE_REQUEST (base64), a policy from --policy or RAILSTAGE_POLICY,\n\
    and the run's id from --run-id or RAILSTAGE_RUN_ID. RAILWAY_API_TOKEN is the account token that `railway` signs in with.\n\
    RAILSTAGE_OUTPUT=kestra prints Kestra's `::{...}::` lines; RAILSTAGE_LOG sets the level (error, warn, info, debug).";

/// The whole command line.
pub fn command() -> Command {
    let exits: Vec<_> = Exit::ALL.iter().map(|(exit, meaning)| format!("  {:<4} {meaning}", exit.code())).collect();
    Command::new("railstage")
        .about(ABOUT)
        .version(env!("CARGO_PKG_VERSION"))
        .after_help(format!("{AFTER}\n\nExit codes:\n{}", exits.join("\n")))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(commands::all())
        .subcommands(STEPS.iter().map(step_command))
}

fn step_command(step: &StepDef) -> Command {
    let command = Command::new(step.name)
        .about(step.about)
        .arg(args::file_arg(
            "request",
            "Read the JSON request from FILE (`-`: standard input) instead of RAILSTAGE_REQUEST",
        ))
        .arg(args::policy_arg());
    if step.part == Part::Lifecycle { command } else { command.arg(args::run_id_arg()) }
}

/// Runs what the command line asks for.
pub async fn main() -> ExitCode {
    let matches = command().get_matches();
    let (name, matches) = matches.subcommand().expect("clap asks for a subcommand");
    let exit = match steps::find(name) {
        Some(step) => step_main(step, matches).await,
        None => commands::main(name, matches).await,
    };
    ExitCode::from(exit.code())
}

async fn step_main(step: &'static StepDef, matches: &ArgMatches) -> Exit {
    let output = Output::from_env();
    log::start(output, Level::INFO);
    let prepared = prepare(step, matches);
    let (ctx, stop) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return refuse(step, output, &error),
    };
    let finished = run_shown(step, &ctx, &stop, args::request(matches)).await;
    if let Some(error) = &finished.report.error {
        tracing::error!("{error}");
    }
    match output {
        Output::Kestra => {
            finished.metrics.iter().for_each(|metric| kestra::metric(step.name, metric));
            kestra::outputs(&finished.report);
        }
        Output::Text => commands::print_json(&finished.report),
    }
    finished.exit
}

fn prepare(step: &StepDef, matches: &ArgMatches) -> Result<(Context, Stop)> {
    let stop = Stop::listen()?;
    let run = if step.part == Part::Lifecycle { args::new_run() } else { args::run(matches)? };
    Ok((Context::new(run, args::policy(matches)?, stop.token.clone()), stop))
}

/// A step that cannot even begin says so in its outputs, too.
fn refuse(step: &StepDef, output: Output, error: &anyhow::Error) -> Exit {
    let text = describe(step.name, error);
    tracing::error!("{text}");
    if output == Output::Kestra {
        kestra::outputs(&json!({ "status": "failed", "error": text }));
    }
    Exit::of(error)
}

/// Runs a step while its progress is shown.
async fn run_shown(step: &StepDef, ctx: &Context, stop: &Stop, request: Result<Value>) -> Finished {
    let ticker = Ticker::start(ctx.progress.clone());
    let finished = runner::run(step, ctx, stop, request).await;
    ticker.stop().await;
    finished
}
