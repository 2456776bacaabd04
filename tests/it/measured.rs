//! How much memory a command takes.

use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;

/// What a copy holds less than, in KiB.
pub(crate) const GOAL: u64 = 64 << 10;

/// What a command printed, and the most memory that it had, in KiB, as its process tells it until it ends.
pub(crate) async fn measured(command: &mut Command) -> (Output, u64) {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id().unwrap());
    let measuring = async {
        let mut peak = 0;
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        while let Ok(status) = std::fs::read_to_string(&status) {
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let Some(line) = line else { break };
            peak = line.trim().trim_end_matches(" kB").parse().unwrap();
            ticks.tick().await;
        }
        peak
    };
    let (output, peak) = tokio::join!(child.wait_with_output(), measuring);
    (output.unwrap(), peak)
}
