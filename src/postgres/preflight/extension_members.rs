//! What was changed about the members of extensions, which no dump holds: carried where one statement does it, else named.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::catalog::Relations;
use crate::copying::report::Skipped;
use crate::postgres::dump::entries::DumpEntry;
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::connect::Session;
use crate::postgres::session::source_session::SourceSession;

/// Something of an extension, or on a table of one.
struct Member {
    extension: String,
    version: String,
    kind: String,
    schema: String,
    name: String,
    definition: String,
    /// Makes it where it is not.
    statement: Option<String>,
    oid: u32,
}

impl Member {
    fn of(row: &Row) -> Self {
        Self {
            extension: row.get(0),
            version: row.get(1),
            kind: row.get(2),
            schema: row.get(3),
            name: row.get(4),
            definition: row.get(5),
            statement: row.get(6),
            oid: row.get(7),
        }
    }

    fn key(&self) -> (String, String, String) {
        (self.kind.clone(), self.schema.clone(), self.name.clone())
    }

    fn not_carried(&self, what: &str, reason: &str) -> Skipped {
        let Self { kind, schema, name, extension, .. } = self;
        Skipped::new(format!("{what} {kind} {schema}.{name} of extension {extension}"), reason)
    }
}

/// Where a member is made that is not there: with the tables, or after the rows.
fn comes_later(kind: &str) -> bool {
    matches!(kind, "index" | "constraint" | "trigger")
}

/// Compares the members as the source has them with those that the target's server has just made, and makes the changes.
/// What comes after the rows is added to `post_data`.
pub(crate) async fn carry(
    source: &SourceSession,
    target: &Session,
    tables: &Relations,
    post_data: &mut Vec<DumpEntry>,
) -> Result<Vec<Skipped>> {
    let here = source.rows(MEMBERS, &[]).await.context("read the members of the source's extensions")?;
    let there = target.rows(MEMBERS, &[]).await.context("read the members of the target's extensions")?;
    let versions: HashMap<String, String> = there.iter().map(|row| (row.get(0), row.get(1))).collect();
    let mut there: HashMap<_, _> = there.iter().map(Member::of).map(|member| (member.key(), member)).collect();
    let is_same_major = source.major() == target.major();
    let mut skipped = Vec::new();
    for member in here.iter().map(Member::of) {
        let other = there.remove(&member.key());
        // Another version has other members; that it is another one is told.
        if versions.get(&member.extension).is_some_and(|version| *version != member.version) {
            continue;
        }
        match other {
            Some(other) if other.definition == member.definition => {}
            Some(_) if member.kind == "function" => {
                skipped.extend(replace_function(source, target, &member).await?);
            }
            Some(_) if !is_same_major => {}
            Some(_) => {
                skipped.push(member.not_carried("changes to", "no dump holds them: make them in the copy by hand"));
            }
            None => skipped.extend(add(target, member, post_data).await?),
        }
    }
    let gone = there.into_values().filter(|member| {
        is_same_major
            && here
                .iter()
                .any(|row| row.get::<_, String>(0) == member.extension && row.get::<_, String>(1) == member.version)
    });
    skipped.extend(gone.map(|member| member.not_carried("absence of", "the extension makes it anew")));
    skipped.extend(changed_rows(source, target, tables, &versions).await?);
    skipped.sort();
    Ok(skipped)
}

/// Makes a function of the target what the source's is.
async fn replace_function(source: &SourceSession, target: &Session, member: &Member) -> Result<Option<Skipped>> {
    let sql = "SELECT CASE WHEN prokind <> 'a' THEN pg_catalog.pg_get_functiondef(oid) END FROM pg_catalog.pg_proc WHERE oid = $1";
    let rows = source.rows(sql, &[(&member.oid, Type::OID)]).await.context("read a changed function")?;
    let Some(statement) = rows.first().and_then(|row| row.get::<_, Option<String>>(0)) else {
        return Ok(Some(member.not_carried("changes to", "an aggregate cannot be replaced")));
    };
    Ok(made(target, &statement).await?.map(|words| member.not_carried("changes to", &words)))
}

