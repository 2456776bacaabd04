//! A finished copy is what its source is, but for what the rules and the request explain.

use backboard::WorldOptions;
use serde_json::{Value, json};

use crate::stage::{Call, Stage};

const SECRET: &str = "canary-unfaithful-7d21";

/// Production's own, as the fixture has it.
const STRIPE: &str = "sk_live_51Canary0variable0web";

/// A copy called `one` whose apps are up, before anybody looks whether it is right.
async fn started(stage: &Stage, more: Value) -> Value {
    let mut request = stage.request(json!({"environment_name": "one"}));
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    stage.steps_until("start-apps", "one", &request).await;
    request
}

async fn refused(stage: &Stage, request: &Value, words: &[&str]) -> Call {
    let call = stage.step("check-health", "one", request).await;
    call.expect(1);
    for word in words {
        assert!(call.error().contains(word), "{word} is not in {}", call.error());
    }
    assert!(!call.stdout.contains(SECRET) && !call.stdout.contains(STRIPE), "{}", call.stdout);
    assert_eq!(stage.record("one")["state"], "cloning");
    call
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_nothing_explains_fails_the_run_by_name_and_is_right_again_when_it_is_undone() {
    let stage = Stage::prompt().await;
    let request = started(&stage, json!({"variables": {"web": {"SITE_NOTE": "mine"}}})).await;
    let world = &stage.world;
    world.set_variable("one", Some("web"), "SITE_NAME", SECRET).unwrap();
    world.set_variable("one", Some("web"), "SITE_NOTE", SECRET).unwrap();
    world.remove_variable("one", Some("worker"), "SHOP_URL").unwrap();
    world.set_variable("one", Some("worker"), "SLIPPED_IN", SECRET).unwrap();
    world.change_service("one", "web", &json!({"deploy": {"startCommand": SECRET}})).unwrap();
    world.set_variable("one", Some("web"), "STRIPE_SECRET_KEY", STRIPE).unwrap();
    let words = [
        "web: variable `STRIPE_SECRET_KEY` is still the source's",
        "web: variable `SITE_NAME` differs",
        "web: variable `SITE_NOTE` only here",
        "worker: variable `SHOP_URL` only there",
        "worker: variable `SLIPPED_IN` only here",
        "web: setting `deploy.startCommand` differs",
    ];
    refused(&stage, &request, &words).await;
    world.set_variable("one", Some("web"), "SITE_NAME", "${{shared.SITE_NAME}}").unwrap();
    world.set_variable("one", Some("web"), "SITE_NOTE", "mine").unwrap();
    world.set_variable("one", Some("worker"), "SHOP_URL", "https://elsewhere.example/wp-json").unwrap();
    world.remove_variable("one", Some("worker"), "SLIPPED_IN").unwrap();
    world.change_service("one", "web", &json!({"deploy": {"startCommand": "php-fpm"}})).unwrap();
    world.set_variable("one", Some("web"), "STRIPE_SECRET_KEY", "").unwrap();
    // An address that is not the copy's explains nothing.
    let call = refused(&stage, &request, &["worker: variable `SHOP_URL` differs"]).await;
    assert!(!call.error().contains("web:"), "{}", call.error());
    let host = stage.record("one")["domains"][0].as_str().unwrap().to_owned();
    world.set_variable("one", Some("worker"), "SHOP_URL", &format!("https://{host}/wp-json")).unwrap();
    let call = stage.step("check-health", "one", &request).await;
    call.expect(0);
    let fidelity = call.outputs()["fidelity"].take();
    assert!(fidelity["compared"].as_u64().unwrap() > 40, "{fidelity}");
    assert_eq!(fidelity["source_moved_on"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_commit_than_productions_in_the_copy_fails_the_run() {
    let stage = Stage::prompt().await;
    let request = started(&stage, json!({})).await;
    stage.deploy("one", "web").await;
    refused(&stage, &request, &["web: commit", "there"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_in_production_meanwhile_fails_nothing_and_is_told() {
    let stage = Stage::prompt().await;
    let request = started(&stage, json!({})).await;
    let world = &stage.world;
    world.set_variable("production", Some("worker"), "NEW_FEATURE", SECRET).unwrap();
    stage.deploy("production", "web").await;
    // Where production stands still, the copy is held to it.
    world.set_variable("one", Some("web"), "SLIPPED_IN", SECRET).unwrap();
    let call = refused(&stage, &request, &["web: variable `SLIPPED_IN` only here"]).await;
    assert!(!call.error().contains("NEW_FEATURE") && !call.error().contains("commit"), "{}", call.error());
    world.remove_variable("one", Some("web"), "SLIPPED_IN").unwrap();
    let call = stage.step("check-health", "one", &request).await;
    call.expect(0);
    let moved = call.outputs()["fidelity"]["source_moved_on"].to_string();
    assert!(moved.contains("NEW_FEATURE") && moved.contains("web: commit"), "{moved}");
    assert!(!call.stdout.contains(SECRET), "{}", call.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_railway_does_not_copy_is_told_at_once_and_fails_no_run() {
    let options = WorldOptions { copy_forgets: vec!["deploy.startCommand"], ..WorldOptions::prompt() };
    let stage = Stage::of(options).await;
    let request = stage.request(json!({"environment_name": "one"}));
    stage.step("create-env", "one", &request).await.expect(0);
    let again = stage.step("create-env", "one", &request).await;
    let told = again.outputs()["not_copied"].to_string();
    assert!(told.contains("web: setting `deploy.startCommand`"), "{told}");
    let call = stage.steps_until("check-health", "one", &request).await;
    assert!(!call.outputs()["fidelity"].is_null(), "{}", call.stdout);
    let diff = json!({"project_id": stage.world.project_id(), "environment": "one"});
    let diff = stage.step("diff-env", "-", &diff).await;
    assert!(diff.outputs()["differences"].to_string().contains("not_copied"), "{}", diff.stdout);
    assert_eq!(diff.outputs()["drift"], json!(0));
}
