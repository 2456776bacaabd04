//! How a copy differs from its source, at any time after it was made.

use std::time::Duration;

use serde_json::{Value, json};

use crate::stage::{Call, Stage};

const SECRET: &str = "canary-drifted-9a1c";

/// A ready copy called `one`.
async fn ready(stage: &Stage, more: Value) -> Value {
    let mut request = stage.request(json!({"environment_name": "one"}));
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    stage.steps_until("check-health", "one", &request).await;
    request
}

async fn diff(stage: &Stage, more: Value) -> Call {
    let mut request = json!({"project_id": stage.world.project_id(), "environment": "one"});
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    stage.step("diff-env", "-", &request).await
}

/// What differs of `service` in this aspect, by name.
fn found(call: &Call, service: &str, what: &str) -> Vec<Value> {
    let all = call.outputs()["differences"].as_array().unwrap().clone();
    all.into_iter().filter(|d| d["service"] == service && d["what"] == what).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_copy_differs_by_nothing_that_a_copy_does_not_have_of_its_own() {
    let stage = Stage::prompt().await;
    ready(&stage, json!({"variables": {"web": {"SITE_NOTE": "mine"}}})).await;
    stage.world.clear_journal();
    let call = diff(&stage, json!({})).await;
    call.expect(0);
    let outputs = call.outputs();
    assert_eq!((&outputs["same"], &outputs["drift"]), (&json!(true), &json!(0)), "{outputs}");
    let because = |service: &str, name: &str| {
        let all = found(&call, service, "variable");
        all.iter().find(|d| d["name"] == name).map_or(Value::Null, |d| d["because"].clone())
    };
    assert_eq!(because("Postgres", "POSTGRES_PASSWORD"), "own_secret");
    assert_eq!(because("web", "STRIPE_SECRET_KEY"), "own_secret");
    assert_eq!(because("web", "WP_HOME"), "own_hosts");
    assert_eq!(because("web", "WP_ENVIRONMENT_TYPE"), "says_what_it_is");
    assert_eq!(because("web", "SESSION_SECRET"), "sealed");
    assert_eq!(because("web", "SITE_NOTE"), "request");
    assert_eq!(found(&call, "nightly", "deployment")[0]["because"], "left_out");
    assert!(stage.world.journal().iter().all(|entry| entry.kind == backboard::OperationKind::Query));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_somebody_changes_later_is_drift_and_no_value_of_a_variable_is_told() {
    let stage = Stage::prompt().await;
    ready(&stage, json!({})).await;
    let world = &stage.world;
    world.set_variable("one", Some("web"), "SITE_NAME", SECRET).unwrap();
    world.set_variable("one", None, "MAIL_FROM", SECRET).unwrap();
    world.set_variable("production", Some("worker"), "NEW_IN_PRODUCTION", SECRET).unwrap();
    world.remove_variable("one", Some("worker"), "SHOP_URL").unwrap();
    stage.deploy("production", "web").await;
    let start = json!({"deploy": {"startCommand": format!("serve --key {SECRET}"), "numReplicas": 3,
        "multiRegionConfig": {"europe-west4": {"numReplicas": 2}}}});
    world.change_service("one", "web", &start).unwrap();
    world.change_service("one", "worker", &json!({"source": {"branch": "feature"}})).unwrap();
    world.change_service("one", "Postgres", &json!({"source": {"image": "postgres:17"}})).unwrap();
    let call = diff(&stage, json!({})).await;
    call.expect(0);
    let only = |service: &str, what: &str| {
        let unexplained: Vec<_> = found(&call, service, what).into_iter().filter(|d| d["because"].is_null()).collect();
        let [one] = &unexplained[..] else { panic!("{service} {what}: {unexplained:?}") };
        ["name", "change", "there", "here"].map(|field| one[field].as_str().unwrap_or("-").to_owned())
    };
    assert_eq!(only("web", "variable"), ["SITE_NAME", "changed", "-", "-"]);
    assert_eq!(only("shared", "variable"), ["MAIL_FROM", "changed", "-", "-"]);
    assert_eq!(only("web", "setting"), ["deploy.startCommand", "changed", "-", "-"]);
    assert_eq!(only("web", "replicas"), ["-", "added", "-", "3"]);
    assert_eq!(only("web", "region"), ["europe-west4", "added", "-", "2 replicas"]);
    assert_eq!(only("worker", "branch"), ["-", "changed", "main", "feature"]);
    assert_eq!(only("Postgres", "image")[3], "postgres:17");
    assert_eq!(only("web", "commit")[1], "changed");
    let unexplained = found(&call, "worker", "variable").into_iter().filter(|d| d["because"].is_null());
    let worker: Vec<_> = unexplained.map(|d| d["name"].clone()).collect();
    assert_eq!(worker, ["NEW_IN_PRODUCTION", "SHOP_URL"]);
    assert_eq!(call.outputs()["drift"], json!(10));
    assert!(!call.stdout.contains(SECRET) && !call.stderr.contains(SECRET), "{}", call.stdout);
    assert!(call.stdout.contains("web: setting `deploy.startCommand` differs"), "{}", call.stdout);
}

/// A caller who may set variables sets one to what he thinks production's secret is.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_learns_whether_his_guess_of_a_secret_is_right() {
    let mut stage = Stage::prompt().await;
    stage.policy["allow_live"] = json!(["web.STRIPE_SECRET_KEY"]);
    let told = async |name: &str, guess: &str| {
        let mut request = stage.request(json!({"environment_name": name, "allow_live": ["web.STRIPE_SECRET_KEY"]}));
        request["variables"] = json!({"web": {"STRIPE_SECRET_KEY": guess}});
        stage.steps_after_validate("assign-domain", name, &request).await;
        let call = diff(&stage, json!({"environment": name})).await;
        call.expect(0);
        let all = found(&call, "web", "variable");
        all.into_iter().find(|d| d["name"] == "STRIPE_SECRET_KEY").expect("it is told in any case")
    };
    let right = told("right", "sk_live_51Canary0variable0web").await;
    assert_eq!(right, told("wrong", "sk_live_51Canary0variable0wet").await);
    assert_eq!(right["because"], "request");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_copies_are_compared_and_nothing_else_is() {
    let stage = Stage::prompt().await;
    ready(&stage, json!({})).await;
    let two = stage.request(json!({"environment_name": "two", "client_name": "Acme"}));
    stage.steps_until("check-health", "two", &two).await;
    let call = diff(&stage, json!({"against": "two"})).await;
    call.expect(0);
    assert_eq!(call.outputs()["drift"], json!(0), "{}", call.stdout);
    assert_eq!(call.outputs()["there"]["is_source"], json!(false));
    stage.world.set_variable("two", Some("web"), "EXTRA", "x").unwrap();
    let call = diff(&stage, json!({"against": "two"})).await;
    assert_eq!(found(&call, "web", "variable").iter().find(|d| d["name"] == "EXTRA").unwrap()["change"], "removed");

    stage.world.create_environment("by-hand", Duration::from_hours(1)).unwrap();
    for (more, words) in [
        (json!({"environment": "by-hand"}), "`environment`: environment `by-hand` is no copy of ours"),
        (json!({"environment": "production"}), "`environment`: environment `production` is no copy of ours"),
        (json!({"against": "by-hand"}), "`against`: environment `by-hand` is no copy of ours"),
        (json!({"against": "one"}), "`against`: `one` is the copy itself"),
        (json!({"environment": "nowhere"}), "has no environment `nowhere`"),
    ] {
        let refused = diff(&stage, more).await;
        refused.expect(2);
        assert!(refused.error().contains(words), "{}", refused.error());
    }
    // What the request of one of them asked for, and the other's did not.
    let three = json!({"environment_name": "three", "sources": {"web": {"branch": "feature/cart"}}, "exclude_services": ["worker"]});
    stage.steps_until("check-health", "three", &stage.request(three)).await;
    for (environment, against) in [("three", "one"), ("one", "three")] {
        let call = diff(&stage, json!({"environment": environment, "against": against})).await;
        call.expect(0);
        assert_eq!(call.outputs()["drift"], json!(0), "{}", call.stdout);
        assert_eq!(found(&call, "web", "branch")[0]["because"], "request", "{}", call.stdout);
        assert_eq!(found(&call, "worker", "deployment")[0]["because"], "left_out", "{}", call.stdout);
    }
    stage.world.deploy("one", "web").unwrap();
    stage.world.change_service("three", "web", &json!({"source": {"branch": "slipped-in"}})).unwrap();
    let call = diff(&stage, json!({"environment": "three", "against": "one"})).await;
    assert_eq!(found(&call, "web", "branch")[0]["because"], Value::Null, "{}", call.stdout);
    let production = stage.world.environment_id("production").unwrap();
    let touching = stage.world.mutations_touching(&production);
    assert!(touching.is_empty(), "{touching:?}");
}
