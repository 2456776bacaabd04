//! `deploy`: what may be deployed where, what runs then, and the way back.

mod databases;
mod refused;
mod uploads;

use backboard::{Fault, FaultEffect};
use serde_json::{Value, json};

use crate::stage::{Call, Stage};

const SHOP: &str = "https://github.com/acme/shop";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A request to deploy into a service of an environment, with `more` on top.
fn request(stage: &Stage, environment: &str, service: &str, mut more: Value) -> Value {
    more["environment"] = json!(environment);
    more["service"] = json!(service);
    stage.request(more)
}

async fn deploy(stage: &Stage, run: &str, request: &Value) -> Call {
    stage.step("deploy", run, request).await
}

/// A world with the copy `one`.
async fn with_copy(options: backboard::WorldOptions) -> Stage {
    let stage = Stage::of(options).await;
    stage.steps_until("check-health", "one", &stage.request(json!({"environment_name": "one"}))).await;
    stage
}

/// How many deployments were begun.
fn deployments(stage: &Stage) -> usize {
    let begin = ["serviceInstanceDeployV2", "deploymentRollback"];
    stage.world.journal().iter().filter(|entry| begin.contains(&entry.operation.as_str())).count()
}

/// What `diff-env` finds of a service: whether anything is unexplained, and why each thing differs.
async fn diff(stage: &Stage, service: &str) -> (Value, Vec<(Value, Value)>) {
    let asked = json!({"project_id": stage.world.project_id(), "environment": "one"});
    let told = stage.step("diff-env", "-", &asked).await.expect(0).outputs();
    let of_service = told["differences"].as_array().unwrap().iter().filter(|d| d["service"] == service);
    (told["drift"].clone(), of_service.map(|d| (d["what"].clone(), d["because"].clone())).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_runs_the_commit_that_was_asked_for_and_goes_back_to_what_ran_before() {
    let stage = with_copy(backboard::WorldOptions::prompt()).await;
    let production = stage.world.state_digest("production").unwrap();
    let asked = json!({
        "repository": "https://GitHub.com/acme/shop.git", "ref": "release", "variables": {"web": {"FEATURE": "on"}},
        "health": [{"path": "/", "contains": "customers"}],
    });
    let asked = request(&stage, "one", "web", asked);
    let commit = stage.world.commit(SHOP, "main", &[("index.php", "<?php")], &[]).unwrap();
    stage.world.name_commit(SHOP, "refs/tags/release", &commit).unwrap();
    let before = deployments(&stage);
    // Both answers are lost on their way, and what they began is found.
    for begin in ["serviceInstanceDeployV2", "deploymentRollback"] {
        stage.world.fault(Fault::new(begin, FaultEffect::Http { status: 504 }).after_the_deed());
    }
    let told = deploy(&stage, "two", &asked).await.expect(0).outputs();
    assert_eq!((&told["how"], &told["commit"]), (&json!("connected"), &json!(commit)), "{told}");
    assert_eq!(told["visits"][0]["http_status"], 200, "{told}");
    assert_eq!(stage.world.deployed_code("one", "web").unwrap()["commitHash"], commit);
    assert_eq!(stage.world.variable("one", "web", "FEATURE").unwrap().as_deref(), Some("on"));
    assert_eq!(deployments(&stage), before + 1, "a variable was deployed by itself");
    let record = stage.record("one");
    assert_eq!(record["made"]["deployed"]["web"]["commit"], commit, "{record}");
    assert_eq!(record["made"]["set_variables"], json!({"web": ["FEATURE"]}));
    assert_eq!((&record["state"], &record["lease"]), (&json!("ready"), &Value::Null));
    let (drift, differences) = diff(&stage, "web").await;
    assert_eq!(drift, json!(0), "{differences:?}");
    assert!(differences.contains(&(json!("commit"), json!("deployed"))), "{differences:?}");

    // The same task once more, as when a worker is lost.
    let again = deploy(&stage, "two", &asked).await.expect(0).outputs();
    assert_eq!((again["deployment_id"].clone(), deployments(&stage)), (told["deployment_id"].clone(), before + 1));

    let back = request(&stage, "one", "web", json!({"rollback_to": told["previous_deployment_id"]}));
    let went_back = deploy(&stage, "three", &back).await.expect(0).outputs();
    assert_eq!((&went_back["how"], &went_back["previous_deployment_id"]), (&json!("rollback"), &told["deployment_id"]));
    assert_ne!(stage.world.deployed_code("one", "web").unwrap()["commitHash"], commit);
    assert_eq!(diff(&stage, "web").await.0, json!(0));
    assert_eq!(stage.world.state_digest("production").unwrap(), production, "production was touched");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_deploy_into_a_copy_at_once_one_waits_for_the_other() {
    let stage = Stage::prompt().await;
    let gated = stage.request(json!({"environment_name": "one", "enable_basic_auth": true}));
    stage.steps_until("check-health", "one", &gated).await;
    let asked = |name: &str| {
        let commit = name.repeat(40);
        let variables = json!({"web": {name.to_uppercase(): "on"}});
        request(&stage, "one", "web", json!({"repository": SHOP, "ref": commit, "variables": variables}))
    };
    let (a, b) = (asked("a"), asked("b"));
    let (one, other) = tokio::join!(deploy(&stage, "first", &a), deploy(&stage, "second", &b));
    let told = [one, other].map(|call| call.expect(0).outputs());
    let ids = told.each_ref().map(|told| told["deployment_id"].clone());
    // Each was visited through the copy's gate, which nobody else passes.
    let host = told[0]["url"].as_str().unwrap().trim_start_matches("https://");
    assert_eq!(told.each_ref().map(|told| told["visits"][0]["http_status"].clone()), [json!(200), json!(200)]);
    assert_eq!(stage.world.fetch(host, "/").await.unwrap().status, 401);
    let made = stage.record("one")["made"].take();
    assert_eq!(made["set_variables"], json!({"web": ["A", "B"]}), "one has written over the other: {made}");
    assert!(ids.contains(&made["deployed"]["web"]["deployment_id"]));
    assert_eq!(stage.world.deployed_code("one", "web").unwrap()["commitHash"], made["deployed"]["web"]["commit"]);
    assert_eq!(diff(&stage, "web").await.0, json!(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn production_is_deployed_only_where_the_policy_spells_it_out_and_its_name_is_typed() {
    let mut stage = Stage::prompt().await;
    let more = json!({"repository": "https://github.com/acme/shop", "ref": COMMIT});
    let asked = request(&stage, "production", "web", more);
    let with = |confirm: Value| {
        let mut asked = asked.clone();
        asked["confirm"] = confirm;
        asked
    };
    let before = stage.world.state_digest("production").unwrap();
    // A glob of every environment does not mean it, and neither does the typed name alone.
    let call = deploy(&stage, "one", &with(json!("production"))).await;
    assert!(
        call.expect(2).error().contains("`deploy: {environments: [\"production\"]}` would allow it"),
        "{}",
        call.error()
    );
    stage.policy["deploy"]["environments"] = json!(["production"]);
    for confirm in [Value::Null, json!("prod")] {
        let call = deploy(&stage, "one", &with(confirm)).await;
        assert!(call.expect(2).error().contains("`confirm`: "), "{}", call.error());
    }
    assert_eq!(stage.world.state_digest("production").unwrap(), before);
    let told = deploy(&stage, "one", &with(json!("production"))).await.expect(0).outputs();
    assert_eq!(stage.world.deployed_code("production", "web").unwrap()["commitHash"], COMMIT);
    let mut back = with(json!("production"));
    back.as_object_mut().unwrap().retain(|name, _| name != "repository" && name != "ref");
    back["rollback_to"] = told["previous_deployment_id"].clone();
    deploy(&stage, "two", &back).await.expect(0);
    assert_ne!(stage.world.deployed_code("production", "web").unwrap()["commitHash"], COMMIT);
}
