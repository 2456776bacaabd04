//! Extensions: which of them a copy can have, and what of theirs must not act in it.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use tokio_postgres::types::Type;

use super::catalog::Relations;
use super::matching_rows;
use crate::contract::transformer::Transformer;
use crate::copying::report::Skipped;
use crate::error::Failure;
use crate::masking::Key;
use crate::masking::nets::Nets;
use crate::masking::table::{Origin, TableMask, TableRule};
use crate::postgres::dump::entries::DumpEntry;
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::target_server::TargetServer;

/// Can be made in one database of a server only, the one that a setting names.
const BOUND: &str = "pg_cron";
/// That setting; who is no superuser may not read it.
const BOUND_TO: &str = "cron.database_name";
/// The name, beside that one, under which the extension lets itself be made: its own tests' (`pg_cron--1.0.sql`). The new
/// database has it for a moment, since its own must be another's until the swap.
pub(crate) const BOUND_ALIAS: &str = "contrib_regression";

/// Those that keep rows where no copy of rows finds them, or names of objects that are others in a copy, and why.
const OF_THEIR_OWN: &[(&str, &str)] = &[
    ("timescaledb", "its tables are filled in a mode of its own (`timescaledb_pre_restore()`)"),
    ("citus", "its tables have their rows in shards, on other servers"),
    ("age", "its graphs are named by OIDs, which are others in a copy"),
];

/// Tables of jobs that an extension or its program would run in a copy.
struct Jobs {
    schema: &'static str,
    table: &'static str,
    /// Whether the job runs.
    active: &'static str,
    id: &'static str,
    name: &'static str,
}

const JOBS: &[Jobs] = &[
    Jobs { schema: "cron", table: "job", active: "active", id: "jobid", name: "jobname" },
    Jobs { schema: "pgagent", table: "pga_job", active: "jobenabled", id: "jobid", name: "jobname" },
];

impl Jobs {
    /// The jobs of this table, if it is one of an extension's.
    fn of(relation: &Relation) -> Option<&'static Self> {
        let table = &relation.table;
        let is_it = |jobs: &&Jobs| (jobs.schema, jobs.table) == (table.schema.as_str(), table.name.as_str());
        JOBS.iter().find(is_it).filter(|_| relation.extension_filter.is_some())
    }
}

/// What of the source's extensions cannot be copied to any server.
pub(crate) async fn problems(source: &SourceSession) -> Result<Vec<String>> {
    let names: Vec<&str> = OF_THEIR_OWN.iter().map(|(name, _)| *name).collect();
    let sql = "SELECT extname::text FROM pg_catalog.pg_extension WHERE extname::text = ANY ($1) ORDER BY 1";
    let rows = source.rows(sql, &[(&names, Type::TEXT_ARRAY)]).await.context("list the source's extensions")?;
    let told = |name: String| {
        let (_, why) = OF_THEIR_OWN.iter().find(|(known, _)| *known == name)?;
        Some(format!(
            "extension `{name}`: {why}; fill this database by the means of the extension itself, and leave it out here (`databases` of a request names those that are copied)"
        ))
    };
    Ok(rows.iter().filter_map(|row| told(row.get(0))).collect())
}

/// Refuses when an extension of the source cannot be made on the target.
pub(crate) async fn fit(source: &SourceSession, target_server: &TargetServer) -> Result<()> {
    let problems = problems(source).await?;
    ensure!(problems.is_empty(), Failure::invalid(problems.join("; ")));
    let rows = source.rows("SELECT extname::text FROM pg_catalog.pg_extension ORDER BY 1", &[]).await?;
    let wanted: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let sql = "SELECT w FROM pg_catalog.unnest($1) AS w WHERE w NOT IN (SELECT name::text FROM pg_catalog.pg_available_extensions)";
    let missing = target_server
        .session
        .rows(sql, &[(&wanted, Type::TEXT_ARRAY)])
        .await
        .context("list the target's extensions")?;
    let names: Vec<String> = missing.iter().map(|row| row.get(0)).collect();
    ensure!(
        names.is_empty(),
        Failure::invalid(format!("the target's server lacks extensions of the source: {}", names.join(", ")))
            .hint("use an image for the target that has them, such as the source's own")
    );
    if wanted.iter().any(|name| name == BOUND) {
        fits_its_name(target_server).await?;
    }
    Ok(())
}

