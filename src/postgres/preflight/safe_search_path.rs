//! Functions of indexes that would not find what they call: from PostgreSQL 17 on indexes are made under a search path that no
//! setting changes, `pg_catalog, pg_temp`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use tokio_postgres::types::Type;

use crate::postgres::dump::entries::code_of;
use crate::postgres::session::remedy::SAFE_SEARCH_PATH_SINCE;
use crate::postgres::session::source_session::SourceSession;

/// What cannot be made on a server with that path, for people. It is told from what the bodies of functions look like.
pub(crate) async fn problems(source: &SourceSession) -> Result<Vec<String>> {
    let rows = source.rows(FUNCTIONS, &[]).await.context("read the functions of indexes")?;
    let bodies: Vec<(String, String, BTreeSet<String>)> =
        rows.iter().map(|row| (row.get(0), row.get(1), bare_names(&row.get::<_, String>(2)))).collect();
    let names: Vec<&String> =
        bodies.iter().flat_map(|(_, _, names)| names).collect::<BTreeSet<_>>().into_iter().collect();
    let known = source.rows(KNOWN, &[(&names, Type::TEXT_ARRAY)]).await.context("look up what functions call")?;
    let known: BTreeMap<String, String> = known.iter().map(|row| (row.get(0), row.get(1))).collect();
    let told = |(index, function, names): &(String, String, BTreeSet<String>)| {
        let (name, schema) = names.iter().find_map(|name| known.get_key_value(name))?;
        Some(format!(
            "{index} cannot be made: it calls `{function}`, whose body has `{name}` by its bare name, which PostgreSQL {SAFE_SEARCH_PATH_SINCE} and later do not find when indexes are made; on the source: ALTER FUNCTION {function} SET search_path = {schema}, pg_temp"
        ))
    };
    Ok(bodies.iter().filter_map(told).collect())
}

/// Names in a body that stand for themselves, with no schema before them: of what is called, and of what rows are read from.
fn bare_names(body: &str) -> BTreeSet<String> {
    let code = code_of(body).to_lowercase();
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let mut names = BTreeSet::new();
    let mut before: &str = "";
    let mut rest = code.as_str();
    while let Some(at) = rest.find(is_word) {
        let (between, from) = rest.split_at(at);
        let end = from.find(|c| !is_word(c)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        let is_qualified = between.trim_end().ends_with('.');
        let is_called = after.trim_start().starts_with('(');
        let is_read = matches!(before, "from" | "join" | "into" | "update") && between.trim().is_empty();
        if !is_qualified && !after.trim_start().starts_with('.') && (is_called || is_read) {
            names.insert(word.to_owned());
        }
        (before, rest) = (word, after);
    }
    names
}

/// Index, function, body: those that indexes call and that have no path of their own.
const FUNCTIONS: &str = "
    SELECT DISTINCT 'index ' || n.nspname || '.' || c.relname, p.oid::pg_catalog.regprocedure::text, p.prosrc
      FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
       AND d.refclassid = 'pg_catalog.pg_proc'::regclass AND d.refobjid >= 16384
      JOIN pg_catalog.pg_proc AS p ON p.oid = d.refobjid AND p.prosqlbody IS NULL
      JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang AND l.lanname IN ('sql', 'plpgsql')
     WHERE NOT EXISTS (SELECT FROM pg_catalog.unnest(p.proconfig) AS s(pair) WHERE s.pair LIKE 'search_path=%')
     ORDER BY 1, 2";

/// Those of the names that are somebody's and not PostgreSQL's, with a schema that has them.
const KNOWN: &str = "
    SELECT x.name, pg_catalog.quote_ident(min(n.nspname::text))
      FROM (SELECT proname::text AS name, pronamespace AS namespace FROM pg_catalog.pg_proc WHERE proname = ANY ($1)
            UNION ALL SELECT relname, relnamespace FROM pg_catalog.pg_class WHERE relname = ANY ($1) AND relkind IN ('r', 'p', 'v', 'm', 'f')) AS x
      JOIN pg_catalog.pg_namespace AS n ON n.oid = x.namespace
     GROUP BY x.name HAVING NOT pg_catalog.bool_or(n.nspname = 'pg_catalog')";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_a_schema_are_told_from_all_others() {
        let body =
            "BEGIN -- note(1)\n RETURN public.a(b(1)) || 'c(2)' || (SELECT max(x) FROM d JOIN e.f ON g.h(1)); END";
        assert_eq!(bare_names(body).into_iter().collect::<Vec<_>>(), ["b", "d", "max"]);
    }
}
