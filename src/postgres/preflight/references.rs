//! Foreign keys and partition keys of a source's tables: which columns refer to which, and which decide where a row is.

use std::collections::HashMap;

use anyhow::Result;

use super::catalog::Relations;
use crate::copying::treatment::ForeignKey;
use crate::masking::relations::Reference;
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::source_session::SourceSession;

/// Which columns refer to which, those of partitions each by itself.
pub(super) async fn references(source: &SourceSession, tables: &Relations) -> Result<Vec<Reference>> {
    let place: HashMap<u32, usize> =
        tables.all.iter().enumerate().map(|(place, relation)| (relation.oid, place)).collect();
    let column = |table: usize, name: &String| {
        Some((table, tables.all[table].table.columns.iter().position(|column| column.name == *name)?))
    };
    let mut references = Vec::new();
    for row in source.rows(KEYS, &[]).await? {
        let [from, to] = [1, 3].map(|i| {
            let members: Vec<u32> = row.get(i);
            members.iter().filter_map(|oid| place.get(oid).copied()).collect::<Vec<_>>()
        });
        let [from_columns, to_columns]: [Vec<String>; 2] = [row.get(2), row.get(4)];
        for (a, b) in from_columns.iter().zip(&to_columns) {
            // A whole is equal to each of its parts, so that one part on either side is enough to join them all.
            let pairs = from.iter().map(|from| (*from, to.first())).chain(to.iter().map(|to| (from[0], Some(to))));
            for (from, to) in if from.is_empty() { Vec::new() } else { pairs.collect() } {
                let (Some(from), Some(to)) = (column(from, a), to.and_then(|to| column(*to, b))) else { continue };
                references.push(Reference { from, to, key: row.get(0) });
            }
        }
    }
    Ok(references)
}

/// The columns by which a partition that is copied by itself is chosen, by its place.
pub(super) async fn deciding(source: &SourceSession, tables: &Relations) -> Result<HashMap<usize, Vec<String>>> {
    let rows = source.rows(PARTITIONED_BY, &[]).await?;
    let mut by: HashMap<u32, Vec<String>> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let of = |(place, relation): (usize, &Relation)| Some((place, by.remove(&relation.oid)?));
    Ok(tables.all.iter().enumerate().filter_map(of).collect())
}

/// The keys that are looked after: those that are not, a copy need not have whole.
pub(super) async fn looked_after(source: &SourceSession, tables: &Relations) -> Result<Vec<ForeignKey>> {
    let place: HashMap<u32, usize> = tables.all.iter().enumerate().map(|(i, table)| (table.oid, i)).collect();
    let mut keys = Vec::new();
    for row in source.rows(LOOKED_AFTER, &[]).await? {
        let (oid, names): (u32, Vec<String>) = (row.get(0), row.get(4));
        let Some(child) = place.get(&oid).copied() else { continue };
        let columns = &tables.all[child].table.columns;
        let place_of = |name: &String| columns.iter().position(|column| column.name == *name);
        let is_full: bool = row.get(5);
        let is_whole = !is_full || names.iter().all(|name| place_of(name).is_some());
        let column = |name: &String| {
            let number = place_of(name)?;
            // A row stays in the part that it is in.
            Some((number, is_whole && columns[number].is_nullable && !tables.families.decides(oid, name)))
        };
        let parents = tables.families.down(row.get(1));
        keys.push(ForeignKey {
            name: row.get(3),
            child,
            columns: names.iter().filter_map(column).collect(),
            is_full,
            parents: parents.iter().filter_map(|oid| place.get(oid).copied()).collect(),
            to: row.get(2),
        });
    }
    Ok(keys)
}

/// Name, what refers with all its partitions, its columns, what it refers to with all its partitions, and those columns.
const KEYS: &str = "
    SELECT k.conname::text,
           ARRAY(SELECT k.conrelid UNION SELECT t.relid::oid FROM pg_catalog.pg_partition_tree(k.conrelid) AS t),
           ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS u(attnum, place)
                   JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.attnum ORDER BY u.place),
           ARRAY(SELECT k.confrelid UNION SELECT t.relid::oid FROM pg_catalog.pg_partition_tree(k.confrelid) AS t),
           ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY AS u(attnum, place)
                   JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.attnum ORDER BY u.place)
      FROM pg_catalog.pg_constraint AS k
     WHERE k.contype = 'f' AND k.conparentid = 0 ORDER BY k.conrelid, k.conname";

/// Partition, and the columns by which it is chosen, on all levels; those within an expression are bound to the table.
const PARTITIONED_BY: &str = "
    SELECT t.relid::oid, pg_catalog.array_agg(a.attname::text ORDER BY a.attname)
      FROM pg_catalog.pg_partitioned_table AS p
      JOIN pg_catalog.pg_attribute AS a
        ON a.attrelid = p.partrelid
       AND (a.attnum = ANY (p.partattrs) OR 0 = ANY (p.partattrs) AND EXISTS (
            SELECT FROM pg_catalog.pg_depend AS d
             WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = p.partrelid AND d.objsubid = a.attnum
               AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = p.partrelid AND d.refobjsubid = 0)),
           pg_catalog.pg_partition_tree(p.partrelid) AS t
     WHERE t.isleaf GROUP BY t.relid";

/// table, what it refers to, the latter's name, the key's, its columns, whether all of them count as one.
const LOOKED_AFTER: &str = "
    SELECT k.conrelid, k.confrelid, n.nspname || '.' || c.relname, k.conname::text,
           ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS u(attnum, place)
                   JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.attnum ORDER BY u.place),
           k.confmatchtype = 'f'
      FROM pg_catalog.pg_constraint AS k JOIN pg_catalog.pg_class AS c ON c.oid = k.confrelid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE k.contype = 'f' AND k.convalidated ORDER BY k.conrelid, k.conname";
