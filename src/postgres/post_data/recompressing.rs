//! An index that fails for the size of a value, made once more: it may fit as the other method compresses it, which must
//! then be how the source had it.

use anyhow::{Context as _, Result};
use tokio_postgres::types::Type;

use crate::copying::report::Skipped;
use crate::postgres::dump::entries::DumpEntry;
use crate::postgres::dump::restore;
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::connect::Session;
use crate::postgres::session::fault::Fault;
use crate::postgres::session::{remedy, sql};

/// An index that a value of its table is too long for, or a constraint with one behind it.
pub(super) struct TooLong {
    pub(super) entry: DumpEntry,
    pub(super) fault: Fault,
}

/// Makes entries of post-data, but for those that a value is too long for.
pub(super) async fn restore(target: &Session, entries: &[DumpEntry]) -> Result<Vec<TooLong>> {
    let is_too_long = |entry: &DumpEntry, fault: &Fault| {
        fault.sqlstate == "54000" && matches!(entry.kind.as_str(), "INDEX" | "CONSTRAINT")
    };
    let left = restore::restore_but(target, entries, is_too_long).await?;
    if !left.is_empty() {
        // The end of an answer that was an error is still under way, and must not meet who reads the line next.
        target.run("").await.context("wait for the end of an error")?;
    }
    Ok(left.into_iter().map(|(entry, fault)| TooLong { entry, fault }).collect())
}

/// Has the long values of an index's columns compressed by the other method, and makes it once more. `plain` is a session
/// for queries of ours, `target` one that computes, and of no more use to others. Nobody may be reading the table's pages:
/// rows move.
pub(super) async fn make_again(
    too_long: TooLong,
    table: &Relation,
    plain: &Session,
    target: &Session,
) -> Result<Skipped> {
    let TooLong { entry, fault } = too_long;
    let quoted = table.quoted();
    let rows = plain.rows(COLUMNS, &[(&quoted, Type::TEXT)]).await.context("list the columns of a table")?;
    let columns: Vec<Column> = rows
        .iter()
        .map(|row| Column { name: sql::ident(row.get(0)), type_name: row.get(1), method: row.get(2) })
        .filter(|column| entry.sql.contains(&column.name))
        .collect();
    let sql = "SELECT pg_catalog.current_setting('default_toast_compression')";
    let rows = target.rows_pinned(sql, &[]).await.context("ask how the target compresses")?;
    let usual: &str = rows.first().context("the server has no method of compression")?.get(0);
    let Some(first) = columns.first() else {
        return Err(remedy::of_entry(&entry.kind, &entry.label(), fault, target.major()));
    };
    let is_by_pglz = if first.method == "default" { usual == "pglz" } else { first.method == "pglz" };
    let other = if is_by_pglz { "lz4" } else { "pglz" };
    let set = |method: &dyn Fn(&Column) -> String| {
        let set = columns.iter().map(|c| format!("ALTER COLUMN {} SET COMPRESSION {}", c.name, method(c)));
        format!("ALTER TABLE ONLY {quoted} {}", set.collect::<Vec<_>>().join(", "))
    };
    let recompressing = async {
        target.run(&set(&|_| other.to_owned())).await?;
        target.run(&format!("SET default_toast_compression = {other}")).await?;
        target.run(&recompress(&quoted, &columns)).await
    };
    recompressing.await.with_context(|| format!("compress values of {} otherwise", table.label()))?;
    restore::restore(target, std::slice::from_ref(&entry)).await?;
    let restored = target.run(&set(&|column| column.method.clone())).await;
    restored.with_context(|| format!("let go of how {} is compressed", table.label()))?;
    Ok(Skipped::new(
        format!("compression of long values in {}", table.label()),
        format!("they are compressed by {other}, since {} could not be made otherwise: {fault}", entry.label()),
    ))
}

struct Column {
    /// Quoted.
    name: String,
    type_name: String,
    /// `default`, or the column's own.
    method: String,
}

/// Writes long values anew: only one that is not compressed yet is compressed when it is stored.
fn recompress(quoted: &str, columns: &[Column]) -> String {
    let anew = |Column { name, type_name, .. }: &Column| {
        format!("{name} = CASE WHEN {name} IS NOT NULL THEN CAST(pg_catalog.format('%s', {name}) AS {type_name}) END")
    };
    let is_long = |column: &Column| format!("pg_catalog.pg_column_size({}) > 500", column.name);
    format!(
        "UPDATE ONLY {quoted} SET {} WHERE {}",
        columns.iter().map(anew).collect::<Vec<_>>().join(", "),
        columns.iter().map(is_long).collect::<Vec<_>>().join(" OR ")
    )
}

/// name, type, method: columns whose values are the same when they are printed and read again, whatever the settings.
const COLUMNS: &str = "
    SELECT a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod),
           CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' ELSE 'default' END
      FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
     WHERE a.attrelid = $1::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
       AND a.attlen = -1 AND a.attstorage IN ('x', 'm')
       AND (t.typcategory = 'S' OR t.oid IN ('json'::regtype, 'jsonb'::regtype, 'bytea'::regtype, 'tsvector'::regtype, 'text[]'::regtype, 'varchar[]'::regtype))";
