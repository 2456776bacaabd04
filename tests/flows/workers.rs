//! Kestra with two workers in processes of their own: one of them is lost, and many clones at once.

use std::collections::BTreeSet;

use backboard::{Fault, FaultEffect, WorldOptions};
use rand::seq::IndexedRandom as _;
use serde_json::{Value, json};

use crate::asked;
use crate::engine::{Engine, PATIENCE, state};
use crate::flow_text::unscheduled;
use crate::worker::{StepProcess, Worker};

/// Each step of a clone, with what it asks of Railway when its worker is lost: the middle of its work.
const LOST_IN: &[(&str, &str)] = &[
    ("validate", "project"),
    ("create-env", "environmentCreate"),
    ("create-env", "environmentRename"),
    ("assign-domain", "environmentStageChanges"),
    ("sync-db", "serviceInstanceDeployV2"),
    ("sync-db", "variableCollectionUpsert"),
    ("start-apps", "serviceInstanceDeployV2"),
    ("check-health", "variableCollectionUpsert"),
];

/// When the process that lost its worker goes on.
#[derive(Debug, Clone, Copy, PartialEq)]
enum GoesOn {
    /// At once, and so before Kestra notices anything.
    AtOnce,
    /// When the second one has begun: both work at the same time.
    BesideTheSecond,
    /// When the run is over.
    AfterTheEnd,
}

/// Longer than it takes to find a process and to kill its worker.
const HELD_SECS: f64 = 2.0;

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_lost_in_a_task_ends_in_a_whole_copy_or_in_none() {
    let cases = cases();
    let (engine, workers) = Engine::start_apart(WorldOptions::prompt(), unscheduled).await;
    let mut workers = Vec::from(workers);
    let production = engine.world.state_digest("production").unwrap();
    for (number, ((step, operation), goes_on)) in cases.into_iter().enumerate() {
        println!("the worker is lost in {step}, at {operation}; its process goes on: {goes_on:?}");
        if workers.len() < 2 {
            workers.push(engine.worker().await);
        }
        let name = format!("lost-{number}");
        let ended = lost(&engine, &mut workers, (step, operation), goes_on, &name).await;
        ensure_whole_or_nothing(&engine, &ended, &name).await;
        assert_eq!(engine.world.state_digest("production").unwrap(), production);
    }
}

/// One by chance; or every task in the two ways that are quick, and one as late as can be: until its lease has run out, the
/// second process waits for the first.
fn cases() -> Vec<((&'static str, &'static str), GoesOn)> {
    let mut chances = asked::chances();
    let quick = [GoesOn::AtOnce, GoesOn::BesideTheSecond].into_iter();
    let mut cases: Vec<_> = quick.flat_map(|goes_on| LOST_IN.iter().map(move |lost| (*lost, goes_on))).collect();
    if !asked::all() {
        return vec![*cases.choose(&mut chances).unwrap()];
    }
    cases.insert(0, (*LOST_IN.choose(&mut chances).unwrap(), GoesOn::AfterTheEnd));
    cases
}

/// Runs a clone whose worker is killed in a step; the execution when it, and the process that was left alone, have ended.
async fn lost(
    engine: &Engine,
    workers: &mut Vec<Worker>,
    (step, operation): (&str, &str),
    goes_on: GoesOn,
    name: &str,
) -> Value {
    let id = engine.clone(&engine.request(json!({ "environment_name": name }))).await;
    let (at, first) = seen(engine, &id, workers, step).await;
    engine.world.fault(Fault::new(operation, FaultEffect::Delay { secs: HELD_SECS }));
    let struck = || async { engine.faults().await.is_empty().then_some(()) };
    engine.soon(&id, &format!("{step} asks for {operation}"), struck).await;
    if goes_on != GoesOn::AtOnce {
        first.freeze();
    }
    let first = workers.swap_remove(at).lose(first).await;
    assert!(first.is_alive(), "the process of {step} died with its worker");
    if goes_on == GoesOn::BesideTheSecond {
        seen(engine, &id, workers, step).await;
        first.thaw();
    }
    let execution = engine.ended(&id).await;
    if goes_on == GoesOn::AfterTheEnd {
        assert!(first.is_alive());
        first.thaw();
    }
    first.ended(PATIENCE).await;
    let task = step.replace('-', "_");
    assert!(history(&execution, &task).contains(&"RESUBMITTED".into()), "{execution}");
    execution
}

