//! The entries of a dump made on the target, many to a round trip.

use anyhow::{Result, bail};

use super::entries::DumpEntry;
use crate::postgres::session::connect::Session;
use crate::postgres::session::fault::Fault;
use crate::postgres::session::remedy;

/// So many entries go in one round trip and one transaction; each holds locks until its end, of which a server has
/// a few thousand.
const BATCH_ENTRIES: usize = 100;
const BATCH_BYTES: usize = 512 << 10;

/// Makes the entries on the target, many to a round trip. An error names the one entry that it is about.
pub(crate) async fn restore(target: &Session, entries: &[DumpEntry]) -> Result<()> {
    for batch in batches(entries) {
        let sql: String = batch.iter().map(|entry| entry.sql.as_str()).collect();
        if let Err(fault) = target.run(&sql).await {
            // The server rolled the batch back; one by one it becomes clear which entry it is.
            one_by_one(target, batch, fault).await?;
        }
    }
    Ok(())
}

async fn one_by_one(target: &Session, batch: &[DumpEntry], first: Fault) -> Result<()> {
    if first.sqlstate.is_empty() {
        bail!(anyhow::Error::from(first).context("make the schema on the target"));
    }
    let told = |entry: &DumpEntry, fault| remedy::of_entry(&entry.kind, &entry.label(), fault, target.major());
    // It need not fail once more, which may take as long.
    if let [alone] = batch {
        return Err(told(alone, first));
    }
    for entry in batch {
        target.run(&entry.sql).await.map_err(|fault| told(entry, fault))?;
    }
    Ok(())
}

fn batches(entries: &[DumpEntry]) -> Vec<&[DumpEntry]> {
    let mut batches = Vec::new();
    let mut start = 0;
    let mut bytes = 0;
    for (i, entry) in entries.iter().enumerate() {
        bytes += entry.sql.len();
        if i + 1 - start == BATCH_ENTRIES || bytes > BATCH_BYTES {
            batches.push(&entries[start..=i]);
            (start, bytes) = (i + 1, 0);
        }
    }
    if start < entries.len() {
        batches.push(&entries[start..]);
    }
    batches
}
