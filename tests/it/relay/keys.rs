//! The key on the account: whoever dies, it goes.

use std::time::Duration;

use backboard::{Fault, FaultEffect, RelayFault, WorldOptions};
use serde_json::{Value, json};

use super::{closed, with_relay};
use crate::stage::{Stage, eventually};

/// A step that is killed while its key is on the account.
async fn killed(
    stage: &Stage,
    run_id: &str,
    request: &Value,
    signal: nix::sys::signal::Signal,
) -> std::process::ExitStatus {
    let mut command = stage.step_command("validate", run_id, request);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    eventually("the key is registered", async || {
        tokio::time::sleep(Duration::from_millis(20)).await;
        !stage.world.ssh_keys().is_empty()
    })
    .await;
    let pid = nix::unistd::Pid::from_raw(child.id().unwrap().try_into().unwrap());
    nix::sys::signal::kill(pid, signal).unwrap();
    child.wait().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_step_leaves_on_the_account_its_rollback_removes_and_nobody_elses() {
    let stage = closed().await;
    let request = stage.request(json!({"environment_name": "killed"}));
    stage.world.fault(Fault::relay(RelayFault::NotReady).times(1000));
    killed(&stage, "killed", &request, nix::sys::signal::Signal::SIGKILL).await;
    let left = stage.world.ssh_keys();
    assert!(matches!(&left[..], [name] if name.starts_with("railstage-") && name.contains("-validate-")), "{left:?}");
    stage.world.forget_orders();
    let others = ["laptop", "railstage-aaaaaaaaaa-0123456789abcdef-sync-db-1700000000"];
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFqq8cMFgqiKxdlmFfbb8Y8y2x9KH0QH4C5HpYwWmOTq";
    stage.world.register_ssh_key(others[0], key).unwrap();
    stage.world.register_ssh_key(others[1], &key.replace("OTq", "OTr")).unwrap();
    // Another run's rollback leaves it, since that step may be at work.
    stage.step("rollback", "another", &request).await.expect(0);
    assert_eq!(stage.world.ssh_keys().len(), 3);
    let taken_back = stage.step("rollback", "killed", &request).await.expect(0).outputs();
    assert_eq!(taken_back["ssh_keys"], 1, "{taken_back}");
    assert_eq!(stage.world.ssh_keys(), others);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_is_told_to_end_removes_its_key_itself() {
    let stage = closed().await;
    let request = stage.request(json!({"environment_name": "told"}));
    stage.world.fault(Fault::relay(RelayFault::NotReady).times(1000));
    let ended = killed(&stage, "told", &request, nix::sys::signal::Signal::SIGTERM).await;
    assert_eq!(ended.code(), Some(143));
    assert!(stage.world.ssh_keys().is_empty(), "{:?}", stage.world.ssh_keys());
    stage.world.forget_orders();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_removes_our_keys_past_their_time_and_no_others() {
    let stage = closed().await;
    let request = stage.request(json!({"environment_name": "swept"}));
    stage.world.fault(Fault::relay(RelayFault::NotReady).times(1000));
    killed(&stage, "swept", &request, nix::sys::signal::Signal::SIGKILL).await;
    stage.world.forget_orders();
    let name = stage.world.ssh_keys().remove(0);
    let sweep = json!({"dry_run": false});
    let swept = stage.step("sweep-envs", "-", &sweep).await.expect(0).outputs();
    assert_eq!((&swept["ssh_keys"], stage.world.ssh_keys().len()), (&json!(0), 1), "it is in use");
    // One whose name says that its time is up, and which Railway knows as younger than that, is nobody's word.
    let forged = format!("{}-1700000000", name.rsplit_once('-').unwrap().0);
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFqq8cMFgqiKxdlmFfbb8Y8y2x9KH0QH4C5HpYwWmOTq";
    stage.world.register_ssh_key(&forged, key).unwrap();
    let swept = stage.step("sweep-envs", "-", &sweep).await.expect(0).outputs();
    assert_eq!((&swept["ssh_keys"], stage.world.ssh_keys().len()), (&json!(0), 2));
    let soon = (jiff::Timestamp::now().as_second() + 2).to_string();
    let ending = format!("{}-{soon}", name.rsplit_once('-').unwrap().0);
    stage.world.register_ssh_key(&ending, &key.replace("OTq", "OTr")).unwrap();
    eventually("its time is up", async || {
        tokio::time::sleep(Duration::from_millis(200)).await;
        jiff::Timestamp::now().to_string() > jiff::Timestamp::from_second(soon.parse().unwrap()).unwrap().to_string()
    })
    .await;
    let swept = stage.step("sweep-envs", "-", &sweep).await.expect(0).outputs();
    assert_eq!(swept["ssh_keys"], 1, "{swept}");
    assert!(!stage.world.ssh_keys().contains(&ending));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_whose_registration_was_not_heard_of_is_found_and_removed() {
    let stage = closed().await;
    let request = stage.request(json!({"environment_name": "unheard"}));
    stage.world.fault(Fault::new("sshPublicKeyCreate", FaultEffect::Http { status: 502 }).after_the_deed());
    stage.step("validate", "unheard", &request).await.expect(0);
    assert!(stage.world.ssh_keys().is_empty(), "{:?}", stage.world.ssh_keys());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_without_the_right_is_told_before_anything_is_made() {
    let stage = closed().await;
    let message = "Not Authorized".to_owned();
    stage.world.fault(Fault::new("sshPublicKeyCreate", FaultEffect::Error { message }));
    let refused = stage.step("validate", "no-right", &stage.request(json!({}))).await;
    refused.expect(3);
    assert!(refused.error().contains("may not register SSH keys"), "{}", refused.error());
    assert!(refused.error().contains("ADMIN"), "{}", refused.error());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_ones_own_is_used_where_nobody_else_can_read_it() {
    let mut stage = with_relay(WorldOptions::prompt()).await;
    stage.world.set_tcp_proxy("production", false).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let made =
        std::process::Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&path).status();
    assert!(made.is_ok_and(|status| status.success()), "`ssh-keygen` is missing");
    let public = std::fs::read_to_string(path.with_extension("pub")).unwrap();
    stage.env.push(("RAILSTAGE_SSH_KEY".to_owned(), path.to_string_lossy().into_owned()));
    let request = stage.request(json!({}));
    let refused = stage.step("validate", "own-key", &request).await;
    refused.expect(2);
    assert!(refused.error().contains("does not accept the key of RAILSTAGE_SSH_KEY"), "{}", refused.error());
    stage.world.register_ssh_key("worker", public.trim()).unwrap();
    stage.step("validate", "own-key", &request).await.expect(0);
    assert_eq!(stage.world.ssh_keys(), ["worker"]);
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let refused = stage.step("validate", "own-key", &request).await;
    refused.expect(2);
    assert!(refused.error().contains("can be read by others"), "{}", refused.error());
}
