//! Indexes that call functions: what one finds is compared with what a scan finds, by a sample of its table's rows.

use anyhow::{Context as _, Result};
use tokio_postgres::Row;

use crate::copying::report::Skipped;
use crate::postgres::session::connect::Session;
use crate::postgres::session::fault::Fault;
use crate::postgres::session::sql;

/// So many rows of a table are looked for by the index, out of about so many of its pages.
const SAMPLED_ROWS: u32 = 100;
const SAMPLED_PAGES: u32 = 50;

/// An index whose keys or rows are chosen by functions that are not PostgreSQL's own.
struct Index {
    label: String,
    name: String,
    /// Of the table.
    quoted: String,
    /// The first key, as it is computed.
    key: String,
    /// Which rows it has.
    condition: String,
    /// The operator by which it is asked for one value, if there is one.
    equals: Option<String>,
    percent: f64,
}

impl Index {
    fn of(row: &Row) -> Self {
        let qualified =
            |at: usize| row.get::<_, Option<String>>(at).map(|schema| sql::qualified(&schema, row.get(at + 1)));
        let collation = qualified(7).map(|collation| format!(" COLLATE {collation}")).unwrap_or_default();
        let operator = |schema: String| format!("OPERATOR({}.{})", sql::ident(&schema), row.get::<_, String>(10));
        Self {
            label: format!("{}.{}", row.get::<_, String>(0), row.get::<_, String>(1)),
            name: row.get(1),
            quoted: sql::qualified(row.get(2), row.get(3)),
            key: format!("({}){collation}", row.get::<_, String>(4)),
            condition: row.get::<_, Option<String>>(5).unwrap_or_else(|| "true".to_owned()),
            percent: row.get(6),
            equals: row.get::<_, Option<String>>(9).map(operator),
        }
    }

    /// How many rows were sampled by a scan, and how many of these the index finds; each row is looked for by itself.
    fn sample(&self, equals: &str) -> String {
        let Self { quoted, key, condition, percent, .. } = self;
        format!(
            "SELECT pg_catalog.count(*), pg_catalog.count(railstage_found.is_there)
               FROM (SELECT ctid AS place, {key} AS value FROM ONLY {quoted} TABLESAMPLE SYSTEM ({percent}) WHERE {condition} LIMIT {SAMPLED_ROWS})
                    AS railstage_row
               LEFT JOIN LATERAL (SELECT true AS is_there FROM ONLY {quoted}
                                   WHERE ({condition}) AND {key} {equals} railstage_row.value AND ctid = railstage_row.place LIMIT 1)
                    AS railstage_found ON true
              WHERE railstage_row.value IS NOT NULL"
        )
    }
}

/// Samples all such indexes of the new database, under the settings by which they were made. Those are named that do not
/// find what a scan finds, or cannot be asked.
pub(crate) async fn compare(target: &Session) -> Result<Vec<Skipped>> {
    let list = INDEXES.replace("{SAMPLED_PAGES}", &SAMPLED_PAGES.to_string());
    // What they compute is spelled by the settings under which it will be read again, with all names in full.
    let rows =
        within(target, "SET LOCAL search_path = ''", &list).await.context("list the indexes that call functions")?;
    let mut skipped = Vec::new();
    for index in rows.iter().map(Index::of) {
        let reason = match &index.equals {
            Some(equals) => {
                by_sample(target, &index, equals).await.with_context(|| format!("sample {}", index.label))?
            }
            None => Some("it cannot be asked for one value".to_owned()),
        };
        skipped.extend(reason.map(|reason| Skipped::new(format!("comparison of index {}", index.label), reason)));
    }
    Ok(skipped)
}

/// Why an index is not known to find what a scan finds, if so.
async fn by_sample(target: &Session, index: &Index, equals: &str) -> Result<Option<String>> {
    let sample = index.sample(equals);
    let plan = match by_index(target, &format!("EXPLAIN (COSTS off) {sample}")).await {
        Err(fault) if !fault.sqlstate.is_empty() => return Ok(Some(format!("it could not be asked: {fault}"))),
        plan => plan?,
    };
    let names = [format!("{} on ", index.name), format!("{} on ", sql::ident(&index.name))];
    let is_used = |row: &Row| {
        let line: String = row.get(0);
        line.split_once(" using ").is_some_and(|(_, rest)| names.iter().any(|name| rest.starts_with(name)))
    };
    if !plan.iter().any(is_used) {
        return Ok(Some("the server does not use it for a sample".to_owned()));
    }
    let rows = match by_index(target, &sample).await {
        Err(fault) if !fault.sqlstate.is_empty() => return Ok(Some(format!("it could not be asked: {fault}"))),
        rows => rows?,
    };
    let (sampled, found): (i64, i64) = rows.first().map(|row| (row.get(0), row.get(1))).unwrap_or_default();
    Ok((found < sampled).then(|| {
        let lost = sampled - found;
        format!(
            "{lost} of {sampled} rows are not found by it that a scan finds: what it calls does not always say the same"
        )
    }))
}

async fn by_index(target: &Session, sql: &str) -> Result<Vec<Row>, Fault> {
    let settings = ["seqscan", "tidscan", "bitmapscan"].map(|way| format!("SET LOCAL enable_{way} = off"));
    within(target, &settings.join("; "), sql).await
}

/// The rows of a query in a transaction of its own.
async fn within(target: &Session, settings: &str, sql: &str) -> Result<Vec<Row>, Fault> {
    let begin = format!("BEGIN READ ONLY; {settings}");
    let (begun, rows, ended) = tokio::join!(target.run(&begin), target.rows(sql, &[]), target.run("COMMIT"));
    begun.and(rows).and_then(|rows| ended.map(|()| rows))
}

/// index, table, first key, condition, how much of the table to sample, collation of the key, its operator for one value.
const INDEXES: &str = "
    SELECT n.nspname::text, c.relname::text, tn.nspname::text, t.relname::text, pg_catalog.pg_get_indexdef(i.indexrelid, 1, false),
           pg_catalog.pg_get_expr(i.indpred, i.indrelid),
           least(100, 100 * {SAMPLED_PAGES}::float8 / greatest(1, t.relpages)),
           ln.nspname::text, l.collname::text, op.nspname::text, op.oprname::text
      FROM pg_catalog.pg_index AS i
      JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid AND c.relkind = 'i'
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid AND t.relkind IN ('r', 'm')
      JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.relnamespace
      JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
      LEFT JOIN pg_catalog.pg_collation AS l ON l.oid = i.indcollation[0]
      LEFT JOIN pg_catalog.pg_namespace AS ln ON ln.oid = l.collnamespace
      JOIN pg_catalog.pg_opclass AS k ON k.oid = i.indclass[0]
      LEFT JOIN LATERAL (
           SELECT opn.nspname, o.oprname
             FROM pg_catalog.pg_amop AS a JOIN pg_catalog.pg_operator AS o ON o.oid = a.amopopr
             JOIN pg_catalog.pg_namespace AS opn ON opn.oid = o.oprnamespace
            WHERE a.amopfamily = k.opcfamily AND a.amoplefttype = k.opcintype AND a.amoprighttype = k.opcintype
              AND a.amopstrategy = CASE m.amname WHEN 'btree' THEN 3 WHEN 'hash' THEN 1 END) AS op ON true
     WHERE i.indisvalid AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)
       AND EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = i.indexrelid
                      AND d.refclassid = 'pg_catalog.pg_proc'::regclass AND d.refobjid >= 16384)
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = t.oid AND d.deptype = 'e')
     ORDER BY 1, 2";
