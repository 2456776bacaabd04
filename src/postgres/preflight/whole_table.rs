//! Rows of a table that no query of ours may plan, since that could call code of its owner: its own COPY, which is no query,
//! looked through here.

use std::borrow::Cow;
use std::sync::Arc;

use anyhow::{Context as _, Result};

use crate::copying::row::{Field as _, Row as _, RowFormat as _};
use crate::copying::transient::Transient;
use crate::copying::treatment::TextRow;
use crate::postgres::rows::format::CopyFormat;
use crate::postgres::rows::relation::Relation;
use crate::postgres::rows::work_list::TableRange;
use crate::postgres::session::copy_protocol::{self, Chunk, CopyReader};
use crate::postgres::session::source_session::SourceSession;

/// Reads tables one after the other, over a session of its own: one that stops in the middle of a table is of no more use.
pub(crate) struct WholeTables<'a> {
    source: &'a SourceSession,
    session: Option<SourceSession>,
}

impl<'a> WholeTables<'a> {
    pub(crate) fn of(source: &'a SourceSession) -> Self {
        Self { source, session: None }
    }

    /// The rows that are kept, until there are `most` of them. What is too long to be held is passed over.
    pub(crate) async fn rows(
        &mut self,
        relation: &Relation,
        most: usize,
        keep: impl Fn(&[Option<String>]) -> bool,
    ) -> Result<Vec<TextRow>> {
        let session = match self.session.take() {
            Some(session) => session,
            None => self.source.another().await?,
        };
        let mut kept = Vec::new();
        for range in TableRange::all_of(&Arc::new(Relation { in_binary: false, ..relation.clone() })) {
            let mut from =
                session.copy_out(&range.copy_out("UTF8")).await.with_context(|| format!("read {}", range.label()))?;
            while let Some(rows) =
                next(&mut from, self.source, relation).await.with_context(|| format!("read {}", range.label()))?
            {
                kept.extend(rows.into_iter().filter(|row| keep(row)));
                if kept.len() >= most {
                    kept.truncate(most);
                    return Ok(kept);
                }
            }
            from.until_ready(&mut Vec::new()).await?;
            from.give_back();
        }
        self.session = Some(session);
        Ok(kept)
    }

    pub(crate) async fn close(self) {
        if let Some(session) = self.session {
            session.close().await;
        }
    }
}

/// The rows that come next; `None` at the end.
async fn next(from: &mut CopyReader, source: &SourceSession, relation: &Relation) -> Result<Option<Vec<TextRow>>> {
    let limit = source.answer_within();
    let reading = async {
        Ok(match from.next_chunk().await? {
            Chunk::Rows(len) => {
                let rows = copy_protocol::rows(&from.bytes()[..len]).filter_map(|row| texts(row, relation)).collect();
                from.consume(len);
                Some(rows)
            }
            Chunk::Large(len) => {
                from.skip(len).await?;
                Some(Vec::new())
            }
            Chunk::End(_) => None,
        })
    };
    match tokio::time::timeout(limit, reading).await {
        Ok(read) => read,
        Err(_) => Err(Transient(format!("no answer within {} s", limit.as_secs())).into()),
    }
}

fn texts(row: &[u8], relation: &Relation) -> Option<TextRow> {
    let text = |value: Cow<'_, [u8]>| String::from_utf8_lossy(&value).into_owned();
    let row = CopyFormat::Text.row(row, &relation.table.columns)?;
    Some(row.fields().map(|(_, field)| field.value().map(text)).collect())
}
