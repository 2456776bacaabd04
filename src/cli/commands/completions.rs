//! `completions`: a completion script for a shell.

use std::future::ready;

use clap::{Arg, ArgMatches, Command, value_parser};
use clap_complete::Shell;

use super::CommandDef;
use crate::cli;
use crate::error::Exit;
use crate::external::print;

pub(super) const COMMAND: CommandDef = CommandDef {
    name: "completions",
    about: "Print a completion script for a shell",
    args,
    main: |matches| Box::pin(ready(main(matches))),
};

fn args(command: Command) -> Command {
    let shell = Arg::new("shell").required(true).value_parser(value_parser!(Shell)).help("The shell to complete in");
    command.arg(shell)
}

fn main(matches: &ArgMatches) -> Exit {
    let shell = *matches.get_one::<Shell>("shell").expect("clap asks for a shell");
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::command(), "railstage", &mut script);
    print::raw_out(&script);
    Exit::Done
}
