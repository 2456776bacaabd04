//! The sheet of a copy in files: a page that somebody can sign, and the same as JSON. No value of any row is in either.

mod page;

use anyhow::{Context as _, Result, ensure};
use clap::{Arg, ArgAction, ArgMatches};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::copying::{AuditReport, CopyReport};
use crate::error::Failure;
use crate::files::FilesReport;
use crate::inert::inert_json;
use crate::masking::Sheet;
use crate::running::context::Context;
use crate::secret::scrub_outputs;

/// What became of people in a copy, for whoever answers for it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct SheetFile {
    /// When this was written (RFC 3339).
    pub written_at: String,
    /// The version of railstage that wrote it.
    pub version: String,
    /// Whether the copy was made now, and not only searched.
    pub is_of_copy: bool,
    /// Its databases.
    pub databases: Vec<DatabaseSheet>,
    /// The volumes whose files came along, where the copy was made now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FilesSheet>,
}

/// What became of the files on the volume of an app.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct FilesSheet {
    pub service: String,
    #[serde(flatten)]
    pub report: FilesReport,
}

/// What became of people in a database of a copy.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub(crate) struct DatabaseSheet {
    /// The database service, in a copy of an environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The copy's database.
    pub database: String,
    /// The moment of the source that was copied (RFC 3339), where that is known.
    pub snapshot_at: Option<String>,
    /// Digest of all rows of the copy, where it was made now.
    pub digest: Option<String>,
    /// What was done, and what was found; of a copy whose people came along as they are it says that.
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
/// Invalid input for one that is neither, or has no folder to be in: what was copied is not thrown away for that later.
pub(super) fn paths(matches: &ArgMatches) -> Result<Vec<String>> {
    let paths: Vec<String> = matches.get_many("sheet").unwrap_or_default().cloned().collect();
    for path in &paths {
        ensure!(
            is(path, "html") || is(path, "json"),
            Failure::invalid(format!("`--sheet {path}` is neither a page nor JSON"))
                .hint("end the file's name in `.html` or `.json`")
        );
        let folder = std::path::Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty());
        ensure!(
            folder.is_none_or(std::path::Path::is_dir),
            Failure::invalid(format!("`--sheet {path}` is in no folder that is there"))
        );
    }
    Ok(paths)
}

fn is(path: &str, extension: &str) -> bool {
    std::path::Path::new(path).extension().is_some_and(|is| is.eq_ignore_ascii_case(extension))
}

impl SheetFile {
    fn new(is_of_copy: bool, databases: Vec<DatabaseSheet>) -> Self {
        Self {
            written_at: Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default().to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            is_of_copy,
            databases,
            files: Vec::new(),
        }
    }

    /// Of a copy that was made now.
    pub(super) fn of_copy(report: &CopyReport) -> Self {
        Self::new(true, vec![DatabaseSheet::of_copy(report)])
    }

    /// Of the databases and volumes that a step has filled; `None` where another process had.
    pub(super) fn of_step(ctx: &Context) -> Option<Self> {
        let of = |(service, report): (String, CopyReport)| DatabaseSheet {
            service: Some(service),
            ..DatabaseSheet::of_copy(&report)
        };
        let databases: Vec<_> = ctx.copies().into_iter().map(of).collect();
        let files: Vec<_> = ctx.files().into_iter().map(|(service, report)| FilesSheet { service, report }).collect();
        let is_of_any = !databases.is_empty() || !files.is_empty();
        is_of_any.then(|| Self { files, ..Self::new(true, databases) })
    }

    /// Of a copy that was searched.
    pub(super) fn of_audit(report: &AuditReport) -> Self {
        let sheet = Sheet { proof: Some(report.proof.clone()), ..Sheet::default() };
        let (database, snapshot_at) = (report.database.clone(), report.snapshot_at.clone());
        Self::new(false, vec![DatabaseSheet { database, snapshot_at, sheet, ..DatabaseSheet::default() }])
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

impl DatabaseSheet {
    fn of_copy(report: &CopyReport) -> Self {
        Self {
            service: None,
            database: report.database.clone(),
            snapshot_at: Some(report.snapshot_at.clone()),
            digest: Some(report.digest.clone()),
            sheet: report.masking.clone().unwrap_or_else(Sheet::of_unmasked),
        }
    }
}
