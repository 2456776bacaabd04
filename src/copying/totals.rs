//! What the loaded tables come to: rows, bytes, what was rewritten and what was left, the digest, and the slowest of them.

use super::left_gate::left_in;
use super::loaded::LoadedRows;
use super::report::{CopyReport, TableTime};
use crate::data::digest::{self, ContentDigest};

/// How many of the slowest tables a report names.
const SLOWEST: usize = 10;

/// Adds what the tables come to, and what else has a digest.
pub(crate) fn add_to(
    report: &mut CopyReport,
    loaded: &[LoadedRows<'_>],
    others: Option<(&str, ContentDigest)>,
    data_seconds: f64,
) {
    for done in loaded {
        report.tables += 1;
        report.rows += done.digest.rows;
        report.bytes += done.digest.bytes;
        report.rewritten_values += done.counts.rewritten;
        report.malformed_values += done.counts.malformed;
        report.overflow_left += done.counts.overflow();
    }
    report.mb_per_s = report.bytes as f64 / 1e6 / data_seconds.max(0.001);
    report.left = left_in(loaded);
    let digests = loaded.iter().map(|done| (done.table.label(), done.digest));
    report.digest = digest::of_all(digests.chain(others.map(|(name, digest)| (name.to_owned(), digest))));
    let mut times: Vec<_> = loaded.iter().map(time).collect();
    times.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    times.truncate(SLOWEST);
    report.slowest_tables = times;
}

fn time(done: &LoadedRows<'_>) -> TableTime {
    TableTime { table: done.table.label(), rows: done.digest.rows, bytes: done.digest.bytes, seconds: done.seconds }
}
