//! `source-login`: prints the SQL for a login that a source can be read with and that can do nothing else.

use anyhow::{Context as _, Result, ensure};
use clap::{Arg, ArgMatches, Command};
use tracing::Level;

use super::{CommandDef, log_failure};
use crate::cli::log::{self, Output};
use crate::cli::process_env;
use crate::engines::{self, Endpoint};
use crate::error::{Exit, Failure};
use crate::external::print;

const NAME: &str = "source-login";

pub(super) const COMMAND: CommandDef = CommandDef {
    name: NAME,
    about: "Print the SQL for a login that only reads a source",
    args,
    main: |matches| Box::pin(main(matches)),
};

const LONG: &str = "Looks at the database at SOURCE_DATABASE_URL (from the environment) and prints the SQL that makes a login for it which reads \
    all that a copy needs and can do nothing else. Nothing is changed: read the SQL, and run it yourself as a superuser.";

fn args(command: Command) -> Command {
    command.long_about(LONG).arg(
        Arg::new("role")
            .long("role")
            .value_name("NAME")
            .default_value("railstage_source")
            .help("What the login is to be called"),
    )
}

async fn main(matches: &ArgMatches) -> Exit {
    log::start(Output::Text, Level::INFO);
    match printed(matches).await {
        Ok(sql) => {
            print::out(&sql);
            Exit::Done
        }
        Err(error) => log_failure(NAME, &error, Exit::of(&error), false),
    }
}

async fn printed(matches: &ArgMatches) -> Result<String> {
    let role = matches.get_one::<String>("role").expect("it has a default");
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    ensure!(
        !role.is_empty() && role.len() < 64 && role.chars().all(is_plain) && !role.starts_with("pg_"),
        Failure::invalid(format!("`{}` is no name for a login", role.escape_default()))
            .hint("use up to 63 lower-case letters, digits and underscores, and not `pg_` first")
    );
    let url = process_env().secret("SOURCE_DATABASE_URL").with_context(|| {
        Failure::invalid("there is no SOURCE_DATABASE_URL")
            .hint("set SOURCE_DATABASE_URL to a postgresql://, mysql:// or mariadb:// URL")
    })?;
    let endpoint = Endpoint::parse(url.expose()).context("read SOURCE_DATABASE_URL")?;
    engines::source_login(&endpoint, role).await
}
