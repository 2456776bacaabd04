//! A worker of Kestra's in a process of its own, and the `railstage` process of a task that it runs.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::process::Child;

/// A worker process; dropping it ends it with its tasks.
pub(crate) struct Worker {
    process: Child,
    folder: TempDir,
}

impl Worker {
    /// `folder` is where it keeps its temporary files.
    pub(crate) fn new(process: Child, folder: TempDir) -> Self {
        Self { process, folder }
    }

    /// The process of a step that this worker runs at this moment.
    pub(crate) fn step(&self, step: &str) -> Option<StepProcess> {
        let worker = self.process.id()?;
        let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
            let pid = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            let mut words = line.split(|byte| *byte == 0);
            let is_step = words.next()? == b"railstage" && words.next()? == step.as_bytes();
            (is_step && status(pid)?.parent == worker).then(|| StepProcess(Pid::from_raw(pid)))
        });
        processes.last()
    }

    /// `kill -9`: the worker gets to do nothing more, and the process of its task does not hear of it.
    pub(crate) async fn lose(mut self, step: StepProcess) -> LeftAlone {
        self.process.kill().await.unwrap();
        LeftAlone { step, _folder: self.folder }
    }
}

/// The `railstage` process of a task.
pub(crate) struct StepProcess(Pid);

impl StepProcess {
    pub(crate) fn freeze(&self) {
        kill(self.0, Signal::SIGSTOP).unwrap();
    }
}

/// The process of a task whose worker is gone; dropping it kills it.
pub(crate) struct LeftAlone {
    step: StepProcess,
    /// Its temporary files are among those of the worker.
    _folder: TempDir,
}

impl LeftAlone {
    pub(crate) fn is_alive(&self) -> bool {
        status(self.step.0.as_raw()).is_some_and(|status| status.state != "Z")
    }

    pub(crate) fn thaw(&self) {
        kill(self.step.0, Signal::SIGCONT).unwrap();
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn ended(&self, patience: Duration) {
        let end = tokio::time::Instant::now() + patience;
        while self.is_alive() {
            assert!(tokio::time::Instant::now() < end, "the step's first process does not end");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for LeftAlone {
    fn drop(&mut self) {
        if self.is_alive() {
            let _ = kill(self.step.0, Signal::SIGKILL);
        }
    }
}

struct Status {
    state: String,
    parent: u32,
}

fn status(pid: i32) -> Option<Status> {
    let line = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut words = line.rsplit_once(") ")?.1.split(' ');
    Some(Status { state: words.next()?.to_owned(), parent: words.next()?.parse().ok()? })
}
