//! The list as a tree: who descends from whom, what each copy has and costs, and what is nobody's of ours.

use std::time::Duration;

use backboard::{Fault, FaultEffect};
use serde_json::{Value, json};

use crate::records;
use crate::stage::{Call, Stage};

async fn list(stage: &Stage, more: Value) -> Call {
    stage.step("list-envs", "-", &stage.request(more)).await
}

/// A copy that has got as far as its domains, of `production` or of another copy.
async fn copy(stage: &Stage, name: &str, more: Value) {
    let mut request = stage.request(json!({"environment_name": name}));
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    stage.step("create-env", name, &request).await.expect(0);
}

fn named<'a>(outputs: &'a Value, name: &str) -> &'a Value {
    let all = outputs["environments"].as_array().unwrap();
    all.iter().find(|listed| listed["name"] == name).unwrap_or_else(|| panic!("no `{name}` in {outputs}"))
}

fn shape(outputs: &Value) -> Vec<(String, u64, bool)> {
    let one = |listed: &Value| {
        (listed["name"].as_str().unwrap().to_owned(), listed["depth"].as_u64().unwrap(), listed["ours"] == true)
    };
    outputs["environments"].as_array().unwrap().iter().map(one).collect()
}

fn lines(of: &Value) -> Vec<(String, bool)> {
    let one = |a: &Value| (a["name"].as_str().unwrap().to_owned(), a["gone"] == true);
    of["ancestors"].as_array().unwrap().iter().map(one).collect()
}

