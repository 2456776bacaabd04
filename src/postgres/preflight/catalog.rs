//! The source's tables as its catalog describes them, and which of them are left out.

use std::collections::{BTreeSet, HashMap};

use super::column_types::{column_type, is_same_in_binary};
use crate::data::table_glob::TableGlob;
use crate::data::tables::{Column, ColumnType, Table};
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::sql;
use anyhow::{Context as _, Result};
use tokio_postgres::Row;

/// The tables of a database.
pub(crate) struct Relations {
    /// All with rows of their own, biggest first, the excluded ones too.
    pub(crate) all: Vec<Relation>,
    /// Every table and partitioned table, quoted: what the snapshot's holder locks.
    pub(crate) lockable: BTreeSet<String>,
}

impl Relations {
    /// Reads the catalog. Tables of extensions are the extension's business, except those it marks as holding the
    /// user's rows.
    pub(crate) async fn read(source: &SourceSession, exclude: &[String]) -> Result<Self> {
        let rows = source.rows(&TABLES.replace("{CALLING}", CALLING), &[]).await.context("list the source's tables")?;
        let mut columns = read_columns(source).await.context("list the source's columns")?;
        let families = families(source).await.context("list what the source's tables are parts of")?;
        let lockable = rows.iter().map(|row| sql::qualified(row.get(1), row.get(2))).collect();
        let globs: Vec<_> = exclude.iter().map(|glob| (glob, TableGlob::new(glob))).collect();
        let mut all: Vec<Relation> = rows
            .iter()
            .filter(|row| row.get(3))
            .map(|row| {
                let columns = columns.remove(&row.get::<_, u32>(0)).unwrap_or_default();
                let mut relation = relation(row, columns, source.commands_server());
                relation.table.names.extend(families.get(&relation.oid).cloned().unwrap_or_default());
                if let Some((text, _)) = globs.iter().find(|(_, glob)| glob.is_about(&relation.table)) {
                    relation.table.excluded_by = Some(format!("left out by `exclude_table_data` ({text})"));
                }
                relation
            })
            .collect();
        all.sort_by(|a, b| b.table.size_bytes.cmp(&a.table.size_bytes).then_with(|| a.label().cmp(&b.label())));
        Ok(Self { all, lockable })
    }

    /// The tables whose rows are copied.
    pub(crate) fn copied(&self) -> impl Iterator<Item = &Relation> {
        self.all.iter().filter(|relation| relation.table.excluded_by.is_none())
    }

    /// The tables that nobody may plan a query on, so that they are read as a whole, for people.
    pub(crate) fn read_whole(&self) -> Vec<String> {
        self.copied().filter(|relation| !relation.may_be_planned).map(Relation::label).collect()
    }

    /// All of them as tables, in the same order.
    pub(crate) fn tables(&self) -> Vec<&Table> {
        self.all.iter().map(|relation| &relation.table).collect()
    }
}

/// Why the rows of an unlogged table do not come from a standby.
const STANDBY_HAS_NONE: &str = "are not on a standby, since the table is unlogged: copy from the primary";

/// Its columns, and for each whether its binary form is the same on every server.
type Columns = Vec<(Column, bool)>;

fn relation(row: &Row, columns: Columns, commands_server: bool) -> Relation {
    Relation {
        oid: row.get(0),
        pages: row.get::<_, i64>(8).max(0).cast_unsigned(),
        is_heap: row.get(9),
        extension_filter: row.get(5),
        through_root: row.get(6),
        leaves: row.get::<_, Option<Vec<String>>>(12).unwrap_or_default(),
        may_be_planned: !commands_server || row.get(11),
        mask: None,
        fits_binary: columns.iter().all(|(_, fits_binary)| *fits_binary),
        in_binary: false,
        table: Table {
            schema: row.get(1),
            name: row.get(2),
            columns: columns.into_iter().map(|(column, _)| column).collect(),
            size_bytes: row.get::<_, i64>(4).max(0).cast_unsigned(),
            excluded_by: row.get::<_, bool>(13).then(|| STANDBY_HAS_NONE.to_owned()),
            names: vec![row.get(2), row.get(7)],
            rows: row.get::<_, i64>(10).cast_unsigned(),
        },
    }
}