/// The process of a step once a worker runs it, and which worker.
async fn seen(engine: &Engine, id: &str, workers: &[Worker], step: &str) -> (usize, StepProcess) {
    let find = || async { workers.iter().enumerate().find_map(|(at, worker)| Some((at, worker.step(step)?))) };
    engine.soon(id, &format!("a worker runs {step}"), find).await
}

fn history(execution: &Value, task: &str) -> Vec<String> {
    let runs = execution["taskRunList"].as_array().unwrap();
    let of_task = runs.iter().filter(|run| run["taskId"] == task);
    let states = of_task.flat_map(|run| run["state"]["histories"].as_array().unwrap());
    states.map(|state| state["state"].as_str().unwrap().to_owned()).collect()
}

/// A copy that is ready, answers and has its data; or nothing of the run at all.
async fn ensure_whole_or_nothing(engine: &Engine, execution: &Value, name: &str) {
    let id = execution["id"].as_str().unwrap();
    let logs = engine.logs(id).await;
    println!("ended {}", execution["state"]["current"]);
    if execution["state"]["current"] != "SUCCESS" {
        assert_eq!(engine.environments(), ["production"], "{logs}");
        return;
    }
    ensure_whole(engine, id, name).await;
    assert_eq!(engine.environments(), [name, "production"], "{logs}");
    let project = engine.world.project_id();
    let list = engine.submit("list-staging", &[("project_id", &project)]).await;
    engine.ended(&list).await;
    let listed = engine.outputs(&list).await["environments"].take();
    assert_eq!((&listed[1]["name"], &listed[1]["state"]), (&json!(name), &json!("ready")), "{listed}");
    let fields = [("project_id", project.as_str()), ("environment", name), ("confirm", name)];
    let deletion = engine.submit("delete-staging", &fields).await;
    assert_eq!(engine.ended(&deletion).await["state"]["current"], "SUCCESS");
    assert_eq!(engine.environments(), ["production"]);
}

/// A run's copy answers with as many customers as production has.
async fn ensure_whole(engine: &Engine, id: &str, name: &str) {
    let outputs = engine.outputs(id).await;
    assert_eq!((&outputs["status"], &outputs["environment_name"]), (&json!("ok"), &json!(name)), "{outputs}");
    let host = outputs["url"].as_str().unwrap().strip_prefix("https://").unwrap().to_owned();
    let page = engine.world.fetch(&host, "/").await.unwrap();
    assert!(page.status == 200 && page.body.contains(&host), "{}", page.body);
    let production = engine.world.fetch("shop.example.com", "/").await.unwrap();
    let customers = |page: &str| page.split_once("id=\"customers\">").unwrap().1.split('<').next().unwrap().to_owned();
    assert_eq!(customers(&page.body), customers(&production.body));
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_clones_at_once_spread_over_the_workers_and_none_is_lost() {
    let at_once = |flow: &str, text: String| {
        let text = unscheduled(flow, text);
        if flow == "clone-staging" { text.replace("  limit: 2\n", "  limit: 10\n") } else { text }
    };
    let (engine, _workers) = Engine::start_apart(WorldOptions::prompt(), at_once).await;
    let production = engine.world.state_digest("production").unwrap();
    let names: Vec<_> = (0..10).map(|number| format!("one-of-many-{number}")).collect();
    let mut ids = Vec::new();
    for name in &names {
        ids.push(engine.clone(&engine.request(json!({ "environment_name": name }))).await);
    }
    let mut busy = BTreeSet::new();
    for (id, name) in ids.iter().zip(&names) {
        let execution = engine.ended(id).await;
        assert_eq!(execution["state"]["current"], "SUCCESS", "{}", engine.logs(id).await);
        assert_eq!(state(&execution, "rollback"), "-");
        ensure_whole(&engine, id, name).await;
        let runs = execution["taskRunList"].as_array().unwrap().iter();
        busy.extend(runs.filter_map(|run| Some(run["attempts"][0]["workerId"].as_str()?.to_owned())));
    }
    assert_eq!(busy.len(), 2, "{busy:?}");
    let all: Vec<_> = names.iter().map(String::as_str).chain(["production"]).collect();
    assert_eq!(engine.environments(), all);
    assert_eq!(engine.world.state_digest("production").unwrap(), production);
}
