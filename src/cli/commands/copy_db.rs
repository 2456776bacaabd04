//! `copy-db`: copies one database into another; needs no Railway.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::builder::EnumValueParser;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use serde_json::json;
use tracing::Level;

use super::{CommandDef, log_failure, print_json};
use crate::cli::args::{json_arg, new_run};
use crate::cli::log::{self, Output};
use crate::cli::masking_args::{masking, masking_args};
use crate::cli::process_env;
use crate::cli::sheet_file::{self, SheetFile};
use crate::cli::ticker::Ticker;
use crate::copying::options::{Compress, CopyOptions, Verify};
use crate::copying::progress::Progress;
use crate::copying::report::CopyReport;
use crate::engines::{DryRun, Endpoint, Pair};
use crate::error::{Exit, Failure, chain};
use crate::external::print;
use crate::rewriting::UrlPair;
use crate::running::stop::Stop;

const NAME: &str = "copy-db";

pub(super) const COMMAND: CommandDef = CommandDef {
    name: NAME,
    about: "Copy one database into another, without Railway",
    args,
    main: |matches| Box::pin(main(matches)),
};

/// How long `--thorough` may search the rows of a source.
const SEARCH_WITHIN: Duration = Duration::from_mins(1);

const LONG: &str = "Copies the database at SOURCE_DATABASE_URL over the one at TARGET_DATABASE_URL (both from the environment), \
    which is built beside the old one, verified, and then takes its place at once. Both are `postgresql://` URLs, or both \
    `mysql://` or `mariadb://` ones. The source is read in one snapshot and never written; on any failure the target stays as it was.";

fn args(command: Command) -> Command {
    command
        .long_about(LONG)
        .args(rewriting_args())
        .arg(
            Arg::new("exclude-table-data")
                .long("exclude-table-data")
                .value_name("GLOB")
                .action(ArgAction::Append)
                .help("Leave the rows of these tables behind, and of what is a part of them or inherits from them, unless it begins with `only:`; may be given several times"),
        )
        .args(masking_args())
        .arg(
            Arg::new("jobs")
                .long("jobs")
                .value_name("N")
                .default_value("2")
                .value_parser(value_parser!(u16).range(1..=16))
                .help("How many tables are copied at a time"),
        )
        .arg(max_rate())
        .arg(
            Arg::new("compress")
                .long("compress")
                .value_name("WHEN")
                .default_value("auto")
                .value_parser(EnumValueParser::<Compress>::new())
                .help("Compress what goes over the lines to MySQL and MariaDB; Postgres cannot"),
        )
        .arg(
            Arg::new("attempts")
                .long("attempts")
                .value_name("N")
                .default_value("3")
                .value_parser(value_parser!(u32).range(1..=10))
                .help("How many times the whole is tried when a line or a server fails"),
        )
        .arg(
            Arg::new("stall")
                .long("stall")
                .value_name("SECONDS")
                .default_value("120")
                .value_parser(value_parser!(u64).range(1..))
                .help("Give an attempt up when a server or a line is silent for so long"),
        )
        .arg(
            Arg::new("verify")
                .long("verify")
                .value_name("HOW")
                .default_value("digest")
                .value_parser(EnumValueParser::<Verify>::new())
                .help("How rows are checked before the swap"),
        )
        .arg(
            Arg::new("max-snapshot-age")
                .long("max-snapshot-age")
                .value_name("MINUTES")
                .default_value("60")
                .value_parser(value_parser!(u64).range(1..))
                .help("Give up when the source's snapshot has been held for so long, which keeps its vacuum back"),
        )
        .arg(
            Arg::new("max-write-pause-ms")
                .long("max-write-pause-ms")
                .value_name("MILLISECONDS")
                .default_value("500")
                .value_parser(value_parser!(u64).range(1..=60_000))
                .help("Hold the writers of a MySQL or MariaDB for no longer than this, so that all connections see one moment; else one reads alone"),
        )
        .arg(
            Arg::new("dry-run")
                .long("dry-run")
                .action(ArgAction::SetTrue)
                .help("Say what would be copied, in which order and about how long it would take; do nothing"),
        )
        .arg(
            Arg::new("thorough")
                .long("thorough")
                .action(ArgAction::SetTrue)
                .requires("dry-run")
                .help("With --dry-run, search the rows, too, for what a copy would fail on: for a minute, and no faster than --max-rate")
        )
        .arg(sheet_file::arg().requires("anonymize"))
        .arg(json_arg())
}

/// What is rewritten.
fn rewriting_args() -> [Arg; 4] {
    [
        Arg::new("rewrite-url")
            .long("rewrite-url")
            .value_name("OLD=NEW")
            .action(ArgAction::Append)
            .value_parser(url_pair)
            .help("Rewrite this URL in the data; may be given several times"),
        Arg::new("rewrite-schema")
            .long("rewrite-schema")
            .action(ArgAction::SetTrue)
            .help("Rewrite these URLs, and with --anonymize e-mail addresses, in literals of the schema too"),
        Arg::new("rewrite-guid")
            .long("rewrite-guid")
            .action(ArgAction::SetTrue)
            .help("Rewrite these URLs in columns called `guid` too, which a site shows in its feeds"),
        Arg::new("fail-on-left")
            .long("fail-on-left")
            .action(ArgAction::SetTrue)
            .help("Fail, and leave the target as it is, when one of these hosts is left anywhere in the data, in whatever spelling"),
    ]
}

