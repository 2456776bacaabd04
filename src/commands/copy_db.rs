//! `copy-db`: copies one Postgres database into another; needs no Railway.

use anyhow::{Context as _, Result};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use serde_json::json;
use tracing::Level;

use super::{print_json, print_line};
use crate::cli::new_run;
use crate::context::env_secret;
use crate::error::{Exit, Failure, describe};
use crate::log::{self, Output};
use crate::postgres::{CopyOptions, CopyReport, Endpoint, copy_database};
use crate::progress::Progress;
use crate::stop::Stop;
use crate::ticker::Ticker;
use crate::wordpress::rewrite::UrlPair;

pub const NAME: &str = "copy-db";

const LONG: &str = "Copies the database at SOURCE_DATABASE_URL over the one at TARGET_DATABASE_URL (both from the environment), \
    which is built beside the old one, verified, and then takes its place in one transaction. The source is read in one \
    snapshot and never written; on any failure the target stays as it was.";

pub fn command() -> Command {
    Command::new(NAME)
        .about("Copy one Postgres database into another, without Railway")
        .long_about(LONG)
        .arg(
            Arg::new("rewrite-url")
                .long("rewrite-url")
                .value_name("OLD=NEW")
                .action(ArgAction::Append)
                .value_parser(url_pair)
                .help("Rewrite this URL in the data; may be given several times"),
        )
        .arg(
            Arg::new("exclude-table-data")
                .long("exclude-table-data")
                .value_name("GLOB")
                .action(ArgAction::Append)
                .help("Leave the rows of these tables behind; may be given several times"),
        )
        .arg(
            Arg::new("jobs")
                .long("jobs")
                .value_name("N")
                .default_value("2")
                .value_parser(value_parser!(u16).range(1..=16))
                .help("How many tables are copied at a time"),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("Print one JSON object at the end, failure included"),
        )
}

fn url_pair(text: &str) -> Result<UrlPair, String> {
    let (old, new) =
        text.split_once('=').ok_or("expected OLD=NEW, such as https://shop.example.com=https://staging.example.com")?;
    UrlPair::parse(old, new).map_err(|e| format!("{e:#}"))
}

pub async fn main(matches: &ArgMatches) -> Exit {
    log::start(Output::Text, Level::INFO);
    let stop = match Stop::listen() {
        Ok(stop) => stop,
        Err(error) => return end(matches, &Err(error), None),
    };
    let copied = copy(matches, &stop).await;
    end(matches, &copied, stop.exit())
}

async fn copy(matches: &ArgMatches, stop: &Stop) -> Result<CopyReport> {
    let (source, target) = (endpoint("SOURCE_DATABASE_URL")?, endpoint("TARGET_DATABASE_URL")?);
    let options = CopyOptions {
        copy_id: new_run().id,
        rewrite: matches.get_many("rewrite-url").unwrap_or_default().cloned().collect(),
        exclude_table_data: matches.get_many("exclude-table-data").unwrap_or_default().cloned().collect(),
        jobs: usize::from(*matches.get_one::<u16>("jobs").expect("it has a default")),
        ..CopyOptions::default()
    };
    let progress = std::sync::Arc::new(Progress::default());
    let ticker = Ticker::start(progress.clone());
    let copied = copy_database(&source, &target, &options, &progress, &stop.token).await;
    ticker.stop().await;
    copied
}

fn endpoint(variable: &str) -> Result<Endpoint> {
    let url = env_secret(variable).with_context(|| {
        Failure::invalid(format!("there is no {variable}")).hint(format!("set {variable} to a postgresql:// URL"))
    })?;
    Endpoint::parse(url.expose()).with_context(|| format!("read {variable}"))
}

fn end(matches: &ArgMatches, copied: &Result<CopyReport>, stopped: Option<Exit>) -> Exit {
    let json = matches.get_flag("json");
    match copied {
        Ok(report) if json => print_json(&json!({ "status": "ok", "copy": report })),
        Ok(report) => print_line(&report.summary()),
        Err(error) => {
            let text = describe(NAME, error);
            tracing::error!("{text}");
            if json {
                print_json(&json!({ "status": "failed", "error": text }));
            }
            return stopped.unwrap_or(Exit::of(error));
        }
    }
    Exit::Done
}
