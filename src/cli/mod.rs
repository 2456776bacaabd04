//! The command line: a subcommand for each step and each command, and what is read from files and Kestra's environment.

mod account_file;
mod args;
pub mod commands;
mod confirm;
mod flags;
pub mod flow_files;
mod log;
mod masking_args;
mod panics;
mod plan_file;
pub mod schema_files;
mod sheet_file;
mod ticker;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{ArgMatches, Command};
use serde_json::Value;
use tracing::Level;

use crate::cli::commands::{COMMANDS, CommandDef, print_error};
use crate::cli::log::Output;
use crate::cli::sheet_file::SheetFile;
use crate::cli::ticker::Ticker;
use crate::contract::policy::Policy;
use crate::error::Exit;
use crate::error::caught::caught;
use crate::external::process_env::ProcessEnv;
use crate::external::{kestra, print, privacy};
use crate::running::context::Context;
use crate::running::outcome::{Cost, Outcome};
use crate::running::run::Run;
use crate::running::step::{Deletes, Group, Prepared, StepDef, Work};
use crate::running::stop::Stop;
use crate::steps::{self, STEPS};

const ABOUT: &str =
    "Make an isolated staging copy of a live Railway environment: services, variables, data, URLs and domain";

/// Shown below the list of subcommands.
const AFTER: &str = "The steps take their request as flags, on top of a JSON request from --request or RAILSTAGE_REQUEST (base64); a policy from --policy or RAILSTAGE_POLICY,\n\
    and the run's id from --run-id or RAILSTAGE_RUN_ID. RAILWAY_API_TOKEN is the account or workspace token that `railway` signs in with.\n\
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
        .subcommands(COMMANDS.iter().map(CommandDef::command))
        .subcommands(STEPS.iter().map(step_command))
}

fn step_command(step: &StepDef) -> Command {
    let command = Command::new(step.name)
        .about(step.about)
        .arg(args::policy_arg())
        .arg(args::json_arg())
        .args(flags::all(&(step.input_schema)()));
    let command = if step.copies_data { command.arg(sheet_file::arg()) } else { command };
    let command = if step.deletes == Deletes::Nothing { command } else { command.arg(confirm::arg()) };
    let command = if step.tells_a_plan { command.arg(plan_file::arg()) } else { command };
    let command = if step.ends_run { command.arg(account_file::arg()) } else { command };
    if step.group == Group::Lifecycle { command } else { command.arg(args::run_id_arg()) }
}

