//! Clones, rollbacks and sweeps at the same time, in many orders: a seed decides what comes together, which request Railway
//! answers next, and how old a state each read shows.

use std::time::Duration;

use backboard::{EnvironmentState, WorldOptions};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;
use tokio::task::JoinSet;

use crate::asked::{all, chances};
use crate::records::signed;
use crate::stage::{Call, RECORD_KEY, Stage};

const PAST: &str = "2020-01-01T00:00:00Z";
const FUTURE: &str = "2999-01-01T00:00:00Z";

/// Worlds that are used side by side: most of a case is waiting.
const WORLDS: usize = 4;

/// One command of a case.
#[derive(Clone, Debug)]
enum Command {
    /// A clone's first step: by this run, for this name, with this idempotency key.
    Create {
        run: String,
        name: &'static str,
        key: Option<&'static str>,
    },
    Rollback {
        run: String,
    },
    Sweep,
}

/// What stands in the project before a case: nothing of it may be touched, but for what is over.
struct Before {
    spared: Vec<EnvironmentState>,
    over: Vec<&'static str>,
}

#[tokio::test(flavor = "multi_thread")]
async fn in_whatever_order_names_limits_and_what_is_not_ours_hold() {
    let cases = if all() { 400 } else { 50 };
    let mut chances = chances();
    let mut seeds: Vec<u64> = (0..cases).map(|_| chances.random()).collect();
    let mut workers = JoinSet::new();
    for _ in 0..WORLDS {
        let share = seeds.split_off(seeds.len() - seeds.len().min(cases / WORLDS + 1));
        workers.spawn(async move {
            let options = WorldOptions {
                lag: Duration::from_millis(250),
                delete_time: Duration::from_millis(50),
                ..WorldOptions::prompt()
            };
            let mut stage = Stage::of(options).await;
            for seed in share {
                case(&mut stage, seed).await;
            }
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended.expect("a case, by the seed that it printed");
    }
}

async fn case(stage: &mut Stage, seed: u64) {
    let mut chances = StdRng::seed_from_u64(seed);
    let before = before(stage, &mut chances).await;
    let limit = 1 + before.over.len() + chances.random_range(1..=2);
    stage.policy["max_copies_per_project"] = json!(limit);
    let commands = commands(&mut chances);
    let about = format!("seed {seed}, limit {limit}: {commands:?}");
    stage.world.clear_journal();
    stage.world.set_order(Some(seed));
    let calls = futures_of(stage, &commands).await;
    stage.world.set_order(None);
    judge(stage, &before, limit, &commands, &calls, &about);
    // Then whoever is there is rolled back while a sweep looks on.
    let runs: Vec<_> =
        commands.iter().filter_map(|c| if let Command::Create { run, .. } = c { Some(run) } else { None }).collect();
    let mut second: Vec<_> = runs.into_iter().map(|run| Command::Rollback { run: run.clone() }).collect();
    second.truncate(2);
    second.push(Command::Sweep);
    stage.world.set_order(Some(seed ^ 1));
    let calls = futures_of(stage, &second).await;
    stage.world.set_order(None);
    judge(stage, &before, limit, &second, &calls, &format!("{about}, then {second:?}"));
    stage.world.forget_copies();
}

/// A stranger's environments, a ready copy, and what a sweep may delete.
async fn before(stage: &Stage, chances: &mut StdRng) -> Before {
    let world = &stage.world;
    for name in ["by-hand", "rs-live"] {
        world.create_environment(name, Duration::from_hours(24)).unwrap();
    }
    let mut over = Vec::new();
    if chances.random() {
        world.create_environment("rs-0123456789abcdef", Duration::from_hours(2)).unwrap();
        over.push("rs-0123456789abcdef");
    }
    for (name, expires_at) in [("alive", FUTURE), ("expired", PAST)] {
        if name == "expired" && chances.random() {
            continue;
        }
        let id = world.create_environment(name, Duration::from_hours(48)).unwrap();
        let made = world.environments().into_iter().find(|e| e.id == id).unwrap();
        let record = json!({
            "project_id": world.project_id(), "environment_id": id, "environment_created_at": made.created_at, "run_id": name,
            "run_hash": format!("{:0>16}", name.len()), "source_id": world.environment_id("production").unwrap(), "source_name": "production",
            "target_name": name, "created_at": PAST, "expires_at": expires_at, "give_up_at": PAST, "state": "ready",
            "keep": false, "environment_type": "staging",
        });
        stage.write_record(name, &signed(&record, RECORD_KEY));
        if name == "expired" {
            over.push("expired");
        }
    }
    let spared = world.environments().into_iter().filter(|e| !over.contains(&e.name.as_str())).collect();
    // What is not over must be readable as such.
    tokio::time::sleep(Duration::from_millis(300)).await;
    Before { spared, over }
}

fn commands(chances: &mut StdRng) -> Vec<Command> {
    let run = |n: usize| format!("run-{n}");
    let key = |chances: &mut StdRng| chances.random::<bool>().then_some("order 7");
    let mut commands = match chances.random_range(0..4) {
        // Two clones for one name: strangers to each other, one key, or one run that was started twice.
        0 => {
            let key = key(chances);
            let second = if chances.random_range(0..3) == 0 { run(0) } else { run(1) };
            vec![Command::Create { run: run(0), name: "one", key }, Command::Create { run: second, name: "one", key }]
        }
        // Three at the limit.
        1 => ["one", "two", "three"]
            .iter()
            .enumerate()
            .map(|(n, name)| Command::Create { run: run(n), name, key: None })
            .collect(),
        // One that is taken back by somebody while it is made.
        2 => vec![
            Command::Create { run: run(0), name: "one", key: key(chances) },
            Command::Create { run: run(1), name: "two", key: None },
            Command::Rollback { run: run(2) },
        ],
        _ => vec![Command::Create { run: run(0), name: "one", key: key(chances) }],
    };
    if chances.random() || commands.len() == 1 {
        commands.push(Command::Sweep);
    }
    commands
}

/// Runs all at once.
async fn futures_of(stage: &Stage, commands: &[Command]) -> Vec<Call> {
    let call = async |command: Command| match command {
        Command::Create { run, name, key } => {
            let request = stage.request(json!({"environment_name": name, "idempotency_key": key}));
            stage.step("create-env", &run, &request).await
        }
        Command::Rollback { run } => stage.step("rollback", &run, &stage.request(json!({}))).await,
        Command::Sweep => stage.step("sweep-envs", "-", &json!({"dry_run": false})).await,
    };
    match commands {
        [a] => vec![call(a.clone()).await],
        [a, b] => {
            let (a, b) = tokio::join!(call(a.clone()), call(b.clone()));
            vec![a, b]
        }
        [a, b, c] => {
            let (a, b, c) = tokio::join!(call(a.clone()), call(b.clone()), call(c.clone()));
            vec![a, b, c]
        }
        [a, b, c, d] => {
            let (a, b, c, d) = tokio::join!(call(a.clone()), call(b.clone()), call(c.clone()), call(d.clone()));
            vec![a, b, c, d]
        }
        more => panic!("{} commands", more.len()),
    }
}

/// What must hold whatever came first.
fn judge(stage: &Stage, before: &Before, limit: usize, commands: &[Command], calls: &[Call], about: &str) {
    let now = stage.world.environments();
    let mut names: Vec<_> = now.iter().map(|e| e.name.as_str()).collect();
    names.sort_unstable();
    let told: String = calls.iter().map(|call| format!("\nexit {}\n{}", call.code, call.stdout)).collect();
    let about = format!("{about}\n{names:?}{told}");
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "one name twice: {about}");
    for spared in &before.spared {
        assert!(now.iter().any(|e| e.digest == spared.digest), "`{}` was touched: {about}", spared.name);
        assert!(stage.world.mutations_touching(&spared.id).is_empty(), "`{}` was asked for: {about}", spared.name);
    }
    let strangers = ["production", "by-hand", "rs-live"];
    let ours: Vec<_> = names.iter().filter(|name| !strangers.contains(name)).collect();
    assert!(ours.len() <= limit, "more than the limit: {about}");
    let unfinished = names.iter().filter(|name| name.starts_with("rs-") && !before.over.contains(name));
    assert_eq!(unfinished.collect::<Vec<_>>(), [&"rs-live"], "something unfinished is left: {about}");
    for (command, call) in commands.iter().zip(calls) {
        match command {
            Command::Create { run, name, key } => judge_create(stage, run, name, *key, call, &names, &about),
            Command::Rollback { run } => {
                assert_eq!(call.code, 0, "{about}");
                assert!(owner(stage, &names, run).is_none(), "`{run}` was rolled back and is there: {about}");
            }
            Command::Sweep => {
                assert_eq!(call.code, 0, "{about}");
                for swept in call.outputs()["deleted"].as_array().unwrap() {
                    assert!(!names.contains(&swept["name"].as_str().unwrap()), "told as deleted, and there: {about}");
                }
                assert!(before.over.iter().all(|over| !names.contains(over)), "not swept: {about}");
            }
        }
    }
}

fn judge_create(stage: &Stage, run: &str, name: &str, key: Option<&str>, call: &Call, names: &[&str], about: &str) {
    let outputs = call.outputs();
    let own = owner(stage, names, run);
    match outputs["status"].as_str() {
        Some("ok") => {
            assert_eq!(own.as_deref(), Some(name), "told as made, and not there: {about}");
            assert_eq!(outputs["environment_id"], json!(stage.world.environment_id(name).unwrap()), "{about}");
        }
        Some("already_running") => {
            assert!(key.is_some() && call.code == 0, "{about}");
            let first = &outputs["first"];
            assert_eq!(owner(stage, names, first["run_id"].as_str().unwrap()).as_deref(), Some(name), "{about}");
            assert_eq!(first["environment_id"], json!(stage.world.environment_id(name).unwrap()), "{about}");
            assert!(own.is_none(), "{about}");
        }
        _ => {
            assert_eq!(call.code, 2, "{about}");
            assert!(own.is_none(), "told as refused, and there: {about}");
        }
    }
}

/// The name of the environment that this run has made.
fn owner(stage: &Stage, names: &[&str], run: &str) -> Option<String> {
    let is_of_run = |name: &&&str| {
        let id = stage.world.environment_id(name).unwrap();
        let value = stage.world.shared_variable(&id, "RAILSTAGE").unwrap();
        value.is_some_and(|value| crate::records::read(&value)["run_id"] == run)
    };
    names.iter().find(is_of_run).map(ToString::to_string)
}
