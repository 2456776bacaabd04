//! What happens while a step runs, one event at a time: what a machine reads as a line, and what a bar is drawn from.

use schemars::JsonSchema;
use serde::Serialize;

/// One event: in Kestra a log line of level DEBUG, elsewhere a line on stderr with `RAILSTAGE_LOG=debug`, after the word `progress`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Event {
    /// The step, or the command.
    pub step: String,
    /// The service, or that of the database, that it is about; absent when it is about the step as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    pub state: EventState,
    /// What is done to a database, such as `data` or `indexes`, or `files`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// Bytes of rows or files that have arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Bytes that are expected in all, by the source's catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Files that have arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<u64>,
    /// Files that are expected in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_files: Option<u64>,
    /// Bytes a second, on average since rows or files began to move; absent in the first second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<u64>,
    /// The tables that are copied just now, or the services that are waited for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at: Vec<String>,
    /// Seconds since the step began.
    pub seconds: f64,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How far something is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EventState {
    Started,
    #[default]
    UnderWay,
    Done,
    Failed,
}

impl Event {
    /// How much of its bytes has arrived, from 0 to 100.
    pub(crate) fn percent(&self) -> Option<u64> {
        let (bytes, total) = (self.bytes?, self.total.filter(|total| *total > 0)?);
        Some((100 * bytes / total).min(100))
    }

    /// Seconds that the rest takes at the rate so far. Of what has hardly begun nothing can be told.
    pub(crate) fn seconds_left(&self) -> Option<u64> {
        let rate = self.rate.filter(|rate| *rate > 0 && self.percent().is_some_and(|percent| percent > 0))?;
        Some(self.total?.saturating_sub(self.bytes?).div_ceil(rate))
    }
}