/// A row of one of the two tables that subcommands come from.
enum Subcommand {
    Step(&'static StepDef),
    Command(&'static CommandDef),
}

impl Subcommand {
    fn find(name: &str) -> Option<Self> {
        steps::find(name).map(Self::Step).or_else(|| commands::find(name).map(Self::Command))
    }
}

/// Runs what the command line asks for.
pub async fn main() -> ExitCode {
    privacy::hide();
    panics::tell();
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(refused) => return ExitCode::from(refuse_arguments(&refused).code()),
    };
    let asked = matches.subcommand().and_then(|(name, matches)| Some((Subcommand::find(name)?, matches)));
    let Some((subcommand, matches)) = asked else { unreachable!("clap asks for a subcommand of the two tables") };
    let exit = match subcommand {
        Subcommand::Step(step) => step_main(step, matches).await,
        Subcommand::Command(command) => match caught(command.main(matches)).await {
            Ok(exit) => exit,
            Err(error) => print_error(command.name, &error),
        },
    };
    ExitCode::from(exit.code())
}

/// What clap has to say: help and versions are its own words, complaints quote what was typed.
fn refuse_arguments(refused: &clap::Error) -> Exit {
    if !refused.use_stderr() {
        // A reader that went away is no failure of ours.
        let _ = refused.print();
        return Exit::Done;
    }
    print::err(refused.render().to_string().trim_end());
    Exit::Invalid
}

async fn step_main(step: &'static StepDef, matches: &ArgMatches) -> Exit {
    let output = Output::from_env();
    let is_watched = output == Output::Text && std::io::stderr().is_terminal() && !matches.get_flag("json");
    log::start(output, if is_watched { Level::WARN } else { Level::INFO });
    let outcome = match caught(step_outcome(step, matches)).await {
        Ok(outcome) => outcome,
        Err(error) => Outcome::failed(step, &error, Cost::default()),
    };
    if let Some(told) = outcome.report.told() {
        log::error(&told);
    }
    match output {
        Output::Kestra => {
            outcome.metrics.iter().for_each(|metric| kestra::metric(step.name, metric));
            kestra::outputs(&outcome.report);
        }
        Output::Text if matches.get_flag("json") => commands::print_json(&outcome.report),
        Output::Text if outcome.words.shown.is_empty() => {}
        Output::Text => print::out(&outcome.words.shown),
    }
    outcome.exit()
}

async fn step_outcome(step: &'static StepDef, matches: &ArgMatches) -> Outcome {
    let account = if step.ends_run { account_file::path(matches) } else { Ok(None) };
    let (begun, account) = match (begin(step, matches), account) {
        (Ok(begun), Ok(account)) => (begun, account),
        (Err(error), _) | (_, Err(error)) => return Outcome::failed(step, &error, Cost::default()),
    };
    let (run, policy, stop, sheets) = begun;
    match step.prepare(&policy, request(step, &policy, matches)) {
        Prepared::Ended(outcome) => *outcome,
        Prepared::Ready(work) => match context(step, run, policy, &stop) {
            Ok(ctx) => {
                let outcome = run_shown(step, &ctx, &stop, work, &sheets).await;
                account_file::write(account.as_deref(), outcome.report.account.as_deref());
                match plan_file::write(step, matches, &ctx) {
                    Ok(()) => outcome,
                    Err(error) => Outcome::failed(step, &error, outcome.report.cost),
                }
            }
            Err(error) => Outcome::failed(step, &error, Cost::default()),
        },
    }
}

/// What the step is given beside its request.
fn context(step: &StepDef, run: Run, policy: Policy, stop: &Stop) -> Result<Context> {
    let context = if step.asks_railway { Context::sign_in } else { Context::signed_out };
    context(run, policy, process_env(), stop.token.clone())
}

/// The request as it was given and typed, confirmed where it deletes.
fn request(step: &StepDef, policy: &Policy, matches: &ArgMatches) -> Result<Value> {
    let schema = (step.input_schema)();
    let is_typed = matches.contains_id("request") || !flags::typed(&schema, matches).is_empty();
    confirm::confirmed(step, policy, matches, is_typed, flags::request(&schema, matches)?)
}

/// All that a step needs before its request is read.
fn begin(step: &StepDef, matches: &ArgMatches) -> Result<(Run, Policy, Stop, Vec<String>)> {
    let sheets = if step.copies_data { sheet_file::paths(matches)? } else { Vec::new() };
    let stop = Stop::listen()?;
    Ok((args::run(step, matches)?, args::policy(matches)?, stop, sheets))
}

/// The variables that this process was started with.
fn process_env() -> ProcessEnv {
    ProcessEnv::new(std::env::vars_os())
}

/// Does a step's work while its progress is shown, and writes the sheets of what it copied.
async fn run_shown(step: &'static StepDef, ctx: &Context, stop: &Stop, work: Work, sheets: &[String]) -> Outcome {
    let ticker = Ticker::start(step.name, ctx.progress.clone());
    let outcome = stop.run(step, ctx, work).await;
    ticker.stop(outcome.report.error.clone()).await;
    if !step.copies_data || sheets.is_empty() || outcome.exit() != Exit::Done {
        return outcome;
    }
    let Some(file) = SheetFile::of_step(ctx) else {
        tracing::warn!("nothing was copied now, so no sheet is written");
        return outcome;
    };
    match file.write(sheets).context("the data is there; write its sheet") {
        Ok(()) => outcome,
        Err(error) => Outcome::failed(step, &error, outcome.report.cost),
    }
}