/// `--max-rate`.
pub(super) fn max_rate() -> Arg {
    Arg::new("max-rate")
        .long("max-rate")
        .value_name("MB/s")
        .value_parser(rate)
        .help("Read the source no faster than so many megabytes (1,000,000 bytes) a second")
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    rate.ok_or_else(|| "expected a number of megabytes a second that is more than 0".to_owned())
}

fn url_pair(text: &str) -> Result<UrlPair, String> {
    let (old, new) =
        text.split_once('=').ok_or("expected OLD=NEW, such as https://shop.example.com=https://staging.example.com")?;
    UrlPair::parse(old, new).map_err(|e| format!("{e:#}"))
}

async fn main(matches: &ArgMatches) -> Exit {
    log::start(Output::Text, Level::INFO);
    let stop = match Stop::listen() {
        Ok(stop) => stop,
        Err(error) => return end(matches, &Err(error), None),
    };
    let done = if matches.get_flag("dry-run") { try_dry(matches, &stop).await } else { copy(matches, &stop).await };
    end(matches, &done, stop.exit())
}

/// What was done, or would be.
enum Done {
    Copied(Box<CopyReport>),
    DryRun(Box<DryRun>),
}

async fn try_dry(matches: &ArgMatches, stop: &Stop) -> Result<Done> {
    let (source, target) = (endpoint("SOURCE_DATABASE_URL")?, endpoint("TARGET_DATABASE_URL")?);
    let (options, pair) = (options(matches)?, Pair::of(&source, &target)?);
    warn_of_people(matches);
    // Nothing is changed, so nothing is taken back.
    tokio::select! {
        planned = pair.dry_run(&options) => Ok(Done::DryRun(Box::new(planned?))),
        () = stop.token.cancelled() => bail!("stopped by a signal"),
    }
}

async fn copy(matches: &ArgMatches, stop: &Stop) -> Result<Done> {
    let sheet = sheet_file::paths(matches)?;
    let (source, target) = (endpoint("SOURCE_DATABASE_URL")?, endpoint("TARGET_DATABASE_URL")?);
    warn_of_people(matches);
    let progress = std::sync::Arc::new(Progress::default());
    let ticker = Ticker::start(NAME, progress.clone());
    let copied = Pair::of(&source, &target)?.copy(&options(matches)?, &progress, &stop.token).await;
    ticker.stop(copied.as_ref().err().map(chain)).await;
    let report = copied?;
    SheetFile::of_copy(&report).write(&sheet).context("the copy is there; write its sheet")?;
    Ok(Done::Copied(Box::new(report.cut())))
}

/// Nobody should learn afterwards that a copy holds whom its source knows.
fn warn_of_people(matches: &ArgMatches) {
    if !matches.get_flag("anonymize") {
        tracing::warn!(
            "people come along as they are: names, addresses, logins and all else; `--anonymize` masks them"
        );
    }
}

fn options(matches: &ArgMatches) -> Result<CopyOptions> {
    Ok(CopyOptions {
        copy_id: new_run().id,
        rewrite: matches.get_many("rewrite-url").unwrap_or_default().cloned().collect(),
        rewrite_schema: matches.get_flag("rewrite-schema"),
        rewrite_guid: matches.get_flag("rewrite-guid"),
        fail_on_left: matches.get_flag("fail-on-left"),
        masking: masking(matches)?,
        defuse: matches.get_flag("defuse"),
        keep_queues: matches.get_many("keep-queue").unwrap_or_default().cloned().collect(),
        exclude_table_data: matches.get_many("exclude-table-data").unwrap_or_default().cloned().collect(),
        jobs: usize::from(*matches.get_one::<u16>("jobs").expect("it has a default")),
        max_mb_per_s: matches.get_one("max-rate").copied(),
        compress: *matches.get_one("compress").expect("it has a default"),
        search_rows_for: matches.get_flag("thorough").then_some(SEARCH_WITHIN),
        attempts: *matches.get_one("attempts").expect("it has a default"),
        stall: Duration::from_secs(*matches.get_one("stall").expect("it has a default")),
        verify: *matches.get_one("verify").expect("it has a default"),
        snapshot_max_age: Duration::from_secs(
            60 * matches.get_one::<u64>("max-snapshot-age").expect("it has a default"),
        ),
        max_write_pause: Duration::from_millis(*matches.get_one("max-write-pause-ms").expect("it has a default")),
        env: process_env(),
        ..CopyOptions::default()
    })
}

pub(super) fn endpoint(variable: &str) -> Result<Endpoint> {
    let url = process_env().secret(variable).with_context(|| {
        Failure::invalid(format!("there is no {variable}"))
            .hint(format!("set {variable} to a postgresql://, mysql:// or mariadb:// URL"))
    })?;
    Endpoint::parse(url.expose()).with_context(|| format!("read {variable}"))
}

fn end(matches: &ArgMatches, done: &Result<Done>, stopped: Option<Exit>) -> Exit {
    let json = matches.get_flag("json");
    match done {
        Ok(Done::Copied(report)) if json => print_json(&json!({ "status": "ok", "copy": report })),
        Ok(Done::Copied(report)) => print::out(&report.summary()),
        Ok(Done::DryRun(dry_run)) => {
            if json {
                print_json(&json!({ "status": "ok", "plan": dry_run }));
            } else {
                print::out(&dry_run.summary());
            }
            return if dry_run.problems.is_empty() { Exit::Done } else { Exit::Invalid };
        }
        Err(error) => return log_failure(NAME, error, stopped.unwrap_or(Exit::of(error)), json),
    }
    Exit::Done
}
