//! What a copy would do, told without doing it: both ends are looked at, neither is changed.

use anyhow::Result;
use schemars::JsonSchema;
use serde::Serialize;

use super::CopyOptions;
use super::endpoint::Endpoint;
use super::fault::sorted;
use super::guard;
use super::inspect::{inspect, inspect_target};
use super::report::{SourceReport, TargetReport};
use super::room;
use super::source::Source;
use super::tables::Tables;
use super::upkeep::Upkeep;
use crate::error::failure;

/// What two cores at each end have been seen to do with a WordPress database, indexes included.
const USUAL_MB_PER_S: f64 = 50.0;

/// What a copy would do.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CopyPlan {
    /// The source.
    pub source: SourceReport,
    /// The target.
    pub target: TargetReport,
    /// The tables in the order in which they would be copied, the biggest first.
    pub tables: Vec<PlannedTable>,
    /// Size on disk of all tables whose rows would be copied, in bytes.
    pub bytes: u64,
    /// How long a copy would take, in seconds: at 50 MB/s, or the limit that was asked for.
    pub estimated_seconds: f64,
    /// What a copy would fail on.
    pub problems: Vec<String>,
}

/// A table as a copy would treat it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PlannedTable {
    /// `schema.table`.
    pub table: String,
    /// Its size on disk, in bytes, without indexes.
    pub size_bytes: u64,
    /// The pattern that would leave its rows out.
    pub excluded_by: Option<String>,
}

/// Looks at both ends.
///
/// # Errors
/// When one of them cannot be reached; what else is wrong is among the plan's problems.
pub async fn plan(source: &Endpoint, target: &Endpoint, options: &CopyOptions) -> Result<CopyPlan> {
    let (source_report, target_report) = tokio::try_join!(inspect(source), inspect_target(target))?;
    let (tables, refusals) = checked(source, target, options).await.map_err(sorted)?;
    let bytes: u64 = tables.copied().map(|table| table.size_bytes).sum();
    let rate = options.max_mb_per_s.unwrap_or(USUAL_MB_PER_S).min(USUAL_MB_PER_S);
    let problems = [
        source_report.problems.iter().map(|problem| format!("source: {problem}")).collect(),
        target_report.problems.iter().map(|problem| format!("target: {problem}")).collect(),
        guard::versions_fit(source_report.major, target_report.major)
            .err()
            .map(|e| e.to_string())
            .into_iter()
            .collect(),
        refusals,
    ];
    Ok(CopyPlan {
        tables: tables
            .all
            .iter()
            .map(|table| PlannedTable {
                table: table.label(),
                size_bytes: table.size_bytes,
                excluded_by: table.excluded_by.clone(),
            })
            .collect(),
        bytes,
        estimated_seconds: bytes as f64 / (rate * 1e6),
        problems: problems.concat(),
        source: source_report,
        target: target_report,
    })
}

/// The tables, and what a copy of them into that target would be refused for.
async fn checked(source: &Endpoint, target: &Endpoint, options: &CopyOptions) -> Result<(Tables, Vec<String>)> {
    let (upkeep, source) = (Upkeep::open(target).await?, Source::open(source, None).await?);
    let tables = Tables::read(&source, &options.exclude_table_data).await?;
    let checks = [
        guard::two_databases(&source, &upkeep).await,
        guard::extensions_fit(&source, &upkeep).await,
        guard::no_orphans(&source, &tables).await,
        guard::nothing_reaches_through(&source, &tables).await,
        room::is_enough(&source, &upkeep, &tables).await,
    ];
    let mut refusals = Vec::new();
    for check in checks {
        match check.map_err(|error| (failure(&error).map(|f| f.message.clone()), error)) {
            Ok(()) => {}
            Err((Some(message), _)) => refusals.push(message),
            Err((None, error)) => return Err(error),
        }
    }
    source.close().await;
    upkeep.session.close().await;
    Ok((tables, refusals))
}

impl CopyPlan {
    /// The plan in a few lines for a person.
    pub fn summary(&self) -> String {
        let mut lines = vec![format!(
            "would copy `{}` (PostgreSQL {}) over `{}` (PostgreSQL {}), {} tables of {:.1} MB in about {:.0} s; nothing was done",
            self.source.database,
            self.source.version,
            self.target.database,
            self.target.version,
            self.tables.len(),
            self.bytes as f64 / 1e6,
            self.estimated_seconds.ceil()
        )];
        lines.extend(self.tables.iter().map(|table| {
            let left_out = table.excluded_by.as_ref().map(|glob| format!(", rows left out by `{glob}`"));
            format!("{:>12.1} MB  {}{}", table.size_bytes as f64 / 1e6, table.table, left_out.unwrap_or_default())
        }));
        lines.extend(
            self.source
                .skipped
                .iter()
                .map(|skipped| format!("would not be copied: {} ({})", skipped.object, skipped.reason)),
        );
        lines.extend(self.problems.iter().map(|problem| format!("would fail: {problem}")));
        lines.join("\n")
    }
}
