//! The sheet of a copy in files: a page that somebody can sign, and the same as JSON. No value of any row is in either.

mod page;

use anyhow::{Context as _, Result, ensure};
use clap::{Arg, ArgAction, ArgMatches};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::copying::{AuditReport, CopyReport};
use crate::error::Failure;
use crate::inert::inert_json;
use crate::masking::Sheet;
use crate::secret::scrub_outputs;

/// What became of people in a copy, for whoever answers for it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct SheetFile {
    /// When this was written (RFC 3339).
    pub written_at: String,
    /// The version of railstage that wrote it.
    pub version: String,
    /// The copy's database.
    pub database: String,
    /// The moment of the source that was copied (RFC 3339), where that is known.
    pub snapshot_at: Option<String>,
    /// Digest of all rows of the copy, where it was made now.
    pub digest: Option<String>,
    /// Whether the copy was made now, and not only searched.
    pub is_of_copy: bool,
    /// What was done, and what was found.
    pub sheet: Sheet,
}

/// `--sheet`.
pub(super) fn arg() -> Arg {
    Arg::new("sheet")
        .long("sheet")
        .value_name("FILE")
        .action(ArgAction::Append)
        .help("Write what became of people to this file, as a page to sign (.html) or as JSON (.json); may be given several times")
}

/// The files that are asked for.
///
/// # Errors
/// Invalid input for one that is neither.
pub(super) fn paths(matches: &ArgMatches) -> Result<Vec<String>> {
    let paths: Vec<String> = matches.get_many("sheet").unwrap_or_default().cloned().collect();
    for path in &paths {
        ensure!(
            is(path, "html") || is(path, "json"),
            Failure::invalid(format!("`--sheet {path}` is neither a page nor JSON"))
                .hint("end the file's name in `.html` or `.json`")
        );
    }
    Ok(paths)
}

fn is(path: &str, extension: &str) -> bool {
    std::path::Path::new(path).extension().is_some_and(|is| is.eq_ignore_ascii_case(extension))
}

impl SheetFile {
    fn new(database: &str, sheet: Sheet) -> Self {
        Self {
            written_at: Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default().to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            database: database.to_owned(),
            snapshot_at: None,
            digest: None,
            is_of_copy: false,
            sheet,
        }
    }

    /// Of a copy that was made now; `None` where people came along as they are.
    pub(super) fn of_copy(report: &CopyReport) -> Option<Self> {
        Some(Self {
            snapshot_at: Some(report.snapshot_at.clone()),
            digest: Some(report.digest.clone()),
            is_of_copy: true,
            ..Self::new(&report.database, report.masking.clone()?)
        })
    }

    /// Of a copy that was searched.
    pub(super) fn of_audit(report: &AuditReport) -> Self {
        let sheet = Sheet { proof: Some(report.proof.clone()), ..Sheet::default() };
        Self { snapshot_at: report.snapshot_at.clone(), ..Self::new(&report.database, sheet) }
    }

    /// Writes it to each file, in the form that its name asks for.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(super) fn write(&self, paths: &[String]) -> Result<()> {
        for path in paths {
            let text = if is(path, "json") { self.json() } else { page::of(self) };
            std::fs::write(path, text).with_context(|| Failure::invalid(format!("`{path}` cannot be written")))?;
        }
        Ok(())
    }

    fn json(&self) -> String {
        let value = scrub_outputs(serde_json::to_value(self).expect("a sheet is plain data"));
        let text = serde_json::to_string_pretty(&value).expect("JSON is JSON");
        inert_json(&text) + "\n"
    }
}
