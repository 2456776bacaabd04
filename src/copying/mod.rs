//! What every copy shares, whatever server it is from: options, progress, report, throttle, watchdog, and what is done to a row.
//!
//! Nothing here knows a server. An engine hands its rows over as a `row`, and gets them back with what `transform` changed.

pub(crate) mod audit;
pub(crate) mod dry_run;
pub(crate) mod event;
pub(crate) mod inspection;
pub(crate) mod left_gate;
pub(crate) mod left_urls;
pub(crate) mod loaded;
pub(crate) mod meter;
pub(crate) mod note;
pub(crate) mod options;
pub(crate) mod phase_timer;
pub(crate) mod progress;
pub(crate) mod report;
pub(crate) mod row;
pub(crate) mod schema_texts;
pub(crate) mod search;
pub(crate) mod snapshot_means;
pub(crate) mod throttle;
pub(crate) mod together;
pub(crate) mod totals;
pub(crate) mod transform;
mod transform_counts;
pub(crate) mod transient;
pub(crate) mod treatment;
pub(crate) mod watchdog;
pub(crate) mod wordpress_sites;

pub use audit::AuditReport;
pub use dry_run::{Contents, DryRun, DryRunTable};
pub use inspection::{SourceReport, TargetReport, WordPressSite};
pub use options::{Compress, CopyOptions, Verify};
pub use progress::Progress;
pub use report::{CopyReport, LeftUrl, PhaseTime, SchemaText, Skipped, TableTime};
pub use snapshot_means::{SnapshotBy, SnapshotMeans};
pub use together::Together;
