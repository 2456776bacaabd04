//! New files in a copy that is there, under its running app, and nothing of them where that fails.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use backboard::{Fault, FaultEffect, RelayFault};
use serde_json::{Value, json};
use tokio::process::Child;

use super::{MARKER, READER, assert_only_read, request, source, target, tree, with_media};
use crate::stage::{Stage, base64, eventually};

const WRITER: &str = include_str!("../../../src/files/writer.sh");
const BESIDE: &str = include_str!("../../../src/files/beside.sh");

fn asked(stage: &Stage) -> Value {
    json!({"project_id": stage.world.project_id(), "environment": "copy", "files": true})
}

/// A copy that is ready, of what `fill` puts on the volume of its source.
async fn with_copy(more: Value, fill: impl FnOnce(&Path)) -> Option<Stage> {
    let stage = with_media().await?;
    fill(&source(&stage));
    stage.steps_until("check-health", "clone", &request(&stage, &more)).await;
    stage.shows("copy", "ready").await;
    Some(stage)
}

/// Where the app of the copy answers, which is another place once it is deployed anew.
fn address(stage: &Stage) -> String {
    let copy = stage.world.environments().into_iter().find(|one| one.name == "copy").unwrap();
    copy.direct_urls["media"].clone()
}

/// What a run has beside the files of the copy.
fn beside(stage: &Stage) -> Option<PathBuf> {
    let all = fs::read_dir(target(stage)).unwrap().map(|entry| entry.unwrap());
    all.filter(|entry| entry.file_name().to_string_lossy().starts_with(".railstage-")).map(|entry| entry.path()).next()
}

