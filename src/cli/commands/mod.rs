//! What people run at a terminal beside the steps, a file each, and the one table of them: `--help` and the README's table
//! are made from it.

use std::future::Future;
use std::pin::Pin;

use clap::{ArgMatches, Command};
use serde::Serialize;
use serde_json::json;

use crate::cli::log;
use crate::error::{Exit, Told};
use crate::external::print;
use crate::inert;
use crate::secret::scrub_outputs;

mod adopt;
mod audit_db;
mod clone;
mod completions;
mod copy_db;
mod man;
mod schema;
mod set_policy;
mod source_login;

/// Each command, in the order of `--help`.
pub const COMMANDS: &[CommandDef] = &[
    clone::COMMAND,
    copy_db::COMMAND,
    audit_db::COMMAND,
    source_login::COMMAND,
    adopt::COMMAND,
    set_policy::COMMAND,
    schema::COMMAND,
    completions::COMMAND,
    man::COMMAND,
];

/// One row of the table of commands.
pub struct CommandDef {
    pub name: &'static str,
    /// One line of `--help`, without a period.
    pub about: &'static str,
    /// Adds what the command takes.
    args: fn(Command) -> Command,
    main: fn(&ArgMatches) -> Running<'_>,
}

type Running<'a> = Pin<Box<dyn Future<Output = Exit> + 'a>>;

impl CommandDef {
    /// The command as clap knows it.
    pub(super) fn command(&self) -> Command {
        (self.args)(Command::new(self.name).about(self.about))
    }

    /// Runs the command to its end.
    pub(super) async fn main(&self, matches: &ArgMatches) -> Exit {
        (self.main)(matches).await
    }
}

/// The command of this name.
pub(super) fn find(name: &str) -> Option<&'static CommandDef> {
    COMMANDS.iter().find(|command| command.name == name)
}

/// Prints one JSON document on stdout, for a machine or a person.
pub(crate) fn print_json(value: &impl Serialize) {
    let outputs = scrub_outputs(serde_json::to_value(value).expect("outputs are plain data"));
    let text = serde_json::to_string_pretty(&outputs).expect("JSON is JSON");
    print::raw_out(format!("{}\n", inert::inert_json(&text)).as_bytes());
}

/// Tells in the log what a command failed of, and on stdout, too, where a machine reads it.
pub(super) fn log_failure(name: &str, error: &anyhow::Error, exit: Exit, as_json: bool) -> Exit {
    let told = Told::of(name, error);
    log::error(&told);
    if as_json {
        print_json(&json!({ "status": "failed", "error": told.error, "hint": told.hint, "exit_code": exit.code() }));
    }
    exit
}

/// Tells on stderr what a command failed of that keeps no log.
pub(super) fn print_error(name: &str, error: &anyhow::Error) -> Exit {
    print::err(&format!("error: {}", Told::of(name, error)));
    Exit::of(error)
}
