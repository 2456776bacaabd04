//! Rows that are looked at one by one as they come, and none of them kept: some columns of a table, of all its rows or of
//! those that a condition is true of.

use std::sync::Arc;

use anyhow::{Context as _, Result};

use crate::copying::row::RowFormat as _;
use crate::copying::transient::Transient;
use crate::data::tables::Table;
use crate::postgres::rows::format::{CopyFormat, CopyRow};
use crate::postgres::rows::relation::Relation;
use crate::postgres::rows::work_list::{self, TableRange};
use crate::postgres::session::copy_protocol::{self, Chunk, CopyReader};
use crate::postgres::session::source_session::SourceSession;
use crate::postgres::session::sql;

/// So many pieces of a table are asked for in one go.
const TOGETHER: usize = 8;
/// In so many pieces is read what is not read as a whole.
const SHARED: u64 = 64;

/// A table of which only some columns are read.
pub(super) struct PartOfTable {
    relation: Arc<Relation>,
    most_bytes: Option<u64>,
}

impl PartOfTable {
    /// The rows are shown with these columns alone, in this order.
    pub(super) fn of(relation: &Relation, columns: &[usize]) -> Self {
        let all = &relation.table.columns;
        let table =
            Table { columns: columns.iter().map(|column| all[*column].clone()).collect(), ..relation.table.clone() };
        Self { relation: Arc::new(Relation { table, in_binary: false, ..relation.clone() }), most_bytes: None }
    }

    /// Only so many bytes of it, those that were written last, where it can be read in pieces.
    pub(super) fn of_at_most(self, most_bytes: Option<u64>) -> Self {
        Self { most_bytes, ..self }
    }

    /// Whether a query may read it, and so a condition tell its rows apart.
    pub(super) fn may_be_asked(&self) -> bool {
        self.relation.may_be_planned && self.relation.has_pages()
    }

    /// The COPYs that read it, those together that are asked for in one go; what was written last comes first where the source may
    /// be asked for it in pieces, and `condition` then tells which rows.
    pub(super) fn copies(&self, condition: Option<&str>) -> Vec<Vec<String>> {
        let copies = if self.may_be_asked() { self.in_pieces(condition) } else { self.whole() };
        copies.chunks(TOGETHER).map(<[String]>::to_vec).collect()
    }

    /// Shows the rows of some COPYs that are asked for in one go.
    pub(super) async fn show_some(
        &self,
        source: &SourceSession,
        together: &[String],
        mut take: impl FnMut(&CopyRow<'_>),
    ) -> Result<()> {
        let told = || format!("look through table `{}`", self.relation.label());
        let mut from = source.copy_out(&together.join("; ")).await.with_context(told)?;
        let mut left = together.len();
        while left > 0 {
            if next(&mut from, source, &self.relation, &mut take).await.with_context(told)? {
                left -= 1;
            }
        }
        from.until_ready(&mut Vec::new()).await.with_context(told)?;
        from.give_back();
        Ok(())
    }

    fn whole(&self) -> Vec<String> {
        TableRange::all_of(&self.relation).iter().map(|range| range.copy_out("UTF8")).collect()
    }

    fn in_pieces(&self, condition: Option<&str>) -> Vec<String> {
        let relation = &self.relation;
        let columns: Vec<_> = relation.table.columns.iter().map(|column| sql::ident(&column.name)).collect();
        let (columns, quoted) = (columns.join(", "), relation.quoted());
        let is_still = sql::is_still(&quoted, relation.oid);
        let condition = condition.map(|condition| format!(" AND ({condition})")).unwrap_or_default();
        let copy = |(is_in_piece, _): (String, u64)| {
            format!(
                "COPY (SELECT {columns} FROM (SELECT {columns} FROM ONLY {quoted} WHERE {is_in_piece}{condition}) AS own WHERE {is_still}) TO STDOUT (FORMAT text, ENCODING 'UTF8')"
            )
        };
        let mut left = self.most_bytes.unwrap_or(u64::MAX);
        let (pages, size_bytes) = (relation.pages, relation.table.size_bytes);
        let pieces = match self.most_bytes {
            // In so many pieces that several sessions can share them.
            Some(most_bytes) => work_list::pieces_of(most_bytes.div_ceil(SHARED), pages, size_bytes),
            None => work_list::pieces(pages, size_bytes),
        };
        let last = pieces.into_iter().rev();
        let asked = last.take_while(|(_, bytes)| {
            let is_asked = left > 0;
            left = left.saturating_sub(*bytes);
            is_asked
        });
        asked.map(copy).collect()
    }
}

/// Shows the rows that come next; whether it is the end of a COPY. A server that is silent for too long is given up.
async fn next(
    from: &mut CopyReader,
    source: &SourceSession,
    relation: &Relation,
    take: &mut impl FnMut(&CopyRow<'_>),
) -> Result<bool> {
    let limit = source.answer_within();
    let chunk = tokio::time::timeout(limit, from.next_chunk()).await;
    let moved = match chunk.map_err(|_| Transient(format!("no answer within {} s", limit.as_secs())))?? {
        Chunk::Rows(len) => {
            for row in copy_protocol::rows(&from.bytes()[..len]) {
                CopyFormat::Text.row(row, &relation.table.columns).iter().for_each(&mut *take);
            }
            from.consume(len);
            len
        }
        // A row that is too long to be held tells nobody.
        Chunk::Large(len) => {
            from.skip(len).await?;
            len
        }
        Chunk::End(_) => return Ok(true),
    };
    source.throttle().wait(moved).await;
    Ok(false)
}
