//! Apps on hold while their files come, and commands that run when they are up.

mod after;

use serde_json::{Value, json};

use crate::media::{request, with_media};
use crate::stage::Stage;

/// How often a service of the copy was deployed, `media` or another.
fn deployed(stage: &Stage) -> usize {
    stage.world.journal().iter().filter(|entry| entry.operation == "serviceInstanceDeployV2").count()
}

/// The app's own way to start, which comes back exactly.
fn own() -> Value {
    json!({"deploy": {"startCommand": "php-fpm -F", "preDeployCommand": ["php", "migrate"], "healthcheckPath": "/up", "sleepApplication": true}})
}

fn answers(stage: &Stage) -> bool {
    let copy = stage.world.environments().into_iter().find(|one| one.name == "copy").unwrap();
    copy.direct_urls.contains_key("media")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_on_hold_until_its_files_are_there_and_then_starts_as_its_source_does() {
    let Some(stage) = with_media().await else { return };
    stage.world.change_service("production", "media", &own()).unwrap();
    let request = request(&stage, &json!({}));
    stage.steps_after_validate("sync-files", "held", &request).await;
    assert!(!answers(&stage), "it serves while its files come");
    // Neither a step that does not come in its turn nor one that comes twice takes it for the app.
    let deployments = deployed(&stage);
    stage.step("sync-files", "held", &request).await.expect(0);
    stage.step("sync-db", "held", &request).await.expect(0);
    assert_eq!(deployed(&stage), deployments);
    stage.step("check-health", "held", &request).await.expect(1);
    stage.step("start-apps", "held", &request).await.expect(0);
    assert!(answers(&stage));
    let again = deployed(&stage);
    stage.step("start-apps", "held", &request).await.expect(0);
    assert_eq!(deployed(&stage), again, "it was started twice");
    // The final comparison looks at every setting.
    stage.step("check-health", "held", &request).await.expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_died_before_its_deployment_is_made_up_for() {
    let Some(stage) = with_media().await else { return };
    stage.world.change_service("production", "media", &own()).unwrap();
    let request = request(&stage, &json!({}));
    stage.steps_after_validate("sync-files", "died", &request).await;
    let message = "Not Authorized".to_owned();
    stage.world.fault(backboard::Fault::new("serviceInstanceDeployV2", backboard::FaultEffect::Error { message }));
    assert_ne!(stage.step("start-apps", "died", &request).await.code, 0);
    assert!(!answers(&stage));
    stage.step("start-apps", "died", &request).await.expect(0);
    assert!(answers(&stage), "the deployment on hold was taken for the app's");
    stage.step("check-health", "died", &request).await.expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_held_is_refused_with_the_reason_and_nothing_is_copied() {
    let Some(stage) = with_media().await else { return };
    let request = request(&stage, &json!({}));
    stage.world.start_by_itself("media", "php-fpm").unwrap();
    stage.steps_after_validate("sync-db", "own-start", &request).await;
    let refused = stage.step("sync-files", "own-start", &request).await;
    assert!(refused.expect(2).error().contains("railway.json"), "{}", refused.error());
    stage.step("rollback", "own-start", &request).await.expect(0);
    stage.world.take_shell("media").unwrap();
    stage.steps_after_validate("sync-db", "no-shell", &request).await;
    let failed = stage.step("sync-files", "no-shell", &request).await;
    assert!(failed.expect(1).error().contains("without a shell"), "{}", failed.error());
    stage.step("rollback", "no-shell", &request).await.expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_names_production_is_not_even_put_on_hold() {
    let Some(stage) = with_media().await else { return };
    let request = request(&stage, &json!({}));
    stage.steps_after_validate("assign-domain", "led", &request).await;
    let url = stage.world.variable("production", "Postgres", "DATABASE_PUBLIC_URL").unwrap().unwrap();
    let copy = stage.world.environment_id("copy").unwrap();
    stage.world.set_variable(&copy, Some("media"), "DATABASE_URL", &url).unwrap();
    let before = deployed(&stage);
    let refused = stage.step("sync-db", "led", &request).await;
    assert!(refused.expect(2).error().contains("DATABASE_URL"), "{}", refused.error());
    assert_eq!(deployed(&stage), before);
}
