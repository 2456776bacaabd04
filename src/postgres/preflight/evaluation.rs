//! What of a database is computed by code that may read other rows than those it is computed from, and so must wait until
//! these are there: it is nowhere said what a function in SQL or in another language reads, nor one in C of an extension
//! that has tables of settings.

use std::collections::HashSet;

use anyhow::{Context as _, Result};

use super::catalog::Relations;
use super::reading_order;
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::source_session::SourceSession;

/// A CHECK constraint, as it is named.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    pub(crate) schema: String,
    pub(crate) table: String,
    pub(crate) name: String,
}

/// What calls such code, by OIDs of the source.
#[derive(Debug, Default)]
pub(crate) struct Evaluation {
    /// Tables that cannot be filled without it, by generated columns, domains or the keys of partitions: in groups, each of
    /// which reads nothing of those after it.
    pub(crate) tables: Vec<Vec<u32>>,
    /// Indexes, those behind constraints too.
    pub(crate) indexes: HashSet<u32>,
    /// CHECK constraints of tables, inherited ones too.
    pub(crate) checks: Vec<Check>,
}

impl Evaluation {
    /// Reads it from the catalog. Operator classes and the input of types call code as well, but count only where that
    /// is in a language in which anybody can write: what an extension brings for them reads nothing.
    ///
    /// # Errors
    /// A refusal that names tables which read each other.
    pub(crate) async fn read(source: &SourceSession, tables: &Relations) -> Result<Self> {
        let (mut evaluation, mut computed) = (Self::default(), HashSet::new());
        for row in source.rows(EVALUATING, &[]).await.context("look for what is computed by functions")? {
            let (kind, oid): (&str, u32) = (row.get(0), row.get(1));
            match kind {
                "index" => drop(evaluation.indexes.insert(oid)),
                "table" => drop(computed.insert(oid)),
                _ => evaluation.checks.push(Check { schema: row.get(2), table: row.get(3), name: row.get(4) }),
            }
        }
        let is_computed = |table: &&Relation| computed.contains(&table.oid) && !table.is_configuration();
        let computed: Vec<u32> = tables.copied().filter(is_computed).map(|table| table.oid).collect();
        evaluation.tables = reading_order::read(source, &computed).await?;
        Ok(evaluation)
    }
}

