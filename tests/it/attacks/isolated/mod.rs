//! A copy holds no secret of production's, logs in nowhere with one, and points at nothing of production's.

use backboard::{ExtraService, WorldOptions};
use serde_json::{Value, json};

use crate::stage::{Call, Stage};

mod secrets;

fn set(stage: &Stage, service: &str, name: &str, value: &str) {
    let service = (service != "shared").then_some(service);
    stage.world.set_variable("production", service, name, value).unwrap();
}

/// A variable of an environment as its container would get it.
fn rendered(stage: &Stage, environment: &str, service: &str, name: &str) -> String {
    let value = match service {
        "shared" => stage.world.shared_variable(&stage.world.environment_id(environment).unwrap(), name),
        _ => stage.world.variable(environment, service, name),
    };
    value.unwrap().unwrap_or_default()
}

async fn created(stage: &Stage, name: &str) -> Call {
    let call = stage.step("create-env", name, &stage.request(json!({"environment_name": name}))).await;
    call.expect(0);
    call
}

/// What `validate` finds about a subject.
fn found(call: &Call, subject: &str) -> Vec<String> {
    let all = call.outputs()["findings"].take();
    let about = all.as_array().unwrap().iter().filter(|finding| finding["subject"] == subject);
    about.map(|finding| finding["message"].as_str().unwrap().to_owned()).collect()
}

