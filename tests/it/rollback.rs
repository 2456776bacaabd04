//! What becomes of a run that fails, is stopped, or is rolled back twice.

use std::time::Duration;

use backboard::{DeployOutcome, DeploymentStatus, Fault, FaultEffect, WorldOptions};
use railstage::steps;
use serde_json::json;

use crate::stage::{Stage, eventually, finish};

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_after_any_step_leaves_nothing() {
    let stage = Stage::prompt().await;
    // The first makes nothing, and after the last the copy is ready.
    let making: Vec<_> =
        steps::of_a_clone().skip(1).map(|step| step.name).filter(|name| *name != "check-health").collect();
    for last in making {
        let request = stage.request(json!({"environment_name": "undone"}));
        stage.steps_until(last, last, &request).await;
        let call = stage.step("rollback", last, &request).await;
        call.expect(0);
        assert_eq!(call.outputs()["removed"], json!(["environment `undone`"]));
        assert_eq!(stage.world.environments().len(), 1, "something is left after {last}");
        // A second rollback, and a step that comes too late.
        stage.step("rollback", last, &request).await.expect(0);
        let late = stage.step("sync-db", last, &request).await;
        late.expect(2);
        assert!(late.error().contains("start a new run"), "{}", late.error());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_leaves_a_ready_copy_and_other_runs_alone() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "ready"}));
    stage.steps_until("check-health", "ready", &request).await;
    stage.step("rollback", "ready", &request).await.expect(0);
    stage.step("rollback", "another", &request).await.expect(0);
    assert_eq!(stage.world.environments().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_that_railway_does_not_delete_is_told_with_code_6() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "stays"}));
    stage.step("create-env", "stays", &request).await.expect(0);
    stage.world.fault(Fault::new("environmentDelete", FaultEffect::Error { message: "Internal error".into() }));
    let mut command = stage.command();
    command.arg("rollback").envs([
        ("RAILSTAGE_OUTPUT", "kestra"),
        ("RAILSTAGE_RUN_ID", "stays"),
        ("RAILSTAGE_REQUEST", &crate::stage::base64(&request.to_string())),
        ("RAILSTAGE_POLICY", &crate::stage::base64(&stage.policy.to_string())),
    ]);
    let call = finish(command).await;
    call.expect(6);
    assert!(call.error().contains("something is left behind"), "{}", call.error());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_copy_is_kept_when_the_request_says_so_with_its_apps_off() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "kept", "on_failure": "keep"}));
    stage.steps_until("start-apps", "kept", &request).await;
    let call = stage.step("rollback", "kept", &request).await;
    call.expect(0);
    assert_eq!(call.outputs()["kept"], "kept");
    let listed = stage.step("list-envs", "-", &json!({"project_id": stage.world.project_id()})).await;
    assert_eq!(listed.outputs()["environments"][1]["state"], "failed");
    let host = stage.world.environments().into_iter().find(|e| e.name == "kept").unwrap();
    let host = host.domains.keys().next().unwrap().clone();
    assert_ne!(stage.world.fetch(&host, "/").await.unwrap().status, 200, "an app of the failed copy still runs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_that_fails_rolls_itself_back() {
    let stage = Stage::prompt().await;
    let policy = policy_file(&stage);
    stage.world.order_outcome(DeployOutcome {
        service: "web".into(),
        status: DeploymentStatus::Failed,
        log: vec!["no space".into()],
        times: 2,
    });
    let mut command = stage.command();
    command.args(["clone", "--json", "--project-id", &stage.world.project_id()]).arg("--policy").arg(policy.path());
    let call = finish(command).await;
    call.expect(1);
    let report = call.json();
    assert_eq!(report["status"], "failed");
    assert_eq!(report["steps"]["rollback"]["status"], "ok");
    assert_eq!(stage.world.environments().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_rolls_a_clone_back() {
    let stage = Stage::of(WorldOptions { deploy_time: Duration::from_secs(20), ..WorldOptions::prompt() }).await;
    let policy = policy_file(&stage);
    let mut command = stage.command();
    command.args(["clone", "--json", "--project-id", &stage.world.project_id()]).arg("--policy").arg(policy.path());
    let child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let pid = child.id().unwrap().to_string();
    let is_deploying = async || stage.world.journal().iter().any(|e| e.operation == "serviceInstanceDeployV2");
    eventually("a service is being deployed", is_deploying).await;
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = tokio::time::timeout(Duration::from_mins(1), child.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(stage.world.environments().len(), 1);
}

fn policy_file(stage: &Stage) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), stage.policy.to_string()).unwrap();
    file
}