/// index, table or check; its OID (a check's table's); of a check the schema, table and name.
///
/// `code` is what calls functions, from these upwards: operators, constraints of domains, domains themselves and types that
/// are made of them. PostgreSQL's own objects are in no `pg_depend`, so those of its functions that read are looked for in
/// the text of the expressions; an index and a generated column can have none of them.
const EVALUATING: &str = "
    WITH RECURSIVE configured(oid) AS (
        SELECT e.oid FROM pg_catalog.pg_extension AS e WHERE e.extconfig <> '{}'
        UNION
        SELECT d.objid FROM configured AS c JOIN pg_catalog.pg_depend AS d
            ON d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.refobjid = c.oid AND d.classid = 'pg_catalog.pg_extension'::regclass),
    called(oid, in_c) AS (
        SELECT p.oid, l.lanname IN ('c', 'internal') AND m.refobjid IS NOT NULL
          FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
          LEFT JOIN pg_catalog.pg_depend AS m ON m.classid = 'pg_catalog.pg_proc'::regclass AND m.objid = p.oid AND m.deptype = 'e'
          LEFT JOIN configured AS c ON c.oid = m.refobjid
         WHERE p.oid >= 16384 AND (l.lanname NOT IN ('c', 'internal') OR m.refobjid IS NULL OR c.oid IS NOT NULL)),
    reading(oid) AS (
        SELECT p.oid FROM pg_catalog.pg_proc AS p
         WHERE p.oid < 16384 AND (p.provolatile = 'v' OR p.proname ~ '_to_xml')),
    uses(class, oid, refclass, refoid) AS MATERIALIZED (
        SELECT d.classid, d.objid, d.refclassid, d.refobjid
          FROM pg_catalog.pg_depend AS d
         WHERE d.classid IN ('pg_catalog.pg_constraint'::regclass, 'pg_catalog.pg_attrdef'::regclass) AND d.refobjid >= 16384
           AND d.refclassid IN ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_operator'::regclass, 'pg_catalog.pg_type'::regclass)
           AND NOT (d.refclassid = 'pg_catalog.pg_type'::regclass AND d.deptype = 'a')
        UNION ALL
        SELECT 'pg_catalog.pg_operator'::regclass, o.oid, 'pg_catalog.pg_proc'::regclass, o.oprcode
          FROM pg_catalog.pg_operator AS o WHERE o.oid >= 16384
        UNION ALL
        SELECT 'pg_catalog.pg_type'::regclass, k.contypid, 'pg_catalog.pg_constraint'::regclass, k.oid
          FROM pg_catalog.pg_constraint AS k WHERE k.contypid <> 0 AND k.contype = 'c'
        UNION ALL
        SELECT 'pg_catalog.pg_type'::regclass, t.oid, 'pg_catalog.pg_type'::regclass, t.within
          FROM (SELECT oid, typbasetype FROM pg_catalog.pg_type WHERE typtype = 'd'
                UNION ALL SELECT typarray, oid FROM pg_catalog.pg_type WHERE typarray <> 0
                UNION ALL SELECT rngtypid, rngsubtype FROM pg_catalog.pg_range
                UNION ALL SELECT rngmultitypid, rngtypid FROM pg_catalog.pg_range
                UNION ALL SELECT c.reltype, a.atttypid
                            FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
                           WHERE a.attnum > 0 AND NOT a.attisdropped AND c.reltype <> 0) AS t(oid, within)
         WHERE t.within >= 16384),
    class(oid) AS (
        SELECT c.oid FROM pg_catalog.pg_opclass AS c
         WHERE c.oid >= 16384 AND EXISTS (
               SELECT FROM called
                WHERE NOT called.in_c
                  AND (called.oid IN (SELECT a.amproc FROM pg_catalog.pg_amproc AS a WHERE a.amprocfamily = c.opcfamily)
                       OR called.oid IN (SELECT o.oprcode FROM pg_catalog.pg_amop AS a JOIN pg_catalog.pg_operator AS o ON o.oid = a.amopopr
                                          WHERE a.amopfamily = c.opcfamily)))),
    code(class, oid) AS (
        SELECT 'pg_catalog.pg_proc'::regclass::oid, called.oid FROM called
        UNION ALL
        SELECT 'pg_catalog.pg_type'::regclass, r.rngtypid
          FROM pg_catalog.pg_range AS r
         WHERE r.rngsubopc IN (SELECT oid FROM class) OR r.rngcanonical IN (SELECT oid FROM called WHERE NOT in_c)
        UNION ALL
        SELECT 'pg_catalog.pg_constraint'::regclass, k.oid
          FROM pg_catalog.pg_constraint AS k,
               LATERAL pg_catalog.regexp_matches(k.conbin::text, ':(?:op)?funcid ([0-9]+)', 'g') AS f(id)
         WHERE k.contype = 'c' AND (f.id)[1]::oid IN (SELECT oid FROM reading)
        UNION
        SELECT uses.class, uses.oid FROM code JOIN uses ON uses.refclass = code.class AND uses.refoid = code.oid),
    relation(oid) AS (
        SELECT d.objid FROM pg_catalog.pg_depend AS d JOIN code ON d.refclassid = code.class AND d.refobjid = code.oid
         WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objsubid = 0
        UNION
        SELECT d.objid FROM pg_catalog.pg_depend AS d JOIN class ON d.refclassid = 'pg_catalog.pg_opclass'::regclass AND d.refobjid = class.oid
         WHERE d.classid = 'pg_catalog.pg_class'::regclass)
    SELECT 'index', i.indexrelid, NULL::text, NULL::text, NULL::text
      FROM pg_catalog.pg_index AS i JOIN relation ON relation.oid = i.indexrelid
    UNION
    SELECT 'index', k.conindid, NULL, NULL, NULL
      FROM pg_catalog.pg_constraint AS k, pg_catalog.unnest(k.conexclop) AS x(oid)
      JOIN pg_catalog.pg_operator AS o ON o.oid = x.oid JOIN called ON called.oid = o.oprcode AND NOT called.in_c
     WHERE k.contype = 'x'
    UNION
    SELECT 'table', d.adrelid, NULL, NULL, NULL
      FROM pg_catalog.pg_attrdef AS d
      JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum AND a.attgenerated <> ''
      JOIN code ON code.class = 'pg_catalog.pg_attrdef'::regclass AND code.oid = d.oid
    UNION
    SELECT 'table', a.attrelid, NULL, NULL, NULL
      FROM pg_catalog.pg_attribute AS a JOIN code ON code.class = 'pg_catalog.pg_type'::regclass AND code.oid = a.atttypid
     WHERE a.attnum > 0 AND NOT a.attisdropped
    UNION
    SELECT 'table', t.relid, NULL, NULL, NULL
      FROM pg_catalog.pg_partitioned_table AS p JOIN relation ON relation.oid = p.partrelid,
           LATERAL pg_catalog.pg_partition_tree(p.partrelid) AS t
    UNION
    SELECT 'check', c.oid, n.nspname::text, c.relname::text, k.conname::text
      FROM pg_catalog.pg_constraint AS k JOIN code ON code.class = 'pg_catalog.pg_constraint'::regclass AND code.oid = k.oid
      JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE k.contype = 'c' AND c.relkind IN ('r', 'p')
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')";