/// The names of what each table is a part of, or inherits from, the nearest first, each bare and with its schema.
async fn families(source: &SourceSession) -> Result<HashMap<u32, Vec<String>>> {
    let rows = source.rows(FAMILIES, &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Partitions inherit, too. Of a table that is reached in several ways the longest counts, so that the whole comes last.
const FAMILIES: &str = "
    WITH RECURSIVE up(oid, ancestor, level) AS (
        SELECT i.inhrelid, i.inhparent, 1 FROM pg_catalog.pg_inherits AS i
         UNION
        SELECT up.oid, i.inhparent, up.level + 1 FROM up JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = up.ancestor),
    furthest AS (SELECT oid, ancestor, max(level) AS level FROM up GROUP BY oid, ancestor)
    SELECT f.oid, pg_catalog.array_agg(x.name ORDER BY f.level, f.ancestor, x.is_qualified)
      FROM furthest AS f
      JOIN pg_catalog.pg_class AS r ON r.oid = f.ancestor AND r.relkind IN ('r', 'p', 'f')
      JOIN pg_catalog.pg_namespace AS s ON s.oid = r.relnamespace,
           LATERAL (VALUES (r.relname::text, false), (s.nspname || '.' || r.relname, true)) AS x(name, is_qualified)
     GROUP BY f.oid";

async fn read_columns(source: &SourceSession) -> Result<HashMap<u32, Columns>> {
    let mut columns: HashMap<u32, Columns> = HashMap::new();
    for row in source.rows(COLUMNS, &[]).await? {
        let type_name: String = row.get(6);
        let fits_binary = row.get::<_, bool>(7) && is_same_in_binary(&type_name);
        let column = Column {
            name: row.get(1),
            // A type of somebody's own may be called like one of PostgreSQL's.
            column_type: if row.get(8) { column_type(&type_name) } else { ColumnType::Other },
            type_name,
            max_chars: row.get::<_, Option<i32>>(2).and_then(|n| usize::try_from(n).ok()),
            is_key: row.get(3),
            is_unique: row.get(4),
            is_nullable: row.get(5),
        };
        columns.entry(row.get(0)).or_default().push((column, fits_binary));
    }
    Ok(columns)
}

/// oid, schema, name, has rows to copy, size, extension filter, through its root, name with schema,
/// pages, is a heap, about how many rows, may be planned by anyone, the parts of a tree, is empty since this is a standby.
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
               ROWS FROM (pg_catalog.unnest(e.extconfig), pg_catalog.unnest(e.extcondition)) AS u(oid, filter)),
    calling AS (
        SELECT DISTINCT relid AS oid FROM ({CALLING}) AS c)
    SELECT c.oid, n.nspname::text, c.relname::text,
           CASE c.relkind WHEN 'p' THEN rerouted.root IS NOT NULL
                ELSE NOT c.relispartition OR pg_catalog.pg_partition_root(c.oid)::oid NOT IN (SELECT root FROM rerouted) END,
           CASE c.relkind WHEN 'p'
                THEN (SELECT sum(pg_catalog.pg_table_size(t.relid)) FROM pg_catalog.pg_partition_tree(c.oid) AS t WHERE t.isleaf)::int8
                ELSE pg_catalog.pg_table_size(c.oid) END,
           CASE WHEN config.oid IS NOT NULL THEN ' ' || coalesce(config.filter, '') END,
           rerouted.root IS NOT NULL,
           n.nspname || '.' || c.relname,
           CASE c.relkind WHEN 'p' THEN 0 ELSE pg_catalog.pg_relation_size(c.oid) END / current_setting('block_size')::int8,
           c.relkind = 'r' AND (SELECT m.amname = 'heap' FROM pg_catalog.pg_am AS m WHERE m.oid = c.relam),
           greatest(c.reltuples, 0)::int8,
           c.relkind = 'r' AND owner.rolsuper AND calling.oid IS NULL,
           CASE WHEN c.relkind = 'p' AND rerouted.root IS NOT NULL THEN
                (SELECT pg_catalog.array_agg(pg_catalog.quote_ident(s.nspname) || '.' || pg_catalog.quote_ident(r.relname))
                   FROM pg_catalog.pg_partition_tree(c.oid) AS t
                   JOIN pg_catalog.pg_class AS r ON r.oid = t.relid JOIN pg_catalog.pg_namespace AS s ON s.oid = r.relnamespace
                  WHERE t.isleaf AND r.relkind = 'r') END,
           c.relpersistence = 'u' AND pg_catalog.pg_is_in_recovery()
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      LEFT JOIN config ON config.oid = c.oid
      LEFT JOIN rerouted ON rerouted.root = c.oid
      LEFT JOIN calling ON calling.oid = c.oid
      JOIN pg_catalog.pg_roles AS owner ON owner.oid = c.relowner
     WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
       AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
       AND (config.oid IS NOT NULL OR NOT EXISTS (
            SELECT FROM pg_catalog.pg_depend AS d
             WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'))";

/// Relations of which a plan may call code that is not PostgreSQL's, nor in C, which only a superuser can have brought: that
/// of expressions and predicates of indexes, of extended statistics and of CHECK constraints, all of which are computed as
/// far as they can be whenever a query is planned.
pub(crate) const CALLING: &str = "
    SELECT holder.relid
      FROM (SELECT i.indrelid AS relid, 'pg_catalog.pg_class'::regclass AS class, i.indexrelid AS oid
              FROM pg_catalog.pg_index AS i WHERE i.indexprs IS NOT NULL OR i.indpred IS NOT NULL
            UNION ALL SELECT x.stxrelid, 'pg_catalog.pg_statistic_ext'::regclass, x.oid FROM pg_catalog.pg_statistic_ext AS x
            UNION ALL SELECT k.conrelid, 'pg_catalog.pg_constraint'::regclass, k.oid FROM pg_catalog.pg_constraint AS k WHERE k.contype = 'c'
           ) AS holder
      JOIN pg_catalog.pg_depend AS d ON d.classid = holder.class AND d.objid = holder.oid AND d.refobjid >= 16384
      LEFT JOIN pg_catalog.pg_operator AS o ON d.refclassid = 'pg_catalog.pg_operator'::regclass AND o.oid = d.refobjid
      LEFT JOIN pg_catalog.pg_proc AS p
        ON p.oid = o.oprcode OR d.refclassid = 'pg_catalog.pg_proc'::regclass AND p.oid = d.refobjid
      LEFT JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
      LEFT JOIN pg_catalog.pg_type AS t ON d.refclassid = 'pg_catalog.pg_type'::regclass AND t.oid = d.refobjid
     WHERE l.lanname NOT IN ('c', 'internal') OR t.typtype <> 'b'";

/// table oid, name, length limit, is a key, is unique, may be NULL, type, is PostgreSQL's own, or at
/// least in C, which only a superuser can have brought; in the order of the table's columns. The columns of an index on expressions are what the index depends on.
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
           u.attnum IS NOT NULL, NOT (a.attnotnull OR t.typnotnull), t.typname::text, t.oid < 16384,
           t.oid < 16384 OR t.typtype = 'b' AND t.typelem = 0
      FROM pg_catalog.pg_attribute AS a
      JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      JOIN base AS b ON b.oid = a.atttypid
      JOIN pg_catalog.pg_type AS t ON t.oid = b.type AND t.typtype <> 'd'
      LEFT JOIN (SELECT DISTINCT relid, attnum FROM one_of_a_kind) AS u ON u.relid = a.attrelid AND u.attnum = a.attnum
     WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
       AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
     ORDER BY a.attrelid, a.attnum";
