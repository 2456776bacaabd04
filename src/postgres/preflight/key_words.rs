//! Words that are keys of the source's tables: what holds them refers there, though no foreign key says so.

use std::collections::{HashMap, HashSet};

use anyhow::{Context as _, Result};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::postgres::rows::relation::Relation;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::sql;

/// So many columns are asked in one round trip.
const TOGETHER: usize = 40;

/// The words that are a key of some of these tables which stays as it is. Only those columns are asked that have an index for it.
pub(super) async fn among(
    source: &SourceSession,
    relations: &[Relation],
    tables: &[usize],
    words: &[&str],
    is_hidden: &(dyn Fn(usize, usize) -> bool + Sync),
) -> Result<HashSet<String>> {
    let mut keys = HashSet::new();
    let asked = tables.iter().map(|place| (*place, &relations[*place]));
    let asked: HashMap<u32, (usize, &Relation)> = asked
        .filter(|(_, relation)| relation.may_be_planned)
        .map(|(place, relation)| (relation.oid, (place, relation)))
        .collect();
    let oids: Vec<u32> = asked.keys().copied().collect();
    let rows = source.rows(INDEXED, &[(&oids, Type::OID_ARRAY)]).await.context("list the source's keys")?;
    let columns: Vec<(&Relation, String)> = rows
        .iter()
        .filter_map(|row| {
            let (place, relation) = asked.get(&row.get::<_, u32>(0))?;
            let name: String = row.get(1);
            let column = relation.table.columns.iter().position(|column| column.name == name)?;
            (!is_hidden(*place, column)).then_some((*relation, name))
        })
        .collect();
    for together in columns.chunks(TOGETHER) {
        let query = together.iter().map(|(relation, column)| {
            let (table, column) = (relation.quoted(), sql::ident(column));
            let is_still = sql::is_still(&table, relation.oid);
            format!(
                "SELECT w FROM pg_catalog.unnest($1::pg_catalog.text[]) AS u(w)
                  WHERE {is_still} AND EXISTS (SELECT FROM ONLY {table} AS t WHERE t.{column}::pg_catalog.text = u.w)"
            )
        });
        let query = query.collect::<Vec<_>>().join(" UNION ALL ");
        let take = |row: Row| {
            keys.insert(row.get(0));
        };
        source.each_row(&query, &[(&words, Type::TEXT_ARRAY)], take).await?;
        source.renew().await?;
    }
    Ok(keys)
}

/// oid and column of each text by which a unique index finds rows.
const INDEXED: &str = "
    SELECT DISTINCT a.attrelid, a.attname::text
      FROM pg_catalog.unnest($1) AS o(oid)
      JOIN pg_catalog.pg_index AS i ON i.indrelid = o.oid
      JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
      JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
      JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
      JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
     WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree' AND t.typname IN ('text', 'varchar') AND t.oid < 16384";
