//! A copy of files that ends in the middle, whoever ends it: its run is taken back, and nothing is left anywhere.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::RngExt as _;
use serde_json::{Value, json};
use tokio::process::Child;

use super::{assert_only_read, request, source, tree, with_media};
use crate::asked;
use crate::stage::{Stage, eventually};

/// How much is fed to the copy's container while [`tree::fill`] is copied, about.
const ALL_FED: u64 = 82_000_000;

/// Starts `sync-files` and waits until so many bytes have gone into the copy, or it has ended.
async fn begun(stage: &Stage, run_id: &str, request: &Value, fed: u64) -> Child {
    let mut command = stage.step_command("sync-files", run_id, request);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let copy = copy(stage);
    eventually("the files come", async || {
        stage.world.fed(&copy, "media").unwrap() >= fed || child.try_wait().unwrap().is_some()
    })
    .await;
    child
}

fn copy(stage: &Stage) -> String {
    stage.world.environments().into_iter().find(|one| one.name != "production").unwrap().id
}

/// The processes of this machine that know a word by their variables, but for what a container runs by itself.
fn knowing(word: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    let of = |pid: String| {
        let read = |what: &str| fs::read(format!("/proc/{pid}/{what}")).unwrap_or_default();
        let arguments = String::from_utf8_lossy(&read("cmdline")).replace('\0', " ");
        let knows = pid.parse::<u32>().is_ok() && String::from_utf8_lossy(&read("environ")).contains(word);
        let is_its_own = ["sleep 86400", "unshare "].iter().any(|own| arguments.contains(own));
        (knows && !is_its_own && !arguments.is_empty()).then_some(arguments)
    };
    processes.filter_map(of).collect()
}

/// Nothing of a run is left: no environment, key, process or folder, and production is what it was.
async fn assert_is_gone(stage: &Stage, folder: &Path, before: &tree::Tree) {
    assert_eq!(stage.environments(), ["production"]);
    assert!(stage.world.ssh_keys().is_empty(), "{:?}", stage.world.ssh_keys());
    let words = [
        format!("RAILWAY_ENVIRONMENT_ID={}", stage.world.environment_id("production").unwrap()),
        format!("RAILWAY_API_TOKEN={}", stage.world.token()),
    ];
    for word in words {
        let mut left = Vec::new();
        eventually("what worked for it has ended", async || {
            left = knowing(&word);
            left.is_empty()
        })
        .await;
    }
    let left: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(tree::of(&source(stage)) == *before, "production was written");
    assert_only_read(stage);
}

#[tokio::test(flavor = "multi_thread")]
async fn whenever_a_copy_of_files_is_killed_its_rollback_leaves_nothing() {
    let Some(mut stage) = with_media().await else { return };
    let folder = tempfile::tempdir().unwrap();
    stage.env.push(("TMPDIR".to_owned(), folder.path().to_str().unwrap().to_owned()));
    tree::fill(&source(&stage));
    let before = tree::of(&source(&stage));
    let mut chances = asked::chances();
    for n in 0..if asked::all() { 8 } else { 1 } {
        let (run_id, request) = (format!("killed-{n}"), request(&stage, &json!({})));
        stage.steps_until("sync-db", &run_id, &request).await;
        // The first moment is one in which a key is on the account and files are half there.
        let fed = if n == 0 { 4_000_000 } else { chances.random_range(0..ALL_FED) };
        let mut child = begun(&stage, &run_id, &request, fed).await;
        let is_underway = child.try_wait().unwrap().is_none();
        assert!(is_underway || n > 0, "it ended before it was killed");
        child.start_kill().unwrap();
        child.wait().await.unwrap();
        assert_eq!(stage.world.ssh_keys().len(), usize::from(is_underway), "at {fed} bytes");
        stage.step("rollback", &run_id, &request).await.expect(0);
        assert_is_gone(&stage, folder.path(), &before).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_files_that_is_told_to_end_takes_its_key_along_and_the_sweep_takes_the_rest() {
    let Some(mut stage) = with_media().await else { return };
    let folder = tempfile::tempdir().unwrap();
    stage.env.push(("TMPDIR".to_owned(), folder.path().to_str().unwrap().to_owned()));
    tree::fill(&source(&stage));
    let before = tree::of(&source(&stage));
    let request = request(&stage, &json!({}));
    stage.steps_until("sync-db", "told", &request).await;
    let mut child = begun(&stage, "told", &request, 4_000_000).await;
    kill(Pid::from_raw(child.id().unwrap().cast_signed()), Signal::SIGTERM).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(30), child.wait()).await.expect("it ends").unwrap();
    assert_eq!(ended.code(), Some(143));
    assert!(stage.world.ssh_keys().is_empty(), "{:?}", stage.world.ssh_keys());
    let of_copy = format!("RAILWAY_ENVIRONMENT_ID={}", copy(&stage));
    eventually("nothing writes there any more", async || {
        !knowing(&of_copy).iter().any(|arguments| arguments.contains("railstage-writer"))
    })
    .await;
    // Nobody takes it back, and its time is up.
    let name = stage.environments().remove(0);
    stage.change_record(&name, json!({"give_up_at": "2020-01-01T00:00:00Z", "lease": null}));
    stage.step("sweep-envs", "-", &json!({"dry_run": false})).await.expect(0);
    assert_is_gone(&stage, folder.path(), &before).await;
}
