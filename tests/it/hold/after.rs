//! Commands of a request in the containers of its copy.

use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use super::{request, with_media};
use crate::asked;
use crate::stage::{Stage, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn commands_run_in_the_copy_alone_and_say_nothing_unasked() {
    let Some(mut stage) = with_media().await else { return };
    stage.policy["after_commands"] = json!(["media=echo canary-of-a-person; pwd", "media=exit *"]);
    let after = json!([
        {"service": "media", "command": "echo canary-of-a-person; pwd"},
        {"service": "media", "command": "exit 7"},
    ]);
    let request = request(&stage, &json!({"after": after}));
    stage.steps_after_validate("sync-files", "after", &request).await;
    let started = stage.step("start-apps", "after", &request).await;
    let ran = started.expect(0).outputs()["after"].clone();
    assert_eq!((&ran[0]["exit_code"], &ran[1]["exit_code"]), (&json!(0), &json!(7)), "{ran}");
    assert!(started.stdout.contains("ended with code 7"), "{}", started.stdout);
    let without_request = started.stdout.replace("echo canary-of-a-person", "");
    assert!(!without_request.contains("canary-of-a-person"), "{}", started.stdout);
    for text in stage.world.commands_in("production").unwrap() {
        assert!(!text.contains("exit 7") && !text.contains("canary"), "{text}");
    }
    assert!(stage.world.ssh_keys().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_must_not_fail_fails_the_clone_and_one_that_is_not_granted_never_runs() {
    let Some(mut stage) = with_media().await else { return };
    stage.policy["after_commands"] = json!(["media=false"]);
    let asked = |command: &str| json!({"after": [{"service": "media", "command": command, "on_failure": "fail"}]});
    let refused = stage.step("validate", "after", &request(&stage, &asked("true"))).await;
    assert!(refused.expect(2).error().contains("after_commands"), "{}", refused.error());
    let request = request(&stage, &asked("false"));
    stage.steps_after_validate("sync-files", "after", &request).await;
    let failed = stage.step("start-apps", "after", &request).await;
    assert!(failed.expect(1).error().contains("`false` in service `media` ended with code 1"), "{}", failed.error());
}

/// Starts `start-apps` and waits until the command that never ends is at work.
async fn hanging(stage: &Stage, run_id: &str, on_failure: &str) -> tokio::process::Child {
    let after = json!({"after": [{"service": "media", "command": NEVER_ENDS, "on_failure": on_failure}]});
    let request = request(stage, &after);
    stage.steps_after_validate("sync-files", run_id, &request).await;
    let mut command = stage.step_command("start-apps", run_id, &request);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    eventually("the command runs", async || {
        stage.world.commands_in("copy").unwrap().iter().any(|text| text.contains(NEVER_ENDS))
    })
    .await;
    child
}

const NEVER_ENDS: &str = "echo begun; sleep 86399";

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_never_ends_holds_nobody_who_is_told_to_end() {
    let Some(mut stage) = with_media().await else { return };
    stage.policy["after_commands"] = json!([format!("media={NEVER_ENDS}")]);
    let mut child = hanging(&stage, "told", "fail").await;
    kill(Pid::from_raw(child.id().unwrap().cast_signed()), Signal::SIGTERM).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(30), child.wait()).await.expect("it ends").unwrap();
    assert_eq!(ended.code(), Some(143));
    assert!(stage.world.ssh_keys().is_empty(), "{:?}", stage.world.ssh_keys());
    stage.step("rollback", "told", &request(&stage, &json!({}))).await.expect(0);
    assert_eq!(stage.environments(), ["production"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_never_ends_is_given_up_after_its_time() {
    if !asked::all() {
        return;
    }
    let Some(mut stage) = with_media().await else { return };
    stage.policy["after_commands"] = json!([format!("media={NEVER_ENDS}")]);
    let child = hanging(&stage, "bound", "warn").await;
    let ended = tokio::time::timeout(Duration::from_mins(7), child.wait_with_output()).await;
    let ended = ended.expect("it is given up").unwrap();
    let told = String::from_utf8(ended.stdout).unwrap();
    assert!(ended.status.success() && told.contains("did not end within 300 s"), "{told}");
    assert!(stage.world.ssh_keys().is_empty(), "{:?}", stage.world.ssh_keys());
}
