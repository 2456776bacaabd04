//! Rows that would become alike in a unique index, and arrays that would lose a key, when URLs are rewritten: looked for by a
//! thorough dry run.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::catalog::Relations;
use super::matching_rows;
use super::thorough::Searched;
use crate::copying::left_urls::COLLIDES;
use crate::error::counted;
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::source_session::SourceSession;
use crate::rewriting::Rewriter;

/// The values of a larger table that name a host may be more than memory has room for.
const LARGEST: u64 = 256 << 20;

/// Looks through the tables for as long as it may.
pub(super) async fn search(
    source: &SourceSession,
    tables: &Relations,
    rewriter: &Rewriter,
    within: Duration,
    searched: &mut Searched,
) -> Result<()> {
    let began = Instant::now();
    let indexes = source.rows(UNIQUE, &[]).await.context("read the source's unique indexes")?;
    let mut relations: Vec<_> =
        tables.all.iter().filter(|relation| relation.table.excluded_by.is_none() && has_text(relation)).collect();
    relations.sort_by_key(|relation| relation.table.size_bytes);
    let letters = rewriter.letters();
    for relation in relations {
        let left = within.saturating_sub(began.elapsed());
        let label = relation.label();
        if left.is_zero() || relation.table.size_bytes > LARGEST {
            searched.not_searched.push(format!("URLs in `{label}` that become one, which would take too long"));
            continue;
        }
        let own = indexes.iter().filter(|row| row.get::<_, u32>(0) == relation.oid);
        let (plain, special): (Vec<_>, Vec<_>) = own.partition(|row| row.get::<_, bool>(2));
        let of = |row: &&Row| {
            format!(
                "URLs in `{label}` that become one for `{}`, which has conditions or expressions",
                row.get::<_, &str>(3)
            )
        };
        // An expression may be of any column.
        let may_matter = |row: &&&Row| {
            row.get::<_, bool>(4) || row.get::<_, Vec<&str>>(1).iter().any(|name| is_rewritten(relation, name))
        };
        searched.not_searched.extend(special.iter().filter(may_matter).map(of));
        let looking = through(source, relation, plain.iter().map(|row| row.get(1)).collect(), rewriter, &letters);
        match tokio::time::timeout(left, looking).await {
            Ok(problems) => searched.problems.extend(problems?),
            Err(_) => searched.not_searched.push(format!("URLs in `{label}` that become one, which takes too long")),
        }
    }
    Ok(())
}

fn has_text(relation: &Relation) -> bool {
    relation.table.columns.iter().any(|column| column.column_type.is_changed_as_text() && !column.is_key)
}

fn is_rewritten(relation: &Relation, name: &str) -> bool {
    let column = relation.table.columns.iter().find(|column| column.name == name);
    column.is_some_and(|column| column.column_type.is_plain_text() && !column.is_key)
}

/// What becomes alike in one table.
async fn through(
    source: &SourceSession,
    relation: &Relation,
    indexes: Vec<Vec<String>>,
    rewriter: &Rewriter,
    letters: &[String],
) -> Result<Vec<String>> {
    // A query that is given up leaves its session behind.
    let asked = source.another().await?;
    let label = relation.label();
    let is_named = |text: &String| rewriter.names_host(text.as_bytes());
    let names = |column: usize| {
        format!(
            "EXISTS (SELECT FROM pg_catalog.unnest($1) AS l(l) WHERE pg_catalog.strpos(pg_catalog.lower({{{column}}}), l.l) > 0)"
        )
    };
    let params = [(&letters as &(dyn tokio_postgres::types::ToSql + Sync), Type::TEXT_ARRAY)];
    let mut problems = Vec::new();
    let columns = &relation.table.columns;
    let is_rewritten = |name: &str| is_rewritten(relation, name);
    for index in indexes.iter().filter(|index| index.iter().any(|name| is_rewritten(name))) {
        let of_index: Vec<&str> = index.iter().map(String::as_str).collect();
        let any: Vec<_> = (0..of_index.len()).map(names).collect();
        let is_wanted = |row: &[String]| row.iter().any(is_named);
        let rows = matching_rows::texts(&asked, relation, &of_index, &any.join(" OR "), &params, is_wanted).await?;
        let new_row = |row: &Vec<String>| -> Vec<String> {
            let new = |(name, text): (&String, &String)| match is_rewritten(name) {
                true => rewriter.rewrite_text(text).unwrap_or_else(|| text.clone()),
                false => text.clone(),
            };
            index.iter().zip(row).map(new).collect()
        };
        let different: HashSet<Vec<String>> = rows.iter().map(new_row).collect();
        if different.len() < rows.len() {
            let alike = rows.len() - different.len();
            problems.push(format!(
                "`{label}` ({}): {} like another one when URLs are rewritten, and must be unique; {WAY_OUT}",
                index.join(", "),
                counted(alike, "row becomes", "rows become")
            ));
        }
    }
    for column in columns.iter().filter(|column| column.column_type.is_changed_as_text() && !column.is_key) {
        let condition = format!("{{0}} ~ '^[[:space:]]*[aOs{{[]' AND {}", names(0));
        let is_wanted = |row: &[String]| is_named(&row[0]);
        let rows = matching_rows::texts(&asked, relation, &[&column.name], &condition, &params, is_wanted).await?;
        let collides =
            |row: &&Vec<String>| rewriter.rewrite(row[0].as_bytes()).is_some_and(|rewritten| rewritten.collides);
        let count = rows.iter().filter(collides).count();
        if count > 0 {
            problems.push(format!(
                "`{label}` ({}): in {} {COLLIDES}; {WAY_OUT}",
                column.name,
                counted(count, "value", "values")
            ));
        }
    }
    asked.close().await;
    Ok(problems)
}

const WAY_OUT: &str = "leave the rows out (`--exclude-table-data`), set or empty the value by a masking rule, or rewrite one of the old URLs only";

/// Table, columns, whether it is of these alone and of all rows, name, whether it has expressions.
const UNIQUE: &str = "
    SELECT i.indrelid,
           ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(i.indkey) WITH ORDINALITY AS k(attnum, place)
                   JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
                  WHERE k.place <= i.indnkeyatts ORDER BY k.place),
           i.indpred IS NULL AND NOT 0 = ANY (i.indkey), c.relname::text, 0 = ANY (i.indkey)
      FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
     WHERE i.indisunique ORDER BY i.indexrelid";
