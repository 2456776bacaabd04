//! Whoever may write variables leads us to another server, file or program than the database that Railway names.

use backboard::{ExtraService, WorldOptions};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::copy::{run, texts};
use crate::stage::{Stage, binary, finish};

/// A server of somebody else's that is never called.
struct Lure {
    port: u16,
    called: JoinHandle<()>,
}

impl Lure {
    async fn lay() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        Self { port, called: tokio::spawn(async move { drop(listener.accept().await) }) }
    }

    fn was_called(&self) -> bool {
        self.called.is_finished()
    }
}

fn set(stage: &Stage, name: &str, value: &str) {
    stage.world.set_variable("production", Some("Postgres"), name, value).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_url_in_a_variable_leads_a_copy_anywhere() {
    let stage = Stage::prompt().await;
    let lure = Lure::lay().await;
    let port = lure.port;
    let urls = [
        format!("postgresql://postgres:x@localhost:{port}/railway"),
        format!("postgresql://other:x@localhost:{port}/railway?sslmode=disable"),
        format!("postgresql://postgres@/railway?host=/tmp&port={port}"),
        format!("postgresql://other:x@localhost:{port}/template1?sslmode=verify-ca&sslrootcert=/etc/shadow"),
        format!("postgresql://other:x@localhost:{port}/railway?options=-c%20session_preload_libraries%3Devil"),
        format!("postgresql://other:x@localhost:{port},localhost:{port}/railway"),
        "http://nothing".to_owned(),
    ];
    let request = stage.request(json!({"environment_name": "led"}));
    // The first URL has another password for the very login, which is all that it decides.
    set(&stage, "DATABASE_PUBLIC_URL", &urls[0]);
    let refused = stage.step("validate", "led", &request).await;
    assert!(refused.expect(4).error().contains("password authentication failed"), "{}", refused.error());
    for url in &urls[1..] {
        for name in ["DATABASE_PUBLIC_URL", "DATABASE_PUBLIC_UNPOOLED_URL", "DATABASE_URL"] {
            set(&stage, name, url);
        }
        stage.step("validate", "led", &request).await.expect(0);
    }
    let copied = stage.steps_until("sync-db", "led", &request).await.outputs();
    assert!(copied["databases"][0]["rows"].as_u64().unwrap() > 0, "{copied}");
    assert!(!lure.was_called());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_host_than_railways_proxy_is_used_only_where_the_owner_names_it() {
    let mut stage = Stage::prompt().await;
    let direct = stage.world.database_url("production").unwrap();
    let host = direct.split('@').nth(1).and_then(|rest| rest.split('/').next()).unwrap().to_owned();
    set(&stage, "DATABASE_PUBLIC_URL", &direct);
    stage.world.set_tcp_proxy("production", false).unwrap();
    let request = stage.request(json!({}));
    let refused = stage.step("validate", "elsewhere", &request).await;
    let told = refused.expect(2).error();
    assert!(told.contains("it has no TCP proxy to port 5432"), "{told}");
    assert!(told.contains(&format!("only with `source_hosts: [\"{host}\"]` in the policy")), "{told}");
    stage.policy["source_hosts"] = json!([host]);
    stage.step("validate", "elsewhere", &request).await.expect(0);
    stage.policy["source_hosts"] = json!(["localhost:1", "/tmp", "*"]);
    stage.step("validate", "elsewhere", &request).await.expect(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_known_by_what_it_is_and_not_by_its_image() {
    let extra_services = vec![ExtraService::Postgis];
    let mut stage = Stage::of(WorldOptions { extra_services, ..WorldOptions::prompt() }).await;
    stage.policy["weak_lines"] = json!(["Places"]);
    let databases = async || {
        let call = stage.step("validate", "known", &stage.request(json!({}))).await;
        let outputs = call.expect(0).outputs();
        let name = |one: &Value| one["service"].as_str().unwrap().to_owned();
        let mut names: Vec<_> = outputs["databases"].as_array().unwrap().iter().map(name).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(databases().await, ["Places", "Postgres"]);
    // An app that has a database's login is none.
    for (name, value) in [
        ("POSTGRES_PASSWORD", "${{Postgres.POSTGRES_PASSWORD}}"),
        ("PGHOST", "${{Postgres.RAILWAY_PRIVATE_DOMAIN}}"),
        ("PGPORT", "5432"),
        ("PGUSER", "postgres"),
        ("PGDATA", "${{Postgres.PGDATA}}"),
    ] {
        stage.world.set_variable("production", Some("web"), name, value).unwrap();
    }
    assert_eq!(databases().await, ["Places", "Postgres"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_read_as_the_login_that_the_owner_names() {
    let mut stage = Stage::prompt().await;
    let direct = stage.world.database_url("production").unwrap();
    let mut command = binary();
    command.arg("source-login").env("SOURCE_DATABASE_URL", &direct);
    let printed = finish(command).await;
    let (client, connection) = tokio_postgres::connect(&direct, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    run(&client, &printed.expect(0).stdout).await;
    run(&client, "ALTER ROLE railstage_source PASSWORD 'canary-reads-only'").await;

    let request = stage.request(json!({"environment_name": "least"}));
    let findings = |call: &crate::stage::Call| call.outputs()["findings"].to_string();
    let superuser = stage.step("validate", "least", &request).await;
    assert!(findings(superuser.expect(0)).contains("its login is a superuser"));

    stage.policy["source_login"] = json!({"user_secret": "READER", "password_secret": "READERS_PASSWORD"});
    let missing = stage.step("validate", "least", &request).await;
    assert!(missing.expect(2).error().contains("there is no secret `READER`"), "{}", missing.error());
    stage.env.push(("RAILSTAGE_SECRET_READER".to_owned(), "railstage_source".to_owned()));
    stage.env.push(("RAILSTAGE_SECRET_READERS_PASSWORD".to_owned(), "canary-reads-only".to_owned()));
    let least = stage.step("validate", "least", &request).await;
    assert!(!findings(least.expect(0)).contains("superuser"), "{}", findings(&least));

    // No copy is to hold the login.
    stage.policy["secrets"] = json!(["READERS_PASSWORD"]);
    let refused = stage.step("validate", "least", &request).await;
    assert!(
        refused.expect(2).error().contains("is of `source_login`, which a copy must not hold"),
        "{}",
        refused.error()
    );
    stage.policy["secrets"] = json!([]);

    // Whoever has the service's own login may change its password: it is not asked for.
    set(&stage, "DATABASE_PUBLIC_URL", "postgresql://postgres:wrong@localhost:1/railway");
    let copied = stage.steps_until("check-health", "least", &request).await;
    assert_eq!(texts(&client, "SELECT rolsuper FROM pg_roles WHERE rolname = 'railstage_source'").await, ["f"]);
    assert!(!copied.stdout.contains("canary-reads-only"));
}
