//! Bodies that mean harm: refused, or inert.

use backboard::WorldOptions;
use serde_json::{Value, json};

use crate::engine::{Engine, state};

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_body_is_refused_or_inert() {
    let engine = Engine::start(WorldOptions::prompt()).await;
    let project = engine.world.project_id();
    let injections = [
        json!({"project_id": project, "client_name": "{{ secret('RAILWAY_API_TOKEN') }}", "ttl": "{{ 1 + 1 }}"}),
        json!({"project_id": project, "environment_name": "$(touch /tmp/railstage-was-here)"}),
        json!({"project_id": project, "source_environment": "x'; rm -rf / #\u{2028}`id`"}),
        json!({"project_id": "not-in-the-policy"}),
        json!({"project_id": 7, "anonymize": "maybe", "keep": [], "{{ secret('RAILWAY_API_TOKEN') }}": 1}),
        json!({"project_id": project, "policy": {"allowed_projects": ["*"]}}),
        json!({}),
    ];
    for body in injections {
        let id = engine.clone(&body).await;
        let execution = engine.ended(&id).await;
        assert_eq!(execution["state"]["current"], "FAILED", "{body}");
        let told = format!("{execution}{}{}", engine.logs(&id).await, engine.task(&execution, "validate").await);
        assert!(!told.contains(&engine.world.token()), "{body} got at the token");
        // Nothing was made, so there is nothing to take back.
        assert_eq!(state(&execution, "rollback"), "SKIPPED", "{body}");
    }
    assert!(!std::path::Path::new("/tmp/railstage-was-here").exists(), "a shell ran what the body says");
    assert_eq!(engine.environments(), ["production"]);
    let mutations = engine.world.journal().into_iter().filter(|e| e.kind == backboard::OperationKind::Mutation);
    assert_eq!(mutations.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_small_json_object_starts_nothing() {
    let engine = Engine::start(WorldOptions::prompt()).await;
    let large = json!({"project_id": engine.world.project_id(), "client_name": "x".repeat(1 << 20)}).to_string();
    for body in ["[1, 2]", "\"text\"", "null", "{", "", large.as_str()] {
        let (status, answer) = engine.fire(body.to_owned()).await;
        assert_eq!(status, 422, "{body:.40}: {answer}");
    }
    let found = engine.get("executions/search?namespace=railstage&flowId=clone-staging").await;
    assert_eq!(found["total"], 0, "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_webhook_key_finds_nothing() {
    let mut engine = Engine::start(WorldOptions::prompt()).await;
    engine.webhook_key = "guess".into();
    let (status, body) = engine.fire(json!({}).to_string()).await;
    assert_eq!((status, body["id"].clone()), (404, Value::Null));
}
