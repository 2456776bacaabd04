//! What was found in the rows of a table, and what is decided on its places.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Identifier;
use crate::data::tables::{Column, ColumnType};
use crate::masking::nets::Nets;
use crate::masking::table::TableMask;

/// What is decided on the places of a table before its rows are read.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    pub(crate) nets: Arc<Nets>,
    pub(crate) mask: Option<Arc<TableMask>>,
    /// Columns that a rule leaves as they are in all rows, and why.
    pub(crate) kept: Vec<(usize, Option<String>)>,
    /// Whether no row was to come.
    pub(crate) is_emptied: bool,
}

/// What stands for a key that must not be told.
pub(crate) const HIDDEN_KEY: &str = "…";

/// Who decided that something of somebody may stand in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stays {
    /// A masking rule.
    Rule,
    /// `keep_users`.
    KeepUsers,
    /// Production shows it to everyone.
    Public,
    /// Nobody: what stands there cannot be changed.
    Unwritable,
}

impl Stays {
    /// Whether it is meant to stay.
    pub(crate) fn is_meant(self) -> bool {
        matches!(self, Self::Rule | Self::KeepUsers | Self::Public)
    }
}

/// A place in which something was found: column, key of the row, what of somebody, and why it may stand there.
pub(crate) type Place = (usize, Option<Box<str>>, Identifier, Option<(Stays, Arc<str>)>);

/// What was found in the rows of a table, or in a part of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResidueCounts {
    pub(crate) rows: u64,
    /// The column that names what a row's value is.
    pub(crate) key_column: Option<usize>,
    pub(crate) values: BTreeMap<Place, u64>,
    /// By column, values that were not searched, or not to their end.
    pub(crate) unread: BTreeMap<(usize, &'static str), u64>,
    /// Rows that were too long to be searched.
    pub(crate) long_rows: u64,
}

impl ResidueCounts {
    pub(crate) fn add(&mut self, more: Self) {
        self.rows += more.rows;
        self.key_column = self.key_column.or(more.key_column);
        self.long_rows += more.long_rows;
        for (place, values) in more.values {
            *self.values.entry(place).or_default() += values;
        }
        for (column, values) in more.unread {
            *self.unread.entry(column).or_default() += values;
        }
    }
}

/// Why masking does not change a column, where its type or its part in the table forbids it.
pub(crate) fn unwritable(column: &Column) -> Option<String> {
    let kind = &column.type_name;
    match column.column_type {
        ColumnType::Bytes => Some(format!("of type {kind}: bytes are not changed")),
        ColumnType::TextList => Some(format!("of type {kind}: lists are not changed")),
        column_type if !column_type.is_changed_as_text() => Some(format!("of type {kind}, which is not changed")),
        _ if column.is_key => Some("part of a key, which is not changed".to_owned()),
        _ => None,
    }
}

/// Whether anything can be read in values of this type.
pub(crate) fn is_searched(column_type: ColumnType) -> bool {
    column_type.is_changed_as_text()
        || matches!(column_type, ColumnType::Bytes | ColumnType::TextList | ColumnType::Other)
}
