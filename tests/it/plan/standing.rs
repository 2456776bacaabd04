//! How the source's services stand: what runs there, what is under way, and what it costs that would run in the copy.

use std::time::Duration;

use backboard::{DeployOutcome, DeploymentStatus, ExtraService, WorldOptions};
use serde_json::{Value, json};

use super::{list, planned, text};
use crate::stage::{Stage, eventually};

fn service<'a>(plan: &'a Value, name: &str) -> &'a Value {
    list(plan, "services").iter().find(|service| service["service"] == name).unwrap()
}

/// What is told of a service, with how bad it is.
fn found(plan: &Value, subject: &str) -> Vec<(String, String)> {
    let own = list(plan, "findings").iter().filter(|finding| finding["subject"] == subject);
    own.map(|finding| (text(&finding["severity"]).to_owned(), text(&finding["message"]).to_owned())).collect()
}

fn status(stage: &Stage, service: &str) -> Option<String> {
    let mut all = stage.world.environments().into_iter();
    all.find(|e| e.name == "production").unwrap().deployments.remove(service).flatten()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_in_the_source_is_copied_and_not_a_deployment_of_it_that_failed() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "steady"}));
    let (before, call) = planned(&stage, &request).await;
    call.expect(0);
    let commit = service(&before, "web")["commit"].clone();
    assert!(commit.is_string(), "{before}");
    let failing = DeployOutcome { service: "web".into(), status: DeploymentStatus::Failed, log: vec![], times: 1 };
    stage.world.order_outcome(failing);
    stage.world.deploy("production", "web").unwrap();
    eventually("the deployment has failed", async || status(&stage, "web").as_deref() == Some("FAILED")).await;
    assert_ne!(stage.world.deployed_code("production", "web").unwrap()["commitHash"], commit);

    let (plan, call) = planned(&stage, &request).await;
    call.expect(0);
    let web = service(&plan, "web");
    assert_eq!((&web["health"], &web["commit"]), (&json!("up"), &commit), "{web}");
    let told = found(&plan, "web");
    let is_told = |(severity, message): &(String, String)| severity == "warning" && message.contains("that failed");
    assert!(told.iter().any(is_told) && !told.iter().any(|(_, message)| message.contains("is down")), "{told:?}");
    stage.steps_until("check-health", "steady", &request).await;
    assert_eq!(stage.world.deployed_code("steady", "web").unwrap()["commitHash"], commit);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_under_way_is_told_beside_what_runs_meanwhile() {
    let stage = Stage::of(WorldOptions { deploy_time: Duration::from_mins(10), ..WorldOptions::prompt() }).await;
    let (before, _) = planned(&stage, &stage.request(json!({}))).await;
    stage.world.deploy("production", "worker").unwrap();
    let (plan, call) = planned(&stage, &stage.request(json!({}))).await;
    call.expect(0);
    let [before, worker] = [&before, &plan].map(|plan| service(plan, "worker"));
    assert_eq!((&worker["health"], &worker["deployment_under_way"]), (&json!("up"), &json!(true)), "{worker}");
    assert_eq!(worker["commit"], before["commit"]);
    let told = found(&plan, "worker");
    assert!(told.iter().any(|(severity, message)| severity == "warning" && message.contains("under way")), "{told:?}");
    assert!(call.stdout.contains("a deployment of the source's is under way"), "{}", call.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn volumes_cost_what_would_be_in_them() {
    let stage = Stage::of(WorldOptions { extra_services: vec![ExtraService::Media], ..WorldOptions::prompt() }).await;
    stage.world.fill_volumes("production", 750.0).unwrap();
    // A dollar for all volumes in the source's first day.
    stage.world.use_up("production", None, "DISK_USAGE_GB", 288_000.0).unwrap();
    let (plan, call) = planned(&stage, &stage.request(json!({"allow_empty_volumes": ["media"]}))).await;
    call.expect(0);
    let mut volumes: Vec<_> = list(&plan, "volumes")
        .iter()
        .map(|volume| (text(&volume["service"]), volume["filled"] == true, volume["size_bytes"].as_u64()))
        .collect();
    volumes.sort_unstable();
    assert_eq!(volumes, [("Postgres", true, Some(750_000_000)), ("media", false, Some(750_000_000))]);
    assert_eq!(plan["cost"]["usd_per_day"], json!(0.5), "{}", plan["cost"]);
}
