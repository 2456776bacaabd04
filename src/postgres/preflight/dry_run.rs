//! What a copy would do, told without doing it: both ends are looked at, neither is changed.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use schemars::JsonSchema;
use serde::Serialize;

use super::catalog::Relations;
use super::database_masking::DatabaseMasking;
use super::evaluation::Evaluation;
use super::inspect::{inspect, inspect_target};
use super::queues::DatabaseQueues;
use super::{compatibility, disk_space, extensions, locks, safe_search_path, thorough, url_collisions};
use crate::copying::inspection::{SourceReport, TargetReport};
use crate::copying::options::CopyOptions;
use crate::copying::report::read_whole;
use crate::error::counted;
use crate::inert;
use crate::masking::nets::Net;
use crate::masking::{QueueLine, Suspect};
use crate::postgres::dump::pg_dump;
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::endpoint::Endpoint;
use crate::postgres::session::fault::classified;
use crate::postgres::session::remedy::SAFE_SEARCH_PATH_SINCE;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::target_server::TargetServer;
use crate::rewriting::Rewriter;

/// What two cores at each end have been seen to do with a WordPress database, indexes included.
const USUAL_MB_PER_S: f64 = 50.0;
/// What a table costs apart from its rows, on the same.
const SECONDS_PER_TABLE: f64 = 0.002;

/// How long the copying of so many bytes in so many tables takes by what was seen elsewhere.
pub(crate) fn usual_seconds(bytes: u64, tables: usize, max_mb_per_s: Option<f64>) -> f64 {
    let rate = max_mb_per_s.unwrap_or(USUAL_MB_PER_S).min(USUAL_MB_PER_S);
    bytes as f64 / (rate * 1e6) + tables as f64 * SECONDS_PER_TABLE
}

/// What a copy would do.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DryRun {
    /// The source.
    pub source: SourceReport,
    /// The target.
    pub target: TargetReport,
    /// The tables in the order in which they would be copied, the biggest first.
    pub tables: Vec<DryRunTable>,
    /// Size on disk of all tables whose rows would be copied, in bytes.
    pub bytes: u64,
    /// How long a copy would take, in seconds: at 50 MB/s, or the limit that was asked for, and 2 ms a table.
    pub estimated_seconds: f64,
    /// Columns that look personal and that no masking rule speaks of; none when nothing would be masked.
    pub suspects: Vec<Suspect>,
    /// What would act in the copy, or looks as if it would, and what would be done to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub queues: Vec<QueueLine>,
    /// What a copy would fail on.
    pub problems: Vec<String>,
    /// What of the rows was not searched for what a copy would fail on, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_searched: Vec<String>,
}

/// A table as a copy would treat it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DryRunTable {
    /// `schema.table`.
    pub table: String,
    /// Its size on disk, in bytes, without indexes.
    pub size_bytes: u64,
    /// About how many rows it has, as the server's statistics tell; absent where it has made none.
    pub rows: Option<u64>,
    /// Why its rows would stay behind.
    pub excluded_by: Option<String>,
    /// What masking would look for, by column: the names of transformers, and `closed` or `settings` where a net holds;
    /// under `*` those for whole rows.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub masked: BTreeMap<String, BTreeSet<String>>,
}

impl DryRunTable {
    pub(super) fn of(relation: &Relation) -> Self {
        let table = &relation.table;
        let mut masked: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for rule in relation.mask.iter().flat_map(|mask| &mask.rules) {
            let column = rule.column.map_or("*", |column| &table.columns[column].name);
            masked.entry(column.to_owned()).or_default().insert(rule.transformer.name());
        }
        let nets = relation.mask.iter().flat_map(|mask| table.columns.iter().zip(&mask.column_nets));
        for (column, net) in nets {
            let word = net.net.word().filter(|_| net.net != Net::Search);
            masked.entry(column.name.clone()).or_default().extend(word.map(str::to_owned));
        }
        masked.retain(|_, how| !how.is_empty());
        let rows = (table.rows > 0 || table.size_bytes == 0).then_some(table.rows);
        let excluded_by = table.excluded_by.clone();
        Self { table: table.label(), size_bytes: table.size_bytes, rows, excluded_by, masked }
    }

