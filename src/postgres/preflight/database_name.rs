//! What is computed from the name of the database, which is another one while the copy is made.

use anyhow::{Context as _, Result};

use crate::copying::report::Skipped;
use crate::postgres::session::source_session::SourceSession;

/// Names the indexes and generated columns that are computed by functions which ask for the database's name, as far as
/// their text tells. A CHECK that does so either holds under the other name, too, or fails.
pub(super) async fn computed_from(source: &SourceSession) -> Result<Vec<Skipped>> {
    let rows = source.rows(ASKING, &[]).await.context("look for what asks for the database's name")?;
    let named = |row: &tokio_postgres::Row| {
        let (object, function, remedy): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        let reason = format!(
            "`{function}` asks for the database's name, which is another one while the copy is made: {remedy} in the copy"
        );
        Skipped::new(object, reason)
    };
    Ok(rows.iter().map(named).collect())
}

/// Object, function, what mends it. A function speaks of another by its name.
const ASKING: &str = r"
    WITH RECURSIVE own(oid, name, text) AS MATERIALIZED (
        SELECT p.oid, pg_catalog.lower(p.proname), pg_catalog.lower(coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc))
          FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
         WHERE p.oid >= 16384 AND l.lanname NOT IN ('c', 'internal')
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                            WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e')),
    asks(oid, name) AS (
        SELECT oid, name FROM own WHERE text ~ '\mcurrent_(database|catalog)\M'
        UNION
        SELECT own.oid, own.name FROM asks JOIN own ON pg_catalog.strpos(own.text, asks.name) > 0)
    SELECT 'values of index ' || n.nspname || '.' || c.relname, a.oid::pg_catalog.regprocedure::text,
           'REINDEX INDEX ' || c.oid::pg_catalog.regclass
      FROM asks AS a JOIN pg_catalog.pg_depend AS d ON d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.refobjid = a.oid
      JOIN pg_catalog.pg_class AS c ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = d.objid AND c.relkind = 'i'
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    UNION
    SELECT 'values of column ' || n.nspname || '.' || c.relname || '.' || t.attname, a.oid::pg_catalog.regprocedure::text, 'UPDATE its rows'
      FROM asks AS a JOIN pg_catalog.pg_depend AS d ON d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.refobjid = a.oid
      JOIN pg_catalog.pg_attrdef AS f ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND f.oid = d.objid
      JOIN pg_catalog.pg_attribute AS t ON t.attrelid = f.adrelid AND t.attnum = f.adnum AND t.attgenerated = 's'
      JOIN pg_catalog.pg_class AS c ON c.oid = f.adrelid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     ORDER BY 1, 2";