fn deployments(stage: &Stage) -> usize {
    stage.world.journal().iter().filter(|entry| entry.operation == "serviceInstanceDeployV2").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_database_gets_a_password_of_its_own_wherever_the_old_one_is_spelled() {
    let extra_services = vec![ExtraService::Redis, ExtraService::SecondDatabase];
    let stage = Stage::of(WorldOptions { extra_services, ..WorldOptions::prompt() }).await;
    let old = rendered(&stage, "production", "Postgres", "POSTGRES_PASSWORD");
    set(&stage, "shared", "DATABASE_LOGIN", &old);
    set(&stage, "Postgres", "POSTGRES_PASSWORD", "${{shared.DATABASE_LOGIN}}");
    let (spelled, redis) = (old.replace('-', "%2D"), "canary-redis-password");
    set(&stage, "web", "LITERAL_URL", &format!("postgres://postgres:{spelled}@postgres.railway.internal:5432/railway"));
    set(&stage, "web", "WORDS", &format!("host=postgres.railway.internal user=postgres password={old}"));
    set(&stage, "worker", "DB_PASSWORD", &old);
    set(&stage, "web", "NOTE", &format!("it is {old}"));
    set(&stage, "Redis", "REDIS_PASSWORD", redis);
    set(&stage, "web", "CACHE_URL", &format!("redis://default:{redis}@redis.railway.internal:6379"));

    let request = stage.request(json!({"environment_name": "own"}));
    let validated = stage.step("validate", "own", &request).await;
    validated.expect(0);
    assert!(found(&validated, "web.NOTE").iter().any(|m| m.contains("password")), "{}", validated.outputs());
    created(&stage, "own").await;
    let new = rendered(&stage, "own", "Postgres", "POSTGRES_PASSWORD");
    assert!(new.len() >= 32 && new != old, "{new}");
    for (service, name) in [("Postgres", "PGPASSWORD"), ("shared", "DATABASE_LOGIN"), ("worker", "DB_PASSWORD")] {
        assert_eq!(rendered(&stage, "own", service, name), new, "{service}.{name}");
    }
    for (service, name) in
        [("Postgres", "DATABASE_URL"), ("web", "DATABASE_URL"), ("web", "LITERAL_URL"), ("web", "WORDS")]
    {
        let value = rendered(&stage, "own", service, name);
        assert!(
            value.contains(&new) && !value.contains(&old) && !value.contains(&spelled),
            "{service}.{name}: {value}"
        );
    }
    let of_redis = rendered(&stage, "own", "Redis", "REDIS_PASSWORD");
    assert!(of_redis != redis && rendered(&stage, "own", "web", "CACHE_URL").contains(&of_redis));
    let analytics = ["production", "own"].map(|e| rendered(&stage, e, "Analytics", "POSTGRES_PASSWORD"));
    assert!(analytics[0] != analytics[1] && analytics[1] != new);

    stage.step("assign-domain", "own", &request).await.expect(0);
    stage.step("sync-db", "own", &request).await.expect(0);
    stage.step("start-apps", "own", &request).await.expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_a_name_too_changes_no_user_database_or_path() {
    let stage = Stage::prompt().await;
    set(&stage, "Postgres", "POSTGRES_PASSWORD", "postgres");
    set(&stage, "web", "DB_USER", "postgres");
    set(&stage, "web", "LITERAL_URL", "postgresql://postgres:postgres@postgres.railway.internal:5432/postgres");
    created(&stage, "named").await;
    let new = rendered(&stage, "named", "Postgres", "POSTGRES_PASSWORD");
    assert_ne!(new, "postgres");
    for (service, name, value) in [
        ("Postgres", "POSTGRES_USER", "postgres".to_owned()),
        ("Postgres", "PGDATA", "/var/lib/postgresql/data/pgdata".to_owned()),
        ("web", "DB_USER", "postgres".to_owned()),
        ("web", "LITERAL_URL", format!("postgresql://postgres:{new}@postgres.railway.internal:5432/postgres")),
        ("Postgres", "DATABASE_URL", format!("postgresql://postgres:{new}@postgres.railway.internal:5432/railway")),
    ] {
        assert_eq!(rendered(&stage, "named", service, name), value, "{service}.{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_cannot_be_replaced_fails_before_the_first_start() {
    let stage = Stage::prompt().await;
    let old = rendered(&stage, "production", "Postgres", "POSTGRES_PASSWORD");
    let request = stage.request(json!({"environment_name": "same"}));
    stage.steps_until("assign-domain", "same", &request).await;
    // As a renderer would that knows more ways to write a reference than we do.
    stage.world.set_variable("same", Some("Postgres"), "POSTGRES_PASSWORD", &old).unwrap();
    stage.world.clear_journal();
    let call = stage.step("sync-db", "same", &request).await;
    call.expect(2);
    assert!(call.error().contains("`POSTGRES_PASSWORD` of service `Postgres`"), "{}", call.error());
    assert_eq!(deployments(&stage), 0);

    for (value, sealed) in [("${{Vault.PASSWORD}}", false), ("canary-sealed", true)] {
        set(&stage, "Postgres", "POSTGRES_PASSWORD", value);
        if sealed {
            stage.world.seal_variable("production", "Postgres", "POSTGRES_PASSWORD", value).unwrap();
        }
        let call = stage.step("validate", "never", &stage.request(json!({"environment_name": "never"}))).await;
        call.expect(2);
        assert!(call.error().contains("`POSTGRES_PASSWORD` of service `Postgres`"), "{}", call.error());
        assert!(!call.error().contains("canary"), "{}", call.error());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn apps_that_name_any_proxy_of_production_or_a_database_outside_are_not_started() {
    let extra_services = vec![ExtraService::SecondDatabase];
    let mut stage = Stage::of(WorldOptions { extra_services, ..WorldOptions::prompt() }).await;
    let proxy = |name: &str| rendered(&stage, "production", "Analytics", &format!("RAILWAY_TCP_PROXY_{name}"));
    let (host, port) = (proxy("DOMAIN"), proxy("PORT"));
    let wanted: &[(&str, String)] = &[
        ("REPORTS", format!("clickhouse+native://u:p@{host}:{port}/x")),
        ("NOTE", format!("ask {host}:{port} for it")),
        ("OTHER", "jdbc:mysql://db.elsewhere.example/x?user=u".to_owned()),
        ("WORDS", "Server=tcp:db.elsewhere.example,1433;Initial Catalog=x;".to_owned()),
        ("PAIR", "db.elsewhere.example:5432".to_owned()),
        ("DB_HOST", "db.elsewhere.example".to_owned()),
        // A cache of objects, which must not be shared with production.
        ("WP_REDIS_HOST", "cache.elsewhere.example".to_owned()),
        ("WORDPRESS_CONFIG_EXTRA", "define('WP_REDIS_HOST', 'cache.elsewhere.example');".to_owned()),
    ];
    for (name, value) in wanted {
        set(&stage, "worker", name, value);
    }
    // A host and a port in two variables.
    set(&stage, "web", "THE_HOST", &host);
    set(&stage, "web", "THE_PORT", &port);
    let request = stage.request(json!({"environment_name": "pointed", "databases": [{"service": "Postgres"}]}));
    let validated = stage.step("validate", "pointed", &request).await;
    validated.expect(2);
    stage.steps_after_validate("sync-db", "pointed", &request).await;
    stage.world.clear_journal();
    let call = stage.step("start-apps", "pointed", &request).await;
    call.expect(2);
    for (name, _) in wanted {
        assert!(call.error().contains(&format!("`{name}` of service `worker`")), "{name}: {}", call.error());
        let told = validated.error();
        let about = told.lines().find(|line| line.contains(&format!("`worker.{name}`")));
        assert!(about.is_some_and(|about| about.contains("will not be started")), "{name}: {about:?}");
    }
    assert!(call.error().contains("`THE_HOST` of service `web`"), "{}", call.error());
    assert_eq!(deployments(&stage), 0);
    assert!(!call.error().contains("SMTP_URL"), "{}", call.error());

    stage.policy["allowed_hosts"] = json!(["db.elsewhere.example", "cache.elsewhere.example"]);
    for name in ["REPORTS", "NOTE"] {
        stage.world.remove_variable("pointed", Some("worker"), name).unwrap();
    }
    stage.world.remove_variable("pointed", Some("web"), "THE_HOST").unwrap();
    let call = stage.step("start-apps", "pointed", &request).await;
    // `host:port` of an allowed host counts as well.
    call.expect(0);
    let outside = call.outputs()["outside"].to_string();
    assert!(outside.contains("mail.example.com:587") && outside.contains("SMTP_URL"), "{outside}");
}

/// Whether somebody listens at a port of this machine.
fn answers(port: &Value) -> bool {
    let port: u16 = port.as_str().unwrap().parse().unwrap();
    std::net::TcpStream::connect(("localhost", port)).is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copys_databases_cannot_be_reached_from_outside_once_they_are_filled() {
    for stubborn_proxies in [false, true] {
        let stage = Stage::of(WorldOptions { stubborn_proxies, ..WorldOptions::prompt() }).await;
        let public = "postgresql://u:p@${{Postgres.RAILWAY_TCP_PROXY_DOMAIN}}:${{Postgres.RAILWAY_TCP_PROXY_PORT}}/x";
        set(&stage, "web", "PUBLIC_URL", public);
        let request = stage.request(json!({"environment_name": "shut"}));
        let validated = stage.step("validate", "shut", &request).await;
        validated.expect(0);
        assert!(found(&validated, "web.PUBLIC_URL").iter().any(|m| m.contains("closed")), "{}", validated.outputs());
        stage.steps_until("assign-domain", "shut", &request).await;
        let port = json!(rendered(&stage, "shut", "Postgres", "RAILWAY_TCP_PROXY_PORT"));
        for _ in 0..2 {
            let call = stage.step("sync-db", "shut", &request).await;
            call.expect(0);
            assert_eq!(call.outputs()["public"], json!([]));
            assert!(!answers(&port), "{stubborn_proxies}");
            assert_eq!(rendered(&stage, "shut", "Postgres", "RAILWAY_TCP_PROXY_PORT"), "");
        }
        stage.step("start-apps", "shut", &request).await.expect(0);
        stage.step("check-health", "shut", &request).await.expect(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_step_left_open_is_closed_by_the_sweep_and_what_the_policy_opens_stays() {
    let mut stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "left"}));
    stage.steps_until("check-health", "left", &request).await;
    stage.world.set_tcp_proxy("left", true).unwrap();
    let port = json!(rendered(&stage, "left", "Postgres", "RAILWAY_TCP_PROXY_PORT"));
    assert!(answers(&port));
    let swept = stage.step("sweep-envs", "-", &json!({"dry_run": true})).await;
    swept.expect(0);
    assert!(answers(&port));
    let swept = stage.step("sweep-envs", "-", &json!({"dry_run": false})).await;
    swept.expect(0);
    assert_eq!(swept.outputs()["closed"], json!(["left"]));
    assert!(!answers(&port));

    stage.policy["may_be_public"] = json!(true);
    let request = stage.request(json!({"environment_name": "public"}));
    let call = stage.steps_until("sync-db", "public", &request).await;
    assert_eq!(call.outputs()["public"], json!(["Postgres"]));
    assert!(answers(&json!(rendered(&stage, "public", "Postgres", "RAILWAY_TCP_PROXY_PORT"))));
}
