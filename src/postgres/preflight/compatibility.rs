//! What must hold before anything is done: two different databases, and versions and extensions that fit.

use std::collections::{HashMap, HashSet};

use anyhow::{Context as _, Result, bail, ensure};
use tokio_postgres::types::Type;

use super::catalog::Relations;
use crate::copying::treatment::LEFT_BEHIND;
use crate::error::Failure;
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::target_server::TargetServer;

/// Refuses a source that is the target, however it is spelled, or a copy of it in the same place.
pub(crate) async fn two_databases(source: &SourceSession, target_server: &TargetServer) -> Result<()> {
    let same_server = shares_locks(source, target_server).await?;
    let ids = (source_identifier(source).await?, target_identifier(target_server).await?);
    let same_cluster = match ids {
        (Some(source), Some(target)) => source == target,
        // Where a provider forbids to ask, a lock seen on both ends tells as well, unless the source is a standby.
        _ => same_server || source.value("SELECT pg_catalog.pg_is_in_recovery()").await?,
    };
    let sql = "SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()";
    let oid: u32 = source.value(sql).await.context("look up the source database")?;
    if (same_server || same_cluster) && oid == target_server.oid {
        bail!(Failure::invalid("source and target are the same database").hint(
            "a target restored from a backup of the source's volume looks the same: start it on an empty volume"
        ));
    }
    Ok(())
}

/// Takes a lock that no one else can have on the target's server, and looks for it on the source's.
async fn shares_locks(source: &SourceSession, target_server: &TargetServer) -> Result<bool> {
    let key: i64 = rand::random();
    let lock = target_server.session.rows("SELECT pg_catalog.pg_advisory_lock($1)", &[(&key, Type::INT8)]).await;
    lock.context("take a lock on the target's server")?;
    let seen = source.sees_advisory_lock(key).await?;
    let unlock = target_server.session.rows("SELECT pg_catalog.pg_advisory_unlock($1)", &[(&key, Type::INT8)]).await;
    unlock.context("release a lock on the target's server")?;
    Ok(seen)
}

const MAY_ASK: &str = "SELECT pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')";
const IDENTIFIER: &str = "SELECT system_identifier FROM pg_catalog.pg_control_system()";

async fn source_identifier(source: &SourceSession) -> Result<Option<i64>> {
    if !source.value(MAY_ASK).await.context("ask the source who it is")? {
        return Ok(None);
    }
    source.value(IDENTIFIER).await.context("ask the source who it is").map(Some)
}

async fn target_identifier(target_server: &TargetServer) -> Result<Option<i64>> {
    if !target_server.session.row(MAY_ASK, &[]).await.context("ask the target who it is")?.get::<_, bool>(0) {
        return Ok(None);
    }
    Ok(Some(target_server.session.row(IDENTIFIER, &[]).await.context("ask the target who it is")?.get(0)))
}

/// Refuses a target that is older than the source.
pub(crate) fn versions_fit(source_major: i32, target_major: i32) -> Result<()> {
    if target_major < source_major {
        bail!(
            Failure::invalid(format!(
                "the target is PostgreSQL {target_major}, older than the source's {source_major}"
            ))
            .hint(format!("use a target of PostgreSQL {source_major} or newer"))
        );
    }
    Ok(())
}

/// Refuses a login of the target that may not make the new database beside the old one, or may not rename that.
pub(crate) async fn may_create_databases(target_server: &TargetServer) -> Result<()> {
    let sql = "SELECT r.rolsuper OR r.rolcreatedb FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user";
    let row = target_server.session.row(sql, &[]).await.context("ask what the target's login may do")?;
    let refusal = || {
        Failure::invalid("the target's login may not create databases")
            .hint("use another login in the target's URL, or give it the right: ALTER ROLE … CREATEDB")
    };
    ensure!(row.get::<_, bool>(0), refusal());
    Ok(())
}

/// Refuses names that are no text: in a database without an encoding they may be any bytes.
pub(crate) async fn names_are_text(source: &SourceSession) -> Result<()> {
    match source.rows(NAMES, &[]).await {
        Err(fault) if fault.sqlstate == "22021" => bail!(
            Failure::invalid(format!("a name in the source database is not UTF-8: {fault}"))
                .hint("rename it; only values may be of any bytes in a database of encoding SQL_ASCII")
        ),
        checked => checked.map(drop).context("check the source's names"),
    }
}

/// Fails on the first name that is not UTF-8. Where the encoding is another, the server converts or refuses by itself.
const NAMES: &str = "
    SELECT pg_catalog.count(pg_catalog.convert_from(pg_catalog.convert_to(x.name, 'SQL_ASCII'), 'UTF8'))
      FROM (SELECT relname::text FROM pg_catalog.pg_class UNION ALL SELECT attname FROM pg_catalog.pg_attribute
            UNION ALL SELECT nspname FROM pg_catalog.pg_namespace UNION ALL SELECT conname FROM pg_catalog.pg_constraint
            UNION ALL SELECT polname FROM pg_catalog.pg_policy UNION ALL SELECT rolname FROM pg_catalog.pg_roles) AS x(name)
     WHERE pg_catalog.getdatabaseencoding() = 'SQL_ASCII'";

