//! A table of the source: what of it is copied, in which columns, and how.

use std::sync::Arc;

use super::sql;
use crate::masking::Transformer;
use crate::masking::table::TableMask;

/// What a column's text is, as far as the transform cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text of any sort, `json` and `xml` included: the server gives back what it got.
    Text,
    /// The server sorts keys and normalizes, so only values may change.
    Jsonb,
    /// Bytes, which text COPY writes in hex.
    Bytes,
    /// Never rewritten: no text, or text of a form of its own.
    Other,
}

/// One column that is copied; generated ones are not.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The n of `varchar(n)` and `char(n)`.
    pub(crate) max_chars: Option<usize>,
    /// Part of a primary key, a foreign key or a partition key: changing it may break a relation.
    pub(crate) is_key: bool,
    /// Part of a unique index, alone or with others.
    pub(crate) is_unique: bool,
    pub(crate) is_nullable: bool,
    /// The name of its type, or of what its domain is made of, such as `varchar`.
    pub(crate) type_name: String,
    /// Whether that type is one of PostgreSQL's own.
    pub(crate) is_builtin: bool,
}

/// Types of which every version from 14 on writes the same bytes for the same value, and reads those of all others.
const BINARY: &[&str] = &[
    "bool",
    "int2",
    "int4",
    "int8",
    "float4",
    "float8",
    "numeric",
    "text",
    "varchar",
    "bpchar",
    "json",
    "jsonb",
    "uuid",
    "date",
    "time",
    "timetz",
    "timestamp",
    "timestamptz",
    "interval",
    "inet",
    "cidr",
];

impl Column {
    /// Whether any text may stand in it.
    pub(crate) fn is_plain_text(&self) -> bool {
        matches!(self.type_name.as_str(), "text" | "varchar" | "bpchar" | "citext")
    }

    /// Whether its values are whole numbers, of so many bytes in binary.
    pub(crate) fn is_integer(&self) -> bool {
        matches!(self.type_name.as_str(), "int2" | "int4" | "int8")
    }

    fn fits_binary(&self) -> bool {
        self.is_builtin && BINARY.contains(&self.type_name.as_str())
    }
}

/// One relation whose own rows are copied.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) oid: u32,
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) size_bytes: u64,
    /// Pages of the table itself, without what is stored beside it.
    pub(crate) pages: u64,
    /// Whether its rows have page numbers.
    pub(crate) is_heap: bool,
    /// For a table that belongs to an extension: the `WHERE …` that tells the user's rows from the extension's.
    pub(crate) extension_filter: Option<String>,
    /// Read and filled through the partitioned root, since its rows may belong to other partitions on the target.
    pub(crate) through_root: bool,
    /// Why its rows are left behind.
    pub(crate) excluded_by: Option<String>,
    /// Its own name, and those of the tables that it is a part of up to the whole, each bare and with its schema.
    pub(crate) names: Vec<String>,
    /// How its rows are masked.
    pub(crate) mask: Option<Arc<TableMask>>,
    /// About how many rows it has, if that is known.
    pub(crate) rows: u64,
    /// Whether it travels in binary.
    pub(crate) in_binary: bool,
}

impl Table {
    /// `schema.table`, for people.
    pub(crate) fn label(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }

    /// `schema.table` of what it is a part of, for people.
    pub(crate) fn whole(&self) -> String {
        self.names.last().cloned().unwrap_or_default()
    }

    pub(super) fn quoted(&self) -> String {
        sql::qualified(&self.schema, &self.name)
    }

    fn column_list(&self) -> String {
        self.columns.iter().map(|column| sql::ident(&column.name)).collect::<Vec<_>>().join(", ")
    }

    /// The COPY that reads the table, or what of it fits `only`; the same one reads it back on the target.
    pub(super) fn copy_out(&self, format: &str, only: Option<&str>) -> String {
        let (columns, table) = (self.column_list(), self.quoted());
        let filter = only.map(|only| format!(" WHERE {only}")).or_else(|| self.extension_filter.clone());
        let what = if self.through_root {
            format!("(SELECT {columns} FROM {table})")
        } else if let Some(filter) = filter {
            format!("(SELECT {columns} FROM ONLY {table}{filter})")
        } else if columns.is_empty() {
            format!("(SELECT FROM ONLY {table})")
        } else {
            format!("{table} ({columns})")
        };
        format!("COPY {what} TO STDOUT ({format})")
    }

    /// The COPY that fills the table.
    pub(super) fn copy_in(&self, format: &str, is_frozen: bool) -> String {
        let columns = if self.columns.is_empty() { String::new() } else { format!(" ({})", self.column_list()) };
        let freeze = if is_frozen { ", FREEZE" } else { "" };
        format!("COPY {}{columns} FROM STDIN ({format}{freeze})", self.quoted())
    }

    /// The query that counts the rows which [`Self::copy_out`] reads.
    pub(super) fn count(&self) -> String {
        let only = if self.through_root { "" } else { "ONLY " };
        let filter = self.extension_filter.as_deref().unwrap_or_default();
        format!("SELECT pg_catalog.count(*) FROM {only}{}{filter}", self.quoted())
    }

    /// Whether the table is ours alone to empty, so that its rows can be written frozen.
    pub(super) fn is_freezable(&self) -> bool {
        self.extension_filter.is_none() && !self.through_root
    }

    /// Whether ranges of pages can be copied by themselves. What must go in binary must go so as a whole, and that a
    /// table has such values shows only on the way.
    pub(super) fn can_be_cut(&self) -> bool {
        self.has_pages() && !self.has_bytes()
    }

    /// Whether its own rows can be read in ranges of pages.
    pub(super) fn has_pages(&self) -> bool {
        self.is_heap && self.is_freezable()
    }

    /// Whether it is known to be cheaper in binary than as text: when its values have so many bytes or more on average,
    /// since short ones are longer in binary. What masking looks into must be readable there too.
    pub(super) fn gains_by_binary(&self, value_bytes: u64) -> bool {
        let values = self.rows * self.columns.len() as u64;
        let is_wide = value_bytes == 0 || values > 0 && self.size_bytes / values >= value_bytes;
        is_wide && !self.columns.is_empty() && self.columns.iter().all(Column::fits_binary) && self.is_masked_as_text()
    }

    fn is_masked_as_text(&self) -> bool {
        let is_text = |column: usize| self.columns[column].kind != Kind::Other;
        self.mask.iter().flat_map(|mask| &mask.rules).all(|rule| {
            let is_made = !matches!(rule.transformer, Transformer::Keep | Transformer::Empty);
            rule.column.is_none_or(|column| !is_made || is_text(column))
                && rule.test.as_ref().is_none_or(|test| is_text(test.column) || self.columns[test.column].is_integer())
        })
    }

    /// Whether values can be in it that are twice as long as text.
    pub(super) fn has_bytes(&self) -> bool {
        self.columns.iter().any(|column| column.kind == Kind::Bytes)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A table of no columns and no size, to start from.
    pub(crate) fn table(name: &str) -> Table {
        Table {
            oid: 1,
            schema: "public".to_owned(),
            name: name.to_owned(),
            columns: Vec::new(),
            size_bytes: 0,
            pages: 0,
            is_heap: true,
            extension_filter: None,
            through_root: false,
            excluded_by: None,
            names: vec![name.to_owned(), format!("public.{name}")],
            mask: None,
            rows: 0,
            in_binary: false,
        }
    }
}
