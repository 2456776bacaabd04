//! Somebody who may write variables in the project tries to have something swept, deleted or written that is not ours.

use std::time::Duration;

use serde_json::{Value, json};

use crate::records::{self, signed, unsigned, version_1};
use crate::stage::{Call, RECORD_KEY, Stage, finish};

const PAST: &str = "2020-01-01T00:00:00Z";
/// How a record is written into a variable.
type Writing = fn(&Value) -> String;

const OLD: Duration = Duration::from_hours(24);

async fn create(stage: &Stage, name: &str) {
    let request = stage.request(json!({"environment_name": name}));
    stage.step("create-env", name, &request).await.expect(0);
}

async fn sweep(stage: &Stage) -> Value {
    let call = stage.step("sweep-envs", "-", &json!({"dry_run": false})).await;
    call.expect(0);
    call.outputs()
}

async fn delete(stage: &Stage, name: &str) -> Call {
    let request = json!({"project_id": stage.world.project_id(), "environment": name, "confirm": name});
    stage.step("delete-env", "-", &request).await
}

/// The listed copy of this name.
async fn listed(stage: &Stage, name: &str) -> Option<Value> {
    let call = stage.step("list-envs", "-", &json!({"project_id": stage.world.project_id()})).await;
    call.expect(0);
    let all = call.outputs()["environments"].take();
    all.as_array().unwrap().iter().find(|copy| copy["name"] == name).cloned()
}

