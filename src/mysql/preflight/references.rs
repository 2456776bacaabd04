//! Foreign keys, unique keys and partition keys of a source's tables.

use std::collections::HashMap;

use anyhow::{Context as _, Result};

use crate::copying::treatment::ForeignKey;
use crate::masking::relations::Reference;
use crate::mysql::rows::relation::Relation;
use crate::mysql::session::source_session::SourceSession;

/// A foreign key with its columns on either side.
struct Key {
    name: String,
    child: usize,
    parent: usize,
    columns: Vec<(usize, usize)>,
}

/// Tables by their names.
pub(super) struct Places<'a> {
    exactly: HashMap<&'a str, usize>,
    in_small_letters: HashMap<String, usize>,
}

impl<'a> Places<'a> {
    pub(super) fn of(relations: &'a [Relation]) -> Self {
        let names = || relations.iter().enumerate().map(|(place, relation)| (relation.table.name.as_str(), place));
        let small = names().rev().map(|(name, place)| (name.to_ascii_lowercase(), place));
        Self { exactly: names().collect(), in_small_letters: small.collect() }
    }

    /// The place of a table of this name; a server may not tell small letters from large ones, and spell a name in one key otherwise.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.exactly.get(name).or_else(|| self.in_small_letters.get(&name.to_ascii_lowercase())).copied()
    }
}

async fn keys(source: &mut SourceSession, relations: &[Relation]) -> Result<Vec<Key>> {
    let sql = "SELECT CONSTRAINT_NAME, TABLE_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME
                 FROM information_schema.KEY_COLUMN_USAGE
                WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_SCHEMA = DATABASE()
                ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION";
    let (mut keys, places): (Vec<Key>, _) = (Vec::new(), Places::of(relations));
    for row in source.rows(sql).await.context("read the source's foreign keys")? {
        let [name, table, from, to_table, to] = [0, 1, 2, 3, 4].map(|number| row.text(number));
        let (Some(child), Some(parent)) = (places.find(&table), places.find(&to_table)) else { continue };
        let pair = relations[child].table.column(&from).zip(relations[parent].table.column(&to));
        match keys.last_mut().filter(|key| key.name == name && key.child == child) {
            Some(key) => key.columns.extend(pair),
            None => keys.push(Key { name, child, parent, columns: pair.into_iter().collect() }),
        }
    }
    Ok(keys)
}

pub(super) async fn foreign_keys(source: &mut SourceSession, relations: &[Relation]) -> Result<Vec<ForeignKey>> {
    let of = |key: Key| {
        let columns = &relations[key.child].table.columns;
        ForeignKey {
            name: key.name,
            child: key.child,
            columns: key.columns.iter().map(|(from, _)| (*from, columns[*from].is_nullable)).collect(),
            is_full: false,
            parents: vec![key.parent],
            to: relations[key.parent].label(),
        }
    };
    Ok(keys(source, relations).await?.into_iter().map(of).collect())
}

pub(super) async fn references(source: &mut SourceSession, relations: &[Relation]) -> Result<Vec<Reference>> {
    let mut references = Vec::new();
    for Key { name, child, parent, columns } in keys(source, relations).await? {
        references.extend(columns.into_iter().map(|(from, to)| Reference {
            from: (child, from),
            to: (parent, to),
            key: name.clone(),
        }));
    }
    Ok(references)
}

/// The columns by which it is decided in which part of its table a row is.
pub(super) async fn deciding(
    source: &mut SourceSession,
    relations: &[Relation],
) -> Result<HashMap<usize, Vec<String>>> {
    let sql = "SELECT DISTINCT TABLE_NAME, CONCAT_WS(' ', PARTITION_EXPRESSION, SUBPARTITION_EXPRESSION)
                 FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = DATABASE() AND PARTITION_NAME IS NOT NULL";
    let places = Places::of(relations);
    let mut deciding: HashMap<usize, Vec<String>> = HashMap::new();
    for row in source.rows(sql).await.context("read what the source's tables are partitioned by")? {
        let Some(place) = places.find(&row.text(0)) else { continue };
        let by = row.text(1).to_lowercase();
        let is_named = |name: &str| {
            let name = name.to_lowercase();
            by.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).any(|word| word == name)
                || by.contains(&format!("`{name}`"))
        };
        let columns = relations[place].table.columns.iter().map(|column| &column.name);
        deciding.entry(place).or_default().extend(columns.filter(|name| is_named(name)).cloned());
    }
    Ok(deciding)
}

/// Columns of text by which a unique index finds rows, each with its table.
pub(super) async fn unique_texts(source: &mut SourceSession, relations: &[Relation]) -> Result<Vec<(usize, usize)>> {
    let sql = "SELECT DISTINCT TABLE_NAME, COLUMN_NAME FROM information_schema.STATISTICS
                WHERE TABLE_SCHEMA = DATABASE() AND NON_UNIQUE = 0 AND SEQ_IN_INDEX = 1 AND COLUMN_NAME IS NOT NULL ORDER BY 1, 2";
    let (mut columns, places) = (Vec::new(), Places::of(relations));
    for row in source.rows(sql).await.context("list the source's keys")? {
        let Some(place) = places.find(&row.text(0)) else { continue };
        let found = relations[place].table.column(&row.text(1));
        let is_text = |found: &usize| relations[place].table.columns[*found].column_type.is_plain_text();
        columns.extend(found.filter(is_text).map(|found| (place, found)));
    }
    Ok(columns)
}
