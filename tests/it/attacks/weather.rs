//! Trouble at Railway that passes: whoever waits goes on waiting, and what was not seen is not called left behind.

use std::time::Duration;

use backboard::{Fault, FaultEffect, WorldOptions};
use serde_json::{Value, json};

use crate::stage::Stage;

const TROUBLE: FaultEffect = FaultEffect::Http { status: 503 };

fn delete(stage: &Stage, name: &str) -> Value {
    json!({"project_id": stage.world.project_id(), "environment": name, "confirm": name})
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_while_deployments_are_waited_for_ends_no_run() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "weather"}));
    stage.steps_until("assign-domain", "weather", &request).await;
    stage.world.fault(Fault::new("environment", TROUBLE).times(7));
    stage.world.fault(Fault::new("environment", FaultEffect::RateLimited { retry_after_secs: 1 }).times(2));
    stage.step("sync-db", "weather", &request).await.expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_after_a_delete_was_accepted_is_waited_out() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "gone-soon"}));
    stage.steps_until("assign-domain", "gone-soon", &request).await;
    stage.world.fault(Fault::new("project", TROUBLE).skip(3).times(8));
    stage.step("delete-env", "-", &delete(&stage, "gone-soon")).await.expect(0);
    assert!(stage.world.environment_id("gone-soon").is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_is_told_once_it_was_seen_however_long_the_trouble_lasts() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "unseen"}));
    stage.steps_until("assign-domain", "unseen", &request).await;
    stage.world.fault(Fault::new("environmentDelete", FaultEffect::Error { message: "Internal error".into() }));
    // Longer than the five seconds for which an environment is watched whose deletion was refused.
    stage.world.fault(Fault::new("project", TROUBLE).skip(3).times(12));
    let call = stage.step("delete-env", "-", &delete(&stage, "unseen")).await;
    call.expect(6);
    assert!(call.error().contains("is still there") && call.error().contains("Internal error"), "{}", call.error());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_waits_for_trouble_to_pass() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "stormy"}));
    stage.steps_until("create-env", "stormy", &request).await;
    stage.world.fault(Fault::new("project", TROUBLE).times(9));
    stage.step("rollback", "stormy", &request).await.expect(0);
    assert!(stage.world.environment_id("stormy").is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_whose_request_is_lost_is_asked_for_again() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "lost"}));
    stage.steps_until("create-env", "lost", &request).await;
    stage.world.fault(Fault::new("environmentDelete", TROUBLE));
    stage.step("delete-env", "-", &delete(&stage, "lost")).await.expect(0);
    assert!(stage.world.environment_id("lost").is_err());
}

/// A world with environments that dead runs left over.
async fn with_left_over(names: &[&str], options: WorldOptions) -> Stage {
    let stage = Stage::of(options).await;
    for name in names {
        stage.world.create_environment(name, Duration::from_hours(2)).unwrap();
    }
    stage
}

fn names(list: &Value) -> Vec<&str> {
    let mut names: Vec<_> = list.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_asks_for_every_deletion_before_it_waits_for_one() {
    let slow = Duration::from_secs(20);
    let all = ["rs-00000000000000a1", "rs-00000000000000a2", "rs-00000000000000a3"];
    let stage = with_left_over(&all, WorldOptions { delete_time: slow, ..WorldOptions::prompt() }).await;
    let call = stage.step("sweep-envs", "-", &json!({"dry_run": false})).await;
    call.expect(0);
    assert_eq!(names(&call.outputs()["deleted"]), all);
    let journal = stage.world.journal();
    let asked: Vec<_> = journal.iter().filter(|e| e.operation == "environmentDelete").map(|e| e.at).collect();
    let between = asked[2].duration_since(asked[0]).unsigned_abs();
    assert!(asked.len() == 3 && between < slow, "the last was asked for {between:?} after the first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_that_fails_somewhere_tells_what_it_did_and_what_is_left() {
    let all = ["rs-00000000000000b1", "rs-00000000000000b2"];
    let stage = with_left_over(&all, WorldOptions::prompt()).await;
    stage.world.fault(Fault::new("environmentDelete", FaultEffect::Error { message: "Not now".into() }));
    let call = stage.step("sweep-envs", "-", &json!({"dry_run": false})).await;
    call.expect(6);
    let outputs = call.outputs();
    assert_eq!((&outputs["status"], &outputs["needs_person"]), (&json!("failed"), &json!(true)));
    let (deleted, left) = (names(&outputs["deleted"]), names(&outputs["left"]));
    assert_eq!((deleted.len(), left.len()), (1, 1), "{outputs}");
    assert!(stage.world.environment_id(deleted[0]).is_err() && stage.world.environment_id(left[0]).is_ok());
    assert!(call.error().contains("Not now"), "{}", call.error());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_that_cannot_read_a_project_sweeps_the_others_and_leaves_nothing_to_a_person() {
    let mut stage = with_left_over(&["rs-00000000000000c1"], WorldOptions::prompt()).await;
    let unknown = "00000000-0000-4000-8000-000000000000";
    stage.policy["allowed_projects"] = json!([unknown, stage.world.project_id()]);
    let call = stage.step("sweep-envs", "-", &json!({"dry_run": false})).await;
    assert!(call.code != 0 && call.code != 6, "{}: {}", call.code, call.error());
    let outputs = call.outputs();
    assert_eq!((names(&outputs["deleted"]), &outputs["needs_person"]), (vec!["rs-00000000000000c1"], &json!(false)));
}
