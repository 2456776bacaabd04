//! What people run at a terminal beside the steps, a file each.

use std::io::Write as _;

use clap::{ArgMatches, Command};
use serde::Serialize;

use crate::error::Exit;
use crate::secret::scrub;

mod clone;
mod completions;
mod copy_db;
mod schema;

/// The commands as clap knows them.
pub fn all() -> Vec<Command> {
    vec![clone::command(), copy_db::command(), schema::command(), completions::command()]
}

/// Runs a command by name.
pub async fn main(name: &str, matches: &ArgMatches) -> Exit {
    match name {
        clone::NAME => clone::main(matches).await,
        copy_db::NAME => copy_db::main(matches).await,
        schema::NAME => schema::main(matches),
        completions::NAME => completions::main(matches),
        other => unreachable!("clap knows no command `{other}`"),
    }
}

/// Prints one JSON document on stdout, for a machine or a person.
pub fn print_json(value: &impl Serialize) {
    let text = serde_json::to_string_pretty(value).expect("outputs are plain data");
    print_line(&scrub(&text));
}

/// Prints to stdout; a reader that went away is no failure of ours.
pub fn print_line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
