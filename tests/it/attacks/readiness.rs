//! Promotion, expiry and the limit: what late steps, reruns and several runs at once must not undo.

use std::time::Duration;

use backboard::WorldOptions;
use jiff::{SignedDuration, Timestamp};
use railstage::steps;
use serde_json::json;

use crate::stage::Stage;

const PAST: &str = "2020-01-01T00:00:00Z";

#[tokio::test(flavor = "multi_thread")]
async fn no_step_changes_a_ready_copy_and_its_promotion_is_not_forgotten() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "shop"}));
    stage.steps_until("check-health", "run", &request).await;
    stage.world.add_custom_domain("shop", "web", "www.example.net", true).unwrap();
    let (id, digest) = (stage.world.environment_id("shop").unwrap(), stage.world.state_digest("shop").unwrap());
    stage.world.clear_journal();
    for step in steps::of_a_clone() {
        stage.step(step.name, "run", &request).await.expect(0);
        let touching = stage.world.mutations_touching(&id);
        assert!(touching.is_empty(), "{} changed it: {touching:?}", step.name);
    }
    assert_eq!(stage.world.state_digest("shop").unwrap(), digest);
    stage.step("rollback", "run", &request).await.expect(0);
    stage.change_record("shop", json!({"expires_at": PAST}));
    let swept = stage.step("sweep-envs", "-", &json!({"dry_run": false})).await;
    assert!(swept.outputs()["spared"].to_string().contains("someone promoted it"), "{}", swept.stdout);
    assert_eq!(stage.environments(), ["production", "shop"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_attached_while_a_copy_is_made_never_becomes_the_records() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "shop", "custom_domain": "staging.example.net"}));
    stage.step("create-env", "run", &request).await.expect(0);
    stage.world.add_custom_domain("shop", "worker", "www.example.net", true).unwrap();
    for _ in 0..2 {
        stage.step("assign-domain", "run", &request).await.expect(0);
        let domains = stage.record("shop")["domains"].clone();
        assert_eq!(domains[0], "staging.example.net");
        assert!(!domains.to_string().contains("www.example.net"), "{domains}");
    }
    // Neither a sweep nor a rollback takes away what somebody put to use, and the rollback says that it is left.
    stage.change_record("shop", json!({"give_up_at": PAST}));
    stage.step("sweep-envs", "-", &json!({"dry_run": false})).await.expect(0);
    let call = stage.step("rollback", "run", &request).await;
    call.expect(6);
    assert!(call.error().contains("www.example.net"), "{}", call.error());
    assert_eq!(stage.environments(), ["production", "shop"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_expires_counted_from_when_it_is_ready_and_not_while_it_is_made() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "slow", "ttl": "PT1H"}));
    stage.steps_until("start-apps", "run", &request).await;
    stage.change_record("slow", json!({"created_at": PAST, "expires_at": PAST}));
    let swept = stage.step("sweep-envs", "-", &json!({"dry_run": false})).await;
    assert!(swept.outputs()["spared"].to_string().contains("is being made"), "{}", swept.stdout);
    let told = stage.step("check-health", "run", &request).await;
    told.expect(0);
    let expires_at = stage.record("slow")["expires_at"].clone();
    let left = expires_at.as_str().unwrap().parse::<Timestamp>().unwrap().duration_since(Timestamp::now());
    assert!((SignedDuration::from_mins(55)..=SignedDuration::from_mins(60)).contains(&left), "{left}");
    assert_eq!(told.outputs()["expires_at"], expires_at);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_clones_that_come_to_the_limit_at_once_no_more_stay_than_it_allows() {
    let mut stage = Stage::of(WorldOptions { lag: Duration::from_millis(400), ..WorldOptions::prompt() }).await;
    stage.policy["max_copies_per_project"] = json!(1);
    let requests = ["one", "two", "three"].map(|name| stage.request(json!({"environment_name": name})));
    let (one, two, three) = tokio::join!(
        stage.step("create-env", "run-1", &requests[0]),
        stage.step("create-env", "run-2", &requests[1]),
        stage.step("create-env", "run-3", &requests[2]),
    );
    let mut codes = [one.code, two.code, three.code];
    codes.sort_unstable();
    assert_eq!(codes, [0, 2, 2], "{}\n{}\n{}", one.stdout, two.stdout, three.stdout);
    assert_eq!(stage.environments().len(), 2, "{:?}", stage.environments());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_made_counts_against_the_limit() {
    let mut stage = Stage::prompt().await;
    stage.policy["max_copies_per_project"] = json!(1);
    stage.world.create_environment("rs-0123456789abcdef", Duration::from_mins(1)).unwrap();
    let call = stage.step("create-env", "run", &stage.request(json!({"environment_name": "second"}))).await;
    call.expect(2);
    assert!(call.error().contains("has 1 copy"), "{}", call.error());
}
