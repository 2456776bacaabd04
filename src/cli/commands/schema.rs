//! `schema`: the JSON Schemas of requests, outputs, policy and record.

use std::future::ready;
use std::path::Path;

use anyhow::{Context as _, Result};
use clap::{Arg, ArgMatches, Command};

use super::{CommandDef, print_line};
use crate::cli::schema_files::files;
use crate::error::{Exit, Failure, describe};

const NAME: &str = "schema";

pub(super) const COMMAND: CommandDef = CommandDef {
    name: NAME,
    about: "Print a JSON Schema, or write all of them to a folder",
    args,
    main: |matches| Box::pin(ready(main(matches))),
};

fn args(command: Command) -> Command {
    command
        .arg(
            Arg::new("name")
                .value_name("NAME")
                .help("One schema, such as `create-env.input`; without it, their names are listed"),
        )
        .arg(Arg::new("write").long("write").value_name("DIR").help("Write every schema to DIR").conflicts_with("name"))
}

fn main(matches: &ArgMatches) -> Exit {
    let done = match (matches.get_one::<String>("name"), matches.get_one::<String>("write")) {
        (Some(name), _) => show(name),
        (None, Some(dir)) => write(Path::new(dir)),
        (None, None) => {
            files().iter().for_each(|(name, _)| print_line(name.trim_end_matches(".json")));
            Ok(())
        }
    };
    match done {
        Ok(()) => Exit::Done,
        Err(error) => {
            eprintln!("error: {}", describe(NAME, &error));
            Exit::of(&error)
        }
    }
}

fn show(name: &str) -> Result<()> {
    let wanted = format!("{}.json", name.trim_end_matches(".json"));
    let (_, text) = files().into_iter().find(|(file, _)| *file == wanted).with_context(|| {
        Failure::invalid(format!("there is no schema `{name}`")).hint("`railstage schema` lists them")
    })?;
    print_line(text.trim_end());
    Ok(())
}

fn write(dir: &Path) -> Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("make `{}`", dir.display()))?;
    for (name, text) in files() {
        let path = dir.join(name);
        std::fs::write(&path, text).with_context(|| format!("write `{}`", path.display()))?;
    }
    Ok(())
}
