//! New data in a copy that is there: under its running apps, all else as it was, and nothing left of a refresh that fails.

mod cut_off;
mod held;
mod refused;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use backboard::{OperationKind, World, WorldOptions};
use serde_json::{Value, json};

use crate::stage::{Call, Stage};

/// Longer than the site of a copy may be away.
const AWAY: Duration = Duration::from_secs(2);

/// A copy that is ready, and where it answers.
pub(crate) struct Copy {
    pub name: &'static str,
    pub host: String,
}

/// A world with a copy of its shop.
pub(crate) async fn with_copy(options: WorldOptions) -> (Stage, Copy) {
    let stage = Stage::of(options).await;
    let request = stage.request(json!({"environment_name": "staging"}));
    let call = stage.steps_until("check-health", "clone", &request).await;
    let host = call.outputs()["url"].as_str().unwrap().strip_prefix("https://").unwrap().to_owned();
    stage.shows("staging", "ready").await;
    stage.world.clear_journal();
    (stage, Copy { name: "staging", host })
}

/// A request for new data in a copy.
pub(crate) fn request(stage: &Stage, copy: &Copy, more: Value) -> Value {
    let mut request = stage.request(more);
    request["environment"] = json!(copy.name);
    request
}

/// Runs SQL in the database of an environment; the first column of what it answers.
pub(crate) async fn sql(world: &World, environment: &str, sql: &str) -> Vec<String> {
    try_sql(world, environment, sql).await.unwrap()
}

