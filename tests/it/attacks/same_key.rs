//! One idempotency key sent twice, with the same request and with another; runs that are started again.

use std::time::Duration;

use backboard::{OperationKind, WorldOptions};
use railstage::steps;
use serde_json::{Value, json};

use crate::records::{self, version_1};
use crate::stage::{Call, Stage, finish};

const PAST: &str = "2020-01-01T00:00:00Z";

fn mutations(stage: &Stage) -> Vec<String> {
    let all = stage.world.journal().into_iter().filter(|e| e.kind == OperationKind::Mutation);
    all.map(|e| e.operation).collect()
}

/// The run that a step which ended well has given way to.
#[track_caller]
fn gave_way(call: &Call, status: &str) -> Value {
    call.expect(0);
    let outputs = call.outputs();
    assert_eq!((&outputs["status"], &outputs["first"]["status"]), (&json!(status), &json!(status)), "{outputs}");
    outputs["first"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_with_the_same_key_tells_of_the_first_and_changes_nothing() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"idempotency_key": "order 7", "client_name": "Acme"}));
    stage.steps_until("assign-domain", "first", &request).await;
    let name = stage.environments().into_iter().find(|name| name != "production").unwrap();
    let id = stage.world.environment_id(&name).unwrap();
    let record = stage.record(&name);
    stage.world.clear_journal();
    for step in steps::of_a_clone() {
        let first = gave_way(&stage.step(step.name, "second", &request).await, "already_running");
        assert_eq!((&first["run_id"], &first["environment_name"]), (&json!("first"), &json!(name)));
        assert_eq!(first["environment_id"], json!(id));
        assert!(first["url"].as_str().unwrap().starts_with("https://web-staging-acme-"), "{first}");
    }
    // Only who made it takes it back.
    let rolled_back = stage.step("rollback", "second", &request).await;
    rolled_back.expect(0);
    assert_eq!(rolled_back.outputs()["removed"], json!([]));
    assert_eq!(mutations(&stage), [""; 0]);
    assert_eq!(stage.record(&name), record);

    for step in ["sync-db", "start-apps", "check-health"] {
        stage.step(step, "first", &request).await.expect(0);
    }
    stage.world.clear_journal();
    for step in steps::of_a_clone() {
        let first = gave_way(&stage.step(step.name, "second", &request).await, "ready");
        assert_eq!(first["run_id"], "first");
    }
    assert_eq!(mutations(&stage), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_runs_with_one_key_at_once_one_makes_the_copy_and_both_tell_of_it() {
    for limit in [10, 1] {
        let mut stage = Stage::of(WorldOptions { lag: Duration::from_millis(400), ..WorldOptions::prompt() }).await;
        stage.policy["max_copies_per_project"] = json!(limit);
        let request = stage.request(json!({"idempotency_key": "order 7"}));
        let (a, b) =
            tokio::join!(stage.step("create-env", "run-a", &request), stage.step("create-env", "run-b", &request));
        let (winner, loser, won_by) = if a.outputs()["status"] == "ok" { (&a, &b, "run-a") } else { (&b, &a, "run-b") };
        winner.expect(0);
        let first = gave_way(loser, "already_running");
        assert_eq!(first["run_id"], won_by);
        assert_eq!(first["environment_name"], winner.outputs()["environment_name"]);
        assert_eq!(stage.environments(), ["production", first["environment_name"].as_str().unwrap()], "limit {limit}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_stands_for_another_request_is_refused() {
    let stage = Stage::prompt().await;
    let first = stage.request(json!({"idempotency_key": "order 7", "environment_name": "seven"}));
    stage.step("create-env", "first", &first).await.expect(0);
    stage.world.clear_journal();
    let others = [
        json!({"idempotency_key": "order 7", "environment_name": "seven", "anonymize": false}),
        json!({"idempotency_key": "order 7", "environment_name": "eight"}),
        json!({"idempotency_key": "order 7"}),
    ];
    for other in others {
        for step in steps::of_a_clone() {
            let call = stage.step(step.name, "second", &stage.request(other.clone())).await;
            call.expect(2);
            assert!(call.error().contains("run `first` has used it for another request"), "{}", call.error());
        }
    }
    // Nor does the run itself go on with another request than it began with, but written otherwise it is the same.
    for step in ["create-env", "assign-domain"] {
        let call = stage.step(step, "first", &stage.request(json!({"environment_name": "seven", "keep": true}))).await;
        call.expect(2);
        assert!(call.error().contains("with another request"), "{}", call.error());
    }
    assert_eq!(mutations(&stage), [""; 0]);
    let same = stage
        .request(json!({"idempotency_key": "order 7", "environment_name": "seven", "ttl": "PT168H", "keep": null}));
    stage.step("assign-domain", "first", &same).await.expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_requests_with_one_key_at_once_no_more_than_one_gets_its_copy() {
    let stage = Stage::of(WorldOptions { lag: Duration::from_millis(400), ..WorldOptions::prompt() }).await;
    let requests = ["one", "two"].map(|name| stage.request(json!({"idempotency_key": "k", "environment_name": name})));
    let (a, b) =
        tokio::join!(stage.step("create-env", "run-a", &requests[0]), stage.step("create-env", "run-b", &requests[1]));
    let ended_well = [&a, &b].iter().filter(|call| call.code == 0).count();
    assert!(ended_well <= 1, "{}\n{}", a.stdout, b.stdout);
    assert_eq!(stage.environments().len(), 1 + ended_well, "{:?}", stage.environments());
    for call in [&a, &b].iter().filter(|call| call.code != 0) {
        call.expect(2);
        assert!(call.error().contains("for another request"), "{}", call.error());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_id_is_somebodys_key_is_a_run_of_its_own() {
    let stage = Stage::prompt().await;
    let keyed = stage.request(json!({"idempotency_key": "5kQz", "environment_name": "keyed"}));
    stage.step("create-env", "first", &keyed).await.expect(0);
    let plain = stage.request(json!({"environment_name": "plain"}));
    stage.step("rollback", "5kQz", &plain).await.expect(0);
    stage.step("create-env", "5kQz", &plain).await.expect(0);
    stage.step("rollback", "5kQz", &keyed).await.expect(0);
    assert_eq!(stage.environments(), ["keyed", "production"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_version_1_with_a_key_goes_on_and_is_the_first_for_others() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"idempotency_key": "order 7"}));
    stage.step("create-env", "old", &request).await.expect(0);
    let name = stage.environments().into_iter().find(|name| name != "production").unwrap();
    let mut record = stage.record(&name);
    record["run_hash"] = record["key_hash"].clone();
    stage.write_record(&name, &version_1(&record));
    let first = gave_way(&stage.step("assign-domain", "new", &request).await, "already_running");
    assert_eq!(first["run_id"], "old");
    stage.step("rollback", "new", &request).await.expect(0);
    stage.step("assign-domain", "old", &request).await.expect(0);
    stage.step("rollback", "old", &request).await.expect(0);
    assert_eq!(stage.environments(), ["production"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_whose_copy_no_run_works_at_is_refused_with_the_reason() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"idempotency_key": "order 7", "environment_name": "seven"}));
    stage.step("create-env", "first", &request).await.expect(0);
    for (changes, words) in [
        (json!({"state": "cloning", "give_up_at": PAST}), "was given up"),
        (json!({"state": "failed"}), "failed, and is kept for a look"),
        (json!({"state": "rolling_back"}), "is being rolled back"),
    ] {
        stage.change_record("seven", changes);
        for step in ["validate", "create-env", "sync-db"] {
            let call = stage.step(step, "second", &request).await;
            call.expect(2);
            assert!(
                call.error().contains(words) && call.error().contains("once that copy is gone"),
                "{}",
                call.error()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_over_is_not_gone_on_with_and_says_so() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "over", "on_failure": "keep"}));
    stage.steps_until("assign-domain", "run", &request).await;
    stage.step("rollback", "run", &request).await.expect(0);
    let kept = stage.record("over");
    assert_eq!(kept["state"], "failed");
    stage.world.clear_journal();
    for step in steps::of_a_clone() {
        let call = stage.step(step.name, "run", &request).await;
        call.expect(2);
        let told = call.error();
        assert!(told.contains("is kept for a look") && told.contains("start a new run"), "{told}");
    }
    // A second rollback keeps it no longer than the first said.
    assert_eq!(stage.step("rollback", "run", &request).await.outputs()["kept"], "over");
    assert_eq!(stage.record("over"), kept);
    assert_eq!(mutations(&stage), [""; 0]);

    stage.change_record("over", json!({"state": "rolling_back"}));
    for step in steps::of_a_clone() {
        let call = stage.step(step.name, "run", &request).await;
        call.expect(2);
        let told = call.error();
        assert!(told.contains("is being rolled back") && told.contains("start a new run"), "{told}");
    }
    // Whoever comes next finishes it.
    stage.step("sweep-envs", "-", &json!({"dry_run": false})).await.expect(0);
    assert_eq!(stage.environments(), ["production"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_needs_the_runs_id_and_the_project_alone() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"idempotency_key": "order 7", "client_name": "Acme"}));
    stage.step("create-env", "run", &request).await.expect(0);
    let call = stage.step("rollback", "run", &stage.request(json!({}))).await;
    call.expect(0);
    assert_eq!(call.outputs()["removed"].as_array().unwrap().len(), 1, "{}", call.stdout);
    assert_eq!(stage.environments(), ["production"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_at_a_terminal_that_comes_second_ends_well_and_rolls_nothing_back() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"idempotency_key": "order 7"}));
    stage.step("create-env", "first", &request).await.expect(0);
    let all = stage.environments();
    let policy = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(policy.path(), stage.policy.to_string()).unwrap();
    let mut command = stage.command();
    command.args(["clone", "--json", "--idempotency-key", "order 7", "--project-id", &stage.world.project_id()]);
    command.arg("--policy").arg(policy.path());
    let call = finish(command).await;
    call.expect(0);
    let report = call.json();
    assert_eq!((&report["status"], &report["run_id"]), (&json!("already_running"), &json!("first")), "{report}");
    assert_eq!(report["environment_name"], json!(all.iter().find(|name| *name != "production")));
    assert_eq!(stage.environments(), all);
}

/// The record is what binds: somebody who changes the request's hash in it has changed the record.
#[tokio::test(flavor = "multi_thread")]
async fn the_hash_of_the_request_is_signed_with_all_else() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "bound"}));
    stage.step("create-env", "run", &request).await.expect(0);
    let mut record = stage.record("bound");
    assert_eq!(record["request_hash"].as_str().unwrap().len(), 64);
    record["request_hash"] = json!("00");
    stage.write_record("bound", &records::signed(&record, "a key that somebody guessed"));
    stage.step("assign-domain", "run", &request).await.expect(2);
}