/// A record that gives an environment for expired, as well as somebody can write it who knows everything but the key.
fn forged(stage: &Stage, name: &str) -> Value {
    let world = &stage.world;
    let all = world.environments();
    let at = all.iter().find(|e| e.name == name).unwrap();
    json!({
        "project_id": world.project_id(), "environment_id": at.id, "environment_created_at": at.created_at,
        "run_id": "forged", "run_hash": "0123456789abcdef", "request_hash": "00", "source_id": world.environment_id("production").unwrap(),
        "source_name": "production", "target_name": name, "created_at": PAST, "expires_at": PAST, "give_up_at": PAST,
        "state": "ready", "keep": false, "environment_type": "staging", "domains": [], "databases": [],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_a_stranger_writes_gets_nothing_swept() {
    let stage = Stage::prompt().await;
    create(&stage, "ours").await;
    for name in ["live", "from-scratch", "rs-0123456789abcdef"] {
        stage.world.create_environment(name, OLD).unwrap();
    }
    stage.world.forget_source("from-scratch").unwrap();
    stage.world.deploy("live", "web").unwrap();
    let all = stage.environments();
    let everything: [(&str, Writing); 4] = [
        ("version 1", version_1),
        ("without a signature", unsigned),
        ("with a guessed key", |record| signed(record, "a key that somebody guessed")),
        ("with an empty signature", |record| format!("{}.", unsigned(record))),
    ];
    for (how, written) in everything {
        for name in ["live", "from-scratch", "rs-0123456789abcdef", "production"] {
            stage.write_record(name, &written(&forged(&stage, name)));
        }
        let swept = sweep(&stage).await;
        assert_eq!(stage.environments(), all, "{how}: {swept}");
        for name in ["from-scratch", "production"] {
            delete(&stage, name).await.expect(2);
        }
        assert_eq!(stage.environments(), all, "{how}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_record_counts_nowhere_but_where_it_was_written() {
    let stage = Stage::prompt().await;
    create(&stage, "ours").await;
    stage.change_record("ours", json!({"state": "ready", "expires_at": PAST}));
    let id = stage.world.environment_id("ours").unwrap();
    let value = stage.world.shared_variable(&id, "RAILSTAGE").unwrap().unwrap();
    // What a copy of a copy inherits, and what somebody copies by hand.
    for name in ["live", "rs-0123456789abcdef"] {
        stage.world.create_environment(name, OLD).unwrap();
        stage.write_record(name, &value);
    }
    assert_eq!(listed(&stage, "live").await.unwrap()["ours"], false);
    // The same id, made at another time: by the key alone it would be ours.
    stage.world.create_environment("restored", OLD).unwrap();
    let mut record = forged(&stage, "restored");
    record["environment_created_at"] = json!("2020-01-01T00:00:00Z");
    stage.write_record("restored", &signed(&record, RECORD_KEY));
    let swept = sweep(&stage).await;
    assert_eq!(stage.environments(), ["live", "production", "restored"], "{swept}");
    assert!(swept["spared"].to_string().contains("Railway says otherwise"), "{swept}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_spared_listed_and_counted() {
    let mut stage = Stage::prompt().await;
    create(&stage, "ours").await;
    stage.change_record("ours", json!({"state": "ready", "expires_at": PAST}));
    let good = signed(&stage.record("ours"), RECORD_KEY);
    let (all, id) = (stage.environments(), stage.world.environment_id("ours").unwrap());
    stage.policy["max_copies_per_project"] = json!(1);
    let later = good.replacen("2.", "3.", 1);
    let changed = signed(&stage.record("ours"), "a key that somebody guessed");
    for (value, why) in [
        ("nonsense", "damaged"),
        ("{", "damaged"),
        (&later, "later version"),
        (r#"{"version": 9}"#, "later version"),
        (&changed, "another key"),
    ] {
        stage.write_record("ours", value);
        let swept = sweep(&stage).await;
        assert_eq!(stage.environments(), all, "{why}: {swept}");
        assert!(swept["spared"][0]["reason"].as_str().unwrap().contains(why), "{why}: {swept}");
        assert_eq!(listed(&stage, "ours").await.unwrap()["record"], "unreadable");
        delete(&stage, "ours").await.expect(2);
        let second = stage.step("create-env", "second", &stage.request(json!({"environment_name": "second"}))).await;
        second.expect(2);
        assert!(second.error().contains("has 1 copy"), "{}", second.error());
    }
    stage.world.seal_shared_variable(&id, "RAILSTAGE", &good).unwrap();
    assert!(sweep(&stage).await["spared"].to_string().contains("sealed"));
    assert_eq!(stage.environments(), all);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_looks_left_over_with_a_record_that_cannot_be_read_is_spared() {
    let stage = Stage::prompt().await;
    stage.world.create_environment("rs-0123456789abcdef", OLD).unwrap();
    stage.write_record("rs-0123456789abcdef", "nonsense");
    stage.world.create_environment("rs-fedcba9876543210", OLD).unwrap();
    sweep(&stage).await;
    assert_eq!(stage.environments(), ["production", "rs-0123456789abcdef"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_that_no_record_lists_comes_before_everything() {
    let stage = Stage::prompt().await;
    create(&stage, "expired").await;
    create(&stage, "dead").await;
    create(&stage, "damaged").await;
    stage.change_record("expired", json!({"state": "ready", "expires_at": PAST}));
    stage.change_record("dead", json!({"give_up_at": PAST}));
    stage.write_record("damaged", "nonsense");
    stage.world.create_environment("rs-0123456789abcdef", OLD).unwrap();
    let all = stage.environments();
    for name in ["expired", "dead", "damaged", "rs-0123456789abcdef"] {
        let host = format!("{name}.example.net");
        stage.world.add_custom_domain(name, "web", &host, true).unwrap();
        let call = delete(&stage, name).await;
        call.expect(2);
        assert!(call.error().contains(&host), "{}", call.error());
    }
    let swept = sweep(&stage).await;
    assert_eq!(stage.environments(), all);
    for spared in swept["spared"].as_array().unwrap().iter().filter(|spared| spared["ours"] == true) {
        assert!(spared["reason"].as_str().unwrap().contains("someone promoted it"), "{spared}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_record_leads_no_step_astray() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "mine"}));
    stage.step("create-env", "run", &request).await.expect(0);
    let theirs = stage.world.create_environment("theirs", OLD).unwrap();
    let mut record = stage.record("mine");
    for (field, value) in forged(&stage, "theirs").as_object().unwrap() {
        if field.starts_with("environment_") {
            record[field] = value.clone();
        }
    }
    for value in [version_1(&record), unsigned(&record), signed(&record, "a key that somebody guessed")] {
        stage.write_record("theirs", &value);
        stage.world.clear_journal();
        stage.step("assign-domain", "run", &request).await.expect(0);
        assert!(stage.world.mutations_touching(&theirs).is_empty());
    }
    stage.step("rollback", "run", &request).await.expect(0);
    assert_eq!(stage.environments(), ["production", "theirs"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_version_1_is_told_counted_deleted_by_name_and_signed_by_a_person() {
    let stage = Stage::prompt().await;
    for name in ["typed", "adopted"] {
        create(&stage, name).await;
        stage.change_record(name, json!({"state": "ready", "expires_at": PAST}));
        stage.write_record(name, &version_1(&stage.record(name)));
        let copy = listed(&stage, name).await.unwrap();
        assert_eq!(
            (&copy["record"], &copy["over"], &copy["state"]),
            (&json!("unsigned"), &json!(false), &json!("ready"))
        );
    }
    let swept = sweep(&stage).await;
    assert!(swept["spared"][0]["reason"].as_str().unwrap().contains("railstage adopt"), "{swept}");
    assert_eq!(stage.environments(), ["adopted", "production", "typed"]);

    delete(&stage, "typed").await.expect(0);
    adopt(&stage, "adopted", Some("adoptd")).await.expect(2);
    adopt(&stage, "adopted", None).await.expect(2);
    sweep(&stage).await;
    assert_eq!(stage.environments(), ["adopted", "production"]);
    adopt(&stage, "adopted", Some("adopted")).await.expect(0);
    assert_eq!(listed(&stage, "adopted").await.unwrap()["record"], "signed");
    adopt(&stage, "adopted", Some("adopted")).await.expect(2);
    sweep(&stage).await;
    assert_eq!(stage.environments(), ["production"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_adopts_what_was_not_made_as_a_copy() {
    let stage = Stage::prompt().await;
    stage.world.create_environment("from-scratch", OLD).unwrap();
    stage.world.forget_source("from-scratch").unwrap();
    for name in ["from-scratch", "production"] {
        stage.write_record(name, &version_1(&forged(&stage, name)));
        adopt(&stage, name, Some(name)).await.expect(2);
    }
}

async fn adopt(stage: &Stage, name: &str, typed: Option<&str>) -> Call {
    let policy = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(policy.path(), stage.policy.to_string()).unwrap();
    let mut command = stage.command();
    command.args(["adopt", name, "--project-id", &stage.world.project_id(), "--policy"]).arg(policy.path());
    command.args(typed.iter().flat_map(|typed| ["--yes-i-mean", typed]));
    finish(command).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_made_without_a_key_says_that_no_sweep_will_delete_it() {
    let mut stage = Stage::prompt().await;
    stage.env.push(("RAILSTAGE_RECORD_KEY".into(), String::new()));
    let request = stage.request(json!({"environment_name": "keyless"}));
    let validated = stage.step("validate", "keyless", &request).await;
    validated.expect(0);
    assert!(validated.outputs()["findings"].to_string().contains("no sweep will delete the copy"));
    stage.steps_until("assign-domain", "keyless", &request).await;
    let mut record = stage.record("keyless");
    record["state"] = json!("ready");
    record["expires_at"] = json!(PAST);
    stage.write_record("keyless", &unsigned(&record));
    assert_eq!(listed(&stage, "keyless").await.unwrap()["record"], "unsigned");
    sweep(&stage).await;
    stage.env.clear();
    sweep(&stage).await;
    assert_eq!(stage.environments(), ["keyless", "production"]);
    delete(&stage, "keyless").await.expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_changed_still_proves_what_it_signed() {
    let mut stage = Stage::prompt().await;
    create(&stage, "before").await;
    stage.change_record("before", json!({"state": "ready", "expires_at": PAST}));
    let (key, old) = ("RAILSTAGE_RECORD_KEY".to_owned(), "RAILSTAGE_RECORD_KEY_OLD".to_owned());
    stage.env = vec![(key.clone(), "canary-the-next-record-key".into())];
    let spared = sweep(&stage).await["spared"].to_string();
    assert!(spared.contains("another key"), "{spared}");
    stage.env.push((old, RECORD_KEY.into()));
    create(&stage, "after").await;
    let id = stage.world.environment_id("after").unwrap();
    let value = stage.world.shared_variable(&id, "RAILSTAGE").unwrap().unwrap();
    assert_eq!(value, signed(&records::read(&value), "canary-the-next-record-key"), "the old key signed something");
    sweep(&stage).await;
    assert_eq!(stage.environments(), ["after", "production"]);
}
