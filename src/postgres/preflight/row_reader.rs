//! Sessions that read many rows of the source before these are copied, and keep none of them.

use std::borrow::Cow;
use std::sync::Arc;

use anyhow::Result;
use tokio_postgres::types::Type;

use super::catalog::Relations;
use super::matching_rows::sql_of;
use super::streamed::PartOfTable;
use crate::copying::row::{Field as _, Row as _};
use crate::copying::treatment::{RowCondition, RowReader, ShowRow, ShownRow};
use crate::postgres::rows::format::CopyRow;
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::sql;

/// A table with more keys is read as a whole.
const MOST_KEYS: usize = 20_000;
/// A smaller table is not asked for its keys before.
const SMALL_BYTES: u64 = 1 << 20;
/// So many read at a time.
const READERS: usize = 2;

/// A session of its own, which sees what the one sees that it was opened beside.
pub(crate) struct Reader {
    session: SourceSession,
    relations: Arc<[Relation]>,
}

/// Some COPYs of a table that are asked for in one go.
pub(crate) struct Part {
    copies: Vec<String>,
    of: Arc<PartOfTable>,
}

impl Reader {
    /// Some of them.
    pub(crate) async fn some(source: &SourceSession, tables: &Relations) -> Result<Vec<Self>> {
        let relations: Arc<[Relation]> = tables.all.clone().into();
        let mut readers = Vec::new();
        for _ in 0..READERS {
            readers.push(Self { session: source.another().await?, relations: relations.clone() });
        }
        Ok(readers)
    }

    pub(crate) async fn close(self) {
        self.session.close().await;
    }
}

impl ShownRow for CopyRow<'_> {
    fn value(&self, number: usize) -> Option<Cow<'_, [u8]>> {
        self.field(number).value()
    }
}

impl RowReader for Reader {
    type Part = Part;

    fn parts(&self, table: usize, columns: &[usize], when: &RowCondition, most_bytes: Option<u64>) -> Vec<Part> {
        let relation = &self.relations[table];
        let of = Arc::new(PartOfTable::of(relation, columns).of_at_most(most_bytes));
        let column =
            |number: usize| format!("{}::pg_catalog.text", sql::ident(&relation.table.columns[columns[number]].name));
        let condition = (*when != RowCondition::Always).then(|| sql_of(when, &column));
        let copies = of.copies(condition.as_deref());
        copies.into_iter().map(|copies| Part { copies, of: of.clone() }).collect()
    }

    async fn show(&mut self, parts: &[&Part], show: &mut ShowRow<'_>) -> Result<()> {
        for (number, part) in parts.iter().enumerate() {
            part.of.show_some(&self.session, &part.copies, |row| show(number, row)).await?;
        }
        Ok(())
    }

    async fn values_of(&mut self, table: usize, column: usize) -> Result<Option<Vec<String>>> {
        let relation = &self.relations[table];
        if !PartOfTable::of(relation, &[column]).may_be_asked() || relation.table.size_bytes <= SMALL_BYTES {
            return Ok(None);
        }
        let keys = keys(&self.session, relation, column).await?;
        Ok((keys.len() < MOST_KEYS).then_some(keys))
    }
}

/// The keys of a table, each once: from one to the next by an index where there is one.
async fn keys(source: &SourceSession, relation: &Relation, key: usize) -> Result<Vec<String>> {
    let column = &relation.table.columns[key].name;
    let name = sql::ident(column);
    let row = source.row(HAS_INDEX, &[(&relation.oid, Type::OID), (column, Type::TEXT)]).await?;
    let (from, is_still) = (format!("ONLY {}", relation.quoted()), sql::is_still(&relation.quoted(), relation.oid));
    let query = if row.get(0) {
        format!(
            "WITH RECURSIVE keys(key) AS (
               (SELECT {name} FROM {from} WHERE {name} IS NOT NULL AND {is_still} ORDER BY {name} LIMIT 1)
               UNION ALL
               SELECT (SELECT {name} FROM {from} WHERE {name} > keys.key AND {is_still} ORDER BY {name} LIMIT 1) FROM keys WHERE keys.key IS NOT NULL)
             SELECT key::pg_catalog.text FROM keys WHERE key IS NOT NULL LIMIT {MOST_KEYS}"
        )
    } else {
        source.throttle().wait(usize::try_from(relation.table.size_bytes).unwrap_or(usize::MAX)).await;
        format!(
            "SELECT DISTINCT {name}::pg_catalog.text FROM {from} WHERE {name} IS NOT NULL AND {is_still} LIMIT {MOST_KEYS}"
        )
    };
    let mut keys = Vec::new();
    source.each_row(&query, &[], |row| keys.extend(row.try_get::<_, String>(0))).await?;
    source.renew().await?;
    Ok(keys)
}

/// Whether an index of all rows begins with a column, and has it in the order in which the column's values are compared.
const HAS_INDEX: &str = "
    SELECT EXISTS (
      SELECT FROM pg_catalog.pg_index AS i
        JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        JOIN pg_catalog.pg_opclass AS o ON o.oid = i.indclass[0]
       WHERE i.indrelid = $1 AND a.attname = $2 AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree'
         AND (o.opcdefault OR o.opcname = 'varchar_ops') AND i.indcollation[0] = a.attcollation)";
