//! What becomes of a clone that fails, is killed, or is started again.

use std::time::Duration;

use backboard::{DeployOutcome, DeploymentStatus, WorldOptions};
use serde_json::json;

use crate::engine::{Engine, state};

pub(crate) fn crash(times: u32) -> DeployOutcome {
    DeployOutcome { service: "web".into(), status: DeploymentStatus::Crashed, log: vec!["cannot bind".into()], times }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_step_is_rolled_back_and_says_why() {
    let engine = Engine::start(WorldOptions::prompt()).await;
    engine.world.order_outcome(crash(2));
    let id = engine.clone(&engine.request(json!({"logs": true}))).await;
    let execution = engine.ended(&id).await;
    assert_eq!(execution["state"]["current"], "FAILED");
    assert_eq!((state(&execution, "start_apps"), state(&execution, "rollback")), ("FAILED", "SUCCESS"));
    let failed = engine.task(&execution, "start_apps").await;
    assert_eq!(failed["status"], "failed");
    assert!(failed["error"].as_str().unwrap().contains("cannot bind"), "{failed}");
    assert_eq!(engine.environments(), ["production"]);
    let outputs = engine.outputs(&id).await;
    let told = ["status", "step", "exit_code", "needs_person", "error"].map(|name| outputs[name].clone());
    assert_eq!(told, [json!("failed"), json!("start_apps"), json!(1), json!(false), failed["error"].clone()]);
}

/// The step that ends a run gives account of it; of one that is taken back, the rollback does.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_not_healthy_is_rolled_back_and_accounted_for() {
    let engine = Engine::start(WorldOptions::prompt()).await;
    let id = engine.clone(&engine.request(json!({"health": [{"contains": "nowhere", "timeout": "PT2S"}]}))).await;
    let execution = engine.ended(&id).await;
    assert_eq!((state(&execution, "check_health"), state(&execution, "rollback")), ("FAILED", "SUCCESS"));
    let account = engine.outputs(&id).await["account"].take();
    assert_eq!((&account["step"], &account["copies"][0]["deed"]), (&json!("rollback"), &json!("rolled_back")));
    assert_eq!(engine.told_of(&id).await, account);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_made_nothing_is_not_rolled_back_and_says_what_to_change() {
    let engine = Engine::start(WorldOptions::prompt()).await;
    let id = engine.clone(&engine.request(json!({"source_environment": "nonesuch"}))).await;
    let execution = engine.ended(&id).await;
    assert_eq!(execution["state"]["current"], "FAILED");
    assert_eq!((state(&execution, "validate"), state(&execution, "rollback")), ("FAILED", "SKIPPED"));
    let outputs = engine.outputs(&id).await;
    let told = ["status", "step", "exit_code", "needs_person"].map(|name| outputs[name].clone());
    assert_eq!(told, [json!("failed"), json!("validate"), json!(2), json!(false)]);
    assert!(outputs["error"].as_str().unwrap().contains("there is no environment `nonesuch`"), "{outputs}");
    assert_eq!(outputs["dns_records"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_started_again_after_its_rollback_says_that_it_is_gone() {
    let engine = Engine::start(WorldOptions::prompt()).await;
    engine.world.order_outcome(crash(2));
    let id = engine.clone(&engine.request(json!({}))).await;
    engine.ended(&id).await;
    engine.restart(&id).await;
    let over = |e: &serde_json::Value| {
        e["state"]["current"] == "FAILED" && e["state"]["histories"].to_string().contains("RESTARTED")
    };
    engine.until(&id, over).await;
    let logs = engine.logs(&id).await;
    assert!(logs.contains("start a new run"), "{logs}");
    assert_eq!(engine.environments(), ["production"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_started_again_leaves_a_copy_that_was_kept_as_it_is() {
    let engine = Engine::start(WorldOptions::prompt()).await;
    engine.world.order_outcome(crash(2));
    let id = engine.clone(&engine.request(json!({"environment_name": "kept", "on_failure": "keep"}))).await;
    let execution = engine.ended(&id).await;
    assert_eq!(engine.task(&execution, "rollback").await["kept"], "kept");
    engine.restart(&id).await;
    let over = |e: &serde_json::Value| {
        e["state"]["current"] == "FAILED" && e["state"]["histories"].to_string().contains("RESTARTED")
    };
    engine.until(&id, over).await;
    let logs = engine.logs(&id).await;
    assert!(logs.contains("is kept for a look"), "{logs}");
    assert_eq!(engine.environments(), ["kept", "production"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_leaves_nothing() {
    let engine = Engine::start(WorldOptions { deploy_time: Duration::from_secs(30), ..WorldOptions::prompt() }).await;
    let id = engine.clone(&engine.request(json!({}))).await;
    engine.until(&id, |e| state_of(e, "sync_db") == "RUNNING").await;
    let end = tokio::time::Instant::now() + Duration::from_mins(1);
    while !engine.world.journal().iter().any(|e| e.operation == "serviceInstanceDeployV2") {
        assert!(tokio::time::Instant::now() < end, "no service is being deployed: {}", engine.logs(&id).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    engine.kill(&id).await;
    let execution = engine.ended(&id).await;
    assert_eq!(execution["state"]["current"], "KILLED");
    assert_eq!(state(&execution, "rollback_after_kill"), "SUCCESS", "{}", engine.logs(&id).await);
    // Of a killed execution Kestra makes no outputs; its state tells.
    assert_eq!(engine.outputs(&id).await, json!({}));
    assert_eq!(engine.environments(), ["production"]);
}

/// The flow runs two at a time: a slot that a kill kept would end all clones after two of them.
#[tokio::test(flavor = "multi_thread")]
async fn kills_take_no_slot_from_the_clones_that_follow() {
    let options = WorldOptions { deploy_time: Duration::from_secs(5), ..WorldOptions::prompt() };
    let engine = Engine::start(options).await;
    for _ in 0..2 {
        let id = engine.clone(&engine.request(json!({}))).await;
        engine.until(&id, |e| state_of(e, "sync_db") == "RUNNING").await;
        engine.kill(&id).await;
        assert_eq!(engine.ended(&id).await["state"]["current"], "KILLED");
    }
    let id = engine.clone(&engine.request(json!({}))).await;
    assert_eq!(engine.ended(&id).await["state"]["current"], "SUCCESS", "{}", engine.logs(&id).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_kestra_times_out_is_named_and_rolled_back() {
    let options = WorldOptions { deploy_time: Duration::from_mins(1), ..WorldOptions::prompt() };
    let engine = Engine::start_with(options, |_, text| {
        text.replace("vars.policy.longest_run ?? 'PT3H'", "vars.policy.too_short ?? 'PT4S'")
    })
    .await;
    let id = engine.clone(&engine.request(json!({}))).await;
    let execution = engine.ended(&id).await;
    assert_eq!((state(&execution, "sync_db"), state(&execution, "rollback")), ("FAILED", "SUCCESS"));
    let outputs = engine.outputs(&id).await;
    let told = ["status", "step", "error", "exit_code", "needs_person"].map(|name| outputs[name].clone());
    assert_eq!(told, [json!("failed"), json!("sync_db"), json!(""), json!(0), json!(false)]);
    assert_eq!(engine.environments(), ["production"]);
}

fn state_of<'a>(execution: &'a serde_json::Value, task: &str) -> &'a str {
    if execution["taskRunList"].is_array() { state(execution, task) } else { "-" }
}
