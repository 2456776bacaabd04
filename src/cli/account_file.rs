//! The account of a run in a file: one JSON object, for whoever keeps them.

use anyhow::{Result, ensure};
use clap::{Arg, ArgMatches};

use crate::cli::args::file_arg;
use crate::error::Failure;
use crate::inert::inert_json;
use crate::running::account::Account;
use crate::secret::scrub_outputs;

/// `--account`.
pub(super) fn arg() -> Arg {
    file_arg("account", "Write what the run did to this file, as one JSON object")
}

/// The file that is asked for.
///
/// # Errors
/// Invalid input for one that has no folder to be in: what was done is told nowhere else.
pub(super) fn path(matches: &ArgMatches) -> Result<Option<String>> {
    let Some(path) = matches.get_one::<String>("account") else { return Ok(None) };
    let folder = std::path::Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty());
    ensure!(
        folder.is_none_or(std::path::Path::is_dir),
        Failure::invalid(format!("`--account {path}` is in no folder that is there"))
    );
    Ok(Some(path.clone()))
}

/// Writes an account. That it cannot be written changes nothing of what was done.
pub(super) fn write(path: Option<&str>, account: Option<&Account>) {
    let (Some(path), Some(account)) = (path, account) else { return };
    let value = scrub_outputs(serde_json::to_value(account).expect("an account is plain data"));
    let text = serde_json::to_string_pretty(&value).expect("JSON is JSON");
    if let Err(error) = std::fs::write(path, inert_json(&text) + "\n") {
        tracing::error!("the account of the run is not in `{path}`: {error}");
    }
}
