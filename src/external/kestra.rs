//! The only writer of Kestra's `::{…}::` lines: outputs, metrics and logs, ASCII, one write each.
//!
//! Kestra reads a line as `^::(\{.*})::$` (`TaskLogLineMatcher`), drops the whole line when its JSON or a metric in it is
//! wrong, and cuts multi-byte characters in the Docker runner: so outputs never share a line, and nothing but ASCII is sent.

use serde::Serialize;
use serde_json::{Value, json};

use crate::external::print;
use crate::inert::{ascii_json, inert};
use crate::secret::{scrub, scrub_outputs};

/// One measurement of a step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Metric {
    Counter(&'static str, u64),
    /// Seconds.
    Timer(&'static str, f64),
}

/// Prints the outputs of a task; later lines replace earlier ones key by key.
pub(crate) fn outputs(outputs: &impl Serialize) {
    let outputs = serde_json::to_value(outputs).expect("outputs are plain data");
    print(&json!({ "outputs": scrub_outputs(outputs) }));
}

/// Prints one metric, tagged with the step.
pub(crate) fn metric(step: &str, metric: &Metric) {
    let item = match metric {
        Metric::Counter(name, value) => json!({ "name": name, "type": "counter", "value": value }),
        Metric::Timer(name, seconds) => json!({ "name": name, "type": "timer", "value": seconds }),
    };
    let mut item = item;
    item["tags"] = json!({ "step": step });
    print(&json!({ "metrics": [item] }));
}

/// Prints one log entry.
pub(crate) fn log(level: tracing::Level, message: &str) {
    // A log may be downloaded, and then be shown by a terminal.
    print(&json!({ "logs": [{ "level": level.as_str(), "message": inert(&scrub(message)) }] }));
}

fn print(value: &Value) {
    print::raw_out(line(value).as_bytes());
}

fn line(value: &Value) -> String {
    format!("::{}::\n", ascii_json(&value.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_ascii_and_one_line_and_keeps_its_meaning() {
        let value = json!({ "outputs": { "name": "Zoë 🦀 \u{2028} \u{85} a\nb" } });
        let line = line(&value);
        assert!(line.is_ascii());
        assert_eq!(line.matches('\n').count(), 1);
        let inner = line.trim_end().trim_start_matches("::").trim_end_matches("::");
        assert_eq!(serde_json::from_str::<Value>(inner).unwrap(), value);
    }
}
