//! What checks the values of masked columns: constraints and domains. Samples are masked and tried, before anything is copied.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::catalog::Relations;
use super::whole_table::{TextRow, WholeTables};
use crate::masking::assignment::Assignment;
use crate::masking::nets::Net;
use crate::masking::relations::Place;
use crate::masking::row_masker::{NewValue, RowDecision, RowMasker};
use crate::masking::table::TableMask;
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::connect::Param;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::sql;

/// So many rows of a table are tried.
const TRIED_ROWS: usize = 200;
/// A pattern of somebody's own may take for ever.
const TRIED_WITHIN: &str = "SELECT pg_catalog.set_config('statement_timeout', '5s', false)";

/// A condition on the values of a table.
struct Check {
    name: String,
    expression: String,
    /// The columns that it speaks of.
    columns: Vec<usize>,
    /// By column: what it is called in the condition, and its type.
    spoken_of: Vec<(String, String)>,
}

/// Makes strangers keep the form of values where the plain ones do not pass, and of those that must be equal to these, and
/// returns what does not pass at all.
pub(crate) async fn pass(
    source: &SourceSession,
    tables: &Relations,
    assignments: &mut [Assignment],
    equal: &[BTreeSet<Place>],
) -> Result<BTreeSet<String>> {
    let checks = checks(source, tables, tables.copied()).await?;
    let mut formed = BTreeSet::new();
    for (place, relation) in tables.all.iter().enumerate() {
        let Some(checks) = checks.get(&relation.oid) else { continue };
        for (_, columns) in failing(source, relation, &assignments[place], checks).await? {
            formed.extend(columns.into_iter().map(|column| (place, column)));
        }
    }
    let with_equals: BTreeSet<Place> =
        equal.iter().filter(|group| !group.is_disjoint(&formed)).flatten().chain(&formed).copied().collect();
    for (table, column) in &with_equals {
        if let Some(mask) = assignments[*table].mask.as_mut().and_then(Arc::get_mut) {
            mask.keep_form(*column);
        }
    }
    // What still does not pass is a program's word, where only a net holds.
    for (place, relation) in tables.all.iter().enumerate() {
        let Some(checks) = checks.get(&relation.oid) else { continue };
        let failing = failing(source, relation, &assignments[place], checks).await?;
        let columns: BTreeSet<usize> = failing.into_iter().flat_map(|(_, columns)| columns).collect();
        if let Some(mask) = assignments[place].mask.as_mut().and_then(Arc::get_mut) {
            for column in columns {
                mask.take_net_off(column);
            }
        }
    }
    let mut problems = BTreeSet::new();
    for table in with_equals.iter().map(|(table, _)| *table).collect::<BTreeSet<_>>() {
        let (relation, assignment) = (&tables.all[table], &assignments[table]);
        let Some(checks) = checks.get(&relation.oid) else { continue };
        let failed = failing(source, relation, assignment, checks).await?;
        problems.extend(failed.iter().map(|(check, columns)| check.told(relation, assignment, columns)));
    }
    Ok(problems)
}

/// Shows the words of columns again that do not pass a check when they are hidden.
pub(crate) async fn show_words(
    source: &SourceSession,
    tables: &Relations,
    assignments: &mut [Assignment],
) -> Result<()> {
    let hides = |assignment: &Assignment, column: usize| {
        assignment.mask.as_ref().is_some_and(|mask| mask.column_nets[column].net == Net::Words)
    };
    let any =
        |place: usize| (0..tables.all[place].table.columns.len()).any(|column| hides(&assignments[place], column));
    let places: Vec<usize> = (0..tables.all.len()).filter(|place| any(*place)).collect();
    let checks = checks(source, tables, places.iter().map(|place| &tables.all[*place])).await?;
    for place in places {
        let relation = &tables.all[place];
        let Some(checks) = checks.get(&relation.oid) else { continue };
        let failing = failing(source, relation, &assignments[place], checks).await?;
        let columns: BTreeSet<usize> = failing.into_iter().flat_map(|(_, columns)| columns).collect();
        if let Some(mask) = assignments[place].mask.as_mut().map(Arc::make_mut) {
            for column in columns {
                mask.column_nets[column].put(Net::Words, Net::Close);
            }
        }
    }
    Ok(())
}

/// The checks of some tables.
async fn checks(
    source: &SourceSession,
    tables: &Relations,
    of: impl Iterator<Item = &Relation>,
) -> Result<HashMap<u32, Vec<Check>>> {
    let oids: Vec<u32> = of.map(|relation| relation.oid).collect();
    let rows = source.rows(CHECKS, &[(&oids, Type::OID_ARRAY)]).await.context("read the source's checks")?;
    let mut checks: HashMap<u32, Vec<Check>> = HashMap::new();
    for row in &rows {
        let relation = tables.all.iter().find(|relation| relation.oid == row.get::<_, u32>(0));
        let check = relation.and_then(|relation| Check::of(row, relation));
        checks.entry(row.get(0)).or_default().extend(check);
    }
    Ok(checks)
}

/// The checks that some masked row does not pass, each with the columns of it that are masked.
async fn failing<'c>(
    source: &SourceSession,
    relation: &Relation,
    assignment: &Assignment,
    checks: &'c [Check],
) -> Result<Vec<(&'c Check, Vec<usize>)>> {
    let Some(mask) = assignment.mask.as_ref().filter(|_| assignment.emptied.is_none()) else { return Ok(Vec::new()) };
    let masked = checks.iter().map(|check| (check, check.masked(mask))).filter(|(_, columns)| !columns.is_empty());
    let masked: Vec<_> = masked.collect();
    if masked.is_empty() {
        return Ok(Vec::new());
    }
    let mut tables = WholeTables::of(source);
    let sample = tables.rows(relation, TRIED_ROWS, |_| true).await;
    tables.close().await;
    let rows = masked_rows(mask, &sample.with_context(|| format!("look into {}", relation.label()))?);
    let mut failing = Vec::new();
    for (check, columns) in masked {
        if !check.holds(source, &rows).await? {
            failing.push((check, columns));
        }
    }
    Ok(failing)
}

