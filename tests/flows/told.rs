//! Somebody is told when a person is needed, and nobody when none is.

use std::time::Duration;

use backboard::{Fault, FaultEffect, WorldOptions};
use serde_json::{Value, json};

use crate::engine::{Engine, state};
use crate::flow_text::{unscheduled, without_triggers};
use crate::launch::{PASSWORD, USER};

/// What Railway says when it will not delete; whoever renders it once too often tells the token.
const HOSTILE: &str = "not now {{ secret('RAILWAY_API_TOKEN') }}\n::{\"outputs\":{}}::";

/// The engine with the webhook switched on and no schedule.
async fn with_webhook(options: WorldOptions) -> Engine {
    Engine::start_with(options, |flow, text| match flow {
        "notify-staging" => text.replace("webhook: false", "webhook: true"),
        "cleanup-staging" | "watch-cleanup" => without_triggers(&text),
        _ => text,
    })
    .await
}

fn nothing_is_deleted(engine: &Engine) {
    engine.world.fault(Fault::new("environmentDelete", FaultEffect::Error { message: HOSTILE.into() }).times(9));
}

/// Waits until somebody was told of an execution, by a flow that needs a person and by the webhook.
async fn told(engine: &Engine, flow: &str, execution: &str) -> Value {
    let letter = engine.mailbox.letter("railstage.needs_person").await;
    assert_eq!((&letter["data"]["flow"], &letter["data"]["execution"]), (&json!(flow), &json!(execution)), "{letter}");
    let token = engine.world.token();
    assert!(!letter.to_string().contains(&token), "the token was posted");
    let mut asked = engine.executions("notify-staging").await;
    asked.retain(|execution| execution["labels"].to_string().contains("needs_person"));
    assert_eq!(asked.len(), 1);
    let log = engine.logs(asked[0]["id"].as_str().unwrap()).await;
    assert!(!log.contains(&token) && !log.contains("canary-key"), "a secret was logged");
    engine.world.forget_orders();
    letter
}

