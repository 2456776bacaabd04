//! `set-policy`: writes one policy into every flow, so that it is edited in one place.

use std::future::ready;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::{CommandDef, print_error};
use crate::cli::args::read_file;
use crate::cli::flow_files::{check_policy, generate, has_policy};
use crate::error::{Exit, Failure, counted};
use crate::external::print;

const NAME: &str = "set-policy";

pub(super) const COMMAND: CommandDef = CommandDef {
    name: NAME,
    about: "Write the policy in a file into flows",
    args,
    main: |matches| Box::pin(ready(main(matches))),
};

const LONG: &str = "Writes the policy in a file, comments included, into each flow between its lines `# generated: policy` and `# end of policy`. \
    The policy is checked first, and when one flow cannot take it, none is written.";

fn args(command: Command) -> Command {
    command
        .long_about(LONG)
        .arg(
            Arg::new("policy")
                .value_name("POLICY")
                .required(true)
                .help("The policy (YAML or JSON; `-`: standard input)"),
        )
        .arg(
            Arg::new("flows")
                .value_name("FLOW")
                .required(true)
                .num_args(1..)
                .value_parser(value_parser!(PathBuf))
                .help("Files of flows, such as kestra/*.yaml"),
        )
        .arg(
            Arg::new("check")
                .long("check")
                .action(ArgAction::SetTrue)
                .help("Write nothing; end with 1 when a flow has another policy"),
        )
}

fn main(matches: &ArgMatches) -> Exit {
    match set(matches) {
        Ok(()) => Exit::Done,
        Err(error) => print_error(NAME, &error),
    }
}

/// One flow's file, before and after.
struct Flow<'a> {
    path: &'a PathBuf,
    old: String,
    new: String,
    has_policy: bool,
}

fn set(matches: &ArgMatches) -> Result<()> {
    let policy = read_file(matches.get_one::<String>("policy").expect("clap asks for it"))?;
    check_policy(&policy)?;
    let paths = matches.get_many::<PathBuf>("flows").expect("clap asks for it");
    let flows = paths.map(|path| read(path, &policy)).collect::<Result<Vec<_>>>()?;
    let check = matches.get_flag("check");
    for flow in &flows {
        let state = match (flow.old == flow.new, check) {
            _ if !flow.has_policy => "has no policy",
            (true, _) => "has it",
            (false, true) => "has another policy",
            (false, false) => "written",
        };
        if state == "written" {
            std::fs::write(flow.path, &flow.new).with_context(|| format!("write `{}`", flow.path.display()))?;
        }
        print::out(&format!("{}: {state}", flow.path.display()));
    }
    let old = flows.iter().filter(|flow| flow.old != flow.new).count();
    let differ = || Failure::new(Exit::Failed, format!("{old} of {} differ", counted(flows.len(), "flow", "flows")));
    ensure!(!check || old == 0, differ().hint("run it without `--check`, and load the flows"));
    Ok(())
}

fn read<'a>(path: &'a PathBuf, policy: &str) -> Result<Flow<'a>> {
    let at = || format!("`{}`", path.display());
    let old = std::fs::read_to_string(path).with_context(|| Failure::invalid(format!("read {}", at())))?;
    let new = generate(&old, policy).with_context(at)?;
    Ok(Flow { path, has_policy: has_policy(&new).with_context(at)?, old, new })
}
