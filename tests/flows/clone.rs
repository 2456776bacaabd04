//! A clone through Kestra: by webhook, by form, and what callers get to see of it.

use backboard::WorldOptions;
use railstage::steps;
use serde_json::{Value, json};

use crate::engine::{Engine, state};

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_makes_a_staging_copy_and_tells_no_secret() {
    let engine = Engine::start(WorldOptions { fixture_bytes: 3_000_000, ..WorldOptions::default() }).await;
    let before = engine.world.state_digest("production").unwrap();
    let id = engine.clone(&engine.request(json!({"client_name": "Bäckerei {{ 1 + 1 }}", "ttl": null}))).await;
    let execution = engine.ended(&id).await;
    let logs = engine.logs(&id).await;
    assert_eq!(execution["state"]["current"], "SUCCESS", "{logs}");

    let outputs = engine.outputs(&id).await;
    assert_eq!(
        (&outputs["status"], &outputs["step"], &outputs["needs_person"]),
        (&json!("ok"), &json!(""), &json!(false))
    );
    assert_eq!(outputs["railway_url"], outputs["url"]);
    let host = outputs["url"].as_str().unwrap().strip_prefix("https://").unwrap().to_owned();
    let page = engine.world.fetch(&host, "/").await.unwrap();
    assert!(
        page.status == 200 && page.body.contains(&host) && !page.body.contains("shop.example.com"),
        "{}",
        page.body
    );
    assert!(outputs["railway_calls"].as_i64().unwrap() <= 22, "{}", outputs["railway_calls"]);
    assert!(outputs["databases"][0]["rows"].as_i64().unwrap() > 1000, "{outputs}");
    assert_eq!(engine.world.state_digest("production").unwrap(), before);

    let mut told = format!("{execution}{logs}{outputs}");
    let mut calls = 0;
    for step in steps::of_a_clone() {
        let task = engine.task(&execution, &step.task_id()).await;
        assert_eq!(task["status"], "ok", "{}: {task}", step.name);
        calls += task["railway_calls"].as_i64().unwrap();
        told.push_str(&task.to_string());
    }
    assert_eq!(outputs["railway_calls"], calls);
    let findings = engine.task(&execution, "validate").await["findings"].to_string();
    assert!(findings.contains("keeps the header `Authorization`"), "{findings}");
    let metrics = engine.get(&format!("metrics/{id}?size=100")).await;
    for name in ["step_duration", "railway_calls", "copied_bytes"] {
        assert!(metrics.to_string().contains(name), "{name} is not in {metrics}");
    }
    told.push_str(&metrics.to_string());
    let page = engine.file(&execution, "sync_db", "sheet.html").await;
    assert!(page.contains("public.wp_users.user_email") && page.contains("Signature"), "{page}");
    let sheet: Value = serde_json::from_str(&engine.file(&execution, "sync_db", "sheet.json").await).unwrap();
    assert_eq!(sheet["databases"][0]["service"], "Postgres");
    let sheets = format!("{page}{sheet}");
    assert!(!sheets.contains("people.example.net") && !sheets.contains("Quillfeather"), "{sheets}");
    told.push_str(&sheets);
    let password =
        |environment: &str| engine.world.variable(environment, "Postgres", "POSTGRES_PASSWORD").unwrap().unwrap();
    let copy = outputs["environment_id"].as_str().unwrap();
    let live_key = engine.world.variable("production", "web", "STRIPE_SECRET_KEY").unwrap().unwrap();
    for secret in [&engine.world.token(), &engine.webhook_key, &password("production"), &password(copy), &live_key] {
        assert!(!told.contains(secret), "a secret was told: {}…", &secret[..10]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_sent_twice_makes_one_copy_and_both_executions_end_well() {
    let engine = Engine::start(WorldOptions::prompt()).await;
    let request = engine.request(json!({"idempotency_key": "order 7"}));
    let ids = [engine.clone(&request).await, engine.clone(&request).await];
    let mut told = Vec::new();
    for id in &ids {
        let execution = engine.ended(id).await;
        assert_eq!(execution["state"]["current"], "SUCCESS", "{}", engine.logs(id).await);
        assert_eq!(state(&execution, "rollback_after_kill"), "SKIPPED");
        told.push((execution, engine.outputs(id).await));
    }
    told.sort_by_key(|(_, outputs)| outputs["status"] != "ok");
    let [(_, first), (execution, second)] = &told[..] else { panic!("two executions") };
    assert_eq!(first["status"], "ok");
    assert!(["already_running", "ready"].iter().any(|status| second["status"] == *status), "{second}");
    for name in ["run_id", "environment_id", "environment_name"] {
        assert_eq!(second[name], first[name], "{name}");
    }
    assert_eq!((&second["step"], &second["error"], &second["exit_code"]), (&json!(""), &json!(""), &json!(0)));
    assert_eq!(state(execution, "sync_db"), "SKIPPED");
    assert_eq!(engine.environments().len(), 2);
    // Once more when it is ready: the URL is the first's.
    let id = engine.clone(&request).await;
    engine.ended(&id).await;
    let third = engine.outputs(&id).await;
    assert_eq!((&third["status"], &third["url"], &third["run_id"]), (&json!("ready"), &first["url"], &first["run_id"]));
    // Another request with the key is refused.
    let id = engine.clone(&engine.request(json!({"idempotency_key": "order 7", "keep": true}))).await;
    engine.ended(&id).await;
    let refused = engine.outputs(&id).await;
    assert_eq!((&refused["status"], &refused["exit_code"]), (&json!("failed"), &json!(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_makes_a_staging_copy_too() {
    let engine = Engine::start(WorldOptions::prompt()).await;
    let project = engine.world.project_id();
    let inputs = [
        ("project_id", project.as_str()),
        ("environment_name", "by-form"),
        ("ttl", "P2D"),
        ("exclude_services", "[\"worker\"]"),
    ];
    let id = engine.submit("clone-staging", &inputs).await;
    let execution = engine.ended(&id).await;
    assert_eq!(execution["state"]["current"], "SUCCESS", "{}", engine.logs(&id).await);
    let left_out = engine.task(&execution, "start_apps").await["left_out"].to_string();
    assert!(left_out.contains("worker") && left_out.contains("nightly"), "{left_out}");
    assert_eq!(state(&execution, "rollback_after_kill"), "SKIPPED");
}
