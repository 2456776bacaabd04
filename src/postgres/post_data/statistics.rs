//! Statistics that no table has got with its rows: what they are of is not there before.

use anyhow::{Context as _, Result};

use crate::copying::report::Skipped;
use crate::postgres::session::connect::Session;
use crate::postgres::session::fault::Fault;
use crate::postgres::session::sql;

/// Gathers the statistics of materialized views, of partitioned tables and of those that others inherit from, and of all
/// that has a statistics object. Where one cannot be computed, what it is of goes without.
pub(crate) async fn gather_rest(target: &Session) -> Result<Vec<Skipped>> {
    let rows = target.rows_pinned(UNANALYZED, &[]).await.context("list what has no statistics")?;
    let names: Vec<_> = rows.iter().map(|row| sql::qualified(row.get(0), row.get(1))).collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    match target.run(&format!("ANALYZE {}", names.join(", "))).await {
        Err(fault) if is_about_values(&fault) => {}
        done => return done.map(|()| Vec::new()).context(GATHER),
    }
    let mut skipped = Vec::new();
    for (row, name) in rows.iter().zip(names) {
        match target.run(&format!("ANALYZE {name}")).await {
            Err(fault) if is_about_values(&fault) => {
                let object = format!("statistics of {}.{}", row.get::<_, &str>(0), row.get::<_, &str>(1));
                skipped.push(Skipped::new(object, format!("the target's server could not gather them: {fault}")));
            }
            done => done.context(GATHER)?,
        }
    }
    Ok(skipped)
}

/// Whether a server speaks of what it computes, and not of itself or of the line.
fn is_about_values(fault: &Fault) -> bool {
    !fault.sqlstate.is_empty() && !["08", "40", "53", "57", "58", "XX"].iter().any(|of| fault.sqlstate.starts_with(of))
}

const GATHER: &str = "gather statistics";

/// A partitioned table's are gathered with those of all its parts.
const UNANALYZED: &str = "
    SELECT n.nspname::text, c.relname::text
      FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE NOT c.relispartition AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
       AND (c.relkind = 'p' OR c.relkind = 'm' AND c.relispopulated
            OR c.relkind = 'r' AND (EXISTS (SELECT FROM pg_catalog.pg_statistic_ext AS s WHERE s.stxrelid = c.oid)
                                    OR EXISTS (SELECT FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = c.oid)))
     ORDER BY 1, 2";
