//! `clone`: all steps of a clone in one process, with a rollback when one fails or Ctrl-C is pressed.

use std::io::IsTerminal as _;
use std::time::Instant;

use anyhow::Result;
use clap::{ArgMatches, Command};
use serde_json::{Map, Value, json};
use tracing::Level;

use super::{CommandDef, log_failure, print_json};
use crate::cli::args::{json_arg, new_run, policy, policy_arg};
use crate::cli::log::{self, Output};
use crate::cli::{account_file, flags, process_env, run_shown, sheet_file};
use crate::contract::input::schema_of;
use crate::contract::request::CloneRequest;
use crate::error::caught::caught;
use crate::error::{Exit, Told};
use crate::external::print;
use crate::running::context::Context;
use crate::running::first::First;
use crate::running::outcome::{Outcome, Status};
use crate::running::step::{self, Prepared, StepDef};
use crate::running::stop::Stop;
use crate::steps;

mod by_hand;

const NAME: &str = "clone";

pub(super) const COMMAND: CommandDef = CommandDef {
    name: NAME,
    about: "Make a staging copy: every step in one go, rolled back on failure",
    args,
    main: |matches| Box::pin(main(matches)),
};

fn args(command: Command) -> Command {
    command
        .arg(policy_arg())
        .arg(json_arg())
        .arg(sheet_file::arg())
        .arg(account_file::arg())
        .args(flags::all(&schema_of::<CloneRequest>()))
}

async fn main(matches: &ArgMatches) -> Exit {
    let on_terminal = std::io::stderr().is_terminal();
    log::start(Output::Text, if on_terminal { Level::WARN } else { Level::INFO });
    let (mut run, stop) = match prepare(matches) {
        Ok(prepared) => prepared,
        Err(error) => return log_failure(NAME, &error, Exit::of(&error), matches.get_flag("json")),
    };
    print::err(&format!("run {}", run.ctx.run.id));
    let failed = caught(run.all(&stop)).await.unwrap_or_else(|error| {
        log::error(&Told::of(NAME, &error));
        Some(Exit::Failed)
    });
    let exit = match failed {
        None => Exit::Done,
        Some(exit) if !run.may_have_made => exit,
        Some(exit) => run.roll_back(exit).await,
    };
    run.report(matches.get_flag("json"), exit);
    exit
}

fn prepare(matches: &ArgMatches) -> Result<(Clone, Stop)> {
    let (sheets, account) = (sheet_file::paths(matches)?, account_file::path(matches)?);
    let stop = Stop::listen()?;
    let request = flags::request(&schema_of::<CloneRequest>(), matches)?;
    let policy = policy(matches)?;
    // What is wrong with the request is worth more to a newcomer than a missing token.
    step::read::<CloneRequest>(&policy, request.clone())?;
    let mut ctx = Context::sign_in(new_run(), policy, process_env(), stop.token.clone())?;
    ctx.keeps_turn = true;
    let by_hand = by_hand::roll_back(&ctx.run, &request, matches.get_one::<String>("policy").map(String::as_str));
    let run = Clone {
        ctx,
        request,
        by_hand,
        sheets,
        account,
        may_have_made: false,
        first: None,
        reports: Map::new(),
        started: Instant::now(),
    };
    Ok((run, stop))
}

/// One clone on its way.
struct Clone {
    ctx: Context,
    request: Value,
    /// The command line that takes this run back.
    by_hand: String,
    /// The files that ask for a sheet.
    sheets: Vec<String>,
    /// The file that asks for the account.
    account: Option<String>,
    /// Whether a step was begun whose work must be taken back.
    may_have_made: bool,
    /// The run that came first with the same idempotency key, when this one gives way to it.
    first: Option<Box<First>>,
    /// Each finished step's report, by the step's task id.
    reports: Map<String, Value>,
    started: Instant,
}

