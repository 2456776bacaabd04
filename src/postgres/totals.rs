//! What the loaded tables come to: rows, bytes, what was rewritten and what was left, the digest, and the slowest of them.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};

use super::rows::load::LoadedTable;
use crate::copying::left_urls;
use crate::copying::report::{CopyReport, LeftUrl, TableTime};
use crate::data::digest::{self, ContentDigest};
use crate::error::{Failure, listed};

/// How many of the slowest tables a report names.
const SLOWEST: usize = 10;

/// Adds what the tables and the large objects come to.
pub(crate) fn add_to(report: &mut CopyReport, loaded: &[LoadedTable], objects: ContentDigest, data_seconds: f64) {
    let mut left: BTreeMap<(String, String, Option<String>, String), u64> = BTreeMap::new();
    for done in loaded {
        report.tables += 1;
        report.rows += done.digest.rows;
        report.bytes += done.digest.bytes;
        report.rewritten_values += done.counts.rewritten;
        report.malformed_values += done.counts.malformed;
        report.overflow_left += done.counts.overflow();
        for line in done.counts.left.told(&done.relation.table) {
            *left.entry((line.table, line.column, line.key, line.reason)).or_default() += line.values;
        }
    }
    report.mb_per_s = report.bytes as f64 / 1e6 / data_seconds.max(0.001);
    report.left = left
        .into_iter()
        .map(|((table, column, key, reason), values)| LeftUrl { table, column, key, values, reason })
        .collect();
    let digests = loaded.iter().map(|done| (done.relation.label(), done.digest));
    report.digest = digest::of_all(digests.chain([("large objects".to_owned(), objects)]));
    let mut times: Vec<_> = loaded.iter().map(time).collect();
    times.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    times.truncate(SLOWEST);
    report.slowest_tables = times;
}

/// Refuses a copy in which an old host is left that need not be.
///
/// # Errors
/// Invalid input, naming each place.
pub(crate) fn ensure_nothing_left(report: &CopyReport) -> Result<()> {
    let left: Vec<_> =
        report.left.iter().filter(|left| !left_urls::is_fine(&left.reason)).map(LeftUrl::to_string).collect();
    let hint = "leave the rows out, mask or set the values by a rule, rewrite guids as well, or ask for no failure";
    ensure!(
        left.is_empty(),
        Failure::invalid(format!("URLs of the source are left in the copy: {}", listed(&left))).hint(hint)
    );
    Ok(())
}

fn time(done: &LoadedTable) -> TableTime {
    TableTime { table: done.relation.label(), rows: done.digest.rows, bytes: done.digest.bytes, seconds: done.seconds }
}
