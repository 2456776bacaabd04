//! Commands of a request in the containers of its copy.

use serde_json::json;

use super::{request, with_media};

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
