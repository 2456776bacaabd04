//! What masking must not tear apart: columns that a foreign key makes equal, and rows from the partition that they belong to.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use anyhow::{Context as _, Result};

use super::catalog::Relations;
use super::masked_checks;
use crate::contract::transformer::Effect;
use crate::contract::unknown::Unknown;
use crate::masking::Masking;
use crate::masking::assignment::{Assignment, MaskedSite};
use crate::masking::nets::{Nets, unknown};
use crate::masking::relations::{Reference, groups, take_along};
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::source_session::SourceSession;

/// Masks what refers to a masked column alike, casts the nets over what no rule settles, and returns what masking does not fit, for people.
pub(crate) async fn hold(
    source: &SourceSession,
    tables: &Relations,
    masking: &Masking,
    nets: &Arc<Nets>,
    sites: &[MaskedSite],
    assignments: &mut [Assignment],
) -> Result<BTreeSet<String>> {
    let references = references(source, tables).await.context("read the source's foreign keys")?;
    let plain = tables.tables();
    if masking.unknown != Unknown::Keep {
        unknown::rule_records(&plain, assignments, &references, nets);
    }
    let equal = groups(&plain, assignments, &references);
    let mut problems = take_along(&plain, assignments, &references, &equal, nets);
    unknown::cast(&plain, assignments, &references, sites, masking.unknown, nets);
    problems.extend(masked_checks::pass(source, tables, assignments, &equal).await?);
    problems.extend(moved(source, tables, assignments).await.context("read what tables are partitioned by")?);
    Ok(problems)
}

/// Which columns refer to which, those of partitions each by itself.
async fn references(source: &SourceSession, tables: &Relations) -> Result<Vec<Reference>> {
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

/// Masked columns by which a partition that is copied by itself is chosen.
async fn moved(source: &SourceSession, tables: &Relations, assignments: &[Assignment]) -> Result<Vec<String>> {
    let rows = source.rows(PARTITIONED_BY, &[]).await?;
    let by: HashMap<u32, Vec<String>> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let of = |relation: &Relation, assignment: &Assignment| {
        let keys = by.get(&relation.oid).filter(|_| relation.table.excluded_by.is_none()).cloned().unwrap_or_default();
        let masked = assignment.mask.iter().flat_map(|mask| &mask.rules);
        let masked = masked.filter(|rule| rule.transformer.traits().effect != Effect::Keeps);
        let masked: Vec<_> = masked.filter_map(|rule| Some(&relation.table.columns[rule.column?].name)).collect();
        let moved = keys.into_iter().find(|key| masked.contains(&key))?;
        Some(format!(
            "column `{moved}` of `{}` decides in which partition a row is, so it cannot be masked",
            relation.table.whole()
        ))
    };
    Ok(tables.all.iter().zip(assignments).filter_map(|(relation, assignment)| of(relation, assignment)).collect())
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
