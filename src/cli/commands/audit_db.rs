//! `audit-db`: searches a copy for the people of its source, at any time after it was made; changes neither.

use anyhow::{Context as _, Result, bail};
use clap::builder::EnumValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::json;
use tracing::Level;

use super::{CommandDef, copy_db, log_failure, print_json};
use crate::cli::args::json_arg;
use crate::cli::log::{self, Output};
use crate::cli::masking_args;
use crate::cli::sheet_file::{self, SheetFile};
use crate::copying::AuditReport;
use crate::engines::Pair;
use crate::error::Exit;
use crate::external::print;
use crate::masking::{Masking, OnResidue};
use crate::running::stop::Stop;

const NAME: &str = "audit-db";

pub(super) const COMMAND: CommandDef = CommandDef {
    name: NAME,
    about: "Search a copy for the people of its source, and change neither",
    args,
    main: |matches| Box::pin(main(matches)),
};

const LONG: &str = "Learns from the database at SOURCE_DATABASE_URL whom it knows, and searches each value of the copy at \
    TARGET_DATABASE_URL (both from the environment) for them and for whatever has the form of an address, an account or a key, as a \
    masked copy is searched before it takes its place. Both are only read. Ends with 0 when nothing is left, and with 1 otherwise.";

fn args(command: Command) -> Command {
    command
        .long_about(LONG)
        .arg(
            Arg::new("rules")
                .long("rules")
                .value_name("FILE")
                .help("The masking rules with which the copy was made (YAML; schema masking-rules)"),
        )
        .arg(Arg::new("keep-user").long("keep-user").value_name("LOGIN").action(ArgAction::Append).help(
            "A WordPress user who keeps login and password; may be given several times [default: administrators]",
        ))
        .arg(
            Arg::new("residue")
                .long("residue")
                .value_name("HOW")
                .default_value("fail")
                .value_parser(EnumValueParser::<OnResidue>::new())
                .help("Whether what is left of the source's people ends it with 1, or is told only"),
        )
        .arg(copy_db::max_rate())
        .arg(sheet_file::arg())
        .arg(json_arg())
}

async fn main(matches: &ArgMatches) -> Exit {
    log::start(Output::Text, Level::INFO);
    let json = matches.get_flag("json");
    let stop = match Stop::listen() {
        Ok(stop) => stop,
        Err(error) => return log_failure(NAME, &error, Exit::of(&error), json),
    };
    let report = match audited(matches, &stop).await {
        Ok(report) => report,
        Err(error) => return log_failure(NAME, &error, stop.exit().unwrap_or(Exit::of(&error)), json),
    };
    let is_clean = report.is_clean();
    if json {
        print_json(&json!({ "status": if is_clean { "ok" } else { "found" }, "audit": report.cut() }));
    } else {
        print::out(&report.summary());
    }
    if is_clean || matches.get_one("residue") == Some(&OnResidue::Warn) { Exit::Done } else { Exit::Failed }
}

async fn audited(matches: &ArgMatches, stop: &Stop) -> Result<AuditReport> {
    let sheet = sheet_file::paths(matches)?;
    let (source, target) = (copy_db::endpoint("SOURCE_DATABASE_URL")?, copy_db::endpoint("TARGET_DATABASE_URL")?);
    let source = source.no_faster_than(matches.get_one("max-rate").copied());
    let masking = Masking { keep_users: masking_args::keep_users(matches), ..Masking::new(masking_args::key()?) };
    let masking = Masking { rules: masking_args::rules(matches)?, ..masking };
    let pair = Pair::of(&source, &target)?;
    // Nothing is changed, so nothing is taken back.
    let report = tokio::select! {
        report = pair.audit(&masking) => report?,
        () = stop.token.cancelled() => bail!("stopped by a signal"),
    };
    SheetFile::of_audit(&report).write(&sheet).context("write the sheet")?;
    Ok(report)
}