/// Refuses a target whose name is not the one to which the extension is bound on its server.
async fn fits_its_name(target_server: &TargetServer) -> Result<()> {
    let database = &target_server.database;
    if !target_server.session.superuser {
        bail!(
            Failure::invalid(format!("only a superuser can make the extension `{BOUND}`, which the source has"))
                .hint("use a superuser in the target's URL")
        );
    }
    let sql = format!("SELECT pg_catalog.current_setting('{BOUND_TO}', true)");
    let row = target_server.session.row(&sql, &[]).await.context("ask which database has the target's jobs")?;
    let way_out = format!(
        "set `shared_preload_libraries = '{BOUND}'` and `{BOUND_TO} = '{database}'` on the target's server, and start it again"
    );
    match row.get::<_, Option<String>>(0) {
        Some(name) if name == *database => {}
        Some(name) => bail!(
            Failure::invalid(format!("`{BOUND}` can be made in the database `{name}` of the target's server only, and the target is `{database}`"))
                .hint(way_out)
        ),
        None => bail!(
            Failure::invalid(format!("the target's server has the extension `{BOUND}` of the source, and has not loaded it"))
                .hint(way_out)
        ),
    }
    let sql = "SELECT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = $1)";
    let is_taken: bool = target_server.session.row(sql, &[(&BOUND_ALIAS, Type::TEXT)]).await?.get(0);
    let has_ours = target_server.leftovers().await?.iter().any(|name| name == BOUND_ALIAS);
    ensure!(
        !is_taken || has_ours,
        Failure::invalid(format!(
            "the target's server has a database `{BOUND_ALIAS}`, whose name a copy needs while it makes `{BOUND}`"
        ))
        .hint("rename that database")
    );
    Ok(())
}

/// Whether an entry makes the extension that is bound to a name.
pub(crate) fn is_bound(entry: &DumpEntry) -> bool {
    entry.kind == "EXTENSION" && entry.name == BOUND
}

/// Makes the jobs of extensions inactive on their way.
pub(crate) fn stop_jobs(tables: &mut Relations) {
    for relation in &mut tables.all {
        let Some(jobs) = Jobs::of(relation) else { continue };
        let column = relation.table.columns.iter().position(|column| column.name == jobs.active);
        let rule = TableRule {
            column,
            condition: None,
            transformer: Transformer::Set,
            value: b"f".to_vec(),
            because: None,
            origin: Origin::Preset,
            is_only: true,
        };
        let mask = relation.mask.as_deref().cloned();
        let mut mask = mask.unwrap_or_else(|| TableMask::of(&relation.table, Vec::new(), &Nets::new(Key::random())));
        if column.is_some() {
            mask.rules.push(rule);
            relation.mask = Some(Arc::new(mask));
        }
    }
}

/// The jobs that are active on the source, and come inactive.
pub(crate) async fn stopped_jobs(source: &SourceSession, tables: &Relations) -> Result<Vec<Skipped>> {
    let mut stopped = Vec::new();
    for relation in tables.copied() {
        let Some(jobs) = Jobs::of(relation) else { continue };
        let has_name = relation.table.columns.iter().any(|column| column.name == jobs.name);
        let is_active = |row: &[String]| row[1] == "t";
        let active = [jobs.id, jobs.active];
        let rows = matching_rows::texts(source, relation, &active, "{1} = 'true'", &[], is_active).await?;
        let names = match has_name {
            true => matching_rows::texts(source, relation, &[jobs.id, jobs.name], "true", &[], |_| true).await?,
            false => Vec::new(),
        };
        for row in rows {
            let name = names.iter().find(|named| named[0] == row[0]).map(|named| format!(" ({})", named[1]));
            let object = format!("activity of job {}{} of {}", row[0], name.unwrap_or_default(), relation.label());
            stopped.push(Skipped::new(object, "jobs come inactive, so that a copy does nothing on its own"));
        }
    }
    Ok(stopped)
}
