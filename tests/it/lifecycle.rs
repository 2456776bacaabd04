//! Listing, deleting and sweeping copies: what goes, and all that stays.

use std::time::Duration;

use serde_json::{Value, json};

use crate::stage::Stage;

async fn copy(stage: &Stage, name: &str, more: Value) {
    let mut request = stage.request(json!({"environment_name": name}));
    for (field, value) in more.as_object().unwrap() {
        request[field] = value.clone();
    }
    stage.steps_until("assign-domain", name, &request).await;
    // Only a database that runs can be the source of another copy.
    if name == "parent" {
        stage.step("sync-db", name, &request).await.expect(0);
    }
}

/// Turns the record of a copy into that of a ready one that was made to end at `expires_at`.
fn age(stage: &Stage, name: &str, expires_at: &str) {
    stage.change_record(name, json!({"state": "ready", "expires_at": expires_at}));
}

const PAST: &str = "2020-01-01T00:00:00Z";

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_deletes_what_is_over_and_nothing_else() {
    let stage = Stage::prompt().await;
    copy(&stage, "expired", json!({})).await;
    copy(&stage, "kept", json!({"keep": true})).await;
    copy(&stage, "fresh", json!({})).await;
    copy(&stage, "promoted", json!({})).await;
    for name in ["expired", "kept", "promoted"] {
        age(&stage, name, PAST);
    }
    stage.world.add_custom_domain("promoted", "web", "www.example.net", true).unwrap();
    stage.world.create_environment("rs-0123456789abcdef", Duration::from_hours(2)).unwrap();
    stage.world.create_environment("rs-fedcba9876543210", Duration::from_mins(1)).unwrap();
    stage.world.create_environment("by-hand", Duration::from_hours(24)).unwrap();
    let all = stage.environments();

    let dry = stage.step("sweep-envs", "-", &json!({})).await;
    dry.expect(0);
    assert_eq!(stage.environments(), all, "a dry run deleted something");
    assert_eq!(dry.outputs()["deleted"].as_array().unwrap().len(), 2);

    let swept = stage.step("sweep-envs", "-", &json!({"dry_run": false})).await;
    swept.expect(0);
    assert_eq!(stage.environments(), ["by-hand", "fresh", "kept", "production", "promoted", "rs-fedcba9876543210"]);
    let reasons = swept.outputs()["spared"].to_string();
    for words in ["is kept", "promoted", "is being made", "no record"] {
        assert!(reasons.contains(words), "{words} is not in {reasons}");
    }
}

/// Environments that look a little like what a run of ours leaves over, and are a stranger's.
#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_deletes_no_strangers_environment() {
    let stage = Stage::prompt().await;
    let old = Duration::from_hours(2);
    for name in ["rs-live", "rs-0123456789ABCDEF", "rs-0123456789abcde", "rs-0123456789abcdef0"] {
        stage.world.create_environment(name, old).unwrap();
    }
    stage.world.create_environment("rs-00000000000000d1", old).unwrap();
    stage.world.deploy("rs-00000000000000d1", "web").unwrap();
    stage.world.create_environment("rs-00000000000000d2", old).unwrap();
    stage.world.add_custom_domain("rs-00000000000000d2", "web", "live.example.net", true).unwrap();
    stage.world.create_environment("rs-00000000000000d3", old).unwrap();
    stage.world.forget_source("rs-00000000000000d3").unwrap();
    let all = stage.environments();

    let swept = stage.step("sweep-envs", "-", &json!({"dry_run": false})).await;
    swept.expect(0);
    assert_eq!(stage.environments(), all);
    let reasons = swept.outputs()["spared"].to_string();
    for words in ["was deployed", "carries the domain `live.example.net`", "knows no environment"] {
        assert!(reasons.contains(words), "{words} is not in {reasons}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_source_of_a_living_copy_stays() {
    let mut stage = Stage::prompt().await;
    stage.policy["sources"] = json!(["production", "parent"]);
    // A copy's databases are closed; one that is a source itself has to be reached.
    stage.policy["may_be_public"] = json!(true);
    copy(&stage, "parent", json!({})).await;
    age(&stage, "parent", PAST);
    copy(&stage, "child", json!({"source_environment": "parent"})).await;
    stage.step("sweep-envs", "-", &json!({"dry_run": false})).await.expect(0);
    assert_eq!(stage.environments(), ["child", "parent", "production"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_deleted_only_when_its_name_is_typed() {
    let stage = Stage::prompt().await;
    copy(&stage, "mine", json!({})).await;
    let id = stage.world.environment_id("mine").unwrap();
    let request =
        |confirm: &str| json!({"project_id": stage.world.project_id(), "environment": id, "confirm": confirm});
    let wrong = stage.step("delete-env", "-", &request("min")).await;
    wrong.expect(2);
    assert!(wrong.error().contains("`confirm`: expected the copy's name, `mine`"), "{}", wrong.error());
    stage.step("delete-env", "-", &request("mine")).await.expect(0);
    assert_eq!(stage.environments(), ["production"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_ours_is_never_deleted() {
    let stage = Stage::prompt().await;
    stage.world.create_environment("by-hand", Duration::from_hours(24)).unwrap();
    for name in ["production", "by-hand"] {
        let request = json!({"project_id": stage.world.project_id(), "environment": name, "confirm": name});
        stage.step("delete-env", "-", &request).await.expect(2);
    }
    assert_eq!(stage.environments(), ["by-hand", "production"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_tells_state_and_end_of_each_copy() {
    let stage = Stage::prompt().await;
    copy(&stage, "one", json!({})).await;
    copy(&stage, "two", json!({"keep": true})).await;
    let call = stage.step("list-envs", "-", &json!({"project_id": stage.world.project_id()})).await;
    call.expect(0);
    let outputs = call.outputs();
    let listed: Vec<_> =
        outputs["environments"].as_array().unwrap().iter().map(|e| (e["name"].clone(), e["keep"].clone())).collect();
    assert_eq!(listed[1..], [(json!("one"), json!(false)), (json!("two"), json!(true))]);
    assert_eq!((&listed[0].0, &outputs["environments"][0]["ours"]), (&json!("production"), &json!(false)));
    assert!(outputs["environments"][1]["url"].as_str().unwrap().starts_with("https://web-one-"));
    // While it is made, what counts is when it is given up.
    let ends = |outputs: &Value| ["give_up_at", "expires_at"].map(|field| outputs["environments"][1][field].clone());
    assert_eq!(ends(&outputs), [stage.record("one")["give_up_at"].clone(), Value::Null]);
    assert!(call.stdout.contains("one (cloning, given up at "), "{}", call.stdout);
    age(&stage, "one", "2999-01-01T00:00:00Z");
    let call = stage.step("list-envs", "-", &json!({"project_id": stage.world.project_id()})).await;
    assert_eq!(ends(&call.outputs()), [Value::Null, json!("2999-01-01T00:00:00Z")]);
    assert!(call.stdout.contains("one (ready, until 2999-01-01T00:00:00Z)"), "{}", call.stdout);
}
