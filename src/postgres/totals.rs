//! What the loaded tables come to: rows, bytes, what was rewritten and what was left, the digest, and the slowest of them.

use super::left_gate::left_in;
use super::rows::load::LoadedTable;
use crate::copying::report::{CopyReport, TableTime};
use crate::data::digest::{self, ContentDigest};

/// How many of the slowest tables a report names.
const SLOWEST: usize = 10;

/// Adds what the tables and the large objects come to.
pub(crate) fn add_to(report: &mut CopyReport, loaded: &[LoadedTable], objects: ContentDigest, data_seconds: f64) {
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
    let digests = loaded.iter().map(|done| (done.relation.label(), done.digest));
    report.digest = digest::of_all(digests.chain([("large objects".to_owned(), objects)]));
    let mut times: Vec<_> = loaded.iter().map(time).collect();
    times.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    times.truncate(SLOWEST);
    report.slowest_tables = times;
}

fn time(done: &LoadedTable) -> TableTime {
    TableTime { table: done.relation.label(), rows: done.digest.rows, bytes: done.digest.bytes, seconds: done.seconds }
}