/// Adds what somebody has added to a table of an extension.
async fn add(target: &Session, member: Member, post_data: &mut Vec<DumpEntry>) -> Result<Option<Skipped>> {
    let Some(statement) = member.statement.clone() else {
        return Ok(Some(member.not_carried("added", "no dump holds it: make it in the copy by hand")));
    };
    if comes_later(&member.kind) {
        let Member { kind, schema, name, .. } = member;
        post_data.push(DumpEntry { kind: kind.to_uppercase(), schema, name, sql: format!("{statement};\n") });
        return Ok(None);
    }
    Ok(made(target, &statement).await?.map(|words| member.not_carried("added", &words)))
}

/// The server's words, when it does not make something.
async fn made(target: &Session, statement: &str) -> Result<Option<String>> {
    match target.run(statement).await {
        Ok(()) => Ok(None),
        Err(fault) if !fault.sqlstate.is_empty() => Ok(Some(fault.to_string())),
        Err(fault) => Err(fault).context("change a member of an extension"),
    }
}

/// Rows that an extension says are its own, where they are not those that it made.
async fn changed_rows(
    source: &SourceSession,
    target: &Session,
    tables: &Relations,
    versions: &HashMap<String, String>,
) -> Result<Vec<Skipped>> {
    let mut skipped = Vec::new();
    let rows = source.rows(WITH_CONDITIONS, &[]).await.context("look for rows of extensions")?;
    let same: Vec<u32> = rows
        .iter()
        .filter(|row| versions.get(&row.get::<_, String>(1)).is_some_and(|version| *version == row.get::<_, String>(2)))
        .map(|row| row.get(0))
        .collect();
    let compared =
        |relation: &&Relation| relation.has_condition() && relation.may_be_planned && same.contains(&relation.oid);
    for relation in tables.all.iter().filter(compared) {
        let Some(sql) = own_rows(relation) else { continue };
        let here: String = source.rows(&sql, &[]).await?.first().map(|row| row.get(0)).unwrap_or_default();
        // A column that was added there is one that it lacks; then nothing can be compared.
        let there = target.rows(&sql, &[]).await?.first().map(|row| row.get::<_, String>(0)).unwrap_or_default();
        if here != there {
            let object = format!("changes to rows of {} that an extension made", relation.label());
            skipped.push(Skipped::new(object, "the extension says that they are its own, and makes them anew"));
        }
    }
    Ok(skipped)
}

/// A digest of the rows that are not the user's.
fn own_rows(relation: &Relation) -> Option<String> {
    let filter = relation.extension_filter.as_deref()?.trim();
    let condition = filter.get(..5).filter(|word| word.eq_ignore_ascii_case("where")).map(|_| &filter[5..])?;
    Some(format!(
        "SELECT pg_catalog.count(*)::text || ' ' || coalesce(pg_catalog.sum(pg_catalog.hashtextextended((own.*)::pg_catalog.text, 0)), 0)::text
           FROM ONLY {} AS own WHERE NOT coalesce(({condition}), false)",
        relation.quoted()
    ))
}

/// Table, extension, version.
const WITH_CONDITIONS: &str = "
    SELECT c.oid, e.extname::text, e.extversion FROM pg_catalog.pg_extension AS e, pg_catalog.unnest(e.extconfig) AS c(oid)";

