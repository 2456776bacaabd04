//! What a source has that a copy does not carry, each with its reason: nothing may be missing without a word.

use anyhow::{Context as _, Result};
use tokio_postgres::types::Type;

use super::connect::Session;
use super::report::Skipped;
use super::script::{Entry, SETTING};
use super::shape::Shape;
use super::source::Source;
use super::tables::Tables;

/// All that can be told from the source alone.
pub(super) async fn not_carried(source: &Source, shape: &Shape, tables: &Tables) -> Result<Vec<Skipped>> {
    let mut skipped: Vec<_> = tables
        .all
        .iter()
        .filter_map(|table| {
            let glob = table.excluded_by.as_ref()?;
            Some(Skipped::new(
                format!("rows of {}", table.label()),
                format!("left out by `exclude_table_data` ({glob})"),
            ))
        })
        .collect();
    let mut queries = vec![
        (OWNERS, "everything belongs to the login of the target"),
        (GRANTS, "roles belong to a server, not to a database"),
        (LABELS, "labels belong to a provider of the server"),
        (TABLESPACES, "the target's own tablespace holds everything"),
        (MAPPINGS, "it holds a login to another server"),
        (FOREIGN, "its rows are on another server"),
        (OBJECT_COMMENTS, "only the objects themselves are copied"),
        (OBJECT_RIGHTS, "roles belong to a server, not to a database"),
        (UNFILLED, "it is not filled on the source either"),
    ];
    if source.row(MAY_SEE_SUBSCRIPTIONS, &[]).await?.get(0) {
        queries.push((SUBSCRIPTIONS, "a copy must not take part in replication"));
    }
    for (sql, reason) in queries {
        let rows = source.rows(sql, &[]).await.context("look for what cannot be copied")?;
        skipped.extend(
            rows.iter().filter_map(|row| row.get::<_, Option<String>>(0)).map(|object| Skipped::new(object, reason)),
        );
    }
    if shape.comment.is_some() {
        skipped.push(Skipped::new("comment on the database", "the copy's own note about itself stands there"));
    }
    Ok(skipped)
}

/// Takes the entries out of a schema's second half, or its first, that the target cannot or must not have.
pub(super) async fn take_out(entries: &mut Vec<Entry>, source: &Source, target: &Session) -> Result<Vec<Skipped>> {
    let mut skipped = Vec::new();
    let orphans = policies_without_roles(source, target).await?;
    entries.retain(|entry| {
        let reason = match entry.kind.as_str() {
            SETTING => return true,
            // Told by `not_carried` already.
            "USER MAPPING" => return false,
            "POLICY" => orphans
                .iter()
                .find(|(name, _)| *name == (entry.schema.clone(), entry.name.clone()))
                .map(|(_, role)| format!("its role `{role}` is not on the target")),
            "EVENT TRIGGER" if !target.superuser => Some("only a superuser can make it".to_owned()),
            "PUBLICATION" if !target.superuser && entry.sql.contains("FOR ALL TABLES") => {
                Some("only a superuser can make it".to_owned())
            }
            "COMMENT" if !target.superuser && entry.name.starts_with("EVENT TRIGGER ") => return false,
            _ => None,
        };
        skipped.extend(reason.iter().map(|reason| Skipped::new(entry.label(), reason)));
        reason.is_none()
    });
    Ok(skipped)
}

/// Schema and name (`table policy`, as in a dump) of policies for roles that the target lacks, with such a role.
async fn policies_without_roles(source: &Source, target: &Session) -> Result<Vec<((String, String), String)>> {
    let rows = source.rows(POLICIES, &[]).await.context("read the source's policies")?;
    let roles: Vec<String> = rows.iter().map(|row| row.get(2)).collect();
    let sql = "SELECT w FROM pg_catalog.unnest($1) AS w WHERE w NOT IN (SELECT rolname::text FROM pg_catalog.pg_roles)";
    let missing = target.rows(sql, &[(&roles, Type::TEXT_ARRAY)]).await.context("list the target's roles")?;
    let missing: Vec<String> = missing.iter().map(|row| row.get(0)).collect();
    let policies = rows.iter().map(|row| ((row.get(0), row.get(1)), row.get::<_, String>(2)));
    Ok(policies.filter(|(_, role)| missing.contains(role)).collect())
}

