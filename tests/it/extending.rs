//! `extend-env`: another end, within what the owner grants, counted from when the copy was ready.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::records::{unsigned, version_1};
use crate::stage::{Call, Stage};

/// A copy that has been ready for so long, and would end in an hour.
async fn ready(stage: &Stage, name: &str, hours: i64) {
    let request = stage.request(json!({"environment_name": name}));
    stage.step("create-env", name, &request).await.expect(0);
    let at = |hours: i64| (now() + SignedDuration::from_hours(hours)).to_string();
    let record = json!({
        "state": "ready", "ready_at": at(-hours), "created_at": at(-hours - 1), "ttl": "P7D", "expires_at": at(1), "warned": ["P2D", "P1D"],
    });
    stage.change_record(name, record);
}

fn now() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).unwrap()
}

async fn extend(stage: &Stage, name: &str, more: Value) -> Call {
    let mut request = stage.request(json!({"environment": name}));
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    stage.step("extend-env", "-", &request).await
}

fn end(stage: &Stage, name: &str) -> Timestamp {
    stage.record(name)["expires_at"].as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_gets_an_end_counted_from_now_and_is_warned_of_anew() {
    let stage = Stage::prompt().await;
    ready(&stage, "mine", 24).await;
    let (before, first) = (now(), end(&stage, "mine"));
    let call = extend(&stage, "mine", json!({"ttl": "P3D"})).await;
    call.expect(0);
    let ends = end(&stage, "mine").duration_since(before);
    assert!((SignedDuration::from_hours(72)..SignedDuration::from_hours(73)).contains(&ends), "{ends}");
    let (outputs, record) = (call.outputs(), stage.record("mine"));
    assert_eq!((&outputs["expires_at"], &record["ttl"]), (&record["expires_at"], &json!("P3D")));
    assert_eq!(outputs["expired_at_before"], first.to_string());
    assert_eq!(outputs["account"]["copies"][0]["deed"], "extended");
    assert!(record["warned"].is_null() && record["state"] == "ready", "{record}");
    // An end may also come sooner.
    extend(&stage, "mine", json!({"ttl": "PT2H"})).await.expect(0);
    assert!(end(&stage, "mine") < before + SignedDuration::from_hours(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_copy_lives_past_the_longest_life_counted_from_ready_however_often_it_is_asked_for() {
    let mut stage = Stage::prompt().await;
    stage.policy["max_ttl"] = json!("P14D");
    ready(&stage, "old", 10 * 24).await;
    let first = end(&stage, "old");
    let refused = extend(&stage, "old", json!({"ttl": "P5D"})).await;
    refused.expect(2);
    for words in ["`ttl`", "`max_ttl`, P14D", "when it became ready", "ask for P", " at most; a new copy lives anew"] {
        assert!(refused.error().contains(words), "{words} is not in {}", refused.error());
    }
    for _ in 0..3 {
        extend(&stage, "old", json!({"ttl": "PT95H"})).await.expect(0);
    }
    extend(&stage, "old", json!({"ttl": "PT97H"})).await.expect(2);
    assert!(end(&stage, "old") > first);
    // Of a record that does not say when the copy was ready, its making counts.
    let record = json!({"ready_at": null, "created_at": (now() - SignedDuration::from_hours(15 * 24)).to_string()});
    stage.change_record("old", record);
    let none = extend(&stage, "old", json!({"ttl": "PT1H"})).await;
    none.expect(2);
    assert!(none.error().contains("it can live no longer"), "{}", none.error());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_more_than_is_granted_is_told_every_line_at_once_and_nothing_is_read() {
    let mut stage = Stage::prompt().await;
    stage.policy = json!({"allowed_projects": [stage.world.project_id()]});
    stage.world.clear_journal();
    let both = extend(&stage, "mine", json!({"ttl": "P15D", "keep": true})).await;
    both.expect(2);
    for words in ["`max_ttl: P15D`", "`may_be_kept: true`", "say one of the two"] {
        assert!(both.error().contains(words), "{words} is not in {}", both.error());
    }
    let neither = extend(&stage, "mine", json!({})).await;
    neither.expect(2);
    assert!(neither.error().contains("`ttl`: say how long"), "{}", neither.error());
    extend(&stage, "mine", json!({"ttl": "PT1M"})).await.expect(2);
    extend(&stage, "mine", json!({"ttl": "P1M", "unknown": 1})).await.expect(2);
    assert!(stage.world.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_copy_says_so_and_gets_an_end_again() {
    let stage = Stage::prompt().await;
    ready(&stage, "mine", 1).await;
    let call = extend(&stage, "mine", json!({"keep": true})).await;
    call.expect(0);
    assert_eq!((&call.outputs()["expires_at"], &stage.record("mine")["keep"]), (&Value::Null, &json!(true)));
    let call = extend(&stage, "mine", json!({"ttl": "P1D"})).await;
    call.expect(0);
    assert_eq!(call.outputs()["expired_at_before"], Value::Null);
    assert_eq!(stage.record("mine")["keep"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_ready_copy_of_ours_is_extended() {
    let stage = Stage::prompt().await;
    ready(&stage, "mine", 1).await;
    stage.world.create_environment("by-hand", std::time::Duration::from_hours(9)).unwrap();
    let good = stage.record("mine");
    let refused = async |name: &str, words: &str| {
        stage.world.clear_journal();
        let call = extend(&stage, name, json!({"ttl": "P1D"})).await;
        call.expect(2);
        assert!(call.error().contains(words), "{words} is not in {}", call.error());
        assert!(stage.world.journal().iter().all(|entry| !entry.is_mutation()), "{name} was written");
    };
    refused("production", "is protected").await;
    refused("by-hand", "no record of railstage").await;
    refused("nobody", "has no environment `nobody`").await;
    for (state, words) in
        [("cloning", "is being made"), ("failed", "for a day at most"), ("rolling_back", "rolled back")]
    {
        stage.change_record("mine", json!({"state": state}));
        refused("mine", words).await;
    }
    for value in [unsigned(&good), version_1(&good)] {
        stage.write_record("mine", &value);
        refused("mine", "railstage adopt").await;
    }
    stage.write_record("mine", "nonsense");
    refused("mine", "it is damaged").await;
    stage.write_record("mine", &crate::records::signed(&good, crate::stage::RECORD_KEY));
    stage.world.add_custom_domain("mine", "web", "www.example.net", true).unwrap();
    refused("mine", "`www.example.net`").await;
}

/// Railway changes nothing only if it is still as it was: what two write at once is seen by the one whose word was lost.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_extend_at_once_and_a_sweep_that_warns_no_word_is_lost() {
    let mut stage = Stage::of(backboard::WorldOptions::default()).await;
    stage.policy["max_ttl"] = json!("P30D");
    ready(&stage, "mine", 24).await;
    stage.shows("mine", "ready").await;
    let sweep = json!({"dry_run": false});
    let (one, two, swept) = tokio::join!(
        extend(&stage, "mine", json!({"ttl": "P10D"})),
        extend(&stage, "mine", json!({"ttl": "P10D"})),
        stage.step("sweep-envs", "-", &sweep),
    );
    for call in [&one, &two, &swept] {
        call.expect(0);
    }
    let left = end(&stage, "mine").duration_since(now());
    assert!(left > SignedDuration::from_hours(239), "the end was written over: {left}");
}
