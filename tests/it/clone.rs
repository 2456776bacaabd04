//! A whole clone, step by step and in one go, and what it leaves alone.

use backboard::{ExtraService, Fault, FaultEffect, OperationKind, WorldOptions};
use railstage::steps;
use serde_json::{Value, json};

use crate::stage::{Stage, finish};

/// Calls of the `railway` program that a clone of the demo project may take in one process, polls aside.
const MOST_CALLS: u64 = 17;

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_shows_its_own_data_and_leaves_production_alone() {
    let stage = Stage::of(WorldOptions { fixture_bytes: 2_000_000, ..WorldOptions::default() }).await;
    let before = stage.world.state_digest("production").unwrap();
    let production = stage.world.environment_id("production").unwrap();
    stage.world.clear_journal();
    let mut command = stage.command();
    let policy = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(policy.path(), stage.policy.to_string()).unwrap();
    command.args(["clone", "--json", "--client-name", "Acme & Co", "--project-id", &stage.world.project_id()]);
    command.arg("--policy").arg(policy.path());
    let folder = tempfile::tempdir().unwrap();
    let sheets = ["sheet.html", "sheet.json"].map(|name| folder.path().join(name));
    for path in &sheets {
        command.arg("--sheet").arg(path);
    }
    let call = finish(command).await;
    call.expect(0);
    let report = call.json();
    let [page, sheet] = sheets.map(|path| std::fs::read_to_string(path).unwrap());
    let sheet: Value = serde_json::from_str(&sheet).unwrap();
    let told = &report["steps"]["sync_db"]["databases"][0];
    let database = &sheet["databases"][0];
    assert_eq!((&database["service"], &database["digest"]), (&json!("Postgres"), &told["digest"]));
    assert_eq!(database["sheet"]["masked_values"], told["masking"]["masked_values"]);
    assert!(page.contains("public.wp_users.user_email") && page.contains("Signature"), "{page}");
    for text in [&page, &sheet.to_string()] {
        assert!(!text.contains("people.example.net") && !text.contains("Quillfeather"), "{text}");
    }
    assert!(report["railway_calls"].as_u64().unwrap() <= MOST_CALLS, "{}", report["railway_calls"]);

    let url = report["url"].as_str().unwrap();
    let host = url.strip_prefix("https://").unwrap();
    let page = stage.world.fetch(host, "/").await.unwrap();
    assert_eq!(page.status, 200, "{:?}", page.location);
    assert!(page.body.contains(host) && !page.body.contains("shop.example.com"), "{}", page.body);
    let original = stage.world.fetch("shop.example.com", "/").await.unwrap();
    let (customer, stranger) = (latest_customer(&original.body), latest_customer(&page.body));
    assert!(!stranger.is_empty() && stranger != customer, "{customer} is {stranger}");
    let database = &report["steps"]["sync_db"]["databases"][0];
    assert_eq!(database["masked"], "partial");
    assert!(database["masking"]["masked_values"].as_u64().unwrap() > 1000, "{database}");

    assert_eq!(stage.world.state_digest("production").unwrap(), before, "production's settings changed");
    let touching = stage.world.mutations_touching(&production);
    assert!(touching.is_empty(), "production is named in {touching:?}");
    let journal = stage.world.journal();
    let mutations: Vec<_> = journal.iter().filter(|e| e.kind == OperationKind::Mutation).collect();
    assert!(mutations.iter().any(|e| e.operation == "environmentCreate"), "{mutations:?}");
    for entry in mutations {
        let never = ["environmentPatchCommit", "serviceDelete", "volumeDelete", "environmentTriggersDeploy"];
        assert!(!never.contains(&entry.operation.as_str()), "{entry:?}");
    }
}

/// Whose order the page shows.
fn latest_customer(page: &str) -> &str {
    let (_, rest) = page.split_once("<dd id=\"latest-order-by\">").expect("the latest order");
    rest.split_once('<').expect("the end of the name").0
}

