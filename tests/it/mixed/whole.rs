//! A whole clone of a project with Postgres, MariaDB and MySQL.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use backboard::{ExtraService, WorldOptions};
use serde_json::{Value, json};

use crate::stage::{Stage, finish};

const SITE: &str = include_str!("../../fixtures/site.sql");

/// A stage with a site in MariaDB and a table in MySQL, and an app for each.
pub(crate) async fn stage() -> Stage {
    let extra_services = vec![ExtraService::MariaDb, ExtraService::Mysql];
    let stage = Stage::of(WorldOptions { extra_services, ..WorldOptions::prompt() }).await;
    stage.world.sql("production", "MariaDB", SITE).unwrap();
    stage
        .world
        .sql(
            "production",
            "MySQL",
            "CREATE TABLE pages (id int PRIMARY KEY, body text); INSERT INTO pages VALUES (1, 'wiki')",
        )
        .unwrap();
    for (name, value) in [
        ("WORDPRESS_DB_HOST", "${{MariaDB.MARIADB_PRIVATE_HOST}}:${{MariaDB.MARIADB_PRIVATE_PORT}}"),
        ("WORDPRESS_DB_USER", "${{MariaDB.MARIADB_USER}}"),
        ("WORDPRESS_DB_PASSWORD", "${{MariaDB.MARIADB_PASSWORD}}"),
        ("WORDPRESS_DB_NAME", "${{MariaDB.MARIADB_DATABASE}}"),
        ("WIKI_URL", "${{MySQL.MYSQL_URL}}"),
    ] {
        stage.world.set_variable("production", Some("worker"), name, value).unwrap();
    }
    stage
}

/// Brings new data into the copy, and looks all the while whether its sites could be read.
async fn refreshed(stage: &Stage) {
    stage
        .world
        .sql("production", "MariaDB", "UPDATE wp_options SET option_value = 'New' WHERE option_name = 'blogname'")
        .unwrap();
    stage.world.sql("production", "MySQL", "INSERT INTO pages VALUES (2, 'more')").unwrap();
    stage.shows("mixed", "ready").await;
    let request = stage.request(json!({ "environment": "mixed" }));
    let is_over = AtomicBool::new(false);
    let refreshing = async {
        let call = stage.step("refresh-env", "new-data", &request).await;
        is_over.store(true, Ordering::Relaxed);
        call
    };
    let watching = async {
        let (mut away, mut since) = (Duration::ZERO, None);
        while !is_over.load(Ordering::Relaxed) {
            // The view is made when the tables are in their places.
            let began = Instant::now();
            let is_there = stage.world.sql("mixed", "MariaDB", "SELECT COUNT(*) FROM published").is_ok();
            match (is_there, since) {
                (false, None) => since = Some(began),
                (true, Some(first)) => {
                    away = away.max(first.elapsed());
                    since = None;
                }
                _ => {}
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        away
    };
    let (call, away) = tokio::join!(refreshing, watching);
    call.expect(0);
    // The stand-in's proxies are opened and closed by restarts of the server, which is Railway's own time.
    let restarts = u32::try_from(call.outputs()["restarts"].as_u64().unwrap_or_default()).unwrap();
    assert!(
        away < Duration::from_secs(2) + Duration::from_secs(5) * restarts,
        "away for {away:?}, {restarts} restarts"
    );
    assert_eq!(
        stage
            .world
            .sql("mixed", "MariaDB", "SELECT option_value FROM wp_options WHERE option_name = 'blogname'")
            .unwrap(),
        ["New"]
    );
    assert_eq!(stage.world.sql("mixed", "MariaDB", "SELECT COUNT(*) FROM published").unwrap(), ["1"]);
    assert_eq!(stage.world.sql("mixed", "MySQL", "SELECT body FROM pages ORDER BY id").unwrap(), ["wiki", "more"]);
    let left = "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'rs\\_%'";
    for service in ["MariaDB", "MySQL"] {
        assert_eq!(stage.world.sql("mixed", service, left).unwrap(), [""; 0]);
    }
}

async fn clone(stage: &Stage, more: &[&str]) -> Value {
    let policy = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(policy.path(), stage.policy.to_string()).unwrap();
    let mut command = stage.command();
    command.args(["clone", "--json", "--environment-name", "mixed", "--project-id", &stage.world.project_id()]);
    let call = finish({
        command.arg("--policy").arg(policy.path()).args(more);
        command
    })
    .await;
    call.expect(0).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_database_of_a_project_comes_over_with_a_password_of_its_own() {
    let stage = stage().await;
    let before = stage.world.state_digest("production").unwrap();
    let report = clone(&stage, &[]).await;
    let databases = report["steps"]["sync_db"]["databases"].as_array().unwrap();
    let copied: Vec<_> =
        databases.iter().map(|one| (one["service"].as_str().unwrap(), one["rows"].as_u64().unwrap())).collect();
    assert_eq!(copied[..2], [("MariaDB", 11), ("MySQL", 1)], "{copied:?}");
    let sql = |service, statements| stage.world.sql("mixed", service, statements).unwrap();
    let host = report["url"].as_str().unwrap();
    assert_eq!(sql("MariaDB", "SELECT option_value FROM wp_options WHERE option_name = 'siteurl'"), [host]);
    assert_eq!(sql("MariaDB", "SELECT COUNT(*) FROM published"), ["1"]);
    assert_eq!(sql("MySQL", "SELECT body FROM pages"), ["wiki"]);
    let people = sql("MariaDB", "SELECT user_login, user_email, display_name FROM wp_users ORDER BY ID");
    assert!(people[0].starts_with("anna\t") && !people[1].to_lowercase().contains("quillfeather"), "{people:?}");
    assert!(!people[1].contains("wilhelmina"), "{people:?}");
    assert_eq!(sql("MariaDB", "SELECT option_value FROM wp_options WHERE option_name = 'blog_public'"), ["0"]);
    for (service, variable) in [
        ("MariaDB", "MARIADB_ROOT_PASSWORD"),
        ("MariaDB", "MARIADB_PASSWORD"),
        ("MySQL", "MYSQL_ROOT_PASSWORD"),
        ("worker", "WORDPRESS_DB_PASSWORD"),
        ("worker", "WIKI_URL"),
    ] {
        let of = |environment| stage.world.variable(environment, service, variable).unwrap().unwrap();
        assert_ne!(of("mixed"), of("production"), "{service} {variable}");
    }
    refreshed(&stage).await;
    assert_eq!(stage.world.state_digest("production").unwrap(), before, "production's settings changed");
    let gone = stage
        .step(
            "delete-env",
            "mixed",
            &json!({"project_id": stage.world.project_id(), "environment": "mixed", "confirm": "mixed"}),
        )
        .await;
    gone.expect(0);
}
