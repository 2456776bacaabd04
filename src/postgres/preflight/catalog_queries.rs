//! What is asked of the source's catalog about its tables. Each query joins whole catalogs once, so that what it takes grows
//! with the number of tables and not with its square, whatever the server's statistics say: where they are old or missing,
//! a condition with `OR` or a subquery for each row would be searched for a row at a time.

/// oid, schema, name, kind, extension filter, is an extension's, is a heap, about how many rows, may be planned by anyone, is
/// empty since this is a standby.
pub(super) const TABLES: &str = "
    WITH config AS MATERIALIZED (
        SELECT u.oid, u.filter
          FROM pg_catalog.pg_extension AS e,
               ROWS FROM (pg_catalog.unnest(e.extconfig), pg_catalog.unnest(e.extcondition)) AS u(oid, filter)),
    member AS MATERIALIZED (
        SELECT d.objid AS oid FROM pg_catalog.pg_depend AS d
         WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'e'),
    calling AS MATERIALIZED (SELECT DISTINCT relid AS oid FROM ({CALLING}) AS c)
    SELECT c.oid, n.nspname::text, c.relname::text, c.relkind::text,
           CASE WHEN config.oid IS NOT NULL THEN ' ' || coalesce(config.filter, '') END,
           config.oid IS NULL AND member.oid IS NOT NULL,
           c.relkind = 'r' AND m.amname = 'heap',
           greatest(c.reltuples, 0)::int8,
           c.relkind = 'r' AND owner.rolsuper AND calling.oid IS NULL,
           c.relpersistence = 'u' AND pg_catalog.pg_is_in_recovery()
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_roles AS owner ON owner.oid = c.relowner
      LEFT JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
      LEFT JOIN config ON config.oid = c.oid
      LEFT JOIN member ON member.oid = c.oid
      LEFT JOIN calling ON calling.oid = c.oid
     WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
       AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'";

/// oid, size, pages; both are NULL of a table that was dropped meanwhile. The server opens each table for this, which takes
/// long enough that it is asked about some at a time.
pub(super) const SIZES: &str = "
    SELECT o.oid, pg_catalog.pg_table_size(o.oid), pg_catalog.pg_relation_size(o.oid) / pg_catalog.current_setting('block_size')::int8
      FROM pg_catalog.unnest($1) AS o(oid)";

/// What the snapshot's holder locks: schema and name of every table and partitioned table that is not an extension's.
pub(super) const LOCKABLE: &str = "
    WITH config AS MATERIALIZED (
        SELECT u.oid FROM pg_catalog.pg_extension AS e, pg_catalog.unnest(e.extconfig) AS u(oid)),
    member AS MATERIALIZED (
        SELECT d.objid AS oid FROM pg_catalog.pg_depend AS d
         WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'e')
    SELECT n.nspname::text, c.relname::text
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      LEFT JOIN config ON config.oid = c.oid
      LEFT JOIN member ON member.oid = c.oid
     WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
       AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
       AND (config.oid IS NOT NULL OR member.oid IS NULL)";

/// Relations of which a plan may call code that is not PostgreSQL's, nor in C, which only a superuser can have brought: that
/// of expressions and predicates of indexes, of extended statistics and of CHECK constraints, all of which are computed as
/// far as they can be whenever a query is planned.
pub(crate) const CALLING: &str = "
    SELECT holder.relid
      FROM (SELECT i.indrelid AS relid, 'pg_catalog.pg_class'::pg_catalog.regclass::oid AS class, i.indexrelid AS oid
              FROM pg_catalog.pg_index AS i WHERE i.indexprs IS NOT NULL OR i.indpred IS NOT NULL
            UNION ALL SELECT x.stxrelid, 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, x.oid FROM pg_catalog.pg_statistic_ext AS x
            UNION ALL SELECT k.conrelid, 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid FROM pg_catalog.pg_constraint AS k WHERE k.contype = 'c'
           ) AS holder
      JOIN pg_catalog.pg_depend AS d ON d.classid = holder.class AND d.objid = holder.oid AND d.refobjid >= 16384
      LEFT JOIN pg_catalog.pg_operator AS o
        ON o.oid = CASE d.refclassid WHEN 'pg_catalog.pg_operator'::pg_catalog.regclass THEN d.refobjid END
      LEFT JOIN pg_catalog.pg_proc AS p
        ON p.oid = CASE d.refclassid WHEN 'pg_catalog.pg_operator'::pg_catalog.regclass THEN o.oprcode::oid
                                     WHEN 'pg_catalog.pg_proc'::pg_catalog.regclass THEN d.refobjid END
      LEFT JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
      LEFT JOIN pg_catalog.pg_type AS t
        ON t.oid = CASE d.refclassid WHEN 'pg_catalog.pg_type'::pg_catalog.regclass THEN d.refobjid END
     WHERE l.lanname NOT IN ('c', 'internal') OR t.typtype <> 'b'";

