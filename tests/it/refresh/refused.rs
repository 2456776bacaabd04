//! What is no copy that may get new data, and what a caller may not ask of one.

use std::time::Duration;

use backboard::WorldOptions;
use serde_json::{Value, json};

use super::{Copy, request, with_copy};
use crate::records;
use crate::stage::Stage;

/// Asks for a refresh that must be refused with nothing done; what is told.
async fn refused(stage: &Stage, environment: &str, more: Value) -> String {
    stage.world.clear_journal();
    let mut asked = stage.request(more);
    asked["environment"] = json!(environment);
    let call = stage.step("refresh-env", "refused", &asked).await;
    call.expect(2);
    let mutations: Vec<_> = stage.world.journal().into_iter().filter(backboard::Entry::is_mutation).collect();
    assert!(mutations.is_empty(), "{mutations:?}");
    call.error()
}

#[track_caller]
fn says(told: &str, words: &str) {
    assert!(told.contains(words), "`{words}` is not in\n{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_copy_of_ours_that_is_ready_gets_new_data() {
    let (stage, copy) = with_copy(WorldOptions::prompt()).await;
    let name = copy.name;
    says(&refused(&stage, "production", json!({})).await, "protected");
    says(&refused(&stage, "nonesuch", json!({})).await, "`environment`: project `acme` has no environment `nonesuch`");
    stage.world.create_environment("by-hand", Duration::from_hours(24)).unwrap();
    says(&refused(&stage, "by-hand", json!({})).await, "no record of railstage");

    let record = stage.record(name);
    for (state, words) in [("cloning", "is cloning"), ("failed", "is failed"), ("rolling_back", "is rolling back")] {
        stage.change_record(name, json!({ "state": state }));
        says(&refused(&stage, name, json!({})).await, words);
    }
    stage.change_record(name, json!({"state": "ready", "expires_at": "2020-01-01T00:00:00Z"}));
    says(&refused(&stage, name, json!({})).await, "has expired");
    stage.write_record(name, &records::unsigned(&record));
    says(&refused(&stage, name, json!({})).await, "railstage adopt");
    stage.write_record(name, &records::signed(&record, "a key of somebody else's"));
    says(&refused(&stage, name, json!({})).await, "cannot be read");
    // Even by one who has the key: a source that Railway knows nothing of, and the copy as its own.
    for source in
        [stage.world.environment_id("by-hand").unwrap(), record["environment_id"].as_str().unwrap().to_owned()]
    {
        let mut forged = record.clone();
        forged["source_id"] = json!(source);
        stage.write_record(name, &records::signed(&forged, crate::stage::RECORD_KEY));
        says(&refused(&stage, name, json!({})).await, "Railway says otherwise");
    }
    let mut placeless = record.clone();
    placeless["domains"] = json!(["elsewhere.example.net"]);
    stage.write_record(name, &records::signed(&placeless, crate::stage::RECORD_KEY));
    says(&refused(&stage, name, json!({})).await, "no longer has the domain");
    stage.write_record(name, &records::signed(&record, crate::stage::RECORD_KEY));
    stage.world.add_custom_domain(name, "web", "www.example.net", true).unwrap();
    says(&refused(&stage, name, json!({})).await, "someone promoted it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_gets_no_more_by_a_refresh_than_by_a_clone() {
    let (mut stage, copy) = with_copy(WorldOptions::prompt()).await;
    let all = json!({"anonymize": false, "logs": true, "unknown": "keep", "databases": [{"service": "Nonesuch"}]});
    says(
        &refused(&stage, copy.name, all.clone()).await,
        "`databases.service`: `Nonesuch` was not copied into `staging`",
    );
    stage.policy = json!({"allowed_projects": [stage.world.project_id()]});
    let told = refused(&stage, copy.name, all).await;
    for line in ["may_be_unmasked: true", "may_print_logs: true", "may_weaken_masking: true"] {
        says(&told, line);
    }
    stage.policy["sources"] = json!(["qa"]);
    says(&refused(&stage, copy.name, json!({})).await, "its line `sources: [production]` would allow it");
    stage.policy = json!({"allowed_projects": ["another"]});
    says(&refused(&stage, copy.name, json!({})).await, "the policy does not allow project");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_field_of_a_refresh_is_named_at_once() {
    let stage = Stage::prompt().await;
    let copy = Copy { name: "staging", host: String::new() };
    let asked = request(&stage, &copy, json!({"ttl": "P1D", "anonymize": "perhaps", "copying": {"jobs": 0}}));
    let call = stage.step("refresh-env", "wrong", &asked).await;
    call.expect(2);
    for field in ["`ttl`: unknown field", "`anonymize`", "`copying.jobs`"] {
        says(&call.error(), field);
    }
}
