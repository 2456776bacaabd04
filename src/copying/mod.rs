//! What every copy shares, whatever server it is from: options, progress, report, rate, watchdog, and what is done to a row.
//!
//! Nothing here knows a server. An engine hands its rows over as a `row`, and gets them back with what `transform` changed.

pub(crate) mod flow;
pub(crate) mod note;
pub(crate) mod options;
pub(crate) mod phases;
pub(crate) mod progress;
pub(crate) mod pulse;
pub(crate) mod report;
pub(crate) mod row;
pub(crate) mod transform;
pub(crate) mod transient;

pub use options::{CopyOptions, Verify};
pub use progress::Progress;
pub use report::{CopyReport, LeftColumn, PhaseTime, Skipped, SourceReport, TableTime, TargetReport, WordPressSite};