#[tokio::test(flavor = "multi_thread")]
async fn people_come_along_only_when_a_request_says_so() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "plain", "anonymize": false}));
    let call = stage.steps_until("sync-db", "plain", &request).await;
    let database = &call.outputs()["databases"][0];
    assert_eq!((&database["masked"], &database["masking"]), (&json!("no"), &json!(null)));
    assert!(stage.record("plain")["databases"][0]["people_digest"].is_null());
    // A run that begins with one manner does not go on with the other.
    let masked = stage.request(json!({"environment_name": "plain"}));
    stage.step("sync-db", "plain", &masked).await.expect(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_rule_speaks_of_is_refused_before_anything_is_made_and_settled_by_a_rule() {
    let stage = Stage::prompt().await;
    stage.step("validate", "unknown", &stage.request(json!({}))).await.expect(0);
    // Who has a rule for a log says that it is none.
    let log = json!({"table": "shop_visits", "column": "path", "transformer": "keep"});
    let ledger = json!({"table": "shop_stock_ledger", "column": "details", "transformer": "keep"});
    let with = |more: &[Value]| {
        let rules: Vec<_> = [&log, &ledger].into_iter().chain(more).collect();
        stage.request(json!({"unknown": "refuse", "databases": [{"service": "Postgres", "rules": rules}]}))
    };
    let refused = stage.step("validate", "unknown", &with(&[])).await;
    refused.expect(2);
    assert!(refused.error().contains("public.shop_visits.visitor"), "{}", refused.error());
    let visitor = json!({"table": "shop_visits", "column": "visitor", "transformer": "ip"});
    stage.step("validate", "unknown", &with(&[visitor])).await.expect(0);
    let rules = json!([{"table": "shop_visit", "column": "visitor", "transformer": "ip"}]);
    let databases = json!([{"service": "Postgres", "rules": rules}]);
    let wrong = stage.step("validate", "unknown", &stage.request(json!({"databases": databases}))).await;
    wrong.expect(2);
    assert!(
        wrong.error().contains("there is no table `shop_visit`; the nearest are `shop_visits`"),
        "{}",
        wrong.error()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_may_be_run_twice() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "twice"}));
    for step in steps::of_a_clone() {
        stage.step(step.name, "twice", &request).await.expect(0);
        stage.step(step.name, "twice", &request).await.expect(0);
    }
    let again = stage.step("sync-db", "twice", &request).await;
    assert_eq!(again.outputs()["databases"][0]["reused"], true);
    assert_eq!(stage.world.environments().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_deployed_before_its_data_is_there() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "order"}));
    stage.steps_until("assign-domain", "order", &request).await;
    let deployed = || {
        let copy = stage.world.environments().into_iter().find(|e| e.name == "order").unwrap();
        copy.deployments.into_iter().filter(|(_, status)| status.is_some()).map(|(name, _)| name).collect::<Vec<_>>()
    };
    assert!(deployed().is_empty(), "{:?}", deployed());
    stage.step("sync-db", "order", &request).await.expect(0);
    assert_eq!(deployed(), ["Postgres"]);
    stage.step("start-apps", "order", &request).await.expect(0);
    assert_eq!(deployed(), ["Postgres", "web", "worker"], "a cron service was deployed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_that_timed_out_is_found_and_not_repeated() {
    let stage = Stage::prompt().await;
    stage.world.fault(Fault::new("environmentCreate", FaultEffect::Http { status: 504 }).after_the_deed());
    let request = stage.request(json!({"environment_name": "late"}));
    let call = stage.step("create-env", "late", &request).await;
    call.expect(0);
    let creations = stage.world.journal().into_iter().filter(|e| e.operation == "environmentCreate").count();
    assert_eq!(creations, 1);
    assert_eq!(stage.world.environments().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_is_waited_for() {
    let stage = Stage::prompt().await;
    stage.world.fault(Fault::new("project", FaultEffect::RateLimited { retry_after_secs: 1 }));
    stage.step("list-envs", "-", &json!({"project_id": stage.world.project_id()})).await.expect(0);
    let asked: Vec<_> = stage.world.journal().into_iter().filter(|e| e.operation == "project").collect();
    let outcomes: Vec<_> = asked.iter().map(|e| e.outcome.as_str()).collect();
    assert_eq!(outcomes[..2], ["429", "200"]);
    let waited = asked[1].at.duration_since(asked[0].at);
    assert!(waited >= jiff::SignedDuration::from_millis(800), "asked again after {waited}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_runs_for_one_name_one_gets_it_and_the_other_leaves_nothing() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "one"}));
    let (a, b) = tokio::join!(stage.step("create-env", "run-a", &request), stage.step("create-env", "run-b", &request));
    let mut codes = [a.code, b.code];
    codes.sort_unstable();
    assert_eq!(codes, [0, 2], "{}\n{}", a.stdout, b.stdout);
    let names: Vec<_> = stage.world.environments().into_iter().map(|e| e.name).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn validate_names_all_that_a_clone_would_stumble_over() {
    let extra_services = vec![ExtraService::Upload, ExtraService::Media];
    let stage = Stage::of(WorldOptions { extra_services, ..WorldOptions::prompt() }).await;
    let request = stage.request(json!({
        "ttl": "P30D", "exclude_services": ["wrker"], "environment_name": "production", "databases": [{"service": "web"}],
        "variables": {"web": {"X": {"secret": "NOT_THERE"}}},
    }));
    let call = stage.step("validate", "all", &request).await;
    call.expect(2);
    let error = call.error();
    for words in [
        "P30D, more than P14D",
        "no service `wrker`",
        "`uploaded`",
        "`media`: has a volume",
        "protected",
        "no database that can be copied",
        "NOT_THERE",
    ] {
        assert!(error.contains(words), "{words} is not in\n{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_does_not_come_up_is_told_with_its_last_words() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "broken", "logs": true}));
    stage.steps_until("sync-db", "broken", &request).await;
    stage.world.order_outcome(backboard::DeployOutcome {
        service: "web".into(),
        status: backboard::DeploymentStatus::Crashed,
        log: vec!["Error: cannot find module `left-pad`".into()],
        times: 2,
    });
    let call = stage.step("start-apps", "broken", &request).await;
    call.expect(1);
    assert!(
        call.error().contains("service `web` did not come up") && call.error().contains("left-pad"),
        "{}",
        call.error()
    );
}
