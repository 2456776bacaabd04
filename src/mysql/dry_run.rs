//! A dry run: both ends are looked at, neither is changed.

use anyhow::{Context as _, Result};

use super::catalog::{self, TableList};
use super::inspect::{inspect, inspect_target};
use super::preflight::treated;
use super::rows::relation::Relation;
use super::session::endpoint::Endpoint;
use super::session::fault::classified;
use super::session::source_session::SourceSession;
use super::target_server::TargetServer;
use super::{compatibility, schema};
use crate::copying::dry_run::{DryRun, usual_seconds};
use crate::copying::options::CopyOptions;
use crate::copying::treatment::DatabaseMasking;
use crate::error::refused;
use crate::masking::{QueueLine, Suspect};

/// The tables as they would be copied, and what a copy would be refused for.
struct Findings {
    relations: Vec<Relation>,
    suspects: Vec<Suspect>,
    queues: Vec<QueueLine>,
    refusals: Vec<String>,
}

/// Looks at both ends.
///
/// # Errors
/// When one of them cannot be reached; what else is wrong is among its problems.
pub(crate) async fn dry_run(source: &Endpoint, target: &Endpoint, options: &CopyOptions) -> Result<DryRun> {
    let source_report = inspect(source).await?;
    let target_report = inspect_target(target).await?;
    let Findings { relations, suspects, queues, refusals } = look(source, target, options).await.map_err(classified)?;
    let copied = relations.iter().filter(|relation| relation.table.excluded_by.is_none());
    let bytes: u64 = copied.map(|relation| relation.table.size_bytes).sum();
    let mut tables: Vec<_> = relations.iter().map(Relation::dry_run).collect();
    tables.sort_by(|a, b| b.size_bytes.cmp(&a.size_bytes).then_with(|| a.table.cmp(&b.table)));
    let of =
        |end: &str, problems: &[String]| problems.iter().map(|problem| format!("{end}: {problem}")).collect::<Vec<_>>();
    let problems = [of("source", &source_report.problems), of("target", &target_report.problems), refusals];
    let not_searched = options.search_rows_for.map(|_| "URLs that become one in unique keys".to_owned());
    Ok(DryRun {
        estimated_seconds: usual_seconds(bytes, tables.len(), options.max_mb_per_s),
        tables,
        bytes,
        suspects,
        queues,
        problems: problems.concat(),
        not_searched: not_searched.into_iter().collect(),
        source: source_report,
        target: target_report,
    })
}

async fn look(source: &Endpoint, target: &Endpoint, options: &CopyOptions) -> Result<Findings> {
    let source = &source.for_copy(options);
    let mut target_server = TargetServer::open(target).await?;
    let mut session = SourceSession::open(source).await?;
    let ends = ((session.family(), session.version()), (target_server.session.family, target_server.session.version));
    let mut checks = vec![
        compatibility::versions_fit(ends.0, ends.1),
        compatibility::two_databases(&mut session, &mut target_server).await,
        compatibility::names_agree(&mut session, &mut target_server).await,
        compatibility::no_table_is_called_as_ours(&mut session).await,
    ];
    let list = TableList::read(&mut session).await?;
    let mut relations = catalog::relations(&mut session, &list, &options.exclude_table_data).await?;
    let can_be_read = compatibility::tables_can_be_read(&list);
    if can_be_read.is_ok() {
        let names = relations.iter().map(|relation| relation.table.name.as_str());
        checks.push(schema::read(&mut session, names).await.map(drop));
    }
    checks.push(can_be_read);
    session.close().await;
    let mut reader = SourceSession::open_to_look(source).await?;
    let (may_act, keep) = (options.may_act(), &options.keep_queues);
    let (queues, masked) =
        treated::laid_over(&mut reader, &mut relations, may_act, keep, options.masking.as_ref()).await?;
    reader.close().await;
    let mut suspects = Vec::new();
    checks.push(masked.map(|masked| suspects = masked.map(DatabaseMasking::into_suspects).unwrap_or_default()));
    let mut refusals = Vec::new();
    for check in checks {
        refusals.extend(refused(check).context("try what a copy would do")?.err());
    }
    target_server.session.close().await;
    Ok(Findings { relations, suspects, queues: queues.into_lines(), refusals })
}
