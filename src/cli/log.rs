//! Where log events go: Kestra lines inside a task, text on stderr elsewhere; secrets are taken out of both.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::external::kestra;
use crate::secret;

/// Where this process writes what people and machines read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// `::{…}::` lines.
    Kestra,
    Text,
}

impl Output {
    /// As `RAILSTAGE_OUTPUT` says.
    pub(super) fn from_env() -> Self {
        if std::env::var("RAILSTAGE_OUTPUT").is_ok_and(|v| v == "kestra") { Self::Kestra } else { Self::Text }
    }
}

/// Starts logging at `level`, which `RAILSTAGE_LOG` (error, warn, info, debug) overrides.
pub(super) fn start(output: Output, level: Level) {
    let level = std::env::var("RAILSTAGE_LOG").ok().and_then(|v| v.parse().ok()).unwrap_or(level);
    let lines = Lines { output, colour: std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() };
    tracing_subscriber::registry().with(lines.with_filter(LevelFilter::from_level(level))).init();
}

struct Lines {
    output: Output,
    colour: bool,
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        // Libraries' own chatter is theirs: only their warnings are worth a line.
        let level = *event.metadata().level();
        if level > Level::WARN && !event.metadata().target().starts_with("railstage") {
            return;
        }
        let mut text = Text(String::new());
        event.record(&mut text);
        match self.output {
            Output::Kestra => kestra::log(level, &text.0),
            Output::Text => eprintln!("{}{}", self.label(level), secret::scrub(&text.0)),
        }
    }
}

impl Lines {
    fn label(&self, level: Level) -> String {
        let (word, colour) = match level {
            Level::ERROR => ("error: ", 31),
            Level::WARN => ("warning: ", 33),
            Level::INFO => return String::new(),
            _ => ("debug: ", 90),
        };
        if self.colour { format!("\u{1b}[{colour}m{word}\u{1b}[0m") } else { word.to_owned() }
    }
}

/// An event's message, followed by its other fields.
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = match field.name() {
            "message" => write!(self.0, "{value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = match field.name() {
            "message" => write!(self.0, "{value}"),
            name => write!(self.0, " {name}={value}"),
        };
    }
}
