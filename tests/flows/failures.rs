//! What becomes of a clone that fails, is killed, or is started again.

use std::time::Duration;

use backboard::{DeployOutcome, DeploymentStatus, WorldOptions};
use serde_json::json;

use crate::engine::{Engine, state};

fn crash(times: u32) -> DeployOutcome {
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
async fn a_step_that_is_run_a_second_time_finishes_a_copy_that_was_kept() {
    let engine = Engine::start(WorldOptions::prompt()).await;
    engine.world.order_outcome(crash(2));
    let id = engine.clone(&engine.request(json!({"environment_name": "kept", "on_failure": "keep"}))).await;
    let execution = engine.ended(&id).await;
    assert_eq!(engine.task(&execution, "rollback").await["kept"], "kept");
    engine.restart(&id).await;
    let execution = engine.until(&id, |e| e["state"]["current"] == "SUCCESS").await;
    assert_eq!(state(&execution, "check_health"), "SUCCESS");
    assert_eq!(engine.environments(), ["kept", "production"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_leaves_nothing() {
    let engine = Engine::start(WorldOptions { deploy_time: Duration::from_secs(30), ..WorldOptions::prompt() }).await;
    let id = engine.clone(&engine.request(json!({}))).await;
    engine.until(&id, |e| state_of(e, "sync_db") == "RUNNING").await;
    let end = tokio::time::Instant::now() + Duration::from_secs(60);
    while !engine.world.journal().iter().any(|e| e.operation == "serviceInstanceDeployV2") {
        assert!(tokio::time::Instant::now() < end, "no service is being deployed: {}", engine.logs(&id).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    engine.kill(&id).await;
    let execution = engine.ended(&id).await;
    assert_eq!(execution["state"]["current"], "KILLED");
    assert_eq!(state(&execution, "rollback_after_kill"), "SUCCESS", "{}", engine.logs(&id).await);
    assert_eq!(engine.environments(), ["production"]);
}

fn state_of<'a>(execution: &'a serde_json::Value, task: &str) -> &'a str {
    if execution["taskRunList"].is_array() { state(execution, task) } else { "-" }
}
