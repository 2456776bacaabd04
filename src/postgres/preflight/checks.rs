//! Checks of a source's tables: constraints and domains that can be tried on values alone.

use std::collections::HashMap;

use anyhow::Result;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::copying::treatment::{Check, TextRow};
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::connect::Param;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::sql;

/// A pattern of somebody's own may take for ever.
const TRIED_WITHIN: &str = "SELECT pg_catalog.set_config('statement_timeout', '5s', false)";

/// The checks of some tables, by their OIDs.
pub(super) async fn of(
    source: &SourceSession,
    relations: &HashMap<u32, &Relation>,
) -> Result<HashMap<u32, Vec<Check>>> {
    let oids: Vec<u32> = relations.keys().copied().collect();
    let rows = source.rows(CHECKS, &[(&oids, Type::OID_ARRAY)]).await?;
    let mut checks: HashMap<u32, Vec<Check>> = HashMap::new();
    for row in &rows {
        let oid: u32 = row.get(0);
        let check = relations.get(&oid).and_then(|relation| check(row, relation));
        checks.entry(oid).or_default().extend(check);
    }
    Ok(checks)
}

fn check(row: &Row, relation: &Relation) -> Option<Check> {
    let [names, types]: [Vec<String>; 2] = [row.get(3), row.get(4)];
    let place = |name: &String| relation.table.columns.iter().position(|column| column.name == *name);
    let is_domains: bool = row.get(5);
    let called = |name: &String| if is_domains { "value".to_owned() } else { name.clone() };
    Some(Check {
        name: row.get(1),
        expression: row.get(2),
        columns: names.iter().map(place).collect::<Option<_>>()?,
        spoken_of: names.iter().map(called).zip(types).collect(),
    })
}

/// Whether all rows pass a check. It speaks of nothing but what PostgreSQL and C have, so
/// the source may be asked, with values alone and no table.
pub(super) async fn passes(source: &SourceSession, check: &Check, rows: &[TextRow]) -> Result<bool> {
    let values: Vec<Vec<Option<&str>>> =
        check.columns.iter().map(|column| rows.iter().map(|row| row[*column].as_deref()).collect()).collect();
    let asked = source.another().await?;
    asked.rows(TRIED_WITHIN, &[]).await?;
    let params: Vec<Param<'_>> = values.iter().map(|values| (values as _, Type::TEXT_ARRAY)).collect();
    let answer = asked.rows(&question(check), &params).await;
    asked.close().await;
    match answer {
        Ok(rows) => Ok(rows.first().is_none_or(|row| row.get(0))),
        // A value that the column's own type does not take.
        Err(fault) if fault.sqlstate.starts_with("22") => Ok(false),
        // Whether it holds shows when the copy is made.
        Err(fault) if !fault.sqlstate.is_empty() => Ok(true),
        Err(fault) => Err(fault.into()),
    }
}

fn question(check: &Check) -> String {
    let count = check.columns.len();
    let params: Vec<_> = (1..=count).map(|i| format!("${i}")).collect();
    let names: Vec<_> = (1..=count).map(|i| format!("c{i}")).collect();
    let typed = |(name, (called, type_name)): (&String, &(String, String))| {
        format!("r.{name}::{type_name} AS {}", sql::ident(called))
    };
    let typed: Vec<_> = names.iter().zip(&check.spoken_of).map(typed).collect();
    format!(
        "SELECT pg_catalog.bool_and(coalesce({}, true)) FROM (SELECT {} FROM ROWS FROM ({}) AS r({})) AS t",
        check.expression,
        typed.join(", "),
        params
            .iter()
            .map(|param| format!("pg_catalog.unnest({param}::pg_catalog.text[])"))
            .collect::<Vec<_>>()
            .join(", "),
        names.join(", ")
    )
}

/// Table, name, condition, columns, their types, is a domain's. Only those that call nothing but what is PostgreSQL's own or in C,
/// which only a superuser can have brought, on types of which the same holds.
const CHECKS: &str = "
    WITH RECURSIVE base(relid, attnum, attname, type, domain) AS (
        SELECT a.attrelid, a.attnum, a.attname::text, a.atttypid, NULL::oid
          FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped
         UNION ALL
        SELECT b.relid, b.attnum, b.attname, t.typbasetype, t.oid
          FROM base AS b JOIN pg_catalog.pg_type AS t ON t.oid = b.type WHERE t.typtype = 'd'),
    plain AS (
        SELECT b.relid, b.attnum, b.attname, pg_catalog.format_type(t.oid, -1) AS type
          FROM base AS b JOIN pg_catalog.pg_type AS t ON t.oid = b.type
         WHERE t.typtype = 'b' AND t.oid < 16384 OR t.typtype = 'b' AND t.typelem = 0),
    checks AS (
        SELECT k.conrelid AS relid, k.conname::text AS name, k.conkey AS key, k.oid, k.conbin, k.conrelid AS own, false AS is_domains
          FROM pg_catalog.pg_constraint AS k WHERE k.contype = 'c' AND k.conrelid = ANY ($1)
         UNION ALL
        SELECT b.relid, k.conname::text, ARRAY[b.attnum], k.oid, k.conbin, k.contypid, true
          FROM base AS b JOIN pg_catalog.pg_constraint AS k ON k.contypid = b.domain AND k.contype = 'c')
    SELECT c.relid, c.name, pg_catalog.pg_get_expr(c.conbin, CASE WHEN c.is_domains THEN 0 ELSE c.relid END),
           pg_catalog.array_agg(p.attname ORDER BY u.place), pg_catalog.array_agg(p.type ORDER BY u.place), c.is_domains
      FROM checks AS c, pg_catalog.unnest(c.key) WITH ORDINALITY AS u(attnum, place)
      JOIN plain AS p ON p.attnum = u.attnum
     WHERE p.relid = c.relid AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_depend AS d
              LEFT JOIN pg_catalog.pg_operator AS o ON d.refclassid = 'pg_catalog.pg_operator'::regclass AND o.oid = d.refobjid
              LEFT JOIN pg_catalog.pg_proc AS f
                ON f.oid = o.oprcode OR d.refclassid = 'pg_catalog.pg_proc'::regclass AND f.oid = d.refobjid
              LEFT JOIN pg_catalog.pg_language AS l ON l.oid = f.prolang
              LEFT JOIN pg_catalog.pg_type AS t ON d.refclassid = 'pg_catalog.pg_type'::regclass AND t.oid = d.refobjid
             WHERE d.classid = 'pg_catalog.pg_constraint'::regclass AND d.objid = c.oid AND d.refobjid >= 16384
               AND d.refobjid <> c.own AND l.lanname IS DISTINCT FROM 'c' AND l.lanname IS DISTINCT FROM 'internal'
               AND t.typtype IS DISTINCT FROM 'b')
     GROUP BY c.relid, c.oid, c.name, c.key, c.conbin, c.is_domains
    HAVING pg_catalog.count(*) = pg_catalog.cardinality(c.key) ORDER BY c.relid, c.name";