/// A world with a copy of a copy of a copy, and environments of others.
async fn family() -> Stage {
    let mut stage = Stage::prompt().await;
    stage.policy["sources"] = json!(["production", "parent", "child"]);
    copy(&stage, "parent", json!({"owner": "Zoë of the shop team"})).await;
    copy(&stage, "child", json!({"source_environment": "parent"})).await;
    copy(&stage, "grandchild", json!({"source_environment": "child"})).await;
    copy(&stage, "sibling", json!({})).await;
    stage.world.create_environment("by-hand", Duration::from_hours(24)).unwrap();
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_a_tree_in_which_every_copy_names_its_ancestors_and_what_is_not_ours_is_shown_as_such() {
    let stage = family().await;
    stage.world.clear_journal();
    let call = list(&stage, json!({})).await;
    call.expect(0);
    let outputs = call.outputs();
    let expected = [
        ("production", 0, false),
        ("parent", 1, true),
        ("child", 2, true),
        ("grandchild", 3, true),
        ("sibling", 1, true),
        ("by-hand", 1, false),
    ];
    assert_eq!(shape(&outputs), expected.map(|(name, depth, ours)| (name.to_owned(), depth, ours)));
    let ancestors = ["child", "parent", "production"].map(|name| (name.to_owned(), false));
    assert_eq!(lines(named(&outputs, "grandchild")), ancestors);
    assert_eq!(named(&outputs, "parent")["owner"], "Zoë of the shop team");
    assert_eq!(named(&outputs, "by-hand")["record"], Value::Null);
    for words in ["\n", "by-hand (not ours)", "      grandchild (cloning", "by Zo"] {
        assert!(call.stdout.contains(words), "{words:?} is not in {}", call.stdout);
    }
    assert!(stage.world.journal().iter().all(|entry| !entry.is_mutation()), "a list changed something");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_whose_source_is_gone_tells_what_it_was_made_from() {
    let stage = family().await;
    let parent = stage.world.environment_id("parent").unwrap();
    stage.world.forget_environment("parent").unwrap();
    let outputs = list(&stage, json!({})).await.outputs();
    let expected = [("child", false), ("parent", true), ("production", false)].map(|(n, gone)| (n.to_owned(), gone));
    assert_eq!(lines(named(&outputs, "grandchild")), expected);
    assert_eq!(
        (&named(&outputs, "child")["source"], &named(&outputs, "child")["depth"]),
        (&json!("parent"), &json!(1))
    );
    for source in ["parent", parent.as_str()] {
        let of = list(&stage, json!({"source": source})).await.outputs();
        let names: Vec<_> = shape(&of).into_iter().map(|(name, ..)| name).collect();
        assert_eq!(names, ["child", "grandchild"], "{source}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_descendants_of_one_are_listed_and_a_name_that_nobody_has_is_refused_with_the_nearest() {
    let stage = family().await;
    let of = list(&stage, json!({"source": "child"})).await.outputs();
    assert_eq!(shape(&of).into_iter().map(|(name, ..)| name).collect::<Vec<_>>(), ["grandchild"]);
    assert_eq!(list(&stage, json!({"source": "sibling"})).await.outputs()["environments"], json!([]));
    let wrong = list(&stage, json!({"source": "paren"})).await;
    wrong.expect(2);
    assert!(wrong.error().contains("`source`") && wrong.error().contains("`parent`"), "{}", wrong.error());
    let long = list(&stage, json!({"source": "x".repeat(65)})).await;
    long.expect(2);
}

/// Records that name each other as ancestors, written by somebody with the key.
#[tokio::test(flavor = "multi_thread")]
async fn records_that_name_each_other_make_no_list_without_an_end() {
    let stage = family().await;
    let id = |name: &str| stage.world.environment_id(name).unwrap();
    for (name, source) in [("parent", "grandchild"), ("sibling", "sibling")] {
        // An unsigned record of version 1 is told, too, and Railway's own account of the source is gone with it.
        stage.world.forget_source(name).unwrap();
        let more: Vec<_> = (0..100).map(|_| json!({"id": id("child"), "name": "\u{1b}[31mchild"})).collect();
        stage.change_record(name, json!({"source_id": id(source), "source_name": "loop", "ancestors": more}));
    }
    let call = list(&stage, json!({})).await;
    call.expect(0);
    assert_eq!(shape(&call.outputs()).len(), 6);
    assert!(!call.stdout.contains('\u{1b}'), "{}", call.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_tells_the_data_its_age_its_size_and_what_the_copy_cost() {
    let stage = Stage::prompt().await;
    copy(&stage, "one", json!({})).await;
    let database = |service: &str, at: &str, masked: &str| json!({"service": service, "snapshot_at": at, "bytes": 2_000_000, "rows": 3, "masked": masked, "digest": "d"});
    let databases =
        [database("Postgres", "2026-11-20T10:00:00Z", "full"), database("Other", "2026-11-19T10:00:00Z", "no")];
    stage.change_record("one", json!({"state": "ready", "databases": databases, "expires_at": "2999-01-01T00:00:00Z"}));
    let told = |call: &Call, field: &str| named(&call.outputs(), "one")[field].clone();
    let before = list(&stage, json!({})).await;
    assert_eq!((told(&before, "size_bytes"), told(&before, "cost_usd")), (json!(4_000_000), Value::Null));

    // A month of half a processor and of 2 GB, and of a volume that no service is named with.
    let month = 43_200.0;
    for (environment, service, what, value) in [
        ("one", Some("web"), "CPU_USAGE", month / 2.0),
        ("one", Some("Postgres"), "MEMORY_USAGE_GB", month * 2.0),
        ("one", None, "DISK_USAGE_GB", month * 10.0),
        ("one", Some("web"), "NETWORK_TX_GB", 3.0),
        ("production", Some("web"), "CPU_USAGE", month * 99.0),
    ] {
        stage.world.use_up(environment, service, what, value).unwrap();
    }
    stage.world.fill_volumes("one", 750.0).unwrap();
    let call = list(&stage, json!({})).await;
    call.expect(0);
    assert_eq!(told(&call, "cost_usd"), json!(10.0 + 20.0 + 1.5 + 0.15));
    assert_eq!(told(&call, "size_bytes"), json!(750_000_000));
    assert_eq!((told(&call, "data_at"), told(&call, "masked")), (json!("2026-11-19T10:00:00Z"), json!("no")));
    assert!(
        told(&call, "data_age_seconds").as_i64().unwrap() > 0
            && told(&call, "expires_in_seconds").as_i64().unwrap() > 0
    );
    assert_eq!(named(&call.outputs(), "production")["cost_usd"], Value::Null);
    assert_eq!(call.outputs()["prices"]["as_of"], "2026-11-26");
    for words in ["$31.65 so far", "750.0 MB", "ends in ", "masked: ", "until 2999-01-01T00:00:00Z"] {
        assert!(call.stdout.contains(words), "{words} is not in {}", call.stdout);
    }
    assert_eq!(call.outputs()["railway_calls"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_told_without_costs_where_railway_does_not_tell_them() {
    let stage = Stage::prompt().await;
    copy(&stage, "one", json!({})).await;
    stage.world.fault(Fault::new("usage", FaultEffect::Error { message: "Not Authorized".into() }));
    let call = list(&stage, json!({})).await;
    call.expect(0);
    let outputs = call.outputs();
    assert_eq!(named(&outputs, "one")["cost_usd"], Value::Null);
    assert!(outputs["costs_unknown"].as_str().unwrap().contains("read what the project used"), "{outputs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_is_a_short_text_and_gets_nobody_more() {
    let stage = Stage::prompt().await;
    for wrong in [json!("x".repeat(65)), json!(7)] {
        let call = stage.step("validate", "run", &stage.request(json!({"owner": wrong, "ttl": "soon"}))).await;
        call.expect(2);
        assert!(call.error().contains("`owner`") && call.error().contains("`ttl`"), "{}", call.error());
    }
    let hostile = "::{\"outputs\":{}}::\u{202e}{{ secret('X') }}";
    copy(&stage, "one", json!({"owner": hostile})).await;
    assert_eq!(stage.record("one")["owner"], hostile);
    let call = list(&stage, json!({})).await;
    assert_eq!(named(&call.outputs(), "one")["owner"], hostile);
    assert!(!call.stdout.lines().any(|line| line.starts_with("::{\"outputs\":{}}")), "{}", call.stdout);
}

/// An older program beside a later one: it reads nothing into what it does not know, and leaves it as it is.
#[tokio::test(flavor = "multi_thread")]
async fn no_step_writes_or_deletes_what_a_later_version_recorded_and_each_says_so() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "ours"}));
    stage.steps_until("assign-domain", "run", &request).await;
    let later = records::signed(&stage.record("ours"), crate::stage::RECORD_KEY).replacen("2.", "3.", 1);
    stage.write_record("ours", &later);
    stage.world.clear_journal();
    let project = stage.world.project_id();
    let calls = [
        ("create-env", request.clone(), 2),
        ("assign-domain", request.clone(), 2),
        ("sync-db", request.clone(), 2),
        ("start-apps", request.clone(), 2),
        ("check-health", request.clone(), 2),
        ("extend-env", json!({"project_id": project, "environment": "ours", "ttl": "P1D"}), 2),
        ("delete-env", json!({"project_id": project, "environment": "ours", "confirm": "ours"}), 2),
        ("refresh-env", json!({"project_id": project, "environment": "ours"}), 2),
        ("diff-env", json!({"project_id": project, "environment": "ours"}), 2),
        ("sweep-envs", json!({"dry_run": false}), 0),
        ("list-envs", json!({"project_id": project}), 0),
    ];
    for (step, request, code) in calls {
        let call = stage.step(step, "run", &request).await;
        call.expect(code);
        let says_so = call.stdout.contains("a later version of railstage wrote it");
        // Its name is taken, whoever has it.
        assert!(says_so || step == "create-env", "{step}: {}", call.stdout);
    }
    stage.step("rollback", "run", &request).await;
    let ours = stage.world.environment_id("ours").unwrap();
    assert!(stage.world.mutations_touching(&ours).is_empty(), "{:?}", stage.world.mutations_touching(&ours));
    assert_eq!(stage.world.shared_variable(&ours, "RAILSTAGE").unwrap().as_deref(), Some(later.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_told_only_where_kestra_is_given_and_its_log_in_goes_over_no_open_line() {
    let mut stage = Stage::prompt().await;
    for (url, words) in
        [(None, "no RAILSTAGE_KESTRA_URL"), (Some("http://kestra.example.net"), "no address of `https://`")]
    {
        stage.env = url.map(|url| ("RAILSTAGE_KESTRA_URL".to_owned(), url.to_owned())).into_iter().collect();
        stage.env.push(("RAILSTAGE_KESTRA_LOGIN".into(), "ops:canary-kestra-9d".into()));
        let call = list(&stage, json!({"history": true})).await;
        call.expect(2);
        assert!(call.error().contains(words) && !call.stdout.contains("canary-kestra"), "{}", call.stdout);
    }
}