impl Clone {
    /// Runs the steps in order; the exit code of the one that failed.
    async fn all(&mut self, stop: &Stop) -> Option<Exit> {
        for step in steps::of_a_clone() {
            // The step before may have come to its end all the same.
            if let Some(signal) = stop.exit() {
                return Some(signal);
            }
            if step.undo.is_some() && !self.may_have_made {
                self.may_have_made = true;
                tracing::info!("should this be cut off, it is rolled back by: {}", self.by_hand);
            }
            let outcome = self.step(step, stop).await;
            if outcome.exit() != Exit::Done {
                return Some(outcome.exit());
            }
            self.first = outcome.report.first;
            if self.first.is_some() {
                break;
            }
        }
        None
    }

    async fn step(&mut self, step: &'static StepDef, stop: &Stop) -> Outcome {
        let outcome = match step.prepare(&self.ctx.policy, Ok(self.request.clone())) {
            Prepared::Ready(work) => run_shown(step, &self.ctx, stop, work, &self.sheets).await,
            Prepared::Ended(outcome) => *outcome,
        };
        let mark = if outcome.exit() == Exit::Done { "done" } else { "failed" };
        let line =
            format!("{:<14} {mark:<7} {:>7.1} s  {}", step.name, outcome.report.cost.seconds, outcome.words.in_short);
        print::err(line.trim_end());
        if let Some(told) = outcome.report.told() {
            log::error(&told);
        }
        account_file::write(self.account.as_deref(), outcome.report.account.as_deref());
        let report = serde_json::to_value(&outcome.report).expect("outputs are plain data");
        self.reports.insert(step.task_id(), report);
        outcome
    }

    /// Takes back what was made; a second signal ends even that.
    async fn roll_back(&mut self, failed: Exit) -> Exit {
        print::err(&format!(
            "run {} failed; what it made is taken back, and by hand would be so: {}",
            self.ctx.run.id, self.by_hand
        ));
        let Ok(stop) = Stop::listen_again() else { return Exit::Incomplete };
        self.ctx.stop = stop.token.clone();
        if let Some(step) = steps::find("rollback") {
            let outcome = self.step(step, &stop).await;
            if outcome.exit() != Exit::Done {
                print::err(&format!("run {} is not taken back. Do it by hand: {}", self.ctx.run.id, self.by_hand));
                // Something is left only where that was seen.
                return if outcome.exit() == Exit::Incomplete { Exit::Incomplete } else { failed };
            }
        }
        failed
    }

    fn report(self, as_json: bool, exit: Exit) {
        let seconds = (self.started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
        let text = |step: &str, field: &str| {
            self.reports.get(step).and_then(|r| r[field].as_str()).unwrap_or_default().to_owned()
        };
        let first = self.first.as_deref();
        let (name, url) = match first {
            Some(first) => (first.environment_name.clone(), first.url.clone().unwrap_or_default()),
            None => (text("check_health", "environment_name"), text("check_health", "url")),
        };
        if as_json {
            let ended = if exit == Exit::Done { Status::Ok } else { Status::Failed };
            let status = first.map_or(ended, |first| first.status);
            let run_id = first.map_or(&self.ctx.run.id, |first| &first.run_id);
            let roll_back_by = (exit != Exit::Done && self.may_have_made).then_some(&self.by_hand);
            print_json(&json!({
                "roll_back_by": roll_back_by, "status": status, "exit_code": exit.code(), "run_id": run_id, "environment_name": name, "url": url,
                "seconds": seconds, "railway_calls": self.ctx.railway.calls(),
                "railway_requests": self.ctx.railway.requests(), "steps": self.reports,
            }));
        } else if let Some(first) = first {
            print::out(&first.to_string());
        } else if exit == Exit::Done {
            let railway_url = text("assign_domain", "railway_url");
            let records = self.reports.get("assign_domain").and_then(|report| report["dns_records"].as_array());
            let is_pending = records.is_some_and(|records| !records.is_empty());
            let url = if is_pending { &railway_url } else { &url };
            print::out(&format!("{name} is ready at {url}, {seconds:.1} s after the start"));
        }
    }
}
