//! What a database holds: its tables with their columns and keys, and what else there is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};

use super::column_types::{column_type, counts_bytes, letters, travel};
use super::rows::relation::{Relation, Travel};
use super::session::connect::Family;
use super::session::row_stream::Row;
use super::session::source_session::SourceSession;
use crate::data::table_glob::TableGlob;
use crate::data::tables::{Column, Table};
use crate::error::Failure;

/// The table in a copy in which it says what it is; what a source has of it is another copy's.
pub(super) const NOTE_TABLE: &str = "railstage_copy";
/// The table that tells what a copy has left beside.
pub(super) const MARK_TABLE: &str = "railstage_leftover";

/// Whatever has rows of its own, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TableList(pub(super) BTreeMap<String, TableKind>);

/// What a table is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TableKind {
    /// `BASE TABLE`, or what else it is.
    pub(super) of_type: String,
    pub(super) engine: String,
}

impl TableList {
    /// Reads it; views and sequences are none.
    pub(super) async fn read(source: &mut SourceSession) -> Result<Self> {
        let sql = "SELECT TABLE_NAME, TABLE_TYPE, COALESCE(ENGINE, '') FROM information_schema.TABLES
                    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE NOT IN ('VIEW', 'SYSTEM VIEW', 'SEQUENCE')";
        let rows = source.rows(sql).await.context("list the tables")?;
        let kind = |row: &Row| (row.text(0), TableKind { of_type: row.text(1), engine: row.text(2) });
        Ok(Self(rows.iter().map(kind).filter(|(name, _)| name != NOTE_TABLE && name != MARK_TABLE).collect()))
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

/// Keys of a table's columns.
#[derive(Default)]
struct Keys {
    key: BTreeSet<String>,
    unique: BTreeSet<String>,
    /// The first column of the primary one.
    first: Option<String>,
}

/// A table's columns as they are read.
#[derive(Default)]
struct Columns {
    columns: Vec<Column>,
    travels: Vec<Travel>,
    is_counted: bool,
}

/// Reads the tables of a list; those of the globs come without their rows.
pub(super) async fn relations(
    source: &mut SourceSession,
    list: &TableList,
    exclude: &[String],
) -> Result<Vec<Relation>> {
    let database = source.database().to_owned();
    let keys = keys(source).await.context("read the keys of the tables")?;
    let mut columns = columns(source, &keys).await.context("read the columns of the tables")?;
    let sizes = sizes(source).await.context("read the sizes of the tables")?;
    let globs: Vec<_> = exclude.iter().map(|glob| (glob, TableGlob::new(glob))).collect();
    let mut relations = Vec::new();
    for (name, kind) in &list.0 {
        let Columns { columns, travels, is_counted } = columns.remove(name).unwrap_or_default();
        ensure!(
            !columns.is_empty(),
            Failure::invalid(format!(
                "table `{name}` has no column that is not computed, or none that this login may see"
            ))
            .hint("give the table a column, or drop it")
        );
        let (rows, size_bytes) = sizes.get(name).copied().unwrap_or_default();
        let names = vec![name.clone(), format!("{database}.{name}")];
        let excluded_by = globs.iter().find(|(_, glob)| glob.matches(&names)).map(|(glob, _)| (*glob).clone());
        let table = Table {
            schema: database.clone(),
            name: name.clone(),
            columns: columns.into(),
            size_bytes,
            excluded_by,
            names,
            rows,
        };
        let is_in_snapshot = kind.engine.eq_ignore_ascii_case("InnoDB");
        let first = keys.get(name).and_then(|keys| keys.first.clone()).filter(|_| is_in_snapshot);
        let ordered_by =
            first.filter(|first| table.columns.iter().any(|c| c.name == *first && c.column_type.is_integer()));
        let (travels, engine) = (Arc::from(travels), kind.engine.clone());
        relations.push(Relation {
            table,
            travels,
            is_in_snapshot,
            engine,
            ordered_by,
            is_counted,
            mask: None,
            places: None,
        });
    }
    Ok(relations)
}

async fn columns(source: &mut SourceSession, keys: &BTreeMap<String, Keys>) -> Result<BTreeMap<String, Columns>> {
    let sql = "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, COALESCE(CHARACTER_SET_NAME, ''), CHARACTER_MAXIMUM_LENGTH,
                      CHARACTER_OCTET_LENGTH, IS_NULLABLE = 'YES', COALESCE(GENERATION_EXPRESSION, '') <> '',
                      EXTRA LIKE '%auto_increment%'
                 FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME, ORDINAL_POSITION";
    let family = source.family();
    let none = Keys::default();
    let mut columns: BTreeMap<String, Columns> = BTreeMap::new();
    for row in source.rows(sql).await? {
        // What is computed is computed again.
        if row.flag(8) {
            continue;
        }
        let (table, name, data_type) = (row.text(0), row.text(1), row.text(2).to_lowercase());
        let of_table = keys.get(&table).unwrap_or(&none);
        let charset = row.text(4).to_lowercase();
        // A letter of what is latin1 by name may be one of UTF-8, and then counts for several.
        let is_counted_in_bytes = counts_bytes(&data_type) || charset == "latin1";
        let column = Column {
            column_type: column_type(&data_type),
            type_name: row.text(3).into(),
            max_chars: row.number(5).filter(|_| !is_counted_in_bytes),
            max_bytes: row.number(6).filter(|_| is_counted_in_bytes),
            letters: letters(&charset),
            is_key: of_table.key.contains(&name),
            is_unique: of_table.unique.contains(&name),
            is_nullable: row.flag(7),
            name,
        };
        let travel = travel(family, &data_type, &row.text(3), &charset);
        let of_table = columns.entry(table).or_default();
        of_table.columns.push(column);
        of_table.travels.push(travel);
        of_table.is_counted |= row.flag(9);
    }
    Ok(columns)
}

async fn keys(source: &mut SourceSession) -> Result<BTreeMap<String, Keys>> {
    let mut keys: BTreeMap<String, Keys> = BTreeMap::new();
    let sql =
        "SELECT TABLE_NAME, COLUMN_NAME, INDEX_NAME = 'PRIMARY', SEQ_IN_INDEX = 1 FROM information_schema.STATISTICS
                WHERE TABLE_SCHEMA = DATABASE() AND NON_UNIQUE = 0 AND COLUMN_NAME IS NOT NULL";
    for row in source.rows(sql).await? {
        let of_table = keys.entry(row.text(0)).or_default();
        of_table.unique.insert(row.text(1));
        if row.flag(2) {
            of_table.key.insert(row.text(1));
            of_table.first = of_table.first.take().or_else(|| row.flag(3).then(|| row.text(1)));
        }
    }
    // Both sides of a foreign key.
    let sql = "SELECT TABLE_NAME, COLUMN_NAME, COALESCE(REFERENCED_TABLE_NAME, ''), COALESCE(REFERENCED_COLUMN_NAME, '')
                 FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME IS NOT NULL";
    for row in source.rows(sql).await? {
        keys.entry(row.text(0)).or_default().key.insert(row.text(1));
        keys.entry(row.text(2)).or_default().key.insert(row.text(3));
    }
    Ok(keys)
}

async fn sizes(source: &mut SourceSession) -> Result<BTreeMap<String, (u64, u64)>> {
    let sql =
        "SELECT TABLE_NAME, TABLE_ROWS, DATA_LENGTH FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()";
    let rows = source.rows(sql).await?;
    let size = |row: &Row| (row.text(0), (row.number(1).unwrap_or_default(), row.number(2).unwrap_or_default()));
    Ok(rows.iter().map(size).collect())
}

/// What a database was made with: its character set and its collation.
pub(super) async fn defaults(source: &mut SourceSession) -> Result<(String, String)> {
    let sql = "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = DATABASE()";
    let row = source.row(sql).await.context("read the database's character set")?;
    Ok((row.text(0), row.text(1)))
}

/// Whether names of a family's servers tell small letters from large ones: they must agree.
pub(super) const LOWER_CASE_NAMES: &str = "SELECT @@lower_case_table_names";

impl Family {
    /// What names a server and none else, where it has such a name.
    pub(super) fn server_id(self) -> &'static str {
        match self {
            Self::MySql => "SELECT @@server_uuid",
            // Older ones have none; the address that a server believes to have is better than nothing.
            Self::MariaDb => "SELECT CONCAT(@@hostname, ':', @@port, ':', @@datadir)",
        }
    }
}
