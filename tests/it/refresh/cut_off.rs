//! A refresh that fails, is killed, or loses the answer to its last word.

use std::process::Stdio;
use std::time::Duration;

use backboard::{ExtraService, Fault, FaultEffect, WorldOptions};
use serde_json::{Value, json};
use tokio::process::Child;

use super::{Copy, beside, page, rename_the_shop, request, settings, try_beside, with_copy};
use crate::stage::{Stage, base64, eventually};
use crate::watched::{events, states};

/// Slow enough to be met while it is at work.
fn slow() -> Value {
    json!({"copying": {"max_mb_per_s": 0.5}})
}

fn large() -> WorldOptions {
    WorldOptions { fixture_bytes: 3_000_000, ..WorldOptions::prompt() }
}

/// A refresh that has been started.
fn begin(stage: &Stage, copy: &Copy, run_id: &str, more: Value) -> Child {
    let mut command = stage.command();
    command.arg("refresh-env").envs([
        ("RAILSTAGE_OUTPUT", "kestra"),
        ("RAILSTAGE_RUN_ID", run_id),
        ("RAILSTAGE_REQUEST", &base64(&request(stage, copy, more).to_string())),
        ("RAILSTAGE_POLICY", &base64(&stage.policy.to_string())),
    ]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// A refresh that is building beside the copy's database.
async fn at_work(stage: &Stage, copy: &Copy, run_id: &str) -> Child {
    let child = begin(stage, copy, run_id, slow());
    let is_told = async || stage.record(copy.name)["refreshing"]["run"] == run_id;
    eventually("it says that it is at work", is_told).await;
    let restarted = async || stage.world.journal().iter().any(|e| e.operation == "serviceInstanceDeployV2");
    eventually("the database is being restarted", restarted).await;
    let is_beside = async || try_beside(stage, copy).await.is_ok_and(|names| !names.is_empty());
    eventually("a database is built beside", is_beside).await;
    child
}

fn signal(child: &Child, name: &str) {
    let pid = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args([name, &pid]).status().unwrap().success());
}

/// What a copy is, in all that a refresh could change.
async fn all(stage: &Stage, copy: &Copy) -> (String, Value, Vec<String>, Value) {
    let mut record = stage.record(copy.name);
    let refreshing = record["refreshing"].take();
    (page(stage, copy).await, json!([record, settings(stage, copy.name)]), beside(stage, copy).await, refreshing)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_that_fails_leaves_the_copy_as_it_was_and_ready() {
    let (stage, copy) = with_copy(large()).await;
    let before = all(&stage, &copy).await;
    rename_the_shop(&stage, "The New Shop").await;
    // While it copies, before it begins, and when it is to be stopped.
    let old = json!({"copying": {"max_mb_per_s": 0.2, "max_snapshot_age": "PT1S", "attempts": 1}});
    let call = stage.step("refresh-env", "too-old", &request(&stage, &copy, old)).await;
    assert_ne!(call.code, 0, "{}", call.stdout);
    assert!(call.error().contains("copy database `Postgres`"), "{}", call.error());
    assert_eq!(all(&stage, &copy).await, before);

    let refused = FaultEffect::Error { message: "Problem processing request".into() };
    stage.world.fault(Fault::new("environmentStageChanges", refused));
    let call = stage.step("refresh-env", "no-proxy", &request(&stage, &copy, json!({}))).await;
    call.expect(4);
    assert_eq!(call.outputs()["account"]["copies"][0]["deed"], "not_refreshed");
    assert_eq!(all(&stage, &copy).await, before);

    stage.world.clear_journal();
    let child = at_work(&stage, &copy, "stopped").await;
    signal(&child, "-TERM");
    let output = tokio::time::timeout(Duration::from_mins(1), child.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(143), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(all(&stage, &copy).await, before);
    // Nothing is left to take back.
    let call = stage.step("rollback-refresh", "stopped", &request(&stage, &copy, slow())).await;
    call.expect(0);
    assert_eq!(call.outputs()["environment_name"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_refresh_has_begun_is_taken_back_and_the_copy_is_never_deleted() {
    let (stage, copy) = with_copy(large()).await;
    let before = all(&stage, &copy).await;
    let mut child = at_work(&stage, &copy, "killed").await;
    signal(&child, "-KILL");
    child.wait().await.unwrap();
    assert_eq!(stage.record(copy.name)["refreshing"]["run"], "killed");

    // A rollback of another run, and one of the clone's.
    let asked = request(&stage, &copy, slow());
    stage.step("rollback-refresh", "another", &asked).await.expect(0);
    assert_eq!(stage.record(copy.name)["refreshing"]["run"], "killed");
    let clone = stage.request(json!({"environment_name": copy.name}));
    stage.step("rollback", "clone", &clone).await.expect(0);
    stage.step("rollback", "killed", &clone).await.expect(0);

    let call = stage.step("rollback-refresh", "killed", &asked).await;
    call.expect(0);
    assert_eq!((&call.outputs()["environment_name"], &call.outputs()["left"]), (&json!(copy.name), &json!([])));
    assert_eq!(call.outputs()["account"]["copies"][0]["deed"], "not_refreshed");
    assert_eq!(all(&stage, &copy).await, before);
    // It had the proxy opened, which is closed now, and can be begun anew.
    rename_the_shop(&stage, "The New Shop").await;
    stage.step("refresh-env", "anew", &request(&stage, &copy, json!({}))).await.expect(0);
    assert!(page(&stage, &copy).await.contains("The New Shop"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_whose_last_word_is_refused_is_finished_all_the_same() {
    let (stage, copy) = with_copy(WorldOptions::prompt()).await;
    rename_the_shop(&stage, "The New Shop").await;
    let first = stage.record(copy.name);
    let refused = FaultEffect::Error { message: "Problem processing request".into() };
    // The first says that it begins.
    stage.world.fault(Fault::new("variableCollectionUpsert", refused).skip(1));
    let call = stage.step("refresh-env", "unheard", &request(&stage, &copy, json!({}))).await;
    call.expect(0);
    assert!(page(&stage, &copy).await.contains("The New Shop"));
    let record = stage.record(copy.name);
    assert_eq!((&record["state"], &record["refreshed"]["run"]), (&json!("ready"), &json!("unheard")));
    assert_eq!((&record["refreshing"], &record["lease"]), (&Value::Null, &Value::Null));
    assert_ne!(record["databases"][0]["snapshot_at"], first["databases"][0]["snapshot_at"]);
    assert_eq!(settings(&stage, copy.name)["Postgres.RAILWAY_TCP_PROXY_PORT"], json!(""));
}

/// The worst moment: the new data is in its place, and the record does not tell it yet.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_killed_after_the_swap_is_finished_by_the_rollback() {
    let (stage, copy) = with_copy(WorldOptions::prompt()).await;
    rename_the_shop(&stage, "The New Shop").await;
    let first = stage.record(copy.name);
    stage.world.fault(Fault::new("variableCollectionUpsert", FaultEffect::Timeout { secs: 60.0 }).skip(1));
    let mut child = begin(&stage, &copy, "killed", json!({}));
    let is_new = async || stage.world.fetch(&copy.host, "/").await.unwrap().body.contains("The New Shop");
    eventually("the new data is in its place", is_new).await;
    signal(&child, "-KILL");
    child.wait().await.unwrap();
    assert_eq!(stage.record(copy.name)["databases"], first["databases"]);

    let call = stage.step("rollback-refresh", "killed", &request(&stage, &copy, json!({}))).await;
    call.expect(0);
    assert_eq!(call.outputs()["kept"], json!(["Postgres"]));
    let record = stage.record(copy.name);
    assert_ne!(record["databases"][0]["snapshot_at"], first["databases"][0]["snapshot_at"]);
    assert_eq!((&record["refreshed"]["run"], &record["refreshing"]), (&json!("killed"), &Value::Null));
    assert!(beside(&stage, &copy).await.is_empty() && page(&stage, &copy).await.contains("The New Shop"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_databases_all_get_new_data_or_none_does() {
    let extra_services = vec![ExtraService::SecondDatabase];
    let (stage, copy) = with_copy(WorldOptions { extra_services, ..WorldOptions::prompt() }).await;
    let before = all(&stage, &copy).await;
    assert_eq!(before.1[0]["databases"].as_array().unwrap().len(), 2);
    rename_the_shop(&stage, "The New Shop").await;
    // No stranger's address passes the check.
    let check = "CREATE TABLE people (mail text CHECK (mail LIKE '%@corp.example'));
                 INSERT INTO people VALUES ('ann.quill@corp.example')";
    in_analytics(&stage, "production", check).await.unwrap();
    let call = stage.step("refresh-env", "half", &request(&stage, &copy, json!({}))).await;
    assert_ne!(call.code, 0, "{}", call.stdout);
    assert!(call.error().contains("copy database `Analytics`"), "{}", call.error());
    assert_eq!(all(&stage, &copy).await, before);

    let passes = "ALTER TABLE people DROP CONSTRAINT people_mail_check";
    in_analytics(&stage, "production", passes).await.unwrap();
    let call = stage.step("refresh-env", "whole", &request(&stage, &copy, json!({}))).await;
    call.expect(0);
    assert_eq!((&call.outputs()["restarts"], call.outputs()["databases"].as_array().unwrap().len()), (&json!(2), 2));
    let told = events(&call);
    for database in ["Postgres", "Analytics"] {
        let own = told.iter().filter(|event| event["service"] == database && event["bytes"].as_u64() > Some(0));
        assert!(own.clone().any(|event| event["state"] == "done"), "{database} never ended: {told:?}");
        assert_eq!(states(&told, Some(database)).iter().filter(|state| *state == "done").count(), 2, "{told:?}");
    }
    assert!(page(&stage, &copy).await.contains("The New Shop"));
    in_analytics(&stage, copy.name, "SELECT FROM people").await.unwrap();

    // One that is named alone leaves the other as it is.
    rename_the_shop(&stage, "The Newest Shop").await;
    let databases = || stage.record(copy.name)["databases"].as_array().unwrap().clone();
    let [analytics, postgres] = &databases()[..] else { panic!("{:?}", databases()) };
    assert_eq!((&analytics["service"], &postgres["service"]), (&json!("Analytics"), &json!("Postgres")));
    let asked = request(&stage, &copy, json!({"databases": [{"service": "Analytics"}]}));
    stage.step("refresh-env", "one", &asked).await.expect(0);
    assert!(page(&stage, &copy).await.contains("The New Shop"));
    let [refreshed, left] = &databases()[..] else { panic!("{:?}", databases()) };
    assert_ne!(refreshed["snapshot_at"], analytics["snapshot_at"]);
    assert_eq!(left, postgres);
}

async fn in_analytics(stage: &Stage, environment: &str, sql: &str) -> anyhow::Result<()> {
    let state = stage.world.environments().into_iter().find(|e| e.name == environment).unwrap();
    let (client, connection) =
        tokio_postgres::connect(&state.database_urls["Analytics"], tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    Ok(client.batch_execute(sql).await?)
}