async fn try_sql(world: &World, environment: &str, sql: &str) -> anyhow::Result<Vec<String>> {
    let url = world.database_url(environment)?;
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await?;
    let connection = tokio::spawn(connection);
    let rows = client.simple_query(sql).await?;
    connection.abort();
    let texts = rows.into_iter().filter_map(|row| match row {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    Ok(texts.collect())
}

/// The databases on a copy's server that a copy into it has made beside its own.
pub(crate) async fn beside(stage: &Stage, copy: &Copy) -> Vec<String> {
    try_beside(stage, copy).await.unwrap()
}

/// The same while the server may be about to restart.
pub(crate) async fn try_beside(stage: &Stage, copy: &Copy) -> anyhow::Result<Vec<String>> {
    try_sql(&stage.world, copy.name, "SELECT datname FROM pg_database WHERE datname LIKE 'rs\\_%'").await
}

pub(crate) async fn rename_the_shop(stage: &Stage, name: &str) {
    let update = format!("UPDATE wp_options SET option_value = '{name}' WHERE option_name = 'blogname'");
    sql(&stage.world, "production", &update).await;
}

pub(crate) async fn page(stage: &Stage, copy: &Copy) -> String {
    let page = stage.world.fetch(&copy.host, "/").await.unwrap();
    assert_eq!(page.status, 200, "{:?} {}", page.location, page.body);
    page.body
}

/// All that an environment is set to, its record aside.
pub(crate) fn settings(stage: &Stage, environment: &str) -> BTreeMap<String, Value> {
    let state = stage.world.environments().into_iter().find(|e| e.name == environment).unwrap();
    let of =
        |service: &str, name: &str| json!(stage.world.variable(&state.id, service, name).unwrap().unwrap_or_default());
    let mut settings: BTreeMap<_, _> = [
        ("Postgres", "POSTGRES_PASSWORD"),
        ("Postgres", "DATABASE_URL"),
        ("Postgres", "RAILWAY_TCP_PROXY_PORT"),
        ("web", "DATABASE_URL"),
        ("web", "WP_SITEURL"),
        ("web", "STRIPE_SECRET_KEY"),
    ]
    .map(|(service, name)| (format!("{service}.{name}"), of(service, name)))
    .into();
    settings.insert("domains".to_owned(), json!(state.domains));
    settings.insert("id".to_owned(), json!(state.id));
    settings.insert("apps".to_owned(), json!(state.direct_urls));
    settings
}

/// What a call prints, and how long requests for the copy's page failed meanwhile: from the beginning of each first one that
/// failed to the end of the next that did not.
async fn watched(stage: &Stage, copy: &Copy, call: impl Future<Output = Call>) -> (Call, Duration) {
    let is_over = Cell::new(false);
    let calling = async {
        let call = call.await;
        is_over.set(true);
        call
    };
    let watching = async {
        let (mut away, mut since) = (Duration::ZERO, None);
        while !is_over.get() || since.is_some() {
            let began = Instant::now();
            let is_there = stage.world.fetch(&copy.host, "/").await.is_ok_and(|page| page.status == 200);
            match (is_there, since) {
                (false, None) => since = Some(began),
                (true, Some(first)) => {
                    away += first.elapsed();
                    since = None;
                }
                _ => {}
            }
            assert!(since.is_none_or(|first| first.elapsed() < Duration::from_mins(1)), "the site stays away");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        away
    };
    tokio::join!(calling, watching)
}

#[tokio::test(flavor = "multi_thread")]
async fn new_data_comes_under_running_apps_and_all_else_stays() {
    for stubborn_proxies in [false, true] {
        let options = WorldOptions { fixture_bytes: 1_000_000, stubborn_proxies, ..WorldOptions::default() };
        let (stage, copy) = with_copy(options).await;
        let (before, first) = (settings(&stage, copy.name), stage.record(copy.name));
        let production = (stage.world.state_digest("production").unwrap(), page_of_production(&stage).await);
        rename_the_shop(&stage, "The New Shop").await;
        stage.world.clear_journal();

        let folder = tempfile::tempdir().unwrap();
        let mut command = stage.command();
        let sheet = folder.path().join("sheet.json");
        let files = [("request", request(&stage, &copy, json!({}))), ("policy", stage.policy.clone())];
        command.args(["refresh-env", "--json"]).arg("--sheet").arg(&sheet);
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::write(&path, text.to_string()).unwrap();
            command.arg(format!("--{name}")).arg(path);
        }
        let (call, away) = watched(&stage, &copy, crate::stage::finish(command)).await;
        call.expect(0);
        println!("the site was away for {} ms, with {stubborn_proxies} stubborn proxies", away.as_millis());
        assert!(away < AWAY, "the site was away for {away:?}");
        let told = call.json();
        // One restart to open the proxy, and one to close it where taking it away does not.
        assert_eq!((&told["restarts"], &told["public"]), (&json!(1 + u8::from(stubborn_proxies)), &json!([])));
        assert_eq!(told["url"], format!("https://{}", copy.host));

        let shown = page(&stage, &copy).await;
        assert!(shown.contains("The New Shop") && shown.contains(&copy.host), "{shown}");
        assert!(!shown.contains("shop.example.com") && !shown.contains(&latest_customer(&production.1)), "{shown}");
        assert_eq!(settings(&stage, copy.name), before);
        assert!(beside(&stage, &copy).await.is_empty());
        let deployed = stage.world.journal().iter().filter(|e| e.operation == "serviceInstanceDeployV2").count();
        assert_eq!(json!(deployed), told["restarts"], "something else was deployed");

        let record = stage.record(copy.name);
        assert_eq!(
            (&record["state"], &record["refreshing"], &record["lease"]),
            (&json!("ready"), &Value::Null, &Value::Null)
        );
        let snapshot = |record: &Value| record["databases"][0]["snapshot_at"].as_str().unwrap().to_owned();
        assert!(snapshot(&record) > snapshot(&first), "{record}");
        assert_eq!(record["databases"][0]["digest"], told["databases"][0]["digest"]);
        let account = &told["account"]["copies"][0];
        assert_eq!((&account["deed"], &account["databases"]), (&json!("refreshed"), &record["databases"]));
        for kept in ["run_id", "created_at", "expires_at", "domains", "source_id"] {
            assert_eq!(record[kept], first[kept], "{kept}");
        }
        let sheet: Value = serde_json::from_str(&std::fs::read_to_string(&sheet).unwrap()).unwrap();
        assert_eq!(sheet["databases"][0]["digest"], told["databases"][0]["digest"]);
        assert!(told["databases"][0]["masking"]["masked_values"].as_u64().unwrap() > 100, "{told}");

        assert_eq!(stage.world.state_digest("production").unwrap(), production.0);
        let id = stage.world.environment_id("production").unwrap();
        assert!(stage.world.mutations_touching(&id).is_empty());
    }
}

/// Whoever works with a copy meets the same strangers in it as before.
#[tokio::test(flavor = "multi_thread")]
async fn people_become_the_same_strangers_again_and_a_run_that_is_repeated_changes_nothing() {
    let (stage, copy) = with_copy(WorldOptions::prompt()).await;
    let people = "SELECT string_agg(user_email, ',' ORDER BY \"ID\") FROM wp_users";
    let before = sql(&stage.world, copy.name, people).await;
    rename_the_shop(&stage, "The New Shop").await;
    let asked = request(&stage, &copy, json!({}));
    let call = stage.step("refresh-env", "again", &asked).await;
    call.expect(0);
    assert_eq!(sql(&stage.world, copy.name, people).await, before);
    assert_ne!(sql(&stage.world, "production", people).await, before);

    stage.world.clear_journal();
    rename_the_shop(&stage, "The Newest Shop").await;
    let repeated = stage.step("refresh-env", "again", &asked).await;
    repeated.expect(0);
    let mutations: Vec<_> = stage.world.journal().into_iter().filter(|e| e.kind == OperationKind::Mutation).collect();
    assert!(mutations.is_empty(), "{mutations:?}");
    assert_eq!(repeated.outputs()["databases"][0]["digest"], call.outputs()["databases"][0]["digest"]);
    assert!(page(&stage, &copy).await.contains("The New Shop"));
    // Another run is another refresh, and what it asks for otherwise is told.
    assert_eq!(call.outputs()["otherwise"], json!([]));
    let otherwise =
        request(&stage, &copy, json!({"databases": [{"service": "Postgres", "exclude_table_data": ["*_log"]}]}));
    let call = stage.step("refresh-env", "another", &otherwise).await;
    call.expect(0);
    assert_eq!(call.outputs()["otherwise"], json!(["Postgres: rules"]));
    assert!(page(&stage, &copy).await.contains("The Newest Shop"));
}

async fn page_of_production(stage: &Stage) -> String {
    stage.world.fetch("shop.example.com", "/").await.unwrap().body
}

fn latest_customer(page: &str) -> String {
    let (_, rest) = page.split_once("id=\"latest-order-by\">").unwrap();
    let name = rest.split_once('<').unwrap().0.to_owned();
    assert!(!name.is_empty(), "{page}");
    name
}
