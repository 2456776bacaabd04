//! The flows of `kestra/` as a test loads them.

/// Flows with a schedule.
const SCHEDULED: &[&str] = &["cleanup-staging", "watch-cleanup"];

/// A flow without its triggers, so that no schedule disturbs a test.
pub(crate) fn without_triggers(text: &str) -> String {
    let (before, after) = text.split_once("\ntriggers:\n").expect("triggers");
    let (_, rest) = after.split_once("\ntasks:\n").expect("tasks after the triggers");
    format!("{before}\ntasks:\n{rest}")
}

/// What becomes of each flow unless a test is about its schedule.
pub(crate) fn unscheduled(flow: &str, text: String) -> String {
    if SCHEDULED.contains(&flow) { without_triggers(&text) } else { text }
}
