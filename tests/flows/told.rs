//! Somebody is told when a person is needed, and nobody when none is.

use std::time::Duration;

use backboard::{Fault, FaultEffect, WorldOptions};
use serde_json::{Value, json};

use crate::engine::{Engine, state, without_triggers};

/// What Railway says when it will not delete; whoever renders it once too often tells the token.
const HOSTILE: &str = "not now {{ secret('RAILWAY_API_TOKEN') }}\n::{\"outputs\":{}}::";

/// The engine with the webhook switched on and no schedule.
async fn with_webhook(options: WorldOptions) -> Engine {
    Engine::start_with(options, |flow, text| match flow {
        "notify-staging" => text.replace("webhook: false", "webhook: true"),
        "cleanup-staging" | "watch-cleanup" => without_triggers(&text),
        _ => text,
    })
    .await
}

fn nothing_is_deleted(engine: &Engine) {
    engine.world.fault(Fault::new("environmentDelete", FaultEffect::Error { message: HOSTILE.into() }).times(9));
}

/// Waits until somebody was told of an execution, by a flow that needs a person and by the webhook.
async fn told(engine: &Engine, flow: &str, execution: &str) -> Value {
    let letter = engine.mailbox.letter().await;
    assert_eq!((&letter["type"], &letter["flow"]), (&json!("railstage.needs_person"), &json!(flow)), "{letter}");
    assert_eq!(letter["execution"], execution);
    let token = engine.world.token();
    assert!(!letter.to_string().contains(&token), "the token was posted");
    let asked = engine.executions("notify-staging").await;
    assert_eq!(asked.len(), 1);
    assert!(asked[0]["labels"].to_string().contains("needs_person"), "{}", asked[0]["labels"]);
    let log = engine.logs(asked[0]["id"].as_str().unwrap()).await;
    assert!(!log.contains(&token), "the token was logged");
    engine.world.forget_orders();
    letter
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_that_leaves_something_asks_for_a_person() {
    let engine = with_webhook(WorldOptions::prompt()).await;
    engine.world.order_outcome(crate::failures::crash(2));
    nothing_is_deleted(&engine);
    let id = engine.clone(&engine.request(json!({}))).await;
    let execution = engine.ended(&id).await;
    assert_eq!((state(&execution, "start_apps"), state(&execution, "rollback")), ("FAILED", "FAILED"));
    assert_eq!(engine.outputs(&id).await["needs_person"], json!(true));
    assert!(execution["labels"].to_string().contains("needs_person"), "{}", execution["labels"]);
    let letter = told(&engine, "clone-staging", &id).await;
    assert!(letter["error"].as_str().unwrap().contains("not now {{ secret("), "{letter}");
    assert_eq!(letter["project_id"], engine.world.project_id());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_whose_rollback_leaves_something_asks_for_a_person() {
    let options = WorldOptions { deploy_time: Duration::from_mins(2), ..WorldOptions::prompt() };
    let engine = with_webhook(options).await;
    nothing_is_deleted(&engine);
    let id = engine.clone(&engine.request(json!({}))).await;
    engine.until(&id, |e| e["taskRunList"].is_array() && state(e, "sync_db") == "RUNNING").await;
    engine.kill(&id).await;
    engine.ended(&id).await;
    told(&engine, "clone-staging", &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cleanup_that_leaves_something_asks_for_a_person() {
    let engine = with_webhook(WorldOptions::prompt()).await;
    engine.world.create_environment("rs-0123456789abcdef", Duration::from_hours(2)).unwrap();
    nothing_is_deleted(&engine);
    let id = engine.submit("cleanup-staging", &[("dry_run", "false")]).await;
    assert_eq!(engine.ended(&id).await["state"]["current"], "FAILED");
    told(&engine, "cleanup-staging", &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_while_cleanups_succeed_and_somebody_once_none_has_for_long() {
    let engine = Engine::start_with(WorldOptions::prompt(), |flow, text| match flow {
        "notify-staging" => text.replace("webhook: false", "webhook: true"),
        "watch-cleanup" => without_triggers(&text.replace("> 10800", "> 4")),
        "cleanup-staging" => without_triggers(&text),
        _ => text,
    })
    .await;
    let cleanup = engine.submit("cleanup-staging", &[("dry_run", "false")]).await;
    assert_eq!(engine.ended(&cleanup).await["state"]["current"], "SUCCESS");
    let watch = engine.submit("watch-cleanup", &[]).await;
    let execution = engine.ended(&watch).await;
    assert_eq!((state(&execution, "begin"), state(&execution, "ask")), ("SKIPPED", "SKIPPED"));
    // A dry run is no cleanup.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let dry = engine.submit("cleanup-staging", &[]).await;
    assert_eq!(state(&engine.ended(&dry).await, "write_down"), "SKIPPED");
    assert!(engine.mailbox.is_empty());
    let watch = engine.submit("watch-cleanup", &[]).await;
    engine.ended(&watch).await;
    told(&engine, "watch-cleanup", &watch).await;
}