/// Refuses a partitioned table that must be read as a whole while a part of it is on another server: that part would
/// be read there, and written there too.
pub(crate) async fn nothing_reaches_through(source: &SourceSession, tables: &Relations) -> Result<()> {
    let roots: Vec<u32> = tables.copied().filter(|table| table.through_root).map(|table| table.oid).collect();
    if roots.is_empty() {
        return Ok(());
    }
    let sql = "SELECT n.nspname || '.' || c.relname
                 FROM pg_catalog.unnest($1) AS root(oid), pg_catalog.pg_partition_tree(root.oid) AS t
                 JOIN pg_catalog.pg_class AS c ON c.oid = t.relid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                WHERE c.relkind = 'f' ORDER BY 1";
    let rows = source.rows(sql, &[(&roots, Type::OID_ARRAY)]).await.context("look for partitions on other servers")?;
    let names: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    ensure!(
        names.is_empty(),
        Failure::invalid(format!(
            "partitions by hash are on another server, which a copy would write to: {}",
            names.join(", ")
        ))
        .hint("leave the rows of their table out")
    );
    Ok(())
}

/// Refuses when rows must be told apart by a condition in a table that a query may not be planned on.
pub(crate) fn no_conditions_of_others(tables: &Relations) -> Result<()> {
    let needs_one = |table: &&Relation| !table.may_be_planned && table.has_condition();
    let names: Vec<_> = tables.copied().filter(needs_one).map(Relation::label).collect();
    ensure!(
        names.is_empty(),
        Failure::invalid(format!(
            "a condition tells which rows of an extension's tables are the user's, and to ask for them could run code of others as a superuser: {}",
            names.join(", ")
        ))
        .hint("log in as a role that is no superuser: `railstage source-login` prints the SQL for one")
    );
    Ok(())
}

/// Refuses when a table that is copied refers to one whose data is left out: the foreign key could not be made. Names
/// all that would have to be left out as well, those that refer to these too.
pub(crate) async fn no_orphans(source: &SourceSession, tables: &Relations) -> Result<()> {
    let mut without: HashSet<u32> =
        tables.all.iter().filter(|t| t.table.excluded_by.is_some()).map(|t| t.oid).collect();
    if without.is_empty() {
        return Ok(());
    }
    let keys = source.rows(KEYS, &[]).await.context("read the source's foreign keys")?;
    let copied: HashMap<u32, &Relation> = tables.copied().map(|table| (table.oid, table)).collect();
    let mut orphans = Vec::new();
    loop {
        let before = without.len();
        for key in &keys {
            let (child, referred): (u32, u32) = (key.get(0), key.get(1));
            let Some(table) = copied.get(&child).filter(|_| !without.contains(&child)) else { continue };
            if tables.cut_keys.contains(&(child, key.get(3))) {
                continue;
            }
            if tables.families.down(referred).iter().any(|oid| without.contains(oid)) && without.insert(child) {
                let (to, name): (String, String) = (key.get(2), key.get(3));
                orphans.push((table.label(), format!("`{}` (its key `{name}` refers to `{to}`)", table.label())));
            }
        }
        if without.len() == before {
            break;
        }
    }
    if orphans.is_empty() {
        return Ok(());
    }
    orphans.sort();
    let (names, told): (Vec<_>, Vec<_>) = orphans.into_iter().unzip();
    let is_masked = tables.all.iter().any(|relation| relation.table.excluded_by.as_deref() == Some(LEFT_BEHIND));
    let or_keep = if is_masked { ", or `keep` the tables that they refer to by a masking rule" } else { "" };
    bail!(
        Failure::invalid(format!(
            "tables refer to rows that `exclude_table_data` or masking leaves behind: {}",
            told.join(", ")
        ))
        .hint(format!("leave their data out as well: {}{or_keep}", names.join(", ")))
    );
}

/// table, what it refers to, the latter's name, the key's.
const KEYS: &str = "
    SELECT k.conrelid, k.confrelid, n.nspname || '.' || c.relname, k.conname::text
      FROM pg_catalog.pg_constraint AS k JOIN pg_catalog.pg_class AS c ON c.oid = k.confrelid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE k.contype = 'f' AND k.convalidated ORDER BY k.conrelid, k.conname";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_may_be_newer_but_never_older() {
        assert!(versions_fit(15, 15).is_ok());
        assert!(versions_fit(15, 18).is_ok());
        assert!(versions_fit(18, 15).unwrap_err().to_string().contains("older than the source's 18"));
    }
}
