//! The source's tables as its catalog describes them: what is copied, in which columns, and what is left out.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio_postgres::Row;
use wildmatch::WildMatch;

use super::source::Source;
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

/// The tables of a database.
pub(crate) struct Tables {
    /// All with rows of their own, biggest first, the excluded ones too.
    pub(super) all: Vec<Table>,
    /// Every table and partitioned table, quoted: what the snapshot's holder locks.
    pub(super) lockable: BTreeSet<String>,
}

impl Tables {
    /// Reads the catalog. Tables of extensions are the extension's business, except those it marks as holding the
    /// user's rows.
    pub(super) async fn read(source: &Source, exclude: &[String]) -> Result<Self> {
        let rows = source.rows(TABLES, &[]).await.context("list the source's tables")?;
        let mut columns = read_columns(source).await.context("list the source's columns")?;
        let lockable = rows.iter().map(|row| sql::qualified(row.get(1), row.get(2))).collect();
        let globs: Vec<_> = exclude.iter().map(|glob| (glob, WildMatch::new(glob))).collect();
        let mut all: Vec<Table> = rows
            .iter()
            .filter(|row| row.get(3))
            .map(|row| table(row, columns.remove(&row.get::<_, u32>(0)).unwrap_or_default(), &globs))
            .collect();
        all.sort_by(|a, b| b.size_bytes.cmp(&a.size_bytes).then_with(|| a.label().cmp(&b.label())));
        Ok(Self { all, lockable })
    }

    /// The tables whose rows are copied.
    pub(super) fn copied(&self) -> impl Iterator<Item = &Table> {
        self.all.iter().filter(|table| table.excluded_by.is_none())
    }
}

fn table(row: &Row, columns: Vec<Column>, globs: &[(&String, WildMatch)]) -> Table {
    // A partition is also left out by the name of the table that it is a part of.
    let names: Vec<String> = row.get(7);
    let matches = |glob: &WildMatch| names.iter().any(|name| glob.matches(name));
    Table {
        oid: row.get(0),
        schema: row.get(1),
        name: row.get(2),
        columns,
        size_bytes: row.get::<_, i64>(4).max(0) as u64,
        pages: row.get::<_, i64>(8).max(0) as u64,
        is_heap: row.get(9),
        extension_filter: row.get(5),
        through_root: row.get(6),
        excluded_by: globs
            .iter()
            .find(|(_, glob)| matches(glob))
            .map(|(text, _)| format!("left out by `exclude_table_data` ({text})")),
        names,
        mask: None,
        rows: row.get::<_, f32>(10).max(0.0) as u64,
        in_binary: false,
    }
}

async fn read_columns(source: &Source) -> Result<HashMap<u32, Vec<Column>>> {
    let mut columns: HashMap<u32, Vec<Column>> = HashMap::new();
    for row in source.rows(COLUMNS, &[]).await? {
        let column = Column {
            name: row.get(1),
            kind: match row.get(2) {
                "text" => Kind::Text,
                "jsonb" => Kind::Jsonb,
                "bytea" => Kind::Bytes,
                _ => Kind::Other,
            },
            max_chars: row.get::<_, Option<i32>>(3).and_then(|n| usize::try_from(n).ok()),
            is_key: row.get(4),
            is_unique: row.get(5),
            is_nullable: row.get(6),
            type_name: row.get(7),
            is_builtin: row.get(8),
        };
        columns.entry(row.get(0)).or_default().push(column);
    }
    Ok(columns)
}

