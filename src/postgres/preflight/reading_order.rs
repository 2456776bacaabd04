//! In which order tables are filled whose rows are computed by functions: each after those that its functions read, as far
//! as their text tells, since PostgreSQL keeps no account of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Context as _, Result, bail};
use tokio_postgres::types::Type;

use crate::error::Failure;
use crate::postgres::dump::entries::without_comments;
use crate::postgres::session::source_session::SourceSession;

/// Something with a name that a text can speak of, and what it is made of.
struct Named {
    schema: String,
    name: String,
    /// A table or view is read only where a word such as FROM stands before it.
    is_relation: bool,
    /// Its OID, where it is a table to be put in order.
    table: Option<u32>,
    text: String,
}

/// The tables in groups, each of which reads nothing of those after it.
///
/// # Errors
/// A refusal that names tables which read each other.
pub(crate) async fn read(source: &SourceSession, tables: &[u32]) -> Result<Vec<Vec<u32>>> {
    if tables.len() < 2 {
        return Ok(tables.iter().map(|table| vec![*table]).collect());
    }
    let rows = source.rows(NAMED, &[(&tables, Type::OID_ARRAY)]).await.context("read the text of functions")?;
    let named = rows.iter().map(|row| Named {
        schema: row.get(0),
        name: row.get(1),
        is_relation: row.get(2),
        table: row.get(3),
        text: row.get::<_, Option<String>>(4).unwrap_or_default(),
    });
    in_order(&named.collect::<Vec<_>>())
}

/// The text of a table is that of its generated columns, of its columns' types and of the keys that it is partitioned by.
const NAMED: &str = "
    SELECT n.nspname::text, c.relname::text, true, CASE WHEN c.oid = ANY ($1) THEN c.oid END,
           CASE WHEN c.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(c.oid)
                WHEN c.oid = ANY ($1) THEN (
                    SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', pg_catalog.format_type(a.atttypid, NULL),
                               CASE WHEN a.attgenerated <> '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END), ' ')
                      FROM pg_catalog.pg_attribute AS a
                      LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                     WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
                    || coalesce((SELECT pg_catalog.string_agg(' ' || pg_catalog.pg_get_partkeydef(up.relid::oid), '')
                                   FROM pg_catalog.pg_partition_ancestors(c.oid) AS up), '') END
      FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.oid = ANY ($1) OR c.relkind IN ('v', 'm') AND c.oid >= 16384
    UNION ALL
    SELECT n.nspname, p.proname, false, NULL, coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc)
      FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
      JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
     WHERE p.oid >= 16384 AND l.lanname NOT IN ('c', 'internal')
    UNION ALL
    SELECT n.nspname, o.oprname, false, NULL, o.oprcode::text
      FROM pg_catalog.pg_operator AS o JOIN pg_catalog.pg_namespace AS n ON n.oid = o.oprnamespace WHERE o.oid >= 16384
    UNION ALL
    SELECT n.nspname, t.typname, false, NULL,
           (SELECT pg_catalog.string_agg(pg_catalog.pg_get_constraintdef(k.oid), ' ')
              FROM pg_catalog.pg_constraint AS k WHERE k.contypid = t.oid)
           || CASE WHEN t.typtype = 'd' THEN ' ' || pg_catalog.format_type(t.typbasetype, NULL) ELSE '' END
      FROM pg_catalog.pg_type AS t JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
     WHERE t.oid >= 16384 AND t.typtype = 'd'
    UNION ALL
    SELECT n.nspname, t.typname, false, NULL, pg_catalog.string_agg(pg_catalog.format_type(a.atttypid, NULL), ' ')
      FROM pg_catalog.pg_type AS t JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
      JOIN pg_catalog.pg_class AS c ON c.oid = t.typrelid AND c.relkind = 'c'
      JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     GROUP BY n.nspname, t.typname
    UNION ALL
    SELECT n.nspname, t.typname, false, NULL, pg_catalog.format_type(r.rngsubtype, NULL)
      FROM pg_catalog.pg_range AS r JOIN pg_catalog.pg_type AS t ON t.oid IN (r.rngtypid, r.rngmultitypid)
      JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace WHERE t.oid >= 16384";

fn in_order(named: &[Named]) -> Result<Vec<Vec<u32>>> {
    let mut by_name: HashMap<String, Vec<&Named>> = HashMap::new();
    for one in named {
        by_name.entry(one.name.to_lowercase()).or_default().push(one);
    }
    let tables: BTreeMap<u32, &Named> = named.iter().filter_map(|one| Some((one.table?, one))).collect();
    let mut reads: BTreeMap<u32, BTreeSet<u32>> =
        tables.iter().map(|(oid, table)| (*oid, read_by(table, &by_name))).collect();
    let mut groups = Vec::new();
    while !reads.is_empty() {
        let free: Vec<u32> = reads.iter().filter(|(_, reads)| reads.is_empty()).map(|(table, _)| *table).collect();
        if free.is_empty() {
            return refusal(reads, &tables);
        }
        reads.retain(|table, _| !free.contains(table));
        for reads in reads.values_mut() {
            reads.retain(|table| !free.contains(table));
        }
        groups.push(free);
    }
    Ok(groups)
}

