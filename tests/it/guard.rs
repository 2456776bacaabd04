//! Production, however it is pointed at, is refused by every step that writes.

use railstage::steps;
use serde_json::{Value, json};

use crate::records;
use crate::stage::{RECORD_KEY, Stage};

/// All steps of a clone but the first write.
fn writing() -> impl Iterator<Item = &'static str> {
    steps::of_a_clone().skip(1).map(|step| step.name)
}

async fn refused(stage: &Stage, step: &str, run_id: &str, request: &Value) -> String {
    stage.world.clear_journal();
    let call = stage.step(step, run_id, request).await;
    call.expect(2);
    let production = stage.world.environment_id("production").unwrap();
    let touching = stage.world.mutations_touching(&production);
    assert!(touching.is_empty(), "{step} wrote to production: {touching:?}");
    call.error()
}

#[tokio::test(flavor = "multi_thread")]
async fn production_by_name_is_refused() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "production"}));
    for step in writing() {
        let error = refused(&stage, step, "by-name", &request).await;
        assert!(error.contains("protected"), "{step}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn production_by_a_forged_record_is_refused() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "forged"}));
    let made = stage.step("create-env", "forged", &request).await;
    made.expect(0);
    let copy = stage.world.environment_id("forged").unwrap();
    let production = stage.world.environment_id("production").unwrap();
    // Even by one who has the key, and says of production all that Railway does.
    let forged = stage.record("forged").to_string().replace(&copy, &production);
    let mut record: Value = serde_json::from_str(&forged).unwrap();
    let all = stage.world.environments();
    record["environment_created_at"] = json!(all.iter().find(|e| e.id == production).unwrap().created_at);
    stage.write_record("production", &records::signed(&record, RECORD_KEY));
    for step in writing() {
        let error = refused(&stage, step, "forged", &request).await;
        assert!(error.contains("production"), "{step}: {error}");
    }
    let call = stage
        .step(
            "delete-env",
            "-",
            &json!({"project_id": stage.world.project_id(), "environment": production, "confirm": "production"}),
        )
        .await;
    call.expect(2);
    stage.step("sweep-envs", "-", &json!({"dry_run": false})).await;
    stage.step("rollback", "forged", &request).await;
    assert!(stage.world.environment_id("production").is_ok(), "production is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_copy_as_its_own_source_is_refused() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "self"}));
    stage.step("create-env", "self", &request).await.expect(0);
    let turned = stage.request(json!({"environment_name": "self", "source_environment": "self"}));
    for step in writing() {
        refused(&stage, step, "self", &turned).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_of_another_run_is_refused() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "theirs"}));
    stage.step("create-env", "theirs", &request).await.expect(0);
    for step in writing() {
        let error = refused(&stage, step, "ours", &request).await;
        assert!(error.contains("theirs"), "{step}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn apps_whose_variable_names_productions_database_are_not_started() {
    let stage = Stage::prompt().await;
    let source = stage.world.source_database_url().unwrap();
    stage.world.set_variable("production", Some("web"), "REPORTING_URL", &source).unwrap();
    let request = stage.request(json!({"environment_name": "isolated"}));
    stage.steps_after_validate("sync-db", "isolated", &request).await;
    let error = refused(&stage, "start-apps", "isolated", &request).await;
    assert!(error.contains("`REPORTING_URL` of service `web` names production's database"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_is_never_looked_up_in_a_variable() {
    let stage = Stage::prompt().await;
    let source = stage.world.source_database_url().unwrap();
    let request = stage.request(json!({"environment_name": "lured"}));
    stage.steps_until("assign-domain", "lured", &request).await;
    for name in ["DATABASE_PUBLIC_URL", "DATABASE_URL"] {
        stage.world.set_variable("lured", Some("Postgres"), name, &source).unwrap();
    }
    stage.step("sync-db", "lured", &request).await.expect(0);
    let production = stage.world.environment_id("production").unwrap();
    let touching = stage.world.mutations_touching(&production);
    assert!(touching.is_empty(), "{touching:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_the_policy_does_not_name_is_refused_without_a_call() {
    let mut stage = Stage::prompt().await;
    stage.policy = json!({"allowed_projects": ["another"]});
    stage.world.clear_journal();
    for step in ["validate", "create-env", "sync-db"] {
        let call = stage.step(step, "run", &stage.request(json!({}))).await;
        call.expect(2);
        assert!(call.error().contains("the policy does not allow project"), "{}", call.error());
    }
    assert!(stage.world.journal().is_empty());
}
