//! Code of another commit, branch or image in a copy.

use backboard::{DeployOutcome, DeploymentStatus};
use serde_json::json;

use crate::stage::Stage;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_runs_the_commit_that_was_asked_for_even_when_its_first_deployment_fails() {
    let stage = Stage::prompt().await;
    let sources = json!({"web": {"commit": COMMIT}, "worker": {"branch": "feature/cart"}});
    let request = stage.request(json!({"environment_name": "one", "sources": sources}));
    stage.steps_until("sync-db", "one", &request).await;
    let failing = DeployOutcome { service: "web".into(), status: DeploymentStatus::Failed, log: vec![], times: 1 };
    stage.world.order_outcome(failing);
    let call = stage.step("start-apps", "one", &request).await;
    call.expect(0);
    let started = call.outputs()["started"].to_string();
    assert!(started.contains(COMMIT) && started.contains("feature/cart"), "{started}");
    assert_eq!(stage.world.deployed_code("one", "web").unwrap()["commitHash"], COMMIT);
    assert_eq!(stage.world.deployed_code("one", "worker").unwrap()["branch"], "feature/cart");
    stage.step("check-health", "one", &request).await.expect(0);
    assert_eq!(stage.record("one")["made"]["sources"], sources);
    let diff = json!({"project_id": stage.world.project_id(), "environment": "one"});
    let diff = stage.step("diff-env", "-", &diff).await.outputs();
    assert_eq!(diff["drift"], json!(0), "{diff}");
    let because = |service: &str, what: &str| {
        let all = diff["differences"].as_array().unwrap();
        all.iter().find(|d| d["service"] == service && d["what"] == what).unwrap()["because"].clone()
    };
    assert_eq!([because("web", "commit"), because("worker", "branch")], [json!("request"), json!("request")]);
    // Production runs what it ran.
    assert_eq!(stage.world.deployed_code("production", "worker").unwrap()["branch"], "main");
}

#[tokio::test(flavor = "multi_thread")]
async fn code_that_is_not_what_was_asked_for_fails_the_run() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "one", "sources": {"web": {"commit": COMMIT}}}));
    stage.steps_until("start-apps", "one", &request).await;
    stage.world.deploy("one", "web").unwrap();
    let call = stage.step("check-health", "one", &request).await;
    call.expect(1);
    assert!(call.error().contains(&format!("web: does not run `commit:{COMMIT}`")), "{}", call.error());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_takes_the_place_of_an_image() {
    let options = backboard::WorldOptions {
        extra_services: vec![backboard::ExtraService::Upload],
        ..backboard::WorldOptions::prompt()
    };
    let stage = Stage::of(options).await;
    stage
        .world
        .change_service("production", "worker", &json!({"source": {"repo": null, "image": "acme/worker:1"}}))
        .unwrap();
    let sources = json!({"worker": {"image": "ghcr.io/acme/worker:pr-7"}});
    let more = json!({"environment_name": "one", "sources": sources, "exclude_services": ["uploaded"]});
    let request = stage.request(more);
    stage.steps_until("check-health", "one", &request).await;
    assert_eq!(stage.world.deployed_code("one", "worker").unwrap()["image"], "ghcr.io/acme/worker:pr-7");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_run_is_refused_before_anything_is_made() {
    let stage = Stage::prompt().await;
    for (sources, words) in [
        (json!({"wbe": {"branch": "x"}}), "there is no service `wbe`"),
        (json!({"Postgres": {"image": "postgres:99"}}), "the database service `Postgres`"),
        (json!({"nightly": {"branch": "x"}}), "`nightly` is left out of the copy"),
        (json!({"web": {"image": "acme/web:1"}}), "`web` is built from a repository"),
        (json!({"web": {"commit": "abc"}}), "`sources.web"),
        (json!({"web": {"branch": "-x"}}), "`sources.web"),
        (json!({"web": {"branch": "a/../b"}}), "`sources.web"),
        (json!({"web": {"image": "ghcr.io/acme/../evil/x"}}), "`sources.web"),
        (json!({"web": {"branch": "x", "commit": COMMIT}}), "`sources.web"),
    ] {
        let request = stage.request(json!({"environment_name": "one", "sources": sources}));
        for step in ["validate", "create-env"] {
            let call = stage.step(step, "one", &request).await;
            call.expect(2);
            assert!(call.error().contains("`sources") && call.error().contains(words), "{step}: {}", call.error());
        }
    }
    assert_eq!(stage.environments(), ["production"]);
}
