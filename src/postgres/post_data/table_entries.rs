//! Which entries of a dump's post-data a table gets as soon as its rows are there, which wait for all rows, and in which order
//! a table's are made.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use anyhow::{Context as _, Result};

use super::waiting::Waiting;
use crate::postgres::dump::entries::DumpEntry;
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::source_session::SourceSession;

/// The entries of the post-data section that concern one table's own rows only.
#[derive(Default)]
pub(crate) struct TablePostData {
    /// Primary keys and the like, which nobody else may use the table for while they are made.
    constraints: Vec<DumpEntry>,
    indexes: Vec<DumpEntry>,
    /// Those of either that refuse texts that have become alike.
    unique: Vec<DumpEntry>,
}

impl TablePostData {
    /// Lists of which each is made before the next. Where values were changed what may refuse them comes first: nothing else
    /// is made in vain then.
    pub(super) fn in_order(self, is_changed: bool) -> [Vec<DumpEntry>; 3] {
        let Self { mut constraints, mut indexes, unique } = self;
        if is_changed {
            return [unique, constraints, indexes];
        }
        let (of_indexes, of_constraints): (Vec<_>, Vec<_>) = unique.into_iter().partition(is_index);
        constraints.extend(of_constraints);
        indexes.extend(of_indexes);
        [Vec::new(), constraints, indexes]
    }
}

fn is_index(entry: &DumpEntry) -> bool {
    entry.kind == "INDEX"
}

/// By the table's OID.
pub(crate) type PostDataByTable = HashMap<u32, TablePostData>;

/// Kind, schema and name in a dump's heading.
type Heading = (String, String, String);
/// The table of an index, whether functions are evaluated for it, and whether it refuses texts that are alike.
type Owner<'a> = (&'a Arc<Relation>, bool, bool);

/// Takes out of `post_data_entries` what can be made as soon as a table has loaded, and what of it waits for all rows, by
/// the OIDs of indexes. The rest keeps its order.
pub(crate) async fn take_out(
    post_data_entries: &mut Vec<DumpEntry>,
    source: &SourceSession,
    tables: &[Arc<Relation>],
    evaluating: &HashSet<u32>,
) -> Result<(PostDataByTable, Waiting)> {
    let rows = source.rows(OWNERS, &[]).await.context("read which table an index belongs to")?;
    let to_be_loaded: HashMap<u32, &Arc<Relation>> =
        tables.iter().filter(|table| !table.through_root).map(|table| (table.oid, table)).collect();
    let mut owners: HashMap<Heading, Option<Owner<'_>>> = HashMap::new();
    for row in rows {
        let owner = to_be_loaded.get(&row.get(3)).map(|table| (*table, evaluating.contains(&row.get(4)), row.get(5)));
        // A heading says `table constraint`, so two may read the same: nobody's then.
        owners.entry((row.get(0), row.get(1), row.get(2))).and_modify(|owner| *owner = None).or_insert(owner);
    }
    let (mut by_table, mut waiting) = (PostDataByTable::new(), Waiting::default());
    let (mut rest, all) = (Vec::new(), std::mem::take(post_data_entries));
    for entry in all {
        let key = (entry.kind.clone(), entry.schema.clone(), entry.name.clone());
        match owners.get(&key).copied().flatten() {
            Some((table, true, _)) => waiting.add(table, entry),
            Some((table, false, is_unique)) => {
                let post_data = by_table.entry(table.oid).or_default();
                let list = match is_unique {
                    true => &mut post_data.unique,
                    false if is_index(&entry) => &mut post_data.indexes,
                    false => &mut post_data.constraints,
                };
                list.push(entry);
            }
            None => rest.push(entry),
        }
    }
    *post_data_entries = rest;
    Ok((by_table, waiting))
}

/// kind, schema and name as in a dump's heading, table, index, whether it refuses texts that are alike.
const OWNERS: &str = "
    WITH of_texts AS (
        SELECT i.indexrelid AS oid FROM pg_catalog.pg_index AS i
         WHERE (i.indisunique OR i.indisexclusion)
           AND EXISTS (SELECT FROM pg_catalog.unnest(i.indkey) AS k(attnum)
                         LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum <> 0
                        WHERE a.attnum IS NULL OR a.attcollation <> 0 OR a.atttypid = 'pg_catalog.jsonb'::pg_catalog.regtype))
    SELECT 'INDEX', n.nspname::text, c.relname::text, i.indrelid, i.indexrelid, i.indexrelid IN (SELECT oid FROM of_texts)
      FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
    UNION ALL
    SELECT 'CONSTRAINT', n.nspname, t.relname || ' ' || k.conname, k.conrelid, k.conindid, k.conindid IN (SELECT oid FROM of_texts)
      FROM pg_catalog.pg_constraint AS k JOIN pg_catalog.pg_class AS t ON t.oid = k.conrelid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
     WHERE k.contype IN ('p', 'u', 'x')";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_refuse_changed_values_is_made_first_and_else_beside_the_others() {
        let of =
            |kind: &str, name: &str| DumpEntry { kind: kind.to_owned(), name: name.to_owned(), ..DumpEntry::default() };
        let post_data = || TablePostData {
            constraints: vec![of("CONSTRAINT", "t pkey")],
            indexes: vec![of("INDEX", "t_a")],
            unique: vec![of("INDEX", "t_url"), of("CONSTRAINT", "t url_key")],
        };
        let names = |is_changed| {
            post_data().in_order(is_changed).map(|list| list.into_iter().map(|entry| entry.name).collect::<Vec<_>>())
        };
        assert_eq!(names(true), [vec!["t_url", "t url_key"], vec!["t pkey"], vec!["t_a"]]);
        assert_eq!(names(false), [vec![], vec!["t pkey", "t url_key"], vec!["t_a", "t_url"]]);
    }
}