/// Extension, version, kind, schema, name, definition, the statement that adds it, OID. What PostgreSQL itself makes of a
/// table, such as its NOT NULL constraints, is left out.
const MEMBERS: &str = "
    WITH members AS (
        SELECT d.classid, d.objid, e.extname::text AS extension, e.extversion AS version
          FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
         WHERE d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.deptype = 'e'),
    relations AS (
        SELECT m.extension, m.version, c.oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind, c.reloptions, c.relrowsecurity,
               pg_catalog.format('%I.%I', n.nspname, c.relname) AS quoted
          FROM members AS m JOIN pg_catalog.pg_class AS c ON m.classid = 'pg_catalog.pg_class'::regclass AND c.oid = m.objid
          JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace)
    SELECT m.extension, m.version, 'function', n.nspname::text,
           p.proname || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')',
           pg_catalog.concat_ws(' ', l.lanname, p.provolatile, p.proparallel, p.proisstrict, p.prosecdef, p.proleakproof, p.procost, p.prorows,
                     p.proconfig::text, p.prosrc, p.probin), NULL, p.oid
      FROM members AS m JOIN pg_catalog.pg_proc AS p ON m.classid = 'pg_catalog.pg_proc'::regclass AND p.oid = m.objid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
    UNION ALL
    SELECT m.extension, m.version, 'operator', n.nspname::text,
           pg_catalog.format('%s (%s, %s)', o.oprname, pg_catalog.format_type(o.oprleft, NULL), pg_catalog.format_type(o.oprright, NULL)),
           pg_catalog.concat_ws(' ', o.oprrest, o.oprjoin, o.oprcanmerge, o.oprcanhash), NULL, o.oid
      FROM members AS m JOIN pg_catalog.pg_operator AS o ON m.classid = 'pg_catalog.pg_operator'::regclass AND o.oid = m.objid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = o.oprnamespace
    UNION ALL
    SELECT m.extension, m.version, 'type', n.nspname::text, t.typname::text,
           pg_catalog.concat_ws(' ', t.typstorage, t.typdefault,
                     (SELECT pg_catalog.string_agg(v.enumlabel, ',' ORDER BY v.enumsortorder) FROM pg_catalog.pg_enum AS v WHERE v.enumtypid = t.oid),
                     (SELECT pg_catalog.string_agg(pg_catalog.pg_get_constraintdef(k.oid), ',' ORDER BY k.conname) FROM pg_catalog.pg_constraint AS k WHERE k.contypid = t.oid)),
           NULL, t.oid
      FROM members AS m JOIN pg_catalog.pg_type AS t ON m.classid = 'pg_catalog.pg_type'::regclass AND t.oid = m.objid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
    UNION ALL
    SELECT r.extension, r.version, 'relation', r.schema, r.name,
           pg_catalog.concat_ws(' ', r.reloptions::text, r.relrowsecurity, CASE WHEN r.relkind = 'v' THEN pg_catalog.pg_get_viewdef(r.oid) END), NULL, r.oid
      FROM relations AS r
    UNION ALL
    SELECT r.extension, r.version, 'column', r.schema, r.name || '.' || a.attname,
           pg_catalog.concat_ws(' ', pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_catalog.pg_get_expr(d.adbin, d.adrelid)),
           pg_catalog.format('ALTER TABLE %s ADD COLUMN %I %s%s%s', r.quoted, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
                     CASE WHEN a.attgenerated <> '' THEN ' GENERATED ALWAYS AS (' || pg_catalog.pg_get_expr(d.adbin, d.adrelid) || ') STORED'
                          ELSE ' DEFAULT ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid) END,
                     CASE WHEN a.attnotnull THEN ' NOT NULL' END), a.attrelid
      FROM relations AS r JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE r.relkind IN ('r', 'p')
    UNION ALL
    SELECT r.extension, r.version, 'index', n.nspname::text, c.relname::text, pg_catalog.pg_get_indexdef(i.indexrelid), pg_catalog.pg_get_indexdef(i.indexrelid), i.indexrelid
      FROM relations AS r JOIN pg_catalog.pg_index AS i ON i.indrelid = r.oid JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
    UNION ALL
    SELECT r.extension, r.version, 'constraint', r.schema, r.name || ' ' || k.conname, pg_catalog.pg_get_constraintdef(k.oid),
           pg_catalog.format('ALTER TABLE %s ADD CONSTRAINT %I %s', r.quoted, k.conname, pg_catalog.pg_get_constraintdef(k.oid)), k.oid
      FROM relations AS r JOIN pg_catalog.pg_constraint AS k ON k.conrelid = r.oid AND k.contype IN ('c', 'f', 'p', 'u', 'x')
    UNION ALL
    SELECT r.extension, r.version, 'trigger', r.schema, r.name || ' ' || t.tgname, pg_catalog.pg_get_triggerdef(t.oid), pg_catalog.pg_get_triggerdef(t.oid), t.oid
      FROM relations AS r JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = r.oid AND NOT t.tgisinternal
    UNION ALL
    SELECT r.extension, r.version, 'rule', r.schema, r.name || ' ' || w.rulename, pg_catalog.pg_get_ruledef(w.oid), NULL, w.oid
      FROM relations AS r JOIN pg_catalog.pg_rewrite AS w ON w.ev_class = r.oid AND w.rulename <> '_RETURN'
     ORDER BY 1, 3, 4, 5";
