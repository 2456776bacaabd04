//! One task of one run, twice at the same time: Kestra starts a task again when it has lost a worker whose process lives on.

use std::time::Duration;

use backboard::{Fault, FaultEffect, WorldOptions};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::stage::{Stage, eventually};

fn times(stage: &Stage, operation: &str) -> usize {
    stage.world.journal().iter().filter(|entry| entry.operation == operation).count()
}

fn lease(holder: &str, left: SignedDuration) -> Value {
    json!({"lease": {"holder": holder, "until": (Timestamp::now() + left).to_string()}})
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_process_waits_for_the_first_and_finds_its_work_done() {
    let stage = Stage::of(WorldOptions { lag: Duration::from_millis(300), ..WorldOptions::prompt() }).await;
    let request = stage.request(json!({"environment_name": "twice", "custom_domain": "staging.example.net"}));
    stage.step("create-env", "run", &request).await.expect(0);
    stage.world.clear_journal();
    stage.world.fault(Fault::new("customDomainCreate", FaultEffect::Delay { secs: 3.0 }));
    let second = async {
        // The first goes on only once its lease shows.
        eventually("the first works", async || times(&stage, "variablesForServiceDeployment") > 0).await;
        stage.step("assign-domain", "run", &request).await
    };
    let (first, second) = tokio::join!(stage.step("assign-domain", "run", &request), second);
    first.expect(0);
    second.expect(0);
    assert!(second.stdout.contains("another process works at `twice`"), "{}", second.stdout);
    assert_eq!(times(&stage, "customDomainCreate"), 1);
    assert_eq!(stage.record("twice")["lease"], Value::Null);
    assert_eq!(first.outputs()["url"], second.outputs()["url"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_that_copy_at_once_deploy_once_and_end_with_one_complete_copy() {
    let options = WorldOptions { deploy_time: Duration::from_secs(2), ..WorldOptions::prompt() };
    let stage = Stage::of(options).await;
    let request = stage.request(json!({"environment_name": "twice"}));
    stage.steps_until("assign-domain", "run", &request).await;
    stage.world.clear_journal();
    let second = async {
        eventually("the first works", async || times(&stage, "variableCollectionUpsert") > 0).await;
        stage.step("sync-db", "run", &request).await
    };
    let (first, second) = tokio::join!(stage.step("sync-db", "run", &request), second);
    first.expect(0);
    second.expect(0);
    assert_eq!(times(&stage, "serviceInstanceDeployV2"), 1);
    let told = |call: &crate::stage::Call| call.outputs()["databases"][0].clone();
    assert_eq!((&told(&first)["reused"], &told(&second)["reused"]), (&json!(false), &json!(true)));
    assert_eq!(told(&first)["digest"], told(&second)["digest"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_was_killed_keeps_the_next_waiting_as_long_as_its_lease_and_no_longer() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "dead"}));
    stage.step("create-env", "run", &request).await.expect(0);
    stage.change_record("dead", lease("killed", SignedDuration::from_secs(3)));
    let until = stage.record("dead")["lease"]["until"].as_str().unwrap().parse::<Timestamp>().unwrap();
    stage.step("assign-domain", "run", &request).await.expect(0);
    let early = stage.world.journal().into_iter().filter(|e| e.is_mutation() && e.at < until);
    let early: Vec<_> = early.map(|e| e.operation).filter(|name| name == "serviceDomainUpdate").collect();
    assert!(early.is_empty(), "it wrote while another had the lease: {early:?}");
    stage.change_record("dead", lease("killed", SignedDuration::from_hours(-1)));
    let call = stage.step("assign-domain", "run", &request).await;
    call.expect(0);
    assert!(!call.stdout.contains("waiting"), "{}", call.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_has_lost_its_lease_writes_nothing_until_it_has_it_again() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "lost"}));
    stage.step("create-env", "run", &request).await.expect(0);
    stage.world.clear_journal();
    // It stops for a while after it took its lease, as a machine does that is asleep.
    stage.world.fault(Fault::new("variablesForServiceDeployment", FaultEffect::Delay { secs: 2.0 }));
    let taken_over = async {
        eventually("it has its lease", async || stage.record("lost")["lease"]["holder"].is_string()).await;
        stage.change_record("lost", lease("another", SignedDuration::from_secs(5)));
        Timestamp::now() + SignedDuration::from_secs(4)
    };
    let (call, until) = tokio::join!(stage.step("assign-domain", "run", &request), taken_over);
    call.expect(0);
    let written = stage.world.journal().into_iter().find(|e| e.operation == "serviceDomainUpdate").unwrap();
    assert!(written.at > until, "written at {}, while another had the lease", written.at);
    assert_eq!(stage.record("lost")["lease"], Value::Null);
    assert!(!stage.record("lost")["domains"].as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_waits_for_nobody_and_what_still_works_there_says_what_happened() {
    let stage = Stage::of(WorldOptions { deploy_time: Duration::from_secs(6), ..WorldOptions::prompt() }).await;
    let request = stage.request(json!({"environment_name": "gone"}));
    stage.steps_until("assign-domain", "run", &request).await;
    let rolled_back = async {
        eventually("it deploys", async || times(&stage, "serviceInstanceDeployV2") > 0).await;
        stage.step("rollback", "run", &request).await
    };
    let (late, rolled_back) = tokio::join!(stage.step("sync-db", "run", &request), rolled_back);
    rolled_back.expect(0);
    assert_eq!(rolled_back.outputs()["removed"], json!(["environment `gone`"]));
    assert_ne!(late.code, 0, "{}", late.stdout);
    assert_eq!(stage.world.environments().len(), 1);
}
