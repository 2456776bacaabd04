//! A look at a database before a copy: it changes nothing, and tells all that a copy would fail on at once.

use anyhow::{Context as _, Result};
use tokio_postgres::types::Type;

use super::asked_tables::AskedTables;
use super::catalog::Relations;
use super::compatibility;
use super::database_properties::DatabaseProperties;
use super::treated::laid_over;
use super::{extensions, locks, long_texts, skipped, source_login};
use crate::copying::dry_run::{Contents, schema_of};
use crate::copying::inspection::{SourceReport, TargetReport, WordPressSite};
use crate::copying::note::CopyNote;
use crate::copying::treatment::DatabaseMasking;
use crate::copying::wordpress_sites;
use crate::error::refused;
use crate::masking::{Masking, Suspect};
use crate::postgres::session::endpoint::Endpoint;
use crate::postgres::session::fault::classified;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::target_server::TargetServer;

/// What the server is called in reports.
const SERVER: &str = "PostgreSQL";

/// Looks at a source.
///
/// # Errors
/// When it cannot be reached or is no direct connection; what else is wrong with it is in the report.
pub async fn inspect(source: &Endpoint) -> Result<SourceReport> {
    inspected(source).await.map_err(classified)
}

async fn inspected(endpoint: &Endpoint) -> Result<SourceReport> {
    let source = SourceSession::open(endpoint, None).await?;
    compatibility::names_are_text(&source).await?;
    let properties = DatabaseProperties::read(&source).await?;
    let tables = Relations::read(&source, &[]).await?;
    let row = source
        .row(
            "SELECT pg_catalog.pg_database_size(d.oid), d.datcollate::text,
                    (SELECT pg_catalog.count(*) FROM pg_catalog.pg_largeobject_metadata),
                    (SELECT pg_catalog.array_agg(extname || ' ' || extversion ORDER BY extname) FROM pg_catalog.pg_extension)
               FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()",
            &[],
        )
        .await
        .context("look at the source")?;
    let report = SourceReport {
        database: endpoint.database.clone(),
        server: SERVER.to_owned(),
        version: source.version().to_owned(),
        major: source.major(),
        size_bytes: row.get::<_, i64>(0).max(0).cast_unsigned(),
        tables: tables.all.len() as u64,
        encoding: properties.encoding.clone(),
        collation: row.get(1),
        extensions: row.get::<_, Option<Vec<String>>>(3).unwrap_or_default(),
        large_objects: row.get::<_, i64>(2).max(0).cast_unsigned(),
        wordpress: sites(&source, &tables).await?,
        problems: problems(&source, &tables).await?,
        warnings: source_login::warnings(&source),
        unproven_certificate: None,
        read_whole: tables.read_whole(),
        skipped: skipped::not_carried(&source, &properties, &tables).await?,
    };
    source.close().await;
    Ok(report.cut())
}

/// Tries masking rules on a source; the answer are columns that look personal and that no rule speaks of.
///
/// # Errors
/// When the source cannot be reached; invalid input when a rule does not fit it, or a strict masking finds such columns.
pub async fn inspect_masking(source: &Endpoint, exclude: &[String], masking: &Masking) -> Result<Vec<Suspect>> {
    inspect_contents(source, exclude, Some(masking), &[]).await.map(|contents| contents.suspects)
}

/// Tries masking rules on a source, and looks for what would act in a copy.
///
/// # Errors
/// When the source cannot be reached; invalid input when a rule does not fit it, or a strict masking finds such columns.
pub(crate) async fn inspect_contents(
    source: &Endpoint,
    exclude: &[String],
    masking: Option<&Masking>,
    keep_queues: &[String],
) -> Result<Contents> {
    let read = async {
        let source = SourceSession::open(source, None).await?;
        let mut tables = Relations::read(&source, exclude).await?;
        let schema = schema_of(tables.tables());
        let (queues, masked) = laid_over(&source, &mut tables, false, keep_queues, masking).await?;
        let suspects = masked?.map(DatabaseMasking::into_suspects).unwrap_or_default();
        source.close().await;
        Ok(Contents { suspects, queues: queues.into_lines(), tables: tables.dry_run(), schema })
    };
    read.await.map_err(classified)
}

