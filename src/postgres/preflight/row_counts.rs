//! How many rows tables have: counted, or of a large one as its statistics tell.

use anyhow::Result;

use crate::postgres::rows::relation::Relation;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::sql;

/// The rows of a larger table are not counted, since the source would have to read it all for that.
const COUNTED_BYTES: u64 = 64 << 20;

/// So many tables are asked about in one round trip.
const TOGETHER: usize = 40;

/// The rows of each of these tables.
pub(crate) async fn of(source: &SourceSession, relations: &[&Relation]) -> Result<Vec<u64>> {
    let mut all = Vec::new();
    for together in relations.chunks(TOGETHER) {
        let (queries, bytes): (Vec<_>, Vec<_>) = together.iter().map(|relation| query(relation)).unzip();
        let row = source.row(&format!("SELECT ARRAY[{}]::int8[]", queries.join(", ")), &[]).await?;
        // A table that was dropped meanwhile has none.
        let counts: Vec<Option<i64>> = row.get(0);
        all.extend(counts.into_iter().map(|rows| rows.unwrap_or(0).max(0).cast_unsigned()));
        source.throttle().wait(usize::try_from(bytes.iter().sum::<u64>()).unwrap_or(usize::MAX)).await;
        source.renew().await?;
    }
    Ok(all)
}

/// The query for one, and how many bytes the source reads for it.
fn query(relation: &Relation) -> (String, u64) {
    if relation.table.size_bytes <= COUNTED_BYTES && relation.may_be_planned {
        let is_still = sql::is_still(&relation.quoted(), relation.oid);
        let count = relation.count();
        return (format!("(SELECT own.rows FROM ({count}) AS own(rows) WHERE {is_still})"), relation.table.size_bytes);
    }
    let oid = relation.oid;
    (format!("(SELECT greatest(reltuples, 0)::int8 FROM pg_catalog.pg_class WHERE oid = {oid})"), 0)
}
