//! Whatever ends a clone at a terminal, or takes its terminal away, leaves a whole copy or none.

use std::process::Stdio;
use std::time::Duration;

use backboard::{DeployOutcome, DeploymentStatus, WorldOptions};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::NamedTempFile;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};

use crate::stage::{Stage, eventually};

const PATIENCE: Duration = Duration::from_mins(1);

fn policy_of(stage: &Stage) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), stage.policy.to_string()).unwrap();
    file
}

fn clone_args(command: &mut Command, stage: &Stage, policy: &NamedTempFile) {
    command
        .args(["clone", "--project-id", &stage.world.project_id(), "--client-name", "It's ours", "--policy"])
        .arg(policy.path());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
}

async fn slow_stage() -> Stage {
    Stage::of(WorldOptions { deploy_time: Duration::from_secs(4), ..WorldOptions::prompt() }).await
}

async fn until_deploying(stage: &Stage) {
    let is_deploying = async || stage.world.journal().iter().any(|e| e.operation == "serviceInstanceDeployV2");
    eventually("a service is being deployed", is_deploying).await;
}

fn send(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()), signal).unwrap();
}

/// The stage's command, started by another program, which then is it.
fn started_by(program: &[&str], stage: &Stage) -> Command {
    let of_stage = stage.command();
    let mut command = Command::new(program[0]);
    command.env_clear().stdin(Stdio::null()).kill_on_drop(true);
    command
        .envs(of_stage.as_std().get_envs().filter_map(|(name, value)| Some((name, value?))))
        .args(&program[1..])
        .arg(env!("CARGO_BIN_EXE_railstage"));
    command
}

async fn code_of(mut child: Child) -> Option<i32> {
    tokio::time::timeout(PATIENCE, child.wait()).await.expect("the clone ends").unwrap().code()
}

/// As `railstage clone … 2>&1 | head -1` does.
#[tokio::test(flavor = "multi_thread")]
async fn a_clone_that_nobody_listens_to_ends_as_if_somebody_did() {
    for (crashes, code, left) in [(0, 0, 2), (2, 1, 1)] {
        let stage = Stage::prompt().await;
        let policy = policy_of(&stage);
        let crash =
            DeployOutcome { service: "web".into(), status: DeploymentStatus::Crashed, log: Vec::new(), times: crashes };
        if crashes > 0 {
            stage.world.order_outcome(crash);
        }
        let mut command = stage.command();
        clone_args(&mut command, &stage, &policy);
        let mut child = command.spawn().unwrap();
        let mut first = [0; 4];
        child.stderr.as_mut().unwrap().read_exact(&mut first).await.unwrap();
        drop((child.stderr.take(), child.stdout.take()));
        assert_eq!(code_of(child).await, Some(code));
        assert_eq!(stage.world.environments().len(), left);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_window_rolls_a_clone_back_however_often_the_shell_says_so() {
    let stage = slow_stage().await;
    let policy = policy_of(&stage);
    // The tests themselves may run under `nohup`.
    let mut command = started_by(&["env", "--default-signal=HUP"], &stage);
    clone_args(&mut command, &stage, &policy);
    let mut child = command.spawn().unwrap();
    until_deploying(&stage).await;
    drop((child.stderr.take(), child.stdout.take()));
    for _ in 0..3 {
        send(&child, Signal::SIGHUP);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(code_of(child).await, Some(143));
    assert_eq!(stage.world.environments().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn under_nohup_a_closed_window_changes_nothing() {
    let stage = Stage::of(WorldOptions { deploy_time: Duration::from_secs(1), ..WorldOptions::prompt() }).await;
    let policy = policy_of(&stage);
    let mut command = started_by(&["nohup"], &stage);
    clone_args(&mut command, &stage, &policy);
    let child = command.spawn().unwrap();
    until_deploying(&stage).await;
    send(&child, Signal::SIGHUP);
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(stage.world.environments().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_that_was_killed_is_rolled_back_by_the_line_that_it_printed() {
    let stage = slow_stage().await;
    let policy = policy_of(&stage);
    let mut command = stage.command();
    clone_args(&mut command, &stage, &policy);
    let child = command.spawn().unwrap();
    until_deploying(&stage).await;
    send(&child, Signal::SIGKILL);
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stage.world.environments().len(), 2);
    assert!(told.starts_with("run "), "the run is not told at the start: {told}");
    let line =
        told.lines().find_map(|line| line.split_once("rolled back by: ")).expect("the command that rolls back").1;
    let mut typed = Command::new("sh");
    let of_stage = stage.command();
    typed.env_clear().envs(of_stage.as_std().get_envs().filter_map(|(name, value)| Some((name, value?))));
    let own = std::path::Path::new(env!("CARGO_BIN_EXE_railstage")).parent().unwrap().to_owned();
    let path = of_stage.as_std().get_envs().find(|(name, _)| *name == "PATH").unwrap().1.unwrap().to_owned();
    let path = std::env::join_paths([own].into_iter().chain(std::env::split_paths(&path))).unwrap();
    let output = typed.env("PATH", path).args(["-c", line]).output().await.unwrap();
    assert!(output.status.success(), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(stage.world.environments().len(), 1);
}
