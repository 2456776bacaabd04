//! `completions`: a completion script for a shell.

use clap::{Arg, ArgMatches, Command, value_parser};
use clap_complete::Shell;

use crate::cli;
use crate::error::Exit;

pub const NAME: &str = "completions";

pub fn command() -> Command {
    let shell = Arg::new("shell").required(true).value_parser(value_parser!(Shell)).help("The shell to complete in");
    Command::new(NAME).about("Print a completion script for a shell").arg(shell)
}

pub fn main(matches: &ArgMatches) -> Exit {
    let shell = *matches.get_one::<Shell>("shell").expect("clap asks for a shell");
    clap_complete::generate(shell, &mut cli::command(), "railstage", &mut std::io::stdout());
    Exit::Done
}
