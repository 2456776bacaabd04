//! Samples of the source's tables: some rows of each, and what the server knows of how their values differ.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::sample_query::{SAMPLE_CHARS, SAMPLE_ROWS, sample_query};
use super::whole_table::WholeTables;
use crate::copying::treatment::{SampleLook, SampleWish};
use crate::masking::nets::unknown::{Differing, MOST_COMMON, Variety};
use crate::masking::suspects::Sample;
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::source_session::SourceSession;

/// So many tables are asked about in one round trip.
const TOGETHER: usize = 40;

/// Shows a sample of each table that is wished for.
pub(super) async fn show(
    source: &SourceSession,
    relations: &[Relation],
    wishes: &[SampleWish],
    look: &mut SampleLook<'_>,
) -> Result<()> {
    let none = Variety::default();
    let (planned, whole): (Vec<_>, Vec<_>) =
        wishes.iter().map(|wish| (wish, &relations[wish.table])).partition(|(_, relation)| relation.may_be_planned);
    for together in planned.chunks(TOGETHER) {
        let queries = together.iter().enumerate().map(|(i, (wish, relation))| sample_query(i, relation, wish));
        let query = queries.collect::<Vec<_>>().join(" UNION ALL ");
        let varieties = varieties(source, together.iter().map(|(_, relation)| *relation)).await?;
        // One after the other, as they come: of several tables at a time the samples may be large.
        let (mut at, mut sample, mut bytes) = (0, Sample::new(), 0);
        let tables = together.len();
        let mut look = |at: usize, sample: &Sample| {
            let (wish, relation) = &together[at];
            look(wish.table, sample, varieties.get(&relation.oid).unwrap_or(&none));
        };
        let take = |row: Row| {
            bytes += row.raw_size_bytes();
            // In SQL_ASCII a value may be no text at all.
            let (Ok(table), Ok(values)) = (row.try_get::<_, i32>(0), row.try_get(1)) else { return };
            let table = usize::try_from(table).unwrap_or(0).min(tables - 1);
            while at < table {
                look(at, &std::mem::take(&mut sample));
                at += 1;
            }
            sample.push(values);
        };
        source.each_row(&query, &[], take).await?;
        for at in at..tables {
            look(at, &std::mem::take(&mut sample));
        }
        source.throttle().wait(bytes).await;
        source.renew().await?;
    }
    let mut tables = WholeTables::of(source);
    for (wish, relation) in whole {
        let mut sample = tables.rows(relation, SAMPLE_ROWS as usize, |_| true).await?;
        for (row, is_shown) in sample.iter_mut().flat_map(|row| row.iter_mut().zip(&wish.shown)) {
            let text = row.take().filter(|_| *is_shown);
            *row = text.map(|text| text.chars().take(SAMPLE_CHARS as usize).collect());
        }
        look(wish.table, &sample, &none);
    }
    tables.close().await;
    Ok(())
}

/// By table, about how many values of each of its columns differ, where the server has found out.
async fn varieties(
    source: &SourceSession,
    relations: impl Iterator<Item = &Relation>,
) -> Result<HashMap<u32, Variety>> {
    let relations: HashMap<u32, u64> = relations.map(|relation| (relation.oid, relation.table.rows)).collect();
    let oids: Vec<u32> = relations.keys().copied().collect();
    let mut varieties: HashMap<u32, Variety> = HashMap::new();
    let variety = VARIETY.replace("{MOST_COMMON}", &MOST_COMMON.to_string());
    let rows = source.rows(&variety, &[(&oids, Type::OID_ARRAY)]).await.context("read the source's statistics")?;
    for row in rows {
        let (oid, column, distinct): (u32, String, f32) = (row.get(0), row.get(1), row.get(2));
        let rows = relations.get(&oid).copied().unwrap_or_default();
        // A share of the rows where it grows with them.
        let values = if distinct < 0.0 { f64::from(-distinct) * rows as f64 } else { f64::from(distinct) };
        varieties
            .entry(oid)
            .or_default()
            .insert(column, Differing { values, rows, common: row.get::<_, Option<_>>(3).unwrap_or_default() });
    }
    Ok(varieties)
}

/// oid, column, about how many values differ, or minus their share of the rows, and if they are few the most common ones.
const VARIETY: &str = "
    SELECT o.oid, s.attname::text, s.n_distinct,
           CASE WHEN s.n_distinct BETWEEN 1 AND {MOST_COMMON} AND t.typname IN ('text', 'varchar') AND t.oid < 16384
                THEN s.most_common_vals::pg_catalog.text::pg_catalog.text[] END
      FROM pg_catalog.unnest($1) AS o(oid)
      JOIN pg_catalog.pg_class AS c ON c.oid = o.oid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_stats AS s ON s.schemaname = n.nspname AND s.tablename = c.relname
      JOIN pg_catalog.pg_attribute AS a ON a.attrelid = o.oid AND a.attname = s.attname
      JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
     WHERE s.n_distinct <> 0 AND NOT s.inherited";
