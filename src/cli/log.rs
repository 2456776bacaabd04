//! Where log events go: Kestra lines inside a task, text on stderr elsewhere; secrets are taken out of both.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use tracing::field::{Field, Visit};
use tracing::{Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::copying::event::Event;
use crate::error::Told;
use crate::external::{kestra, print};
use crate::inert::inert_block;

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

/// The level that `RAILSTAGE_LOG` asks for, if it does.
fn asked_level() -> Option<Level> {
    std::env::var("RAILSTAGE_LOG").ok().and_then(|v| v.parse().ok())
}

/// Tells an event to machines: in Kestra always, elsewhere to whoever asks for all that there is.
pub(super) fn progress(event: &Event) {
    let told = || format!("progress {}", serde_json::to_string(event).expect("an event is plain data"));
    match Output::from_env() {
        Output::Kestra => kestra::log(Level::DEBUG, &told()),
        Output::Text if asked_level() >= Some(Level::DEBUG) => print::err(&told()),
        Output::Text => {}
    }
}

/// Starts logging at `level`, which `RAILSTAGE_LOG` (error, warn, info, debug) overrides.
pub(super) fn start(output: Output, level: Level) {
    let level = asked_level().unwrap_or(level);
    let lines = Lines { output, colour: std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() };
    tracing_subscriber::registry().with(lines.with_filter(LevelFilter::from_level(level))).init();
}

struct Lines {
    output: Output,
    colour: bool,
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        // Libraries' own chatter is theirs: only their warnings are worth a line.
        let level = *event.metadata().level();
        if level > Level::WARN && !event.metadata().target().starts_with("railstage") {
            return;
        }
        let mut told = Text::default();
        event.record(&mut told);
        let text = told.into_lines();
        match self.output {
            Output::Kestra => kestra::log(level, &text),
            Output::Text => print::labelled_err(&self.label(level), &text),
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

/// An event's message, followed by its other fields; an error's hint stands on a line of its own.
#[derive(Default)]
struct Text {
    message: String,
    hint: Option<String>,
}

impl Text {
    fn into_lines(self) -> String {
        let hint = self.hint.map(|hint| format!("\nhint: {}", inert_block(&hint))).unwrap_or_default();
        inert_block(&self.message) + &hint
    }
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.message, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message.push_str(value),
            "hint" => self.hint = Some(value.to_owned()),
            name => {
                let _ = write!(self.message, " {name}={value}");
            }
        }
    }
}

/// Logs what ends a step or a command.
pub(crate) fn error(told: &Told) {
    tracing::error!(hint = told.hint.as_deref(), "{}", told.error);
}
