//! `adopt`: signs the record of a copy that has an unsigned one, after a person has typed the copy's name.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::{Arg, ArgMatches, Command};
use serde_json::json;
use tracing::Level;

use super::{CommandDef, log_failure};
use crate::cli::args::{new_run, policy, policy_arg};
use crate::cli::log::{self, Output};
use crate::cli::{confirm, process_env};
use crate::contract::input;
use crate::contract::record::Record;
use crate::contract::request::ListRequest;
use crate::contract::signature::{KEY_VARIABLE, Reading};
use crate::environment::{guard, recorded};
use crate::error::{Exit, Failure};
use crate::external::print;
use crate::railway::{Environment, Weight};
use crate::running::context::Context;
use crate::running::stop::Stop;

const NAME: &str = "adopt";

pub(super) const COMMAND: CommandDef = CommandDef {
    name: NAME,
    about: "Sign the record of a copy that has an unsigned one, so that it is swept",
    args,
    main: |matches| Box::pin(main(matches)),
};

const LONG: &str = "A record of version 1, or one that was written without RAILSTAGE_RECORD_KEY, can be written by whoever may change the environment. So no \
    sweep deletes a copy by it. This command shows what the record says, asks for the copy's name, and signs it; from then on it counts.";

/// How long what was written may stay invisible: Railway's reads lag its writes.
const VISIBLE_WITHIN: Duration = Duration::from_secs(10);

fn args(command: Command) -> Command {
    command
        .long_about(LONG)
        .arg(policy_arg())
        .arg(
            Arg::new("project-id").long("project-id").value_name("ID").required(true).help("Id of the Railway project"),
        )
        .arg(Arg::new("environment").value_name("NAME").required(true).help("Name or id of the copy"))
        .arg(
            Arg::new("yes-i-mean")
                .long("yes-i-mean")
                .value_name("NAME")
                .help("The copy's name, typed again; asked for at a terminal when it is not given"),
        )
}

async fn main(matches: &ArgMatches) -> Exit {
    log::start(Output::Text, Level::INFO);
    match adopt(matches).await {
        Ok(()) => Exit::Done,
        Err(error) => log_failure(NAME, &error, Exit::of(&error), false),
    }
}

async fn adopt(matches: &ArgMatches) -> Result<()> {
    let text = |name: &str| matches.get_one::<String>(name).expect("clap asks for it");
    let (stop, policy) = (Stop::listen()?, policy(matches)?);
    let ListRequest { project_id, .. } = input::read("request", json!({ "project_id": text("project-id") }))?;
    policy.check_project(&project_id)?;
    let ctx = Context::sign_in(new_run(), policy, process_env(), stop.token.clone())?;
    let no_key = || Failure::invalid(format!("there is no {KEY_VARIABLE} to sign with"));
    ensure!(ctx.record_keys.can_sign(), no_key().hint("set it to the key that the flows have"));
    let project = ctx.railway.project(&project_id, Weight::Repeatable).await?;
    let environment = project.environment(text("environment")).with_context(|| {
        Failure::invalid(format!("project `{}` has no environment `{}`", project.name, text("environment")))
    })?;
    let record = guard::unsigned_record(&ctx, &project, environment)?;
    show(environment, &record);
    let typed = match matches.get_one::<String>("yes-i-mean") {
        Some(typed) => typed.clone(),
        None => confirm::ask(
            &format!("Type the copy's name, {}, to have the sweep delete it when its time is up", environment.name),
            "give `--yes-i-mean NAME`",
        )?,
    };
    ensure!(
        typed == environment.name,
        Failure::invalid(format!(
            "the name that was typed is not the copy's, `{}`; nothing was changed",
            environment.name
        ))
    );
    ctx.railway
        .change(&project_id, &environment.id, &recorded::writing(&ctx, &record))
        .await
        .context("sign the record")?;
    let (ctx, project_id, id) = (&ctx, &project_id, &environment.id);
    let look = || async move {
        let project = ctx.railway.project(project_id, Weight::Poll).await?;
        let read = project.environment_by_id(id).map(|environment| recorded::reading(ctx, &project, environment));
        Ok(matches!(read, Some(Reading::Signed(_))).then_some(()))
    };
    ctx.until("the signed record", VISIBLE_WITHIN, Duration::from_millis(500), look).await?;
    print::out(&format!("{} is ours: its record is signed", environment.name));
    Ok(())
}

/// What a person should have seen before he signs it.
fn show(environment: &Environment, record: &Record) {
    let end = if record.keep { "kept for ever".to_owned() } else { format!("until {}", record.expires_at) };
    print::err(&format!(
        "{}: {}, {end}, copied from `{}` at {}",
        environment.name, record.state, record.source_name, record.created_at
    ));
    let custom = environment.with_gates().flat_map(|s| &s.domains.custom_domains);
    for domain in custom {
        let listed =
            if record.domains.contains(&domain.domain) { "attached by railstage" } else { "not attached by railstage" };
        print::err(&format!("  carries the domain `{}`, by the record {listed}", domain.domain));
    }
}
