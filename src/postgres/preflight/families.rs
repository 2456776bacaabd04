//! Which tables are parts of which, as partitions: whose name stands for whom, what decides on the part, and what must be
//! read through its root.

use std::collections::{HashMap, HashSet};

use anyhow::{Context as _, Result};

use super::catalog_queries::{PARTITIONED, PARTS};
use crate::postgres::session::source_session::SourceSession;

/// The trees of partitions of a database, by OID.
#[derive(Default)]
pub(crate) struct Families {
    parents: HashMap<u32, u32>,
    children: HashMap<u32, Vec<u32>>,
    keys: HashMap<u32, PartitionKey>,
    /// Roots of the trees in which something goes by what differs on the target.
    rerouted: HashSet<u32>,
}

/// What decides in which part of a table a row is.
struct PartitionKey {
    /// Whether any column may be in it.
    has_expression: bool,
    columns: Vec<String>,
}

impl Families {
    pub(crate) async fn read(source: &SourceSession) -> Result<Self> {
        let mut families = Self::default();
        for row in source.rows(PARTS, &[]).await.context("list the source's partitions")? {
            families.add(row.get(0), row.get(1));
        }
        let partitioned = source.rows(PARTITIONED, &[]).await.context("list the source's partitioned tables")?;
        for row in &partitioned {
            let key = PartitionKey { has_expression: row.get(1), columns: row.get(2) };
            families.keys.insert(row.get(0), key);
        }
        let rerouted = partitioned.iter().filter(|row| row.get(3)).map(|row| families.root(row.get(0)));
        families.rerouted = rerouted.collect();
        Ok(families)
    }

    fn add(&mut self, part: u32, whole: u32) {
        self.parents.insert(part, whole);
        self.children.entry(whole).or_default().push(part);
    }

    /// A table and all that it is a part of, up to the whole.
    pub(crate) fn up(&self, oid: u32) -> impl Iterator<Item = u32> {
        std::iter::successors(Some(oid), |oid| self.parents.get(oid).copied())
    }

    fn root(&self, oid: u32) -> u32 {
        self.up(oid).last().unwrap_or(oid)
    }

    /// A table and all its parts, and theirs.
    pub(crate) fn down(&self, oid: u32) -> Vec<u32> {
        let mut all = vec![oid];
        let mut next = 0;
        while let Some(oid) = all.get(next) {
            all.extend(self.children.get(oid).into_iter().flatten());
            next += 1;
        }
        all
    }

    /// How many tables the largest tree has, with its root.
    pub(crate) fn largest(&self) -> usize {
        let roots = self.children.keys().filter(|oid| !self.parents.contains_key(oid));
        roots.map(|root| self.down(*root).len()).max().unwrap_or(0)
    }

    /// Whether a column of a table may decide on the part of a larger one that a row of it is in.
    pub(crate) fn decides(&self, oid: u32, column: &str) -> bool {
        let keys = self.up(oid).skip(1).filter_map(|whole| self.keys.get(&whole));
        keys.into_iter().any(|key| key.has_expression || key.columns.iter().any(|name| name == column))
    }

    /// Whether a table is the root of a tree that is read and filled as a whole.
    pub(crate) fn is_rerouted_root(&self, oid: u32) -> bool {
        self.rerouted.contains(&oid)
    }

    /// Whether a table is a part of such a tree.
    pub(crate) fn is_rerouted(&self, oid: u32) -> bool {
        self.rerouted.contains(&self.root(oid)) && self.parents.contains_key(&oid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_knows_what_it_is_of_and_a_whole_its_parts() {
        let mut families = Families::default();
        for (part, whole) in [(2, 1), (3, 1), (4, 3)] {
            families.add(part, whole);
        }
        let key = |name: &str| PartitionKey { has_expression: name.is_empty(), columns: vec![name.to_owned()] };
        families.keys.extend([(1, key("day")), (3, key(""))]);
        assert_eq!(families.up(4).collect::<Vec<_>>(), [4, 3, 1]);
        assert_eq!((families.down(1), families.down(4)), (vec![1, 2, 3, 4], vec![4]));
        assert!(families.decides(2, "day") && !families.decides(2, "other") && families.decides(4, "other"));
        assert_eq!(families.largest(), 4);
        assert!(!families.decides(1, "day"), "a whole is not in a part");
    }
}