/// oid, schema, name, has rows to copy, size, extension filter, through its root, names that a glob may
/// match, pages, is a heap, about how many rows.
///
/// Hash partitioning by an enum goes by the enum's OIDs, which differ on the target, and by an expression by who
/// knows what; such a tree is copied through its root, as `pg_dump` does.
const TABLES: &str = "
    WITH rerouted AS (
        SELECT DISTINCT pg_catalog.pg_partition_root(p.partrelid)::oid AS root
          FROM pg_catalog.pg_partitioned_table AS p
          LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = p.partrelid AND a.attnum = ANY (p.partattrs)
          LEFT JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
         WHERE p.partstrat = 'h' AND (t.typtype IN ('e', 'd') OR t.typcategory = 'A' OR 0 = ANY (p.partattrs))),
    config AS (
        SELECT u.oid, u.filter
          FROM pg_catalog.pg_extension AS e,
               ROWS FROM (pg_catalog.unnest(e.extconfig), pg_catalog.unnest(e.extcondition)) AS u(oid, filter))
    SELECT c.oid, n.nspname::text, c.relname::text,
           CASE c.relkind WHEN 'p' THEN rerouted.root IS NOT NULL
                ELSE NOT c.relispartition OR pg_catalog.pg_partition_root(c.oid)::oid NOT IN (SELECT root FROM rerouted) END,
           CASE c.relkind WHEN 'p'
                THEN (SELECT sum(pg_catalog.pg_table_size(t.relid)) FROM pg_catalog.pg_partition_tree(c.oid) AS t WHERE t.isleaf)::int8
                ELSE pg_catalog.pg_table_size(c.oid) END,
           CASE WHEN config.oid IS NOT NULL THEN ' ' || coalesce(config.filter, '') END,
           rerouted.root IS NOT NULL,
           (SELECT pg_catalog.array_agg(x.name ORDER BY up.level, x.is_qualified)
              FROM (SELECT c.oid, 0 AS level UNION ALL
                    SELECT a.oid::oid, a.level
                      FROM pg_catalog.pg_partition_ancestors(c.oid) WITH ORDINALITY AS a(oid, level)
                     WHERE a.oid::oid <> c.oid) AS up
              JOIN pg_catalog.pg_class AS r ON r.oid = up.oid
              JOIN pg_catalog.pg_namespace AS s ON s.oid = r.relnamespace,
                   LATERAL (VALUES (r.relname::text, false), (s.nspname || '.' || r.relname, true)) AS x(name, is_qualified)),
           CASE c.relkind WHEN 'p' THEN 0 ELSE pg_catalog.pg_relation_size(c.oid) END / current_setting('block_size')::int8,
           c.relkind = 'r' AND (SELECT m.amname = 'heap' FROM pg_catalog.pg_am AS m WHERE m.oid = c.relam),
           c.reltuples
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      LEFT JOIN config ON config.oid = c.oid
      LEFT JOIN rerouted ON rerouted.root = c.oid
     WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
       AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
       AND (config.oid IS NOT NULL OR NOT EXISTS (
            SELECT FROM pg_catalog.pg_depend AS d
             WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'))";

/// table oid, name, kind of text, length limit, is a key, is unique, may be NULL, type, is PostgreSQL's own; in the
/// order of the table's columns. The columns of an index on expressions are what the index depends on.
const COLUMNS: &str = "
    WITH RECURSIVE one_of_a_kind(relid, attnum) AS (
        SELECT i.indrelid, k.attnum FROM pg_catalog.pg_index AS i, pg_catalog.unnest(i.indkey) AS k(attnum)
         WHERE i.indisunique
        UNION ALL
        SELECT i.indrelid, d.refobjsubid
          FROM pg_catalog.pg_index AS i
          JOIN pg_catalog.pg_depend AS d
            ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = i.indexrelid AND d.refobjid = i.indrelid
         WHERE i.indisunique AND 0 = ANY (i.indkey)),
    base(oid, type, typmod) AS (
        SELECT t.oid, t.oid, -1 FROM pg_catalog.pg_type AS t
        UNION ALL
        SELECT b.oid, t.typbasetype, CASE WHEN b.typmod >= 0 THEN b.typmod ELSE t.typtypmod END
          FROM base AS b JOIN pg_catalog.pg_type AS t ON t.oid = b.type WHERE t.typtype = 'd')
    SELECT a.attrelid, a.attname::text,
           CASE WHEN t.typname IN ('text', 'varchar', 'bpchar', 'json', 'xml', 'citext') THEN 'text'
                WHEN t.typname IN ('jsonb', 'bytea') THEN t.typname::text
                ELSE '' END,
           CASE WHEN t.typname IN ('varchar', 'bpchar')
                THEN nullif(greatest(a.atttypmod, b.typmod), -1) - 4 END,
           EXISTS (SELECT FROM pg_catalog.pg_constraint AS k
                    WHERE k.contype IN ('p', 'f') AND k.conrelid = a.attrelid AND a.attnum = ANY (k.conkey)
                       OR k.contype = 'f' AND k.confrelid = a.attrelid AND a.attnum = ANY (k.confkey))
           OR c.relispartition AND EXISTS (
                   SELECT FROM pg_catalog.pg_partition_ancestors(c.oid) AS up(oid)
                     JOIN pg_catalog.pg_partitioned_table AS p ON p.partrelid = up.oid
                     LEFT JOIN pg_catalog.pg_attribute AS k ON k.attrelid = p.partrelid AND k.attnum = ANY (p.partattrs)
                    WHERE k.attname = a.attname OR 0 = ANY (p.partattrs))
           OR c.relkind = 'p',
           u.attnum IS NOT NULL, NOT (a.attnotnull OR t.typnotnull), t.typname::text, t.oid < 16384
      FROM pg_catalog.pg_attribute AS a
      JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      JOIN base AS b ON b.oid = a.atttypid
      JOIN pg_catalog.pg_type AS t ON t.oid = b.type AND t.typtype <> 'd'
      LEFT JOIN (SELECT DISTINCT relid, attnum FROM one_of_a_kind) AS u ON u.relid = a.attrelid AND u.attnum = a.attnum
     WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
       AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
     ORDER BY a.attrelid, a.attnum";

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