/// The tables that one reads, through whatever, but for itself: what it then finds is told by the comparison.
fn read_by(table: &Named, by_name: &HashMap<String, Vec<&Named>>) -> BTreeSet<u32> {
    let (mut seen, mut left, mut found) = (BTreeSet::new(), vec![table], BTreeSet::new());
    while let Some(from) = left.pop() {
        for named in spoken_of(from, by_name) {
            if seen.insert(std::ptr::from_ref(named) as usize) {
                match named.table {
                    Some(oid) => drop(found.insert(oid)),
                    None => left.push(named),
                }
            }
        }
    }
    found.retain(|oid| Some(*oid) != table.table);
    found
}

/// What a text names: of several of a name the one of the schema that it says, or of its own.
fn spoken_of<'a>(from: &Named, by_name: &HashMap<String, Vec<&'a Named>>) -> Vec<&'a Named> {
    let words = words(&without_comments(&from.text));
    let mut found = Vec::new();
    for (i, word) in words.iter().enumerate() {
        let Some(all) = by_name.get(word) else { continue };
        let before = |n: usize| i.checked_sub(n).map_or("", |i| words[i].as_str());
        let schema = (before(1) == ".").then(|| before(2));
        let of_schema = |schema: &str| {
            all.iter().copied().filter(|one| one.schema.eq_ignore_ascii_case(schema)).collect::<Vec<_>>()
        };
        let mut meant = of_schema(schema.unwrap_or(&from.schema));
        if meant.is_empty() && schema.is_none() {
            meant.clone_from(all);
        }
        let leads = if schema.is_some() { before(3) } else { before(1) };
        found.extend(meant.into_iter().filter(|one| !one.is_relation || READS.contains(&leads)));
    }
    found
}

/// What stands before the name of a table that is read.
const READS: &[&str] = &["from", "join", "only", "table", ","];

/// Names and keywords in lower case, operators, and the signs that stand by themselves.
fn words(text: &str) -> Vec<String> {
    let kind = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' || c == '$' => 1,
        c if "+-*/<>=~!@#%^&|`?".contains(c) => 2,
        _ => 0,
    };
    let mut words: Vec<String> = Vec::new();
    let (mut before, mut in_quotes) = (0, false);
    for c in text.chars() {
        if c == '"' {
            (before, in_quotes) = (0, !in_quotes);
            continue;
        }
        let now = if in_quotes { 1 } else { kind(c) };
        match words.last_mut() {
            Some(word) if now != 0 && now == before => word.extend(c.to_lowercase()),
            _ if now != 0 || c == '.' || c == ',' => words.push(c.to_lowercase().collect()),
            _ => {}
        }
        before = now;
    }
    words
}

/// Names those that read each other: of the rest, those that one of it reads.
fn refusal(mut reads: BTreeMap<u32, BTreeSet<u32>>, tables: &BTreeMap<u32, &Named>) -> Result<Vec<Vec<u32>>> {
    loop {
        let all_read: BTreeSet<u32> = reads.values().flatten().copied().collect();
        let before = reads.len();
        reads.retain(|table, _| all_read.contains(table));
        if reads.len() == before {
            break;
        }
    }
    let names: Vec<_> = reads.keys().map(|oid| format!("`{}.{}`", tables[oid].schema, tables[oid].name)).collect();
    bail!(
        Failure::invalid(format!(
            "rows of these tables are computed by functions that read each other's, so that none can be filled first: {}",
            names.join(", ")
        ))
        .hint("leave the rows of one of them out (`--exclude-table-data`)")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(oid: u32, name: &str, text: &str) -> Named {
        Named { schema: "s".into(), name: name.into(), is_relation: true, table: Some(oid), text: text.into() }
    }

    fn function(name: &str, text: &str) -> Named {
        Named { schema: "s".into(), name: name.into(), is_relation: false, table: None, text: text.into() }
    }

    #[test]
    fn a_table_comes_after_those_that_its_functions_read() {
        let view = Named { is_relation: true, ..function("All Lines", "SELECT * FROM x JOIN s.lines USING (id)") };
        let all = [
            table(1, "invoices", "s.total(id)"),
            table(2, "lines", "text s.vat(net)"),
            table(3, "rates", "numeric OPERATOR(s.+%) "),
            function("total", "SELECT sum(net) FROM \"All Lines\""),
            function("vat", "BEGIN EXECUTE 'SELECT rate FROM Rates'; END"),
            function("+%", "plus"),
            function("plus", "SELECT 1 -- of the lines"),
            view,
        ];
        assert_eq!(in_order(&all).unwrap(), [[3], [2], [1]]);
    }

    #[test]
    fn who_reads_each_other_is_named_and_nobody_else() {
        let all = [
            table(1, "a", "s.f(id)"),
            table(2, "b", "s.g(id)"),
            table(3, "c", "s.h(id)"),
            table(4, "own", "s.i(id)"),
            function("f", "SELECT FROM /* all of -- */ b"),
            function("g", "SELECT FROM ONLY s.a"),
            function("h", "SELECT FROM -- all of\n a"),
            function("i", "SELECT FROM own, other.a"),
        ];
        let error = in_order(&all).unwrap_err().to_string();
        assert!(error.ends_with("first: `s.a`, `s.b`"), "{error}");
        assert_eq!(in_order(&all[2..]).unwrap(), [[3, 4]]);
    }
}
