//! A dry run: both ends are looked at, neither is changed.

use anyhow::Result;

use super::catalog::Relations;
use super::evaluation::Evaluation;
use super::inspect::{inspect, inspect_target};
use super::treated::laid_over;
use super::{compatibility, disk_space, extensions, locks, safe_search_path, thorough, url_collisions};
use crate::copying::dry_run::{DryRun, usual_seconds};
use crate::copying::options::CopyOptions;
use crate::copying::treatment::DatabaseMasking;
use crate::error::refused;
use crate::masking::{QueueLine, Suspect};
use crate::postgres::dump::pg_dump;
use crate::postgres::session::endpoint::Endpoint;
use crate::postgres::session::fault::classified;
use crate::postgres::session::remedy::SAFE_SEARCH_PATH_SINCE;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::target_server::TargetServer;
use crate::rewriting::Rewriter;

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
        tables: tables.dry_run(),
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
    let (queues, masked) =
        laid_over(&source, &mut tables, options.may_act(), &options.keep_queues, options.masking.as_ref()).await?;
    match refused(masked)? {
        Ok(masked) => suspects = masked.map(DatabaseMasking::into_suspects).unwrap_or_default(),
        Err(message) => refusals.push(message),
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
        refusals.extend(refused(check)?.err());
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