/// A file with other contents of the same length, and the same time.
fn change_in_the_same_second(path: &Path) {
    let before = fs::metadata(path).unwrap();
    let other: Vec<u8> = fs::read(path).unwrap().into_iter().map(|byte| !byte).collect();
    fs::write(path, other).unwrap();
    fs::File::options().append(true).open(path).unwrap().set_modified(before.modified().unwrap()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn new_files_come_and_old_ones_go_under_a_running_app() {
    let fill = |volume: &Path| {
        tree::fill(volume);
        fs::create_dir(volume.join(".railstage-fedcba9876543210")).unwrap();
        fs::write(volume.join(".railstage-fedcba9876543210/of-another-copy"), "").unwrap();
        symlink("/etc", volume.join(".railstage-link")).unwrap();
    };
    let Some(stage) = with_copy(json!({}), fill).await else { return };
    let (here, there) = (source(&stage), target(&stage));
    assert!(beside(&stage).is_none(), "what is another copy's came along");
    fs::remove_dir_all(here.join(".railstage-fedcba9876543210")).unwrap();
    assert_eq!(tree::of(&there).len() + 1, tree::of(&here).len());
    let before = (address(&stage), stage.record("copy"));

    change_in_the_same_second(&here.join("new\nline"));
    fs::write(here.join("2026/11/new.jpg"), "new").unwrap();
    fs::remove_dir_all(here.join("empty")).unwrap();
    fs::write(here.join("empty"), "a file in the place of a folder").unwrap();
    fs::remove_file(here.join("dangling")).unwrap();
    fs::write(there.join("2026/made-in-the-copy"), "").unwrap();
    fs::write(there.join("made-in-the-copy"), "").unwrap();
    // With the time and the size that its source has.
    change_in_the_same_second(&there.join("glob*?[x]"));
    symlink(&here, there.join(".railstage-0123456789abcdef")).unwrap();
    let call = stage.step("refresh-env", "anew", &asked(&stage)).await;
    call.expect(0);

    fs::remove_file(here.join(".railstage-link")).unwrap();
    assert_eq!(tree::of(&there), tree::of(&here));
    assert_eq!(address(&stage), before.0, "the app was deployed anew");
    let files = &call.outputs()["files"][0];
    assert_eq!(files["service"], "media");
    assert_eq!(files["files"].as_u64(), before.1["files"][0]["files"].as_u64().map(|files| files + 1));
    // What is there already does not come again.
    assert!(files["unchanged"].as_u64() > Some(8), "{files}");
    let is_small = |bytes: &Value| bytes.as_u64().unwrap() < before.1["files"][0]["bytes"].as_u64().unwrap();
    assert!(is_small(&files["bytes"]), "{files}");
    let record = stage.record("copy");
    assert_eq!((&record["state"], &record["refreshed"]["run"]), (&json!("ready"), &json!("anew")));
    assert_ne!(record["files"][0]["read_at"], Value::Null);
    assert_only_read(&stage);
    for text in stage.world.commands_in("copy").unwrap() {
        let is_ours = [MARKER, READER, WRITER, BESIDE].contains(&text.as_str()) || text.starts_with("echo self $$;");
        assert!(is_ours, "{text}");
    }
    assert!(stage.world.ssh_keys().is_empty());

    // Once more, and nothing but what is new comes over.
    fs::write(here.join("2026/11/newer.jpg"), "newer").unwrap();
    let call = stage.step("refresh-env", "once-more", &asked(&stage)).await;
    call.expect(0);
    assert_eq!(tree::of(&there), tree::of(&here));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_do_not_come_whole_leave_the_old_ones() {
    let Some(stage) = with_copy(json!({}), tree::fill).await else { return };
    let (here, there) = (source(&stage), target(&stage));
    let old = tree::of(&there);
    fs::write(here.join("photo.jpg"), vec![7; 3 << 20]).unwrap();
    let copy = stage.world.environment_id("copy").unwrap();
    stage.world.fault(Fault::relay(RelayFault::Damaged).at(&copy));
    let failed = stage.step("refresh-env", "damaged", &asked(&stage)).await;
    failed.expect(1);
    assert!(failed.error().contains("`photo.jpg`") && failed.error().contains("digest"), "{}", failed.error());
    assert!(tree::of(&there) == old);
    let record = stage.record("copy");
    assert_eq!((&record["state"], &record["refreshing"]), (&json!("ready"), &Value::Null));

    // The key is gone before all is there, so that nobody can take it back: the next one begins with that.
    stage.world.fault(Fault::relay(RelayFault::KeyRevoked { after_bytes: 1_000_000 }).at(&copy));
    assert_ne!(stage.step("refresh-env", "revoked", &asked(&stage)).await.code, 0);
    assert_eq!(
        tree::of(&there).into_iter().filter(|(path, _)| !path.starts_with(b".railstage-")).collect::<tree::Tree>(),
        old
    );

    stage.world.fault(Fault::relay(RelayFault::CutAfter { bytes: 2_000_000 }).at(&copy));
    stage.step("refresh-env", "cut", &asked(&stage)).await.expect(0);
    assert!(stage.world.waiting_faults().is_empty(), "the connection was never cut");
    assert_eq!(tree::of(&there), tree::of(&here));
    assert_only_read(&stage);
    assert!(stage.world.ssh_keys().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_or_is_no_longer_granted_is_told_before_anything_is_written() {
    let asks = json!({"files": [{"service": "media", "include": ["**/*.log"]}]});
    let Some(mut stage) = with_media().await else { return };
    stage.policy["may_include_files"] = json!(["**/*.log"]);
    fs::write(source(&stage).join("kept.log"), vec![1; 3 << 20]).unwrap();
    stage.steps_until("check-health", "clone", &request(&stage, &asks)).await;
    stage.shows("copy", "ready").await;
    assert!(target(&stage).join("kept.log").exists());
    // What the clone asked for is remembered.
    fs::write(source(&stage).join("new.log"), "new").unwrap();
    stage.step("refresh-env", "remembered", &asked(&stage)).await.expect(0);
    assert_eq!(tree::of(&target(&stage)), tree::of(&source(&stage)));
    let granted = stage.policy["may_include_files"].take();
    stage.policy["may_include_files"] = json!([]);
    let refused = stage.step("refresh-env", "refused", &asked(&stage)).await;
    assert!(refused.expect(2).error().contains("may_include_files: [\"**/*.log\"]"), "{}", refused.error());
    stage.policy["may_include_files"] = granted;

    let keys = std::mem::replace(&mut stage.policy["relay_host_keys"], json!([]));
    let refused = stage.step("refresh-env", "refused", &asked(&stage)).await;
    assert!(refused.expect(2).error().contains("relay_host_keys"), "{}", refused.error());
    stage.policy["relay_host_keys"] = keys;

    let copy = stage.world.environment_id("copy").unwrap();
    stage.world.limit_volume(&copy, "media", 2 << 20).unwrap();
    stage.deploy("copy", "media").await;
    let failed = stage.step("refresh-env", "full", &asked(&stage)).await;
    let told = failed.error();
    assert!(failed.code == 1 && told.contains("do not fit") && told.contains("beside"), "{told}");
    assert_eq!(stage.record("copy")["refreshing"], Value::Null);

    stage.change_record("copy", json!({"files": []}));
    let refused = stage.step("refresh-env", "refused", &asked(&stage)).await;
    assert!(refused.expect(2).error().contains("no files of an app's volume"), "{}", refused.error());
}

/// A refresh that has been started.
fn begin(stage: &Stage, run_id: &str) -> Child {
    let mut command = stage.command();
    command.arg("refresh-env").envs([
        ("RAILSTAGE_OUTPUT", "kestra"),
        ("RAILSTAGE_RUN_ID", run_id),
        ("RAILSTAGE_REQUEST", &base64(&asked(stage).to_string())),
        ("RAILSTAGE_POLICY", &base64(&stage.policy.to_string())),
    ]);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits until a refresh has this beside the files of the copy, however slow it all is.
async fn come_to(stage: &Stage, mark: &str) {
    let waiting = async {
        while !beside(stage).is_some_and(|folder| folder.join(mark).exists()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(3), waiting).await.unwrap_or_else(|_| panic!("it never has `{mark}`"));
}

/// So many files at the root of a volume, each of which is renamed by itself.
fn many(volume: &Path) {
    for n in 0..1500 {
        fs::write(volume.join(format!("{n}.txt")), format!("old {n}")).unwrap();
    }
}

fn renew(volume: &Path) {
    for n in (0..1500).step_by(2) {
        fs::write(volume.join(format!("{n}.txt")), format!("new contents of {n}")).unwrap();
        fs::write(volume.join(format!("new-{n}.txt")), "new").unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_that_is_killed_anywhere_is_taken_back_by_its_rollback() {
    let Some(stage) = with_copy(json!({}), many).await else { return };
    let (here, there) = (source(&stage), target(&stage));
    let old = tree::of(&there);
    renew(&here);
    // While it is built, and in the middle of the renaming, with the container that renames.
    for (run, with_container, mark) in
        [("building", false, "new"), ("renaming", false, "swapping"), ("crashed", true, "swapping")]
    {
        let mut child = begin(&stage, run);
        come_to(&stage, mark).await;
        child.kill().await.unwrap();
        if with_container {
            stage.world.restart_container("copy", "media").unwrap();
            let (folder, now) = (beside(&stage).unwrap(), SystemTime::now());
            assert!(!folder.join("swapped").exists() && now.elapsed().unwrap() < Duration::from_secs(1), "too late");
        }
        let call = stage.step("rollback-refresh", run, &asked(&stage)).await;
        call.expect(0);
        assert_eq!(
            (&call.outputs()["environment_name"], &call.outputs()["left"]),
            (&json!("copy"), &json!([])),
            "{run}"
        );
        assert!(tree::of(&there) == old, "{run}: the old files are not what they were");
        assert_eq!(stage.record("copy")["refreshing"], Value::Null);
    }
    // One whose container starts anew in the middle goes on when that is up.
    let child = begin(&stage, "goes-on");
    come_to(&stage, "swapping").await;
    stage.world.restart_container("copy", "media").unwrap();
    let ended = tokio::time::timeout(Duration::from_mins(2), child.wait_with_output()).await.unwrap().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
    assert!(tree::of(&there) == tree::of(&here));
    assert_only_read(&stage);
}

/// The worst moment: files and data are in their places, and the record does not tell it yet.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_killed_after_all_was_in_its_place_is_finished_by_the_rollback() {
    let Some(stage) = with_copy(json!({}), tree::fill).await else { return };
    let (here, there) = (source(&stage), target(&stage));
    fs::write(here.join("new.jpg"), "new").unwrap();
    stage.world.fault(Fault::new("variableCollectionUpsert", FaultEffect::Timeout { secs: 60.0 }).skip(1));
    let mut child = begin(&stage, "killed");
    let is_called = async || stage.world.waiting_faults().is_empty();
    eventually("it writes its record", is_called).await;
    child.kill().await.unwrap();
    assert!(there.join("new.jpg").exists() && beside(&stage).is_some_and(|folder| folder.join("old").exists()));
    let call = stage.step("rollback-refresh", "killed", &asked(&stage)).await;
    call.expect(0);
    assert_eq!(call.outputs()["kept"], json!(["Postgres"]));
    assert_eq!(stage.record("copy")["refreshed"]["run"], "killed");
    assert_eq!(tree::of(&there), tree::of(&here));
}
