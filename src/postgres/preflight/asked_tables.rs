//! The source's tables as they are asked about before their rows come, by this server's own means.

use std::collections::{HashMap, HashSet};

use anyhow::Result;
use tokio_postgres::types::Type;

use super::catalog::{self, Relations};
use super::whole_table::WholeTables;
use super::{checks, key_words, matching_rows, references, row_counts, samples};
use crate::copying::treatment::{Check, ForeignKey, RowCondition, SampleLook, SampleWish, SourceTables, TextRow};
use crate::masking::relations::Reference;
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::source_session::SourceSession;

/// A session, and the tables that it is asked about.
pub(crate) struct AskedTables<'a> {
    pub(crate) source: &'a SourceSession,
    pub(crate) tables: &'a Relations,
}

impl AskedTables<'_> {
    fn some(&self, places: &[usize]) -> Vec<&Relation> {
        places.iter().map(|place| &self.tables.all[*place]).collect()
    }
}

impl SourceTables for AskedTables<'_> {
    async fn readable(&mut self, tables: &[usize]) -> Result<HashSet<usize>> {
        let oids: Vec<u32> = self.some(tables).iter().map(|relation| relation.oid).collect();
        let rows = self.source.rows(READABLE, &[(&oids, Type::OID_ARRAY)]).await?;
        let readable: HashSet<u32> = rows.iter().map(|row| row.get(0)).collect();
        let is_readable = |place: &&usize| readable.contains(&self.tables.all[**place].oid);
        Ok(tables.iter().filter(is_readable).copied().collect())
    }

    async fn row_counts(&mut self, tables: &[usize]) -> Result<Vec<u64>> {
        row_counts::of(self.source, &self.some(tables)).await
    }

    async fn each_row(
        &mut self,
        table: usize,
        columns: &[&str],
        when: &RowCondition,
        take: &mut (dyn FnMut(Vec<String>) + Send),
    ) -> Result<()> {
        let relation = &self.tables.all[table];
        let condition = matching_rows::sql_of(when, &|number| format!("{{{number}}}"));
        matching_rows::each(self.source, relation, columns, &condition, &[], |row| when.holds(row), take).await
    }

    async fn foreign_keys(&mut self) -> Result<Vec<ForeignKey>> {
        references::looked_after(self.source, self.tables).await
    }

    async fn references(&mut self) -> Result<Vec<Reference>> {
        references::references(self.source, self.tables).await
    }

    async fn deciding(&mut self) -> Result<HashMap<usize, Vec<String>>> {
        references::deciding(self.source, self.tables).await
    }

    async fn computed(&mut self) -> Result<HashMap<usize, Vec<String>>> {
        let mut computed = catalog::generated(self.source).await?;
        let of = |(place, relation): (usize, &Relation)| Some((place, computed.remove(&relation.oid)?));
        Ok(self.tables.all.iter().enumerate().filter_map(of).collect())
    }

    async fn checks(&mut self, tables: &[usize]) -> Result<HashMap<usize, Vec<Check>>> {
        let relations: HashMap<u32, &Relation> =
            self.some(tables).into_iter().map(|relation| (relation.oid, relation)).collect();
        let mut checks = checks::of(self.source, &relations).await?;
        let of = |place: &usize| Some((*place, checks.remove(&self.tables.all[*place].oid)?));
        Ok(tables.iter().filter_map(of).collect())
    }

    async fn first_rows(&mut self, table: usize, most: usize) -> Result<Vec<TextRow>> {
        let mut tables = WholeTables::of(self.source);
        let rows = tables.rows(&self.tables.all[table], most, |_| true).await;
        tables.close().await;
        rows
    }

    async fn passes(&mut self, check: &Check, rows: &[TextRow]) -> Result<bool> {
        checks::passes(self.source, check, rows).await
    }

    async fn samples(&mut self, wishes: &[SampleWish], look: &mut SampleLook<'_>) -> Result<()> {
        samples::show(self.source, &self.tables.all, wishes, look).await
    }

    async fn keys_among(
        &mut self,
        tables: &[usize],
        words: &[&str],
        is_hidden: &(dyn Fn(usize, usize) -> bool + Sync),
    ) -> Result<HashSet<String>> {
        key_words::among(self.source, &self.tables.all, tables, words, is_hidden).await
    }
}

const READABLE: &str =
    "SELECT o.oid FROM pg_catalog.unnest($1) AS o(oid) WHERE pg_catalog.has_table_privilege(o.oid, 'SELECT')";