/// Whether an entry makes or describes an event trigger; those come last, so that they see none of our own commands.
pub(super) fn is_event_trigger(entry: &Entry) -> bool {
    entry.kind == "EVENT TRIGGER" || entry.kind == "COMMENT" && entry.name.starts_with("EVENT TRIGGER ")
}

const POLICIES: &str = "
    SELECT n.nspname::text, c.relname || ' ' || p.polname, r.rolname::text
      FROM pg_catalog.pg_policy AS p JOIN pg_catalog.pg_class AS c ON c.oid = p.polrelid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_roles AS r ON r.oid = ANY (p.polroles)";

const OWNERS: &str = "
    SELECT 'ownership by role ' || pg_catalog.pg_get_userbyid(c.relowner) || ' (' || pg_catalog.count(*) || ' relations)'
      FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
       AND c.relowner <> (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user)
     GROUP BY c.relowner ORDER BY 1";

const GRANTS: &str = "
    SELECT 'rights granted to ' || pg_catalog.string_agg(DISTINCT pg_catalog.pg_get_userbyid(a.grantee), ', ')
      FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace,
           LATERAL pg_catalog.aclexplode(c.relacl) AS a
     WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' AND a.grantee <> c.relowner AND a.grantee <> 0
    HAVING pg_catalog.count(*) > 0";

const LABELS: &str = "
    SELECT 'security labels (' || pg_catalog.count(*) || ')' FROM pg_catalog.pg_seclabel HAVING pg_catalog.count(*) > 0";

const TABLESPACES: &str = "
    SELECT 'tablespace ' || t.spcname || ' (' || pg_catalog.count(*) || ' relations)'
      FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_tablespace AS t ON t.oid = c.reltablespace
     WHERE t.spcname <> 'pg_global' GROUP BY t.spcname ORDER BY 1";

const MAPPINGS: &str = "
    SELECT 'user mapping of ' || coalesce(usename::text, 'public') || ' to server ' || srvname FROM pg_catalog.pg_user_mappings ORDER BY 1";

const FOREIGN: &str = "
    SELECT 'rows of foreign table ' || n.nspname || '.' || c.relname
      FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind = 'f' ORDER BY 1";

const OBJECT_COMMENTS: &str = "
    SELECT 'comments on large objects (' || pg_catalog.count(*) || ')' FROM pg_catalog.pg_description
     WHERE classoid = 'pg_catalog.pg_largeobject'::regclass HAVING pg_catalog.count(*) > 0";

const OBJECT_RIGHTS: &str = "
    SELECT 'rights on large objects (' || pg_catalog.count(*) || ')' FROM pg_catalog.pg_largeobject_metadata
     WHERE lomacl IS NOT NULL HAVING pg_catalog.count(*) > 0";

const UNFILLED: &str = "
    SELECT 'rows of materialized view ' || n.nspname || '.' || c.relname
      FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relkind = 'm' AND NOT c.relispopulated ORDER BY 1";

/// From version 16 on some columns are hidden from ordinary logins, but never these three.
const MAY_SEE_SUBSCRIPTIONS: &str = "
    SELECT pg_catalog.has_column_privilege('pg_catalog.pg_subscription', 'subname', 'SELECT')";

const SUBSCRIPTIONS: &str = "
    SELECT 'subscription ' || s.subname FROM pg_catalog.pg_subscription AS s
      JOIN pg_catalog.pg_database AS d ON d.oid = s.subdbid AND d.datname = pg_catalog.current_database() ORDER BY 1";
