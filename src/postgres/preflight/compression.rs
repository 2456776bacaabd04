//! By which method the source compresses long values, and the columns where the method decides what fits: a value of an
//! index has room for some 2,700 bytes, and a row of very many columns for some 8,000, both as they are compressed.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use tokio_postgres::types::Type;

use super::catalog::Relations;
use crate::postgres::dump::restore::BATCH_ENTRIES;
use crate::postgres::rows::work_list::{FAST, SMALL_BYTES};
use crate::postgres::session::connect::Session;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::sql;

/// The source's compression.
pub(crate) struct Compression {
    /// The method of columns that name none.
    method: String,
    /// Columns, quoted, where it matters, by table. Of small tables there are none: they are filled by the source's method
    /// anyway, which costs nothing there.
    columns: Vec<(String, Vec<String>)>,
    /// Whether the target has the fast method.
    pub(crate) is_fast: bool,
}

impl Compression {
    /// `settings`: those of the site's sessions.
    pub(crate) async fn read(
        source: &SourceSession,
        settings: &[(String, String)],
        tables: &Relations,
    ) -> Result<Self> {
        let is_method = |(name, _): &&(String, String)| name.eq_ignore_ascii_case("default_toast_compression");
        let method = settings.iter().find(is_method).map_or_else(|| "pglz".to_owned(), |(_, method)| method.clone());
        let mut columns = Vec::new();
        if method != FAST {
            let small = |size: u64| size < SMALL_BYTES;
            let small: Vec<u32> = tables.all.iter().filter(|t| small(t.table.size_bytes)).map(|t| t.oid).collect();
            let rows = source.rows(COLUMNS, &[(&small, Type::OID_ARRAY)]).await;
            let mut by_table: HashMap<String, Vec<String>> = HashMap::new();
            for row in rows.context("list the columns whose compression matters")? {
                by_table.entry(sql::qualified(row.get(0), row.get(1))).or_default().push(sql::ident(row.get(2)));
            }
            columns.extend(by_table);
        }
        Ok(Self { method, columns, is_fast: false })
    }

    /// Gives the columns the source's method in the new database, where no row is yet.
    pub(crate) async fn follow(&mut self, target: &Session) -> Result<()> {
        self.is_fast = target.row(HAS_FAST, &[]).await.context("ask how the target compresses")?.get(0);
        self.set(&self.method, target).await.context("have columns compressed as on the source")
    }

    /// Leaves no trace of it in the schema.
    pub(crate) async fn let_go(&self, target: &Session) -> Result<()> {
        self.set("default", target).await.context("let go of how columns are compressed")
    }

    async fn set(&self, method: &str, target: &Session) -> Result<()> {
        let alter = |(table, columns): &(String, Vec<String>)| {
            let columns = columns.iter().map(|column| format!("ALTER COLUMN {column} SET COMPRESSION {method}"));
            format!("ALTER TABLE ONLY {table} {};", columns.collect::<Vec<_>>().join(", "))
        };
        for some in self.columns.chunks(BATCH_ENTRIES) {
            target.run(&some.iter().map(alter).collect::<String>()).await?;
        }
        Ok(())
    }
}

const HAS_FAST: &str = "
    SELECT EXISTS (SELECT FROM pg_catalog.pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals))";

/// schema, table, column. `varchar(255)` and the like are short enough however they are compressed. Hash and inverted indexes do not keep values as the table does.
const COLUMNS: &str = "
    WITH keyed(relid, attnum) AS (
        SELECT i.indrelid, k.attnum
          FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
          JOIN pg_catalog.pg_am AS m ON m.oid = x.relam, pg_catalog.unnest(i.indkey) AS k(attnum)
         WHERE m.amname NOT IN ('gin', 'hash') AND k.attnum > 0
        UNION
        SELECT i.indrelid, d.refobjsubid
          FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
          JOIN pg_catalog.pg_am AS m ON m.oid = x.relam
          JOIN pg_catalog.pg_depend AS d
            ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = i.indexrelid AND d.refobjid = i.indrelid
         WHERE m.amname NOT IN ('gin', 'hash') AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjsubid > 0),
    wide(relid) AS (
        SELECT a.attrelid FROM pg_catalog.pg_attribute AS a
         WHERE a.attnum > 0 AND NOT a.attisdropped
         GROUP BY 1 HAVING sum(CASE WHEN a.attlen > 0 THEN a.attlen ELSE 24 END) > 8000)
    SELECT n.nspname::text, c.relname::text, a.attname::text
      FROM pg_catalog.pg_attribute AS a
      JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      LEFT JOIN keyed AS k ON k.relid = a.attrelid AND k.attnum = a.attnum
      LEFT JOIN wide AS w ON w.relid = a.attrelid
      LEFT JOIN pg_catalog.pg_depend AS d
        ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
     WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND a.attlen = -1 AND a.attstorage IN ('x', 'm')
       AND a.attcompression = '' AND d.objid IS NULL
       AND (w.relid IS NOT NULL
            OR k.relid IS NOT NULL AND a.atttypmod NOT BETWEEN 0 AND 260
               AND a.atttypid NOT IN ('pg_catalog.numeric'::regtype, 'pg_catalog.inet'::regtype, 'pg_catalog.cidr'::regtype)) AND c.oid <> ALL ($1)
       AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'";
