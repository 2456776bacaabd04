//! What a sweep says of each environment, whom it warns, and how much it deletes at once.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::stage::{Call, Stage};

async fn sweep(stage: &Stage, more: Value) -> Call {
    let mut request = json!({"dry_run": false});
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let call = stage.step("sweep-envs", "-", &request).await;
    call.expect(0);
    call
}

/// A ready copy that was to live for `ttl`, and has so many minutes left.
async fn ending(stage: &Stage, name: &str, ttl: &str, minutes: i64) {
    let request = stage.request(json!({"environment_name": name, "owner": "anna"}));
    stage.step("create-env", name, &request).await.expect(0);
    leave(stage, name, ttl, minutes);
}

fn leave(stage: &Stage, name: &str, ttl: &str, minutes: i64) {
    let end = (Timestamp::now() + SignedDuration::from_mins(minutes)).to_string();
    stage.change_record(name, json!({"state": "ready", "ttl": ttl, "expires_at": end, "warned": []}));
}

fn warned(call: &Call) -> Vec<(String, String)> {
    let text = |one: &Value, field: &str| one[field].as_str().unwrap().to_owned();
    call.outputs()["warned"].as_array().unwrap().iter().map(|w| (text(w, "name"), text(w, "mark"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mark_that_is_shorter_than_the_life_is_warned_of_once_and_never_in_a_dry_run() {
    let stage = Stage::prompt().await;
    for (name, ttl, minutes) in [
        ("two-days", "P7D", 47 * 60),
        ("one-day", "P2D", 23 * 60),
        ("one-hour", "PT2H", 59),
        ("short", "PT1H", 59),
        ("far", "P7D", 49 * 60),
    ] {
        ending(&stage, name, ttl, minutes).await;
    }
    ending(&stage, "kept", "P7D", 30).await;
    stage.change_record("kept", json!({"keep": true}));
    ending(&stage, "promoted", "P7D", 30).await;
    stage.world.add_custom_domain("promoted", "web", "www.example.net", true).unwrap();
    let before = stage.record("two-days");

    let dry = sweep(&stage, json!({"dry_run": true})).await;
    assert_eq!(warned(&dry), []);
    assert_eq!(stage.record("two-days"), before);

    let first = sweep(&stage, json!({})).await;
    let expected = [("two-days", "P2D"), ("one-day", "P1D"), ("one-hour", "PT1H")];
    assert_eq!(warned(&first), expected.map(|(name, mark)| (name.to_owned(), mark.to_owned())));
    let warning = &first.outputs()["warned"][0];
    assert_eq!((&warning["owner"], &warning["expires_at"]), (&json!("anna"), &before["expires_at"]));
    assert!(warning["message"].as_str().unwrap().contains("1 day 22 hours"), "{warning}");
    assert_eq!(warned(&sweep(&stage, json!({})).await), []);

    // The next mark is one of its own.
    let end = (Timestamp::now() + SignedDuration::from_hours(20)).to_string();
    stage.change_record("two-days", json!({"expires_at": end}));
    assert_eq!(warned(&sweep(&stage, json!({})).await), [("two-days".to_owned(), "P1D".to_owned())]);
    assert_eq!(stage.record("two-days")["warned"], json!(["P2D", "P1D"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_sweeps_at_once_one_warns() {
    let stage = Stage::of(backboard::WorldOptions::default()).await;
    ending(&stage, "near", "P7D", 60 * 20).await;
    stage.shows("near", "ready").await;
    let (one, two) = tokio::join!(sweep(&stage, json!({})), sweep(&stage, json!({})));
    let all: Vec<_> = [&one, &two].into_iter().flat_map(warned).collect();
    assert_eq!(all.len(), 1, "{all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warning_that_could_not_be_remembered_is_no_warning_and_comes_with_the_next_sweep() {
    let stage = Stage::prompt().await;
    ending(&stage, "near", "P7D", 60 * 20).await;
    let refusal = backboard::FaultEffect::Error { message: "not now".into() };
    stage.world.fault(backboard::Fault::new("variableCollectionUpsert", refusal));
    let call = stage.step("sweep-envs", "-", &json!({"dry_run": false})).await;
    assert_ne!(call.code, 0);
    assert!(call.error().contains("warn of the end of `near`"), "{}", call.error());
    assert_eq!(call.outputs()["warned"], json!([]));
    assert_eq!(warned(&sweep(&stage, json!({})).await).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_says_of_every_environment_why_it_goes_or_stays() {
    let stage = Stage::prompt().await;
    ending(&stage, "expired", "P7D", -1).await;
    ending(&stage, "fresh", "P7D", 60 * 24 * 6).await;
    stage.world.create_environment("rs-0123456789abcdef", Duration::from_hours(2)).unwrap();
    stage.world.create_environment("by-hand", Duration::from_hours(24)).unwrap();
    let outputs = sweep(&stage, json!({"dry_run": true})).await.outputs();
    let reason = |list: &str, name: &str| {
        let found = outputs[list].as_array().unwrap().iter().find(|one| one["name"] == name);
        found.unwrap_or_else(|| panic!("{name} is not in {outputs}"))["reason"].as_str().unwrap().to_owned()
    };
    assert!(reason("deleted", "expired").starts_with("expired at "));
    assert_eq!(reason("deleted", "rs-0123456789abcdef"), "is left over from a run that died");
    assert!(reason("spared", "fresh").starts_with("lives until "));
    assert_eq!(reason("spared", "by-hand"), "is not ours: it has no record of railstage");
    assert_eq!(reason("spared", "production"), "is not ours: it is the project's base or primary environment");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_deletes_so_many_and_leaves_the_rest_to_the_next() {
    let stage = Stage::prompt().await;
    for n in 0..12 {
        stage.world.create_environment(&format!("rs-00000000000000{n:02}"), Duration::from_hours(2)).unwrap();
    }
    assert_eq!(sweep(&stage, json!({"dry_run": true})).await.outputs()["deleted"].as_array().unwrap().len(), 10);
    let two = sweep(&stage, json!({"max_deletions": 2})).await.outputs();
    assert_eq!(two["deleted"].as_array().unwrap().len(), 2);
    assert!(two["spared"].to_string().contains("waits for the next sweep"), "{two}");
    // Whatever a lying sweep might still count, no more than asked for was asked of Railway.
    let asked = stage.world.journal().into_iter().filter(|entry| entry.operation == "environmentDelete").count();
    assert_eq!(asked, 2);
    assert_eq!(sweep(&stage, json!({})).await.outputs()["deleted"].as_array().unwrap().len(), 10);
    assert_eq!(stage.environments(), ["production"]);
    let call = stage.step("sweep-envs", "-", &json!({"max_deletions": 0})).await;
    call.expect(2);
    assert!(call.error().contains("expected a whole number from 1 to 500, found `0`"), "{}", call.error());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_copies_are_made_within_an_hour_than_the_policy_allows() {
    let mut stage = Stage::prompt().await;
    stage.policy["max_runs_per_hour"] = json!(2);
    // What was made longer ago does not count.
    stage.world.create_environment("rs-0123456789abcdef", Duration::from_mins(61)).unwrap();
    stage.world.create_environment("rs-0123456789abcdee", Duration::from_mins(30)).unwrap();
    let request = |name: &str| stage.request(json!({"environment_name": name}));
    let (a, b) = (request("a"), request("b"));
    let (one, two) = tokio::join!(stage.step("create-env", "a", &a), stage.step("create-env", "b", &b));
    let codes = [one.code, two.code];
    assert!(codes == [0, 2] || codes == [2, 0], "{codes:?}\n{}\n{}", one.stdout, two.stdout);
    let refused = if one.code == 2 { &one } else { &two };
    for words in ["within an hour", "the policy allows 2", "send it again after", "`max_runs_per_hour`"] {
        assert!(refused.error().contains(words), "{words} is not in {}", refused.error());
    }
    assert_eq!(stage.environments().len(), 4);
}