impl Check {
    fn of(row: &Row, relation: &Relation) -> Option<Self> {
        let [names, types]: [Vec<String>; 2] = [row.get(3), row.get(4)];
        let place = |name: &String| relation.table.columns.iter().position(|column| column.name == *name);
        let is_domains: bool = row.get(5);
        let called = |name: &String| if is_domains { "value".to_owned() } else { name.clone() };
        Some(Self {
            name: row.get(1),
            expression: row.get(2),
            columns: names.iter().map(place).collect::<Option<_>>()?,
            spoken_of: names.iter().map(called).zip(types).collect(),
        })
    }

    /// The columns of it that a mask may change.
    fn masked(&self, mask: &TableMask) -> Vec<usize> {
        let is_masked = |column: &&usize| {
            mask.rules.iter().any(|rule| rule.column == Some(**column)) || mask.column_nets[**column].holds()
        };
        self.columns.iter().filter(is_masked).copied().collect()
    }

    /// Whether all rows pass it. It speaks of nothing but what PostgreSQL and C have, so
    /// the source may be asked, with values alone and no table.
    async fn holds(&self, source: &SourceSession, rows: &[TextRow]) -> Result<bool> {
        let values: Vec<Vec<Option<&str>>> =
            self.columns.iter().map(|column| rows.iter().map(|row| row[*column].as_deref()).collect()).collect();
        if rows.is_empty() {
            return Ok(true);
        }
        let asked = source.another().await?;
        asked.rows(TRIED_WITHIN, &[]).await?;
        let params: Vec<Param<'_>> = values.iter().map(|values| (values as _, Type::TEXT_ARRAY)).collect();
        let answer = asked.rows(&self.question(), &params).await;
        asked.close().await;
        match answer {
            Ok(rows) => Ok(rows.first().is_none_or(|row| row.get(0))),
            // A value that the column's own type does not take.
            Err(fault) if fault.sqlstate.starts_with("22") => Ok(false),
            // Whether it holds shows when the copy is made.
            Err(fault) if !fault.sqlstate.is_empty() => Ok(true),
            Err(fault) => Err(fault).context("try masked values"),
        }
    }

    fn question(&self) -> String {
        let count = self.columns.len();
        let params: Vec<_> = (1..=count).map(|i| format!("${i}")).collect();
        let names: Vec<_> = (1..=count).map(|i| format!("c{i}")).collect();
        let typed = |(name, (called, type_name)): (&String, &(String, String))| {
            format!("r.{name}::{type_name} AS {}", sql::ident(called))
        };
        let typed: Vec<_> = names.iter().zip(&self.spoken_of).map(typed).collect();
        format!(
            "SELECT pg_catalog.bool_and(coalesce({}, true)) FROM (SELECT {} FROM ROWS FROM ({}) AS r({})) AS t",
            self.expression,
            typed.join(", "),
            params
                .iter()
                .map(|param| format!("pg_catalog.unnest({param}::pg_catalog.text[])"))
                .collect::<Vec<_>>()
                .join(", "),
            names.join(", ")
        )
    }

    fn told(&self, relation: &Relation, assignment: &Assignment, columns: &[usize]) -> String {
        let columns: Vec<_> =
            columns.iter().map(|column| format!("`{}`", relation.table.columns[*column].name)).collect();
        let ways: BTreeSet<_> = assignment
            .mask
            .iter()
            .flat_map(|mask| &mask.rules)
            .filter(|rule| rule.column.is_some_and(|column| self.columns.contains(&column)))
            .map(|rule| format!("`{}`", rule.transformer.name()))
            .collect();
        format!(
            "what {} makes of {} in `{}` does not pass the check `{}`: use a transformer that keeps letters, digits and form (`postcode`), or `set` a value that passes",
            ways.into_iter().collect::<Vec<_>>().join(", "),
            columns.join(", "),
            relation.label(),
            self.name
        )
    }
}

/// The rows as they would come, without those that stay behind.
fn masked_rows(mask: &TableMask, sample: &[TextRow]) -> Vec<TextRow> {
    let mut masker = RowMasker::new(Arc::new(mask.clone()));
    let masked = |row: &TextRow| {
        let decision = masker.decide(|column| row[column].as_ref().map(|text| Cow::Borrowed(text.as_bytes())));
        match decision {
            RowDecision::Dropped(_) => return None,
            RowDecision::Unchanged => return Some(row.clone()),
            RowDecision::Masked => {}
        }
        let mut new = |(column, value): (usize, &Option<String>)| {
            let bytes = value.as_ref().map(String::as_bytes);
            let new = match masker.rule(column) {
                Some(rule) => masker.new_value(rule, bytes),
                None => masker.new_value_by_net(column, bytes),
            };
            match new {
                NewValue::Unchanged => value.clone(),
                NewValue::Null => None,
                NewValue::Value(new) => Some(String::from_utf8_lossy(&new).into_owned()),
            }
        };
        Some(row.iter().enumerate().map(&mut new).collect())
    };
    sample.iter().filter_map(masked).collect()
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