/// Tables, columns and their types, as [`Contents`] has them.
///
/// # Errors
/// When the source cannot be reached.
pub(crate) async fn read_schema(source: &Endpoint) -> Result<String> {
    let read = async {
        let source = SourceSession::open(source, None).await?;
        let tables = Relations::read(&source, &[]).await?;
        source.close().await;
        Ok(schema_of(tables.tables()))
    };
    read.await.map_err(classified)
}

/// The WordPress site in a database, if there is one.
async fn sites(source: &SourceSession, tables: &Relations) -> Result<Option<WordPressSite>> {
    let sites = wordpress_sites::sites(&mut AskedTables { source, tables }, &tables.tables()).await?;
    Ok(sites.into_iter().next())
}

async fn problems(source: &SourceSession, tables: &Relations) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let rows = source.rows(UNREADABLE, &[]).await.context("look for tables that cannot be read")?;
    problems.extend(rows.iter().map(|row| row.get(0)));
    problems.extend(extensions::problems(source).await?);
    for check in [locks::fit_source(source, tables.lockable.len()).await, long_texts::are_few(source).await] {
        problems.extend(refused(check)?.err());
    }
    Ok(problems)
}

const UNREADABLE: &str = "
    SELECT 'its login may not read ' || pg_catalog.count(*) || ' large objects'
      FROM pg_catalog.pg_largeobject_metadata AS l
     WHERE NOT pg_catalog.pg_has_role(l.lomowner, 'USAGE')
       AND NOT EXISTS (SELECT FROM pg_catalog.aclexplode(l.lomacl) AS a
                        WHERE a.privilege_type = 'SELECT' AND (a.grantee = 0 OR pg_catalog.pg_has_role(a.grantee, 'USAGE')))
    HAVING pg_catalog.count(*) > 0
    UNION ALL
    SELECT CASE WHEN NOT pg_catalog.has_table_privilege(c.oid, 'SELECT')
                THEN 'its login may not read ' || n.nspname || '.' || c.relname
                ELSE 'row-level security hides rows of ' || n.nspname || '.' || c.relname || ' from its login: use the owner, or a role with BYPASSRLS' END
      FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'S') AND c.relpersistence <> 't' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
       AND (NOT pg_catalog.has_table_privilege(c.oid, 'SELECT') OR c.relkind <> 'S' AND pg_catalog.row_security_active(c.oid))
     ORDER BY 1";

/// Looks at a target.
///
/// # Errors
/// When it cannot be reached, is a standby, or another copy into it is under way.
pub async fn inspect_target(target: &Endpoint) -> Result<TargetReport> {
    inspected_target(target).await.map_err(classified)
}

async fn inspected_target(target: &Endpoint) -> Result<TargetReport> {
    let target_server = TargetServer::open(target).await?;
    let inside = SourceSession::open(target, None).await?;
    let tables = Relations::read(&inside, &[]).await?;
    inside.close().await;
    let sql = "SELECT pg_catalog.pg_database_size($1), r.rolsuper OR r.rolcreatedb,
                      (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity WHERE datid = $1)
                 FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user";
    let row = target_server.session.row(sql, &[(&target_server.oid, Type::OID)]).await.context("look at the target")?;
    let mut problems = Vec::new();
    if !row.get::<_, bool>(1) {
        problems.push("its login may not create databases".to_owned());
    }
    let report = TargetReport {
        database: target.database.clone(),
        server: SERVER.to_owned(),
        version: target_server.session.version.clone(),
        major: target_server.session.major(),
        size_bytes: row.get::<_, i64>(0).max(0).cast_unsigned(),
        tables: tables.all.len() as u64,
        sessions: row.get::<_, i64>(2).max(0).cast_unsigned(),
        copy_id: target_server.comment().await?.as_deref().and_then(CopyNote::read).map(|note| note.copy_id),
        leftovers: target_server.leftovers().await?,
        problems,
    };
    target_server.session.close().await;
    Ok(report)
}
