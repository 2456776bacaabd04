//! The entries of a dump made on the target, many to a round trip.

use anyhow::{Result, bail};

use super::entries::{DumpEntry, SETTING};
use crate::postgres::session::connect::Session;
use crate::postgres::session::fault::Fault;
use crate::postgres::session::remedy;

/// So many entries go in one round trip and one transaction; each holds locks until its end, of which a server has
/// a few thousand.
pub(crate) const BATCH_ENTRIES: usize = 100;
const BATCH_BYTES: usize = 512 << 10;

/// Makes the entries on the target, many to a round trip. An error names the one entry that it is about.
///
/// `pg_dump` knows nothing of what a function in SQL reads, and a server looks into one where it is called by what is made:
/// an entry for which something is not there yet is tried again after the others.
///
/// `pg_dump` has written the entries for a session without a search path: under another one a name or an operator in them
/// may mean something else. Only what cannot be made so, since a function that it calls has bare names in its text, is
/// made under the session's own path.
pub(crate) async fn restore(target: &Session, entries: &[DumpEntry]) -> Result<()> {
    restore_but(target, entries, |_, _| false).await.map(drop)
}

/// The same, but for entries whose failure is not the end: they are returned with what was said of each.
pub(crate) async fn restore_but(
    target: &Session,
    entries: &[DumpEntry],
    may_fail: fn(&DumpEntry, &Fault) -> bool,
) -> Result<Vec<(DumpEntry, Fault)>> {
    let mut early = Early { may_fail, setting: String::new(), entries: Vec::new(), failed: Vec::new() };
    for batch in batches(entries) {
        let sql: String = batch.iter().map(|entry| entry.sql.as_str()).collect();
        if let Err(fault) = target.run(&format!("{AS_WRITTEN}{sql}")).await {
            // The server rolled the batch back; one by one it becomes clear which entry it is.
            one_by_one(target, batch, fault, &mut early).await?;
        } else if let Some(setting) = batch.iter().rfind(|entry| entry.kind == SETTING) {
            early.setting.clone_from(&setting.sql);
        }
    }
    early.make(target).await
}

/// Holds until the end of the batch, which is one transaction.
const AS_WRITTEN: &str = "SET LOCAL search_path = '';\n";

/// Entries that came too early, each with the setting that holds for it; and those that failed and may.
struct Early {
    may_fail: fn(&DumpEntry, &Fault) -> bool,
    setting: String,
    entries: Vec<(DumpEntry, Fault)>,
    failed: Vec<(DumpEntry, Fault)>,
}

/// Something is not there.
const NOT_THERE: &[&str] = &["42P01", "42883", "42704", "42703", "3F000"];

impl Early {
    async fn make(self, target: &Session) -> Result<Vec<(DumpEntry, Fault)>> {
        let Self { may_fail, entries: mut left, mut failed, .. } = self;
        for path in [AS_WRITTEN, ""] {
            loop {
                let (before, mut still_left) = (left.len(), Vec::new());
                for (entry, _) in left {
                    match target.run(&format!("{path}{}", entry.sql)).await {
                        Err(fault) if NOT_THERE.contains(&fault.sqlstate.as_str()) => still_left.push((entry, fault)),
                        Err(fault) if may_fail(&entry, &fault) => failed.push((entry, fault)),
                        made => made.map_err(|fault| told(&entry, fault, target))?,
                    }
                }
                left = still_left;
                if left.len() == before || left.is_empty() {
                    break;
                }
            }
        }
        match left.into_iter().next() {
            Some((entry, fault)) => Err(told(&entry, fault, target)),
            None => Ok(failed),
        }
    }
}

async fn one_by_one(target: &Session, batch: &[DumpEntry], first: Fault, early: &mut Early) -> Result<()> {
    if first.sqlstate.is_empty() {
        bail!(anyhow::Error::from(first).context("make the schema on the target"));
    }
    let mut first = (batch.len() == 1).then_some(first);
    for entry in batch {
        if entry.kind == SETTING {
            early.setting.clone_from(&entry.sql);
        }
        // One that was alone need not fail once more, which may take as long.
        let made = match first.take() {
            Some(fault) => Err(fault),
            None => target.run(&format!("{AS_WRITTEN}{}", entry.sql)).await,
        };
        match made {
            Err(fault) if NOT_THERE.contains(&fault.sqlstate.as_str()) => {
                let sql = format!("{}{}", early.setting, entry.sql);
                early.entries.push((DumpEntry { sql, ..entry.clone() }, fault));
            }
            Err(fault) if (early.may_fail)(entry, &fault) => early.failed.push((entry.clone(), fault)),
            made => made.map_err(|fault| told(entry, fault, target))?,
        }
    }
    Ok(())
}

fn told(entry: &DumpEntry, fault: Fault, target: &Session) -> anyhow::Error {
    remedy::of_entry(&entry.kind, &entry.label(), fault, target.major())
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
