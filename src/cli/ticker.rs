//! Tells how far a step has come: a line for machines at each event, and for people one bar or spinner on a terminal, log lines elsewhere.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::cli::log::{self, Output};
use crate::copying::event::{Event, EventState};
use crate::copying::progress::{FILES, Progress, ROWS};
use crate::external::print;

mod drawn;

const LINE_EVERY: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A task that reads a [`Progress`] now and then until it is stopped, or dropped.
pub(super) struct Ticker {
    task: JoinHandle<Show>,
    stop: DropGuard,
}

impl Ticker {
    /// Starts to show what `step` does.
    pub(super) fn start(step: &str, progress: Arc<Progress>) -> Self {
        let mut show = Show::new(step, progress);
        show.tell(Event { state: EventState::Started, ..Event::default() });
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            while tokio::time::timeout(LOOK_EVERY, stopped.cancelled()).await.is_err() {
                show.look();
            }
            show
        });
        Self { task, stop: stop.drop_guard() }
    }

    /// Stops showing, clears what was shown for the moment, and tells how the step ended.
    pub(super) async fn stop(self, error: Option<String>) {
        drop(self.stop);
        if let Ok(mut show) = self.task.await {
            show.end(error);
        }
    }
}

struct Show {
    step: String,
    progress: Arc<Progress>,
    began: Instant,
    /// When rows or files began to move, and how many bytes of them were counted by then.
    began_to_move: Option<(Instant, u64)>,
    last_line: Instant,
    /// The phase that was told last to people.
    last_phase: Option<String>,
    on_screen: Option<OnScreen>,
}

/// Takes what is drawn off the screen when whoever draws it is gone.
struct OnScreen(ProgressBar);

impl Drop for OnScreen {
    fn drop(&mut self) {
        print::stop_drawing();
        self.0.finish_and_clear();
    }
}

impl Show {
    fn new(step: &str, progress: Arc<Progress>) -> Self {
        let is_drawn = std::io::stderr().is_terminal() && Output::from_env() == Output::Text;
        let now = Instant::now();
        Self {
            step: step.to_owned(),
            progress,
            began: now,
            began_to_move: None,
            last_line: now,
            last_phase: None,
            on_screen: is_drawn.then(|| {
                let style = ProgressStyle::with_template("{spinner} {wide_msg}").expect("the template is a constant");
                let bar = ProgressBar::new_spinner().with_style(style);
                print::start_drawing(&bar);
                OnScreen(bar)
            }),
        }
    }

    fn look(&mut self) {
        self.tell_new();
        let now = self.now();
        if let Some(OnScreen(bar)) = &self.on_screen {
            bar.set_message(drawn::line(&now));
            bar.tick();
        }
        if now.phase.is_some() && self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            let is_new = now.phase != self.last_phase;
            if self.on_screen.is_none() && (is_new || now.percent().is_some()) {
                tracing::info!("{}", drawn::sentence(&now));
            }
            self.last_phase.clone_from(&now.phase);
            self.tell(now);
        }
    }

    fn tell_new(&mut self) {
        for event in self.progress.take_events() {
            self.tell(event);
        }
    }

    /// What is under way just now.
    fn now(&mut self) -> Event {
        let reading = self.progress.read();
        let mut now =
            Event { step: self.step.clone(), service: reading.database, at: reading.doing, ..Event::default() };
        now.phase = Some(reading.phase).filter(|phase| !phase.is_empty()).map(str::to_owned);
        now.seconds = seconds(self.began);
        if ![ROWS, FILES].contains(&reading.phase) || reading.total_bytes == 0 {
            self.began_to_move = None;
            return now;
        }
        let (began, before) = *self.began_to_move.get_or_insert((Instant::now(), reading.done_bytes));
        let (moved, for_secs) = (reading.done_bytes.saturating_sub(before), began.elapsed().as_secs_f64());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is no negative number")]
        let rate = (for_secs >= 1.0).then(|| (moved as f64 / for_secs) as u64);
        let files = |count| (reading.total_files > 0).then_some(count);
        Event {
            bytes: Some(reading.done_bytes),
            total: Some(reading.total_bytes),
            files: files(reading.done_files),
            total_files: files(reading.total_files),
            rate,
            ..now
        }
    }

    fn tell(&self, event: Event) {
        log::progress(&Event { step: self.step.clone(), seconds: seconds(self.began), ..event });
    }

    fn end(&mut self, error: Option<String>) {
        self.on_screen = None;
        self.progress.end_all(error.as_ref());
        self.tell_new();
        let state = if error.is_some() { EventState::Failed } else { EventState::Done };
        self.tell(Event { state, error, ..Event::default() });
    }
}

/// Seconds since then, to a tenth.
fn seconds(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 10.0).round() / 10.0
}
