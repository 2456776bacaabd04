//! The tables of a source, treated: what would act in a copy is put off, and the people in it are masked.

use anyhow::Result;

use super::asked_tables::AskedTables;
use super::catalog::Relations;
use crate::copying::treatment::{DatabaseMasking, DatabaseQueues};
use crate::masking::Masking;
use crate::postgres::rows::relation::Relation;
use crate::postgres::session::source_session::SourceSession;

/// Lays over tables what is done to queues, but for those that `keep` names, and to people where they are masked. That masking is
/// refused is an answer by itself.
pub(crate) async fn laid_over(
    source: &SourceSession,
    tables: &mut Relations,
    may_act: bool,
    keep: &[String],
    masking: Option<&Masking>,
) -> Result<(DatabaseQueues, Result<Option<DatabaseMasking>>)> {
    let mut asked = AskedTables { source, tables };
    let queues = DatabaseQueues::read(&mut asked, &tables.tables(), may_act, keep, masking).await?;
    queues.apply_to(tables.all.iter_mut().map(Relation::treated));
    let cut = queues.cut().iter().map(|(place, name)| (tables.all[*place].oid, name.clone()));
    tables.cut_keys.extend(cut.collect::<Vec<_>>());
    let Some(masking) = masking else { return Ok((queues, Ok(None))) };
    let mut asked = AskedTables { source, tables };
    let plain = tables.tables();
    let reading = DatabaseMasking::read(&mut asked, &plain, masking, queues.puts());
    let masked = source.awake_for(reading).await;
    if let Ok(masked) = &masked {
        masked.apply_to(tables.all.iter_mut().map(Relation::treated));
    }
    Ok((queues, masked.map(Some)))
}
