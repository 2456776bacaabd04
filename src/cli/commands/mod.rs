//! What people run at a terminal beside the steps, a file each, and the one table of them: `--help` and the README's table
//! are made from it.

use std::future::Future;
use std::io::Write as _;
use std::pin::Pin;

use clap::{ArgMatches, Command};
use serde::Serialize;

use crate::error::Exit;
use crate::secret::scrub;

mod adopt;
mod clone;
mod completions;
mod copy_db;
mod schema;
mod set_policy;

/// Each command, in the order of `--help`.
pub const COMMANDS: &[CommandDef] =
    &[clone::COMMAND, copy_db::COMMAND, adopt::COMMAND, set_policy::COMMAND, schema::COMMAND, completions::COMMAND];

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
pub(super) fn print_json(value: &impl Serialize) {
    let text = serde_json::to_string_pretty(value).expect("outputs are plain data");
    print_line(&scrub(&text));
}

/// Prints to stdout; a reader that went away is no failure of ours.
fn print_line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
