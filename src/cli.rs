//! The command line: a subcommand for each step and each command, and what is read from files and Kestra's environment.

use std::io::Read as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Arg, ArgMatches, Command};
use jiff::Timestamp;
use rand::distr::{Alphanumeric, SampleString as _};
use serde_json::{Value, json};
use tracing::Level;

use crate::commands;
use crate::context::Context;
use crate::error::{Exit, Failure, describe};
use crate::input;
use crate::kestra;
use crate::log::{self, Output};
use crate::policy::Policy;
use crate::run::Run;
use crate::runner;
use crate::step::{Part, StepDef};
use crate::steps::{self, STEPS};
use crate::stop::Stop;

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
        .arg(file_arg("request", "Read the JSON request from FILE (`-`: standard input) instead of RAILSTAGE_REQUEST"))
        .arg(policy_arg());
    if step.part == Part::Lifecycle { command } else { command.arg(run_id_arg()) }
}

fn file_arg(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name("FILE").help(help)
}

/// `--policy FILE`.
pub fn policy_arg() -> Arg {
    file_arg("policy", "Read the policy from FILE (JSON or YAML) instead of RAILSTAGE_POLICY")
}

fn run_id_arg() -> Arg {
    Arg::new("run-id").long("run-id").value_name("ID").env("RAILSTAGE_RUN_ID").help("The run that the step belongs to")
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
    let finished = runner::run(step, &ctx, &stop, request(matches)).await;
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
    let run = if step.part == Part::Lifecycle { new_run() } else { run(matches)? };
    Ok((Context::new(run, policy(matches)?, stop.token.clone()), stop))
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

fn run(matches: &ArgMatches) -> Result<Run> {
    let id = matches.get_one::<String>("run-id").filter(|id| !id.is_empty()).cloned();
    let id = id.context(
        Failure::invalid("there is no run id")
            .hint("set RAILSTAGE_RUN_ID (in a flow: `{{ execution.id }}`) or --run-id"),
    )?;
    Ok(Run { id })
}

/// A run of our own, outside Kestra.
pub fn new_run() -> Run {
    Run {
        id: format!(
            "{}-{}",
            Timestamp::now().strftime("%Y%m%d%H%M%S"),
            Alphanumeric.sample_string(&mut rand::rng(), 8)
        ),
    }
}

fn request(matches: &ArgMatches) -> Result<Value> {
    let text = match matches.get_one::<String>("request") {
        Some(path) => read_file(path)?,
        None => from_env("RAILSTAGE_REQUEST")?.context(
            Failure::invalid("there is no request").hint("set RAILSTAGE_REQUEST (base64 of JSON) or --request FILE"),
        )?,
    };
    serde_json::from_str(&text).map_err(|e| Failure::invalid(format!("the request is not JSON: {e}")).into())
}

/// The policy from `--policy`, or the environment, or else the strict default.
///
/// # Errors
/// [`Exit::Invalid`], naming each wrong field.
pub fn policy(matches: &ArgMatches) -> Result<Policy> {
    let text = match matches.get_one::<String>("policy") {
        Some(path) => Some(read_file(path)?),
        None => from_env("RAILSTAGE_POLICY")?,
    };
    let Some(text) = text else { return Ok(Policy::default()) };
    // Every JSON document is a YAML document, so one reader does for both.
    let value = serde_yaml::from_str(&text)
        .map_err(|e| Failure::invalid(format!("the policy is neither JSON nor YAML: {e}")))?;
    input::read("policy", value)
}

/// A file's text; `-` is standard input.
///
/// # Errors
/// [`Exit::Invalid`] when it cannot be read.
pub fn read_file(path: &str) -> Result<String> {
    let read = || match path {
        "-" => std::io::read_to_string(std::io::stdin().lock().take(4 << 20)),
        path => std::fs::read_to_string(path),
    };
    read().with_context(|| Failure::invalid(format!("read `{path}`")))
}

/// A base64 variable that Kestra set; an empty one counts as absent.
fn from_env(name: &str) -> Result<Option<String>> {
    let Some(text) = std::env::var(name).ok().filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    let bytes = STANDARD.decode(text.trim()).with_context(|| Failure::invalid(format!("{name} is not base64")))?;
    let text =
        String::from_utf8(bytes).with_context(|| Failure::invalid(format!("{name} is not base64 of UTF-8 text")))?;
    Ok(Some(text))
}