    fn summary(&self) -> String {
        let left_out = self.excluded_by.as_ref().map(|reason| format!(", its rows {reason}")).unwrap_or_default();
        let columns = self.masked.iter().map(|(column, transformers)| {
            format!("{column} ({})", transformers.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
        });
        let masked = if self.masked.is_empty() { "" } else { ", masked: " };
        let columns = columns.collect::<Vec<_>>().join(", ");
        format!("{:>12.1} MB  {}{left_out}{masked}{columns}", self.size_bytes as f64 / 1e6, self.table)
    }
}

/// Looks at both ends.
///
/// # Errors
/// When one of them cannot be reached; what else is wrong is among its problems.
pub async fn dry_run(source: &Endpoint, target: &Endpoint, options: &CopyOptions) -> Result<DryRun> {
    let (source_report, target_report) = tokio::try_join!(inspect(source), inspect_target(target))?;
    let Findings { tables, suspects, queues, refusals, not_searched } =
        look(source, target, options).await.map_err(classified)?;
    let bytes: u64 = tables.copied().map(|relation| relation.table.size_bytes).sum();
    let problems = [
        source_report.problems.iter().map(|problem| format!("source: {problem}")).collect(),
        target_report.problems.iter().map(|problem| format!("target: {problem}")).collect(),
        compatibility::versions_fit(source_report.major, target_report.major)
            .err()
            .map(|e| e.to_string())
            .into_iter()
            .collect(),
        pg_dump::ensure_reads(&options.pg_dump, &options.env, source_report.major)
            .await
            .err()
            .map(|e| e.to_string())
            .into_iter()
            .collect(),
        refusals,
    ];
    Ok(DryRun {
        tables: tables.all.iter().map(DryRunTable::of).collect(),
        suspects,
        queues,
        bytes,
        estimated_seconds: usual_seconds(bytes, tables.all.len(), options.max_mb_per_s),
        problems: problems.concat(),
        not_searched,
        source: source_report,
        target: target_report,
    })
}

/// The tables as they would be copied, and what a copy would be refused for.
struct Findings {
    tables: Relations,
    suspects: Vec<Suspect>,
    queues: Vec<QueueLine>,
    refusals: Vec<String>,
    not_searched: Vec<String>,
}

async fn look(source: &Endpoint, target: &Endpoint, options: &CopyOptions) -> Result<Findings> {
    let (target_server, source) =
        (TargetServer::open(target).await?, SourceSession::open(&source.for_copy(options), None).await?);
    let mut tables = Relations::read(&source, &options.exclude_table_data).await?;
    let (mut suspects, mut refusals) = (Vec::new(), Vec::new());
    let queues =
        DatabaseQueues::read(&source, &tables, options.may_act(), &options.keep_queues, options.masking.as_ref())
            .await?;
    queues.apply_to(&mut tables);
    if let Some(masking) = &options.masking {
        match compatibility::refused(DatabaseMasking::read(&source, &tables, masking, queues.puts()).await)? {
            Ok(masked) => {
                masked.apply_to(&mut tables);
                suspects = masked.into_suspects();
            }
            Err(message) => refusals.push(message),
        }
    }
    let checks = [
        compatibility::two_databases(&source, &target_server).await,
        extensions::fit(&source, &target_server).await,
        compatibility::no_orphans(&source, &tables).await,
        compatibility::nothing_reaches_through(&source, &tables).await,
        compatibility::no_conditions_of_others(&tables),
        locks::fit_target(&target_server, &tables).await,
        Evaluation::read(&source, &tables).await.map(drop),
        disk_space::is_enough(&source, &target_server, &tables).await,
    ];
    for check in checks {
        refusals.extend(compatibility::refused(check)?.err());
    }
    if target_server.session.major() >= SAFE_SEARCH_PATH_SINCE {
        refusals.extend(safe_search_path::problems(&source).await?);
    }
    let mut not_searched = Vec::new();
    if let Some(within) = options.search_rows_for {
        let mut searched = thorough::search(&source, &tables, within, options.max_mb_per_s).await?;
        let rewriter = Rewriter::new(&options.rewrite);
        if !rewriter.is_empty() {
            url_collisions::search(&source, &tables, &rewriter, within, &mut searched).await?;
        }
        refusals.extend(searched.problems);
        not_searched = searched.not_searched;
    }
    source.close().await;
    target_server.session.close().await;
    Ok(Findings { tables, suspects, queues: queues.into_lines(), refusals, not_searched })
}

impl DryRun {
    /// The dry run in a few lines for a person.
    pub fn summary(&self) -> String {
        let mut lines = vec![format!(
            "would copy `{}` (PostgreSQL {}) over `{}` (PostgreSQL {}), {} of {:.1} MB in about {:.0} s; nothing was done",
            self.source.database,
            self.source.version,
            self.target.database,
            self.target.version,
            counted(self.tables.len(), "table", "tables"),
            self.bytes as f64 / 1e6,
            self.estimated_seconds.ceil()
        )];
        lines.extend(self.tables.iter().map(DryRunTable::summary));
        lines.extend(self.source.warnings.iter().map(|warning| format!("source: {warning}")));
        lines.extend(read_whole(&self.source.read_whole));
        lines.extend(
            self.source
                .skipped
                .iter()
                .map(|skipped| format!("would not be copied: {} ({})", skipped.object, skipped.reason)),
        );
        lines.extend(self.queues.iter().map(|line| format!("would act, and would be {line}")));
        lines.extend(
            self.suspects.iter().map(|suspect| format!("looks personal, and would be copied as it is: {suspect}")),
        );
        lines.extend(self.not_searched.iter().map(|what| format!("was not searched: {what}")));
        lines.extend(self.problems.iter().map(|problem| format!("would fail: {problem}")));
        inert::lines(&lines)
    }
}