/// table oid, name, length limit, is of a primary or foreign key, is unique, may be NULL, type, is PostgreSQL's own, or at
/// least in C, which only a superuser can have brought; in the order of the table's columns. The columns of an index on expressions are what the index depends on.
pub(super) const COLUMNS: &str = "
    WITH RECURSIVE one_of_a_kind AS MATERIALIZED (
        SELECT i.indrelid AS relid, k.attnum::int4 FROM pg_catalog.pg_index AS i, pg_catalog.unnest(i.indkey) AS k(attnum)
         WHERE i.indisunique
        UNION
        SELECT i.indrelid, d.refobjsubid
          FROM pg_catalog.pg_index AS i
          JOIN pg_catalog.pg_depend AS d
            ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = i.indexrelid AND d.refobjid = i.indrelid
         WHERE i.indisunique AND 0 = ANY (i.indkey)),
    key AS MATERIALIZED (
        SELECT k.conrelid AS relid, u.attnum
          FROM pg_catalog.pg_constraint AS k, pg_catalog.unnest(k.conkey) AS u(attnum) WHERE k.contype IN ('p', 'f')
        UNION
        SELECT k.confrelid, u.attnum
          FROM pg_catalog.pg_constraint AS k, pg_catalog.unnest(k.confkey) AS u(attnum) WHERE k.contype = 'f'),
    domain(oid, type, typmod) AS (
        SELECT t.oid, t.typbasetype, t.typtypmod FROM pg_catalog.pg_type AS t WHERE t.typtype = 'd'
        UNION ALL
        SELECT b.oid, t.typbasetype, CASE WHEN b.typmod >= 0 THEN b.typmod ELSE t.typtypmod END
          FROM domain AS b JOIN pg_catalog.pg_type AS t ON t.oid = b.type WHERE t.typtype = 'd'),
    base AS MATERIALIZED (
        SELECT b.oid, b.type, b.typmod FROM domain AS b JOIN pg_catalog.pg_type AS t ON t.oid = b.type AND t.typtype <> 'd')
    SELECT a.attrelid, a.attname::text,
           CASE WHEN t.typname IN ('varchar', 'bpchar')
                THEN nullif(greatest(a.atttypmod, coalesce(b.typmod, -1)), -1) - 4 END,
           k.attnum IS NOT NULL OR c.relkind = 'p',
           u.attnum IS NOT NULL, NOT (a.attnotnull OR t.typnotnull), t.typname::text, t.oid < 16384,
           t.oid < 16384 OR t.typtype = 'b' AND t.typelem = 0
      FROM pg_catalog.pg_attribute AS a
      JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      LEFT JOIN base AS b ON b.oid = a.atttypid
      JOIN pg_catalog.pg_type AS t ON t.oid = coalesce(b.type, a.atttypid)
      LEFT JOIN one_of_a_kind AS u ON u.relid = a.attrelid AND u.attnum = a.attnum
      LEFT JOIN key AS k ON k.relid = a.attrelid AND k.attnum = a.attnum
     WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
       AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
     ORDER BY a.attrelid, a.attnum";

/// oid, names of what it is a part of or inherits from. Of a table that is reached in several ways the longest counts, so
/// that the whole comes last.
pub(super) const ANCESTORS: &str = "
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

/// oid of a partition, and of what it is a part of.
pub(super) const PARTS: &str = "
    SELECT i.inhrelid, i.inhparent
      FROM pg_catalog.pg_inherits AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
     WHERE c.relispartition AND c.relkind IN ('r', 'p', 'f')";

/// oid, whether an expression decides on the partition, the columns that do, whether it goes by what differs on the target.
///
/// Hash partitioning by an enum goes by the enum's OIDs, which differ on the target, and by an expression by who
/// knows what; such a tree is copied through its root, as `pg_dump` does.
pub(super) const PARTITIONED: &str = "
    SELECT p.partrelid, 0 = ANY (p.partattrs), coalesce(pg_catalog.array_agg(a.attname::text) FILTER (WHERE a.attname IS NOT NULL), '{}'),
           p.partstrat = 'h' AND (0 = ANY (p.partattrs) OR coalesce(pg_catalog.bool_or(t.typtype IN ('e', 'd') OR t.typcategory = 'A'), false))
      FROM pg_catalog.pg_partitioned_table AS p
      LEFT JOIN LATERAL pg_catalog.unnest(p.partattrs) AS u(attnum) ON u.attnum > 0
      LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = p.partrelid AND a.attnum = u.attnum
      LEFT JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
     GROUP BY p.partrelid, p.partattrs, p.partstrat";

/// By table, the columns that it computes itself.
pub(super) const GENERATED: &str = "
    SELECT a.attrelid, pg_catalog.array_agg(a.attname::text ORDER BY a.attnum)
      FROM pg_catalog.pg_attribute AS a WHERE a.attgenerated <> '' AND NOT a.attisdropped AND a.attrelid >= 16384
     GROUP BY a.attrelid";
