//! `schema`: the JSON Schemas of requests, outputs, policy and record.

use std::future::ready;
use std::path::Path;

use anyhow::{Context as _, Result};
use clap::{Arg, ArgMatches, Command};

use super::{CommandDef, print_error};
use crate::cli::schema_files::{self, SchemaFile};
use crate::error::{Exit, Failure};
use crate::external::print;

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
                .help("One schema, such as `create-env.input` or `policy`; without it, their names are listed, each with the file that it shares with others"),
        )
        .arg(Arg::new("write").long("write").value_name("DIR").help("Write every schema to DIR").conflicts_with("name"))
}

fn main(matches: &ArgMatches) -> Exit {
    let done = match (matches.get_one::<String>("name"), matches.get_one::<String>("write")) {
        (Some(name), _) => show(name),
        (None, Some(dir)) => write(Path::new(dir)),
        (None, None) => {
            for schema in schema_files::all() {
                print::out(&listed(&schema));
            }
            Ok(())
        }
    };
    match done {
        Ok(()) => Exit::Done,
        Err(error) => print_error(NAME, &error),
    }
}

/// A schema's name, and the file that it shares with others.
fn listed(schema: &SchemaFile) -> String {
    if schema.name == schema.file { schema.name.clone() } else { format!("{} ({})", schema.name, schema.file) }
}

fn show(name: &str) -> Result<()> {
    let wanted = name.trim_end_matches(".json");
    let schema = schema_files::all().into_iter().find(|schema| schema.name == wanted).with_context(|| {
        Failure::invalid(format!("there is no schema `{name}`")).hint("`railstage schema` lists them")
    })?;
    print::raw_out(format!("{}\n", schema.text.trim_end()).as_bytes());
    Ok(())
}

fn write(dir: &Path) -> Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("make `{}`", dir.display()))?;
    for (name, text) in schema_files::files() {
        let path = dir.join(name);
        std::fs::write(&path, text).with_context(|| format!("write `{}`", path.display()))?;
    }
    Ok(())
}
