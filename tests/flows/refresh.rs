//! A refresh through Kestra: by its form, when it fails, and when it is killed.

use backboard::{Fault, FaultEffect, WorldOptions};
use serde_json::{Value, json};

use crate::engine::{Engine, state};

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_gets_new_data_by_a_flow_and_is_as_it_was_after_a_failure_and_a_kill() {
    let engine = Engine::start(WorldOptions { fixture_bytes: 3_000_000, ..WorldOptions::prompt() }).await;
    let clone = engine.clone(&engine.request(json!({"environment_name": "one"}))).await;
    engine.ended(&clone).await;
    let made = engine.outputs(&clone).await;
    let host = made["url"].as_str().unwrap().strip_prefix("https://").unwrap().to_owned();
    let project = engine.world.project_id();
    let of = [("project_id", project.as_str()), ("environment", "one")];

    let refused = FaultEffect::Error { message: "Problem processing request".into() };
    engine.world.fault(Fault::new("environmentStageChanges", refused));
    let id = engine.submit("refresh-staging", &of).await;
    let execution = engine.ended(&id).await;
    assert_eq!(execution["state"]["current"], "FAILED");
    assert_eq!(state(&execution, "rollback_refresh"), "SUCCESS", "{}", engine.logs(&id).await);
    let outputs = engine.outputs(&id).await;
    assert_eq!((&outputs["status"], &outputs["exit_code"]), (&json!("failed"), &json!(4)), "{outputs}");
    assert_eq!(outputs["account"]["copies"][0]["deed"], "not_refreshed", "{outputs}");

    let slow = [of[0], of[1], ("copying", r#"{"max_mb_per_s": 0.1}"#)];
    let id = engine.submit("refresh-staging", &slow).await;
    engine
        .soon(&id, "a database is copied", || async {
            let record = record(&engine);
            let restarted = engine.world.journal().iter().rev().any(|e| e.operation == "serviceInstanceDeployV2");
            (record["refreshing"]["run"] == id.as_str() && restarted).then_some(())
        })
        .await;
    engine.kill(&id).await;
    let execution = engine.ended(&id).await;
    assert_eq!(execution["state"]["current"], "KILLED");
    assert_eq!(state(&execution, "rollback_refresh_after_kill"), "SUCCESS", "{}", engine.logs(&id).await);
    assert_eq!((&record(&engine)["state"], &record(&engine)["refreshing"]), (&json!("ready"), &Value::Null));
    assert_eq!(engine.world.fetch(&host, "/").await.unwrap().status, 200);

    let id = engine.submit("refresh-staging", &of).await;
    let execution = engine.ended(&id).await;
    assert_eq!(execution["state"]["current"], "SUCCESS", "{}", engine.logs(&id).await);
    assert_eq!(state(&execution, "rollback_refresh_after_kill"), "SKIPPED");
    let outputs = engine.outputs(&id).await;
    assert_eq!((&outputs["status"], &outputs["url"], &outputs["restarts"]), (&json!("ok"), &made["url"], &json!(1)));
    assert_eq!(outputs["account"]["copies"][0]["deed"], "refreshed", "{outputs}");
    assert_eq!(engine.told_of(&id).await, outputs["account"]);
    let page = engine.file(&execution, "refresh_env", "sheet.html").await;
    assert!(page.contains("public.wp_users.user_email") && page.contains("Signature"), "{page}");
    assert_eq!(record(&engine)["refreshed"]["run"], id.as_str());
    assert_eq!(engine.environments(), ["one", "production"]);
}

fn record(engine: &Engine) -> Value {
    use base64::Engine as _;
    let value = engine.world.shared_variable("one", "RAILSTAGE").unwrap().unwrap();
    let body = value.split('.').nth(1).expect("a record of version 2");
    serde_json::from_slice(&base64::engine::general_purpose::STANDARD.decode(body).unwrap()).unwrap()
}
