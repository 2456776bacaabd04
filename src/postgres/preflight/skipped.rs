//! What a source has that a copy does not carry, each with its reason: nothing may be missing without a word.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::catalog::Relations;
use super::database_properties::DatabaseProperties;
use super::{database_name, extensions, skipped_queries};
use crate::copying::report::Skipped;
use crate::postgres::dump::entries::{DumpEntry, SETTING};
use crate::postgres::session::connect::Session;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::sql;

/// All that can be told from the source alone.
pub(crate) async fn not_carried(
    source: &SourceSession,
    properties: &DatabaseProperties,
    tables: &Relations,
) -> Result<Vec<Skipped>> {
    let mut skipped: Vec<_> = tables
        .all
        .iter()
        .filter_map(|table| {
            let reason = table.table.excluded_by.as_ref()?;
            Some(Skipped::new(format!("rows of {}", table.label()), reason.as_str()))
        })
        .collect();
    for (sql, reason) in skipped_queries::ALL {
        let rows = source.rows(sql, &[]).await.context("look for what cannot be copied")?;
        skipped.extend(
            rows.iter().filter_map(|row| row.get::<_, Option<String>>(0)).map(|object| Skipped::new(object, *reason)),
        );
    }
    skipped.extend(properties.site.not_carried());
    skipped.extend(database_name::computed_from(source).await?);
    if properties.has_comment {
        skipped.push(Skipped::new("comment on the database", "the copy's own note about itself stands there"));
    }
    skipped.extend(extensions::stopped_jobs(source, tables).await.context("look for jobs of extensions")?);
    Ok(skipped)
}

/// Takes the entries out of a schema's second half, or its first, that the target cannot or must not have, and with
/// them what comments on them.
pub(crate) async fn take_out_unsupported(
    entries: &mut Vec<DumpEntry>,
    source: &SourceSession,
    target: &Session,
) -> Result<Vec<Skipped>> {
    let mut skipped = Vec::new();
    let mut comments = Vec::new();
    let orphans = policies_without_roles(source, target).await?;
    entries.retain(|entry| {
        let only_a_superuser = |is_due: bool| (is_due && !target.superuser).then(|| ONLY_A_SUPERUSER.to_owned());
        let reason = match entry.kind.as_str() {
            SETTING => return true,
            // Told by `not_carried` already.
            "USER MAPPING" => return false,
            "POLICY" => orphans
                .iter()
                .find(|policy| (&policy.schema, policy.entry_name()) == (&entry.schema, entry.name.clone()))
                .map(|policy| format!("its role `{}` is not on the target", policy.role)),
            "EVENT TRIGGER" | "PUBLICATION TABLES IN SCHEMA" => only_a_superuser(true),
            "PUBLICATION" => only_a_superuser(entry.sql.contains("FOR ALL TABLES")),
            _ => None,
        };
        if let Some(reason) = &reason {
            skipped.push(Skipped::new(entry.label(), reason));
            comments.push((entry.schema.clone(), format!("{} {}", entry.kind, sql::ident(&entry.name))));
        }
        reason.is_none()
    });
    comments.extend(orphans.iter().map(|policy| (policy.schema.clone(), policy.comment_name())));
    entries.retain(|entry| entry.kind != "COMMENT" || !comments.contains(&(entry.schema.clone(), entry.name.clone())));
    Ok(skipped)
}

const ONLY_A_SUPERUSER: &str = "only a superuser can make it";

/// A policy for a role that the target lacks.
struct RowSecurityPolicy {
    schema: String,
    table: String,
    name: String,
    role: String,
}

impl RowSecurityPolicy {
    /// The policy's own name in a dump.
    fn entry_name(&self) -> String {
        format!("{} {}", self.table, self.name)
    }

    /// The name of a comment on it.
    fn comment_name(&self) -> String {
        format!("POLICY {} ON {}", sql::ident(&self.name), sql::ident(&self.table))
    }
}

async fn policies_without_roles(source: &SourceSession, target: &Session) -> Result<Vec<RowSecurityPolicy>> {
    let rows = source.rows(POLICIES, &[]).await.context("read the source's policies")?;
    let roles: Vec<String> = rows.iter().map(|row| row.get(3)).collect();
    let sql = "SELECT w FROM pg_catalog.unnest($1) AS w WHERE w NOT IN (SELECT rolname::text FROM pg_catalog.pg_roles)";
    let missing = target.rows(sql, &[(&roles, Type::TEXT_ARRAY)]).await.context("list the target's roles")?;
    let missing: Vec<String> = missing.iter().map(|row| row.get(0)).collect();
    let policy =
        |row: &Row| RowSecurityPolicy { schema: row.get(0), table: row.get(1), name: row.get(2), role: row.get(3) };
    Ok(rows.iter().map(policy).filter(|policy| missing.contains(&policy.role)).collect())
}

/// Names the extensions that have another version on the target: its server makes those that it has.
pub(crate) async fn other_versions(source: &SourceSession, target: &Session) -> Result<Vec<Skipped>> {
    let sql = "SELECT extname::text, extversion FROM pg_catalog.pg_extension ORDER BY 1";
    let here = source.rows(sql, &[]).await.context("list the source's extensions")?;
    let there = target.rows(sql, &[]).await.context("list the target's extensions")?;
    let there: BTreeMap<String, String> = there.iter().map(|row| (row.get(0), row.get(1))).collect();
    let other = here.iter().filter_map(|row| {
        let (name, version): (String, String) = (row.get(0), row.get(1));
        let has = there.get(&name).filter(|has| **has != version)?;
        Some(Skipped::new(format!("version {version} of extension {name}"), format!("the target's server has {has}")))
    });
    Ok(other.collect())
}

const POLICIES: &str = "
    SELECT n.nspname::text, c.relname::text, p.polname::text, r.rolname::text
      FROM pg_catalog.pg_policy AS p JOIN pg_catalog.pg_class AS c ON c.oid = p.polrelid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_roles AS r ON r.oid = ANY (p.polroles)";
