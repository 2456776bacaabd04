//! The tables of a source, treated: what would act in a copy is put off, and the people in it are masked.

use anyhow::Result;

use super::asked_tables::AskedTables;
use super::row_reader::Reader;
use crate::copying::treatment::{DatabaseMasking, DatabaseQueues};
use crate::data::tables::Table;
use crate::masking::Masking;
use crate::masking::nets::people::Gatherer;
use crate::mysql::rows::relation::Relation;
use crate::mysql::session::source_session::SourceSession;

/// Lays over tables what is done to queues, but for those that `keep` names, and to people where they are masked. That masking is
/// refused is an answer by itself. The session reads rows.
pub(in crate::mysql) async fn laid_over(
    source: &mut SourceSession,
    relations: &mut [Relation],
    may_act: bool,
    keep: &[String],
    masking: Option<&Masking>,
) -> Result<(DatabaseQueues, Result<Option<DatabaseMasking>>)> {
    let mut asked = AskedTables { source, relations };
    let queues = DatabaseQueues::read(&mut asked, &tables(relations), may_act, keep, masking).await?;
    queues.apply_to(relations.iter_mut().map(Relation::treated));
    let Some(masking) = masking else { return Ok((queues, Ok(None))) };
    let mut asked = AskedTables { source, relations };
    let masked = DatabaseMasking::read(&mut asked, &tables(relations), masking, queues.puts()).await;
    if let Ok(masked) = &masked {
        masked.apply_to(relations.iter_mut().map(Relation::treated));
    }
    Ok((queues, masked.map(Some)))
}

/// Finds out whom the site knows, before any row is masked. The sessions come back.
pub(in crate::mysql) async fn meet(
    masked: &DatabaseMasking,
    sessions: Vec<SourceSession>,
    relations: &[Relation],
    gatherer: Gatherer,
) -> Result<Vec<SourceSession>> {
    let readers = masked.meet(Reader::all(sessions, relations), &tables(relations), gatherer).await?;
    Ok(readers.into_iter().map(Reader::into_session).collect())
}

/// Tables of relations, in their order.
pub(in crate::mysql) fn tables(relations: &[Relation]) -> Vec<&Table> {
    relations.iter().map(|relation| &relation.table).collect()
}
