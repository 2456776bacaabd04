//! What a person confirms before a step deletes: by typing a name, or by a flag. Nobody is asked where there is no terminal.

use std::io::IsTerminal as _;

use anyhow::{Context as _, Result, ensure};
use clap::{Arg, ArgAction, ArgMatches};
use serde_json::Value;

use crate::cli::log::Output;
use crate::contract::policy::Policy;
use crate::error::Failure;
use crate::external::print;
use crate::running::step::{Deletes, Prepared, StepDef};

/// `--yes`.
pub(super) fn arg() -> Arg {
    Arg::new("yes").long("yes").action(ArgAction::SetTrue).help("Delete without asking")
}

/// The request of a step that deletes, once a person has confirmed it. Kestra's requests, and those that a program gives as a
/// whole in its environment, are what they say.
///
/// # Errors
/// [`crate::error::Exit::Invalid`] when nobody is there to ask, or something else was typed.
pub(super) fn confirmed(
    step: &StepDef,
    policy: &Policy,
    matches: &ArgMatches,
    is_typed: bool,
    request: Value,
) -> Result<Value> {
    let deletes = match step.deletes {
        Deletes::Nothing => false,
        Deletes::OneByName => request.get("confirm").is_none_or(Value::is_null),
        Deletes::WhatIsOver => request.get("dry_run") == Some(&Value::Bool(false)),
    };
    if !deletes || !is_typed || Output::from_env() == Output::Kestra {
        return Ok(request);
    }
    let mut filled = request;
    let named = match step.deletes {
        Deletes::OneByName => filled.get("environment").cloned().unwrap_or_default(),
        Deletes::Nothing | Deletes::WhatIsOver => filled.get("project_id").cloned().unwrap_or("all".into()),
    };
    if step.deletes == Deletes::OneByName {
        // Where there is no name, that is what is wrong, and not that nobody has repeated it.
        let is_named = named.as_str().is_some_and(|name| !name.is_empty());
        filled["confirm"] = if is_named { named.clone() } else { "nothing".into() };
    }
    // What is wrong with the request is told first, and nobody is asked about it.
    if matches!(step.prepare(policy, Ok(filled.clone())), Prepared::Ended(_)) || matches.get_flag("yes") {
        return Ok(filled);
    }
    let named = named.as_str().unwrap_or_default();
    let what = match step.deletes {
        Deletes::OneByName => format!("Type {named} to delete this copy with its data"),
        Deletes::Nothing | Deletes::WhatIsOver => format!("Type {named} to delete every copy whose time is up"),
    };
    let typed = ask(&what, "give `--yes`")?;
    let other = || Failure::invalid(format!("`{named}` was to be typed, and something else was; nothing is deleted"));
    ensure!(typed == named, other());
    Ok(filled)
}

/// What somebody at the terminal types.
///
/// # Errors
/// [`crate::error::Exit::Invalid`], with the hint, when nobody is there.
pub(super) fn ask(question: &str, hint: &str) -> Result<String> {
    let nobody = || Failure::invalid("nobody is at the terminal who could confirm").hint(hint);
    ensure!(std::io::stdin().is_terminal(), nobody());
    print::err(&format!("{question}:"));
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("read what is typed")?;
    Ok(line.trim().to_owned())
}
