//! The account of a run: what was done with which copy, for whoever keeps such things.

use std::time::Duration;

use backboard::{Fault, FaultEffect};
use serde_json::{Value, json};

use crate::stage::{Call, Stage, finish};

/// A ready copy that somebody asked for.
async fn ready(stage: &Stage, name: &str, expires_at: &str) {
    let request = stage.request(json!({"environment_name": name, "owner": "anna"}));
    stage.step("create-env", name, &request).await.expect(0);
    let database = json!({"service": "Postgres", "snapshot_at": "2026-11-20T10:00:00Z", "bytes": 2, "rows": 3,
        "masked": "full", "digest": "d1", "made_with": {"rules": "r1", "key": null, "urls": "u1"}});
    stage.change_record(name, json!({"state": "ready", "expires_at": expires_at, "databases": [database]}));
}

fn copies(call: &Call) -> Vec<Value> {
    call.outputs()["account"]["copies"].as_array().unwrap_or_else(|| panic!("no account: {}", call.stdout)).clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_accounts_for_the_copy_its_data_and_the_rules_and_shows_no_value() {
    let stage = Stage::prompt().await;
    stage.world.set_variable("production", Some("web"), "MAIL_PASSWORD", "canary-literal-7d1f").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (policy, account) = (folder.path().join("policy.json"), folder.path().join("account.json"));
    std::fs::write(&policy, stage.policy.to_string()).unwrap();
    let mut command = stage.command();
    command.args(["clone", "--project-id", &stage.world.project_id(), "--environment-name", "mine", "--owner", "anna"]);
    command.arg("--policy").arg(&policy).arg("--account").arg(&account);
    finish(command).await.expect(0);
    let text = std::fs::read_to_string(&account).unwrap();
    assert!(!text.contains("canary-literal-7d1f") && !text.contains(&stage.world.token()), "{text}");
    let account: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&account["step"], &account["status"]), (&json!("check-health"), &json!("ok")));
    let (copy, record) = (&account["copies"][0], stage.record("mine"));
    assert_eq!((&copy["deed"], &copy["owner"], &copy["name"]), (&json!("made"), &json!("anna"), &json!("mine")));
    assert_eq!((&copy["made_by_run"], &copy["ancestors"][0]["name"]), (&account["run_id"], &json!("production")));
    assert_eq!((&copy["databases"], &copy["ready_at"]), (&record["databases"], &record["ready_at"]));
    assert_eq!(copy["databases"][0]["made_with"]["rules"].as_str().unwrap().len(), 16);
    assert!(copy["databases"][0]["snapshot_at"].is_string() && copy["proof"].is_null(), "{copy}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_accounts_for_its_proof_and_what_the_copy_cost() {
    let stage = Stage::prompt().await;
    ready(&stage, "mine", "2999-01-01T00:00:00Z").await;
    stage.world.use_up("mine", Some("web"), "CPU_USAGE", 43_200.0).unwrap();
    let mut request = stage.request(json!({"environment": "mine", "confirm": "min"}));
    let refused = stage.step("delete-env", "-", &request).await;
    refused.expect(2);
    assert_eq!(copies(&refused), [] as [Value; 0]);
    request["confirm"] = json!("mine");
    let call = stage.step("delete-env", "-", &request).await;
    call.expect(0);
    let copy = &copies(&call)[0];
    assert_eq!((&copy["deed"], &copy["cost_usd"], &copy["owner"]), (&json!("deleted"), &json!(20.0), &json!("anna")));
    assert_eq!(copy["databases"][0]["made_with"]["rules"], "r1");
    let time = |field: &str| copy["proof"][field].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!(time("asked_at") <= time("seen_gone_at"), "{copy}");
    assert_eq!(stage.environments(), ["production"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_proves_what_is_gone_and_proves_nothing_of_what_is_left() {
    let stage = Stage::prompt().await;
    ready(&stage, "gone", "2020-01-01T00:00:00Z").await;
    ready(&stage, "stuck", "2020-01-01T00:00:00Z").await;
    stage.world.create_environment("rs-0123456789abcdef", Duration::from_hours(2)).unwrap();
    let dry = stage.step("sweep-envs", "-", &json!({})).await;
    assert_eq!(copies(&dry), [] as [Value; 0]);
    let stuck = stage.world.environment_id("stuck").unwrap();
    let refusal = FaultEffect::Error { message: "not now".into() };
    stage.world.fault(Fault { environment_id: Some(stuck), ..Fault::new("environmentDelete", refusal) });
    let call = stage.step("sweep-envs", "-", &json!({"dry_run": false})).await;
    call.expect(6);
    let mut told: Vec<_> = copies(&call)
        .iter()
        .map(|copy| (copy["name"].as_str().unwrap().to_owned(), copy["deed"].clone(), copy["proof"].is_object()))
        .collect();
    told.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = [("gone", "deleted", true), ("rs-0123456789abcdef", "deleted", true), ("stuck", "left", false)];
    assert_eq!(told, expected.map(|(name, deed, proof)| (name.to_owned(), json!(deed), proof)));
    assert_eq!(call.outputs()["account"]["status"], "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_taken_back_accounts_for_that() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "mine", "owner": "anna"}));
    stage.step("create-env", "run", &request).await.expect(0);
    let call = stage.step("rollback", "run", &request).await;
    call.expect(0);
    let copy = &copies(&call)[0];
    assert_eq!((&copy["deed"], &copy["owner"]), (&json!("rolled_back"), &json!("anna")));
    assert!(copy["proof"].is_object(), "{copy}");
    // Whoever comes again has nothing to account for.
    assert_eq!(copies(&stage.step("rollback", "run", &request).await), [] as [Value; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_could_not_be_written_is_refused_before_anything_is_done() {
    let stage = Stage::prompt().await;
    ready(&stage, "mine", "2999-01-01T00:00:00Z").await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), stage.policy.to_string()).unwrap();
    let request = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(request.path(), stage.request(json!({"environment": "mine", "confirm": "mine"})).to_string())
        .unwrap();
    let mut command = stage.command();
    command.args(["delete-env", "--account", "/nonexistent/account.json", "--policy"]).arg(file.path());
    command.arg("--request").arg(request.path());
    let call = finish(command).await;
    call.expect(2);
    assert!(call.stderr.contains("--account"), "{}", call.stderr);
    assert_eq!(stage.environments(), ["mine", "production"]);
}