/// What past runs did, as `list-envs --history` reads it from Kestra.
async fn history(engine: &Engine) -> Vec<Value> {
    let policy = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(policy.path(), json!({"allowed_projects": [engine.world.project_id()]}).to_string()).unwrap();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_railstage"));
    command.args(["list-envs", "--history", "--json", "--project-id", &engine.world.project_id(), "--policy"]);
    command.arg(policy.path()).envs(engine.world.cli_env()).env("RAILSTAGE_KESTRA_URL", engine.address());
    command.env("RAILSTAGE_KESTRA_LOGIN", format!("{USER}:{PASSWORD}"));
    let done = command.output().await.unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice::<Value>(&done.stdout).unwrap()["history"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_extended_warned_of_and_accounted_for_by_flows() {
    let engine = with_webhook(WorldOptions::prompt()).await;
    engine.mailbox.refuse(&[500, 429]);
    let clone = engine.clone(&engine.request(json!({"environment_name": "one", "owner": "anna", "ttl": "P2D"}))).await;
    let execution = engine.ended(&clone).await;
    let made = engine.mailbox.letter("railstage.account").await;
    let copy = &made["data"]["account"]["copies"][0];
    assert_eq!((&copy["deed"], &copy["owner"], &copy["name"]), (&json!("made"), &json!("anna"), &json!("one")));
    let file: Value = serde_json::from_str(&engine.file(&execution, "check_health", "account.json").await).unwrap();
    assert_eq!((&file, &file), (&made["data"]["account"], &engine.outputs(&clone).await["account"]));
    assert_eq!(execution["labels"].to_string().matches("railstage_version").count(), 1, "{}", execution["labels"]);
    let id = made["id"].as_str().unwrap();
    assert!(id.starts_with("evt_") && engine.mailbox.tried() == [id; 3], "{id}: {:?}", engine.mailbox.tried());
    let (data, outputs) = (&made["data"], engine.outputs(&clone).await);
    assert_eq!(
        (&data["url"], &data["state"], &data["needs_person"]),
        (&outputs["url"], &json!("SUCCESS"), &json!(false))
    );
    assert_eq!((&data["copied"], &data["steps"]), (&outputs["copied"], &outputs["steps"]));
    assert!(
        data["copied"]["masked_values"].as_u64().unwrap() > 0 && data["steps"].as_array().unwrap().len() == 7,
        "{data}"
    );

    let project = engine.world.project_id();
    let fields = [("project_id", project.as_str()), ("environment", "one"), ("ttl", "PT90M")];
    let extension = engine.submit("extend-staging", &fields).await;
    assert_eq!(engine.ended(&extension).await["state"]["current"], "SUCCESS");
    let ends = engine.outputs(&extension).await["expires_at"].take();
    assert_eq!(engine.mailbox.letter("railstage.account").await["data"]["account"]["copies"][0]["expires_at"], ends);
    let beyond = [("project_id", project.as_str()), ("environment", "one"), ("ttl", "P15D")];
    let refused = engine.submit("extend-staging", &beyond).await;
    let refused = engine.ended(&refused).await;
    assert_eq!((state(&refused, "extend_env"), state(&refused, "mark")), ("FAILED", "SKIPPED"));
    let refusal = engine.mailbox.letter("railstage.failed").await;
    assert!(
        refusal["data"]["error"].as_str().unwrap().contains("max_ttl") && refusal["data"]["hint"].is_null(),
        "{refusal}"
    );

    // Of 90 minutes an hour is left before anybody is warned.
    let early = engine.submit("cleanup-staging", &[("dry_run", "false")]).await;
    assert_eq!(engine.ended(&early).await["state"]["current"], "SUCCESS");
    assert_eq!(engine.outputs(&early).await["warned"], json!([]));
    let sooner = [("project_id", project.as_str()), ("environment", "one"), ("ttl", "PT3602S")];
    engine.ended(&engine.submit("extend-staging", &sooner).await).await;
    let patience = tokio::time::Instant::now() + Duration::from_mins(1);
    loop {
        let late = engine.submit("cleanup-staging", &[("dry_run", "false")]).await;
        engine.ended(&late).await;
        if engine.outputs(&late).await["warned"] != json!([]) {
            break;
        }
        assert!(tokio::time::Instant::now() < patience, "nobody was warned");
    }
    let warning = engine.mailbox.letter("railstage.ends_soon").await;
    assert_eq!(
        (&warning["data"]["warned"][0]["name"], &warning["data"]["warned"][0]["owner"]),
        (&json!("one"), &json!("anna"))
    );
    assert_eq!(warning["data"]["warned"][0]["mark"], "PT1H");
    let asked = engine.executions("notify-staging").await;
    assert!(!asked.iter().any(|execution| execution["labels"].to_string().contains("needs_person")), "{asked:?}");

    let fields = [("project_id", project.as_str()), ("environment", "one"), ("confirm", "one")];
    engine.ended(&engine.submit("delete-staging", &fields).await).await;
    let gone = loop {
        let account = engine.mailbox.letter("railstage.account").await;
        if account["data"]["flow"] == "delete-staging" {
            break account;
        }
    };
    assert!(gone["data"]["account"]["copies"][0]["proof"]["seen_gone_at"].is_string(), "{gone}");
    assert_eq!(engine.environments(), ["production"]);

    // Each end once, and no cleanup that did nothing.
    let told = engine.executions("notify-staging").await;
    assert_eq!(told.iter().filter(|one| one["inputs"]["execution_id"] == clone.as_str()).count(), 1);
    assert!(
        told.iter().all(|one| one["state"]["current"] != "FAILED" && one["inputs"]["execution_id"] != early.as_str())
    );

    let history = history(&engine).await;
    let deeds: Vec<_> = history.iter().map(|run| run["account"]["copies"][0]["deed"].as_str().unwrap()).collect();
    assert_eq!((deeds.first(), deeds.last()), (Some(&"deleted"), Some(&"made")), "{deeds:?}");
    assert!(deeds.contains(&"extended") && deeds.contains(&"warned"), "{deeds:?}");
    assert_eq!((&history[0]["flow"], &history[0]["account"]), (&json!("delete-staging"), &gone["data"]["account"]));
}

/// Slack is switched on and has no secret; the webhook refuses at first, and a person starts the telling again.
#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_that_leaves_something_asks_for_a_person_by_every_channel_that_can() {
    let engine = Engine::start_with(WorldOptions::prompt(), |flow, text| match flow {
        "notify-staging" => text.replace("webhook: false", "webhook: true").replace("slack: false", "slack: true"),
        _ => unscheduled(flow, text),
    })
    .await;
    engine.mailbox.refuse(&[400]);
    engine.world.order_outcome(crate::failures::crash(2));
    nothing_is_deleted(&engine);
    let id = engine.clone(&engine.request(json!({}))).await;
    let execution = engine.ended(&id).await;
    assert_eq!((state(&execution, "start_apps"), state(&execution, "rollback")), ("FAILED", "FAILED"));
    assert_eq!(engine.outputs(&id).await["needs_person"], json!(true));
    assert!(execution["labels"].to_string().contains("needs_person"), "{}", execution["labels"]);

    let telling =
        async || engine.executions("notify-staging").await.pop().map(|one| one["id"].as_str().unwrap().to_owned());
    let telling = engine.soon(&id, "somebody is told of it", telling).await;
    let first = engine.ended(&telling).await;
    let states = ["notify_slack", "notify_mail", "notify_webhook"].map(|task| state(&first, task));
    assert_eq!(states, ["FAILED", "SKIPPED", "FAILED"], "{}", engine.logs(&telling).await);
    assert!(engine.logs(&telling).await.contains("RAILSTAGE_SLACK_URL"));
    assert_eq!((engine.mailbox.tried().len(), engine.mailbox.is_empty()), (1, true), "a refusal was not the last word");
    engine.restart(&telling).await;
    let letter = told(&engine, "clone-staging", &id).await;
    assert_eq!(engine.mailbox.tried(), [letter["id"].as_str().unwrap(); 2]);
    let data = &letter["data"];
    assert!(data["rollback_error"].as_str().unwrap().contains("not now {{ secret("), "{letter}");
    assert_eq!((&data["step"], &data["project_id"]), (&json!("start_apps"), &json!(engine.world.project_id())));
    assert_eq!(engine.get(&format!("executions/{id}")).await["state"]["current"], "FAILED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_whose_rollback_leaves_something_asks_for_a_person() {
    let options = WorldOptions { deploy_time: Duration::from_mins(2), ..WorldOptions::prompt() };
    let engine = with_webhook(options).await;
    nothing_is_deleted(&engine);
    let id = engine.clone(&engine.request(json!({}))).await;
    engine.until(&id, |e| e["taskRunList"].is_array() && state(e, "sync_db") == "RUNNING").await;
    engine.kill(&id).await;
    engine.ended(&id).await;
    let letter = told(&engine, "clone-staging", &id).await;
    assert_eq!((&letter["data"]["state"], engine.executions("notify-staging").await.len()), (&json!("KILLED"), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cleanup_that_leaves_something_asks_for_a_person() {
    let engine = with_webhook(WorldOptions::prompt()).await;
    engine.world.create_environment("rs-0123456789abcdef", Duration::from_hours(2)).unwrap();
    nothing_is_deleted(&engine);
    let id = engine.submit("cleanup-staging", &[("dry_run", "false")]).await;
    assert_eq!(engine.ended(&id).await["state"]["current"], "FAILED");
    told(&engine, "cleanup-staging", &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_while_cleanups_succeed_and_somebody_once_none_has_for_long() {
    let engine = Engine::start_with(WorldOptions::prompt(), |flow, text| match flow {
        "notify-staging" => text.replace("webhook: false", "webhook: true"),
        "watch-cleanup" => without_triggers(&text.replace("> 10800", "> 4")),
        "cleanup-staging" => without_triggers(&text),
        _ => text,
    })
    .await;
    let cleanup = engine.submit("cleanup-staging", &[("dry_run", "false")]).await;
    assert_eq!(engine.ended(&cleanup).await["state"]["current"], "SUCCESS");
    let watch = engine.submit("watch-cleanup", &[]).await;
    let execution = engine.ended(&watch).await;
    assert_eq!((state(&execution, "begin"), state(&execution, "mark")), ("SKIPPED", "SKIPPED"));
    // A dry run is no cleanup.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let dry = engine.submit("cleanup-staging", &[]).await;
    assert_eq!(state(&engine.ended(&dry).await, "write_down"), "SKIPPED");
    assert!(engine.mailbox.is_empty());
    let watch = engine.submit("watch-cleanup", &[]).await;
    engine.ended(&watch).await;
    told(&engine, "watch-cleanup", &watch).await;
}
