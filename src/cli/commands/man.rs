//! `man`: the manual page, of the whole program or of one subcommand.

use std::future::ready;

use anyhow::{Context as _, Result};
use clap::{Arg, ArgMatches, Command};

use super::{CommandDef, print_error};
use crate::cli;
use crate::error::{Exit, Failure};
use crate::external::print;

const NAME: &str = "man";

pub(super) const COMMAND: CommandDef = CommandDef {
    name: NAME,
    about: "Print the manual page of the program, or of a subcommand",
    args,
    main: |matches| Box::pin(ready(main(matches))),
};

fn args(command: Command) -> Command {
    command.arg(Arg::new("subcommand").value_name("SUBCOMMAND").help("Such as `clone` or `list-envs`"))
}

fn main(matches: &ArgMatches) -> Exit {
    match page(matches.get_one::<String>("subcommand")) {
        Ok(page) => {
            print::raw_out(&page);
            Exit::Done
        }
        Err(error) => print_error(NAME, &error),
    }
}

fn page(subcommand: Option<&String>) -> Result<Vec<u8>> {
    let mut whole = cli::command();
    whole.build();
    let command = match subcommand {
        None => whole,
        Some(name) => {
            let none =
                || Failure::invalid(format!("there is no subcommand `{name}`")).hint("`railstage --help` lists them");
            let found = whole.find_subcommand(name).with_context(none)?.clone();
            let full: &'static str = format!("railstage-{name}").leak();
            found.name(full).version(env!("CARGO_PKG_VERSION"))
        }
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page).context("write the page")?;
    Ok(page)
}
