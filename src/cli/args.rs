//! Arguments that several subcommands share, and what is read by them: files, Kestra's environment, the run's id.

use std::io::Read as _;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Arg, ArgAction, ArgMatches};
use jiff::Timestamp;
use rand::distr::{Alphanumeric, SampleString as _};
use serde_json::Value;

use crate::cli::log::Output;
use crate::contract::policy::Policy;
use crate::error::Failure;
use crate::running::run::Run;
use crate::running::step::{Group, StepDef};

pub(super) fn file_arg(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name("FILE").help(help)
}

/// `--policy FILE`.
pub(crate) fn policy_arg() -> Arg {
    file_arg("policy", "Read the policy from FILE (JSON or YAML) instead of RAILSTAGE_POLICY")
}

pub(super) fn run_id_arg() -> Arg {
    Arg::new("run-id")
        .long("run-id")
        .value_name("ID")
        .env("RAILSTAGE_RUN_ID")
        .hide_env_values(true)
        .help("The run that the step belongs to")
}

/// The run that a step belongs to. One that only looks, or is a run by itself, is given one of its own by a person; Kestra's runs have ids.
pub(super) fn run(step: &StepDef, matches: &ArgMatches) -> Result<Run> {
    if step.group == Group::Lifecycle {
        return Ok(new_run());
    }
    let id = matches.get_one::<String>("run-id").filter(|id| !id.is_empty()).cloned();
    let is_by_itself = step.only_looks || step.group == Group::Change;
    if id.is_none() && is_by_itself && Output::from_env() == Output::Text {
        return Ok(new_run());
    }
    let id = id.context(
        Failure::invalid("there is no run id")
            .hint("set RAILSTAGE_RUN_ID (in a flow: `{{ execution.id }}`) or --run-id"),
    )?;
    Ok(Run { id })
}

/// A run of our own, outside Kestra.
pub(crate) fn new_run() -> Run {
    Run {
        id: format!(
            "{}-{}",
            Timestamp::now().strftime("%Y%m%d%H%M%S"),
            Alphanumeric.sample_string(&mut rand::rng(), 8)
        ),
    }
}

/// `--json`.
pub(super) fn json_arg() -> Arg {
    Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print one JSON object at the end, failure included")
}

/// The request that was given as a whole, if one was. In Kestra there must be one: nobody types flags there.
///
/// # Errors
/// [`crate::error::Exit::Invalid`] when it cannot be read.
pub(super) fn given_request(matches: &ArgMatches) -> Result<Option<Value>> {
    let text = match matches.get_one::<String>("request") {
        Some(path) => Some(read_file(path)?),
        None => from_env("RAILSTAGE_REQUEST")?,
    };
    let Some(text) = text else {
        let none =
            || Failure::invalid("there is no request").hint("set RAILSTAGE_REQUEST (base64 of JSON) or --request FILE");
        ensure!(Output::from_env() == Output::Text, none());
        return Ok(None);
    };
    let value = serde_json::from_str(&text).map_err(|e| Failure::invalid(format!("the request is not JSON: {e}")))?;
    Ok(Some(value))
}

/// The policy from `--policy`, or the environment, or else the strict default.
///
/// # Errors
/// [`Exit::Invalid`], naming each wrong field.
pub(crate) fn policy(matches: &ArgMatches) -> Result<Policy> {
    let text = match matches.get_one::<String>("policy") {
        Some(path) => Some(read_file(path)?),
        None => from_env("RAILSTAGE_POLICY")?,
    };
    let Some(text) = text else { return Ok(Policy::default()) };
    Policy::read(policy_value(&text)?)
}

/// A policy's text as a value. Every JSON document is a YAML document, so one reader does for both.
///
/// # Errors
/// [`Exit::Invalid`].
pub(super) fn policy_value(text: &str) -> Result<Value> {
    let neither = |e| Failure::invalid(format!("the policy is neither JSON nor YAML: {e}"));
    Ok(serde_yaml::from_str(text).map_err(neither)?)
}

/// A file's text; `-` is standard input.
///
/// # Errors
/// [`Exit::Invalid`] when it cannot be read.
pub(crate) fn read_file(path: &str) -> Result<String> {
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
