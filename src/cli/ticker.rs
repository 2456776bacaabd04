//! Shows how far a copy has come: a bar on a terminal, a log line every two seconds elsewhere.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::cli::log::Output;
use crate::copying::progress::{Progress, Reading};
use crate::inert::one_line;

const LINE_EVERY: Duration = Duration::from_secs(2);
const BAR_EVERY: Duration = Duration::from_millis(100);
const BAR: &str = "  {bar:30} {bytes:>9} of {total_bytes}  {binary_bytes_per_sec}  {eta} left  {wide_msg}";

/// A task that reads a [`Progress`] now and then until it is stopped.
pub(super) struct Ticker(JoinHandle<()>);

impl Ticker {
    /// Starts to show `progress`, once there is anything to show.
    pub(super) fn start(progress: Arc<Progress>) -> Self {
        let on_terminal = std::io::stderr().is_terminal() && Output::from_env() == Output::Text;
        Self(if on_terminal { tokio::spawn(bar(progress)) } else { tokio::spawn(lines(progress)) })
    }

    /// Stops showing, and clears what was shown for the moment.
    pub(super) async fn stop(self) {
        self.0.abort();
        let _ = self.0.await;
    }
}

async fn lines(progress: Arc<Progress>) {
    let (mut last, mut began) = (progress.read(), None);
    loop {
        tokio::time::sleep(LINE_EVERY).await;
        let now = progress.read();
        if now.total_bytes == 0 || now.phase.is_empty() {
            continue;
        }
        let began = *began.get_or_insert_with(|| Instant::now() - LINE_EVERY);
        tracing::info!("{}", line(&now, now.done_bytes.saturating_sub(last.done_bytes), began.elapsed()));
        last = now;
    }
}

fn line(now: &Reading, since_last: u64, elapsed: Duration) -> String {
    let mb = |bytes: u64| bytes as f64 / 1e6;
    let percent = 100 * now.done_bytes / now.total_bytes.max(1);
    let speed = mb(since_last) / LINE_EVERY.as_secs_f64();
    let average = now.done_bytes as f64 / elapsed.as_secs_f64().max(0.001);
    let rest = now.total_bytes.saturating_sub(now.done_bytes) as f64 / average.max(1.0);
    // Of what has hardly begun nothing can be told, and of tables that hold nothing no byte ever comes.
    let left = match percent {
        0 => String::new(),
        _ => format!(", {} left", HumanDuration(Duration::from_secs_f64(rest.min(1e7)))),
    };
    let at = if now.doing.is_empty() { String::new() } else { one_line(&format!(": {}", now.doing.join(", "))) };
    format!(
        "{} {:.0} of {:.0} MB ({percent} %), {speed:.1} MB/s{left}{at}",
        now.phase,
        mb(now.done_bytes),
        mb(now.total_bytes),
    )
}

/// Takes the bar off the screen when the task that draws it is dropped.
struct OnScreen(ProgressBar);

impl Drop for OnScreen {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

async fn bar(progress: Arc<Progress>) {
    let mut shown: Option<OnScreen> = None;
    loop {
        tokio::time::sleep(BAR_EVERY).await;
        let now = progress.read();
        if now.total_bytes == 0 || now.phase.is_empty() {
            continue;
        }
        let bar = &shown.get_or_insert_with(|| OnScreen(ProgressBar::new(0).with_style(style()))).0;
        bar.set_length(now.total_bytes);
        bar.set_position(now.done_bytes);
        bar.set_message(one_line(&format!("{} {}", now.phase, now.doing.join(", "))).trim_end().to_owned());
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template(BAR).expect("the template is a constant")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_foretold_of_what_has_hardly_begun() {
        let reading = |done_bytes| Reading { total_bytes: 37_000_000, done_bytes, phase: "data", doing: Vec::new() };
        let at = |done_bytes| line(&reading(done_bytes), 0, Duration::from_secs(10));
        assert_eq!(at(0), "data 0 of 37 MB (0 %), 0.0 MB/s");
        assert_eq!(at(9_250_000), "data 9 of 37 MB (25 %), 0.0 MB/s, 30 seconds left");
    }
}
