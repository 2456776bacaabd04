//! Whoever answers in a source database's place: what proves a MySQL or MariaDB, and what becomes of one that nothing proves.

use backboard::{ExtraService, WorldOptions};
use serde_json::{Value, json};

use crate::stage::{Call, Stage};

async fn validated(stage: &Stage, services: &[&str]) -> Call {
    let databases: Vec<_> = services.iter().map(|name| json!({ "service": name })).collect();
    stage.step("validate", "proven", &stage.request(json!({ "databases": databases }))).await
}

/// What was found about a service.
fn about<'a>(findings: &'a Value, service: &str) -> Vec<&'a str> {
    let all = findings["findings"].as_array().unwrap().iter().filter(|finding| finding["subject"] == service);
    all.map(|finding| finding["message"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_proven_by_its_password_or_by_the_certificate_that_the_owner_has_pinned() {
    let extra_services = vec![ExtraService::MariaDb, ExtraService::Mysql, ExtraService::OldMariaDb];
    let mut stage = Stage::of(WorldOptions { extra_services, ..WorldOptions::prompt() }).await;
    let call = validated(&stage, &["MariaDB", "MySQL"]).await;
    let told = call.expect(0).outputs();
    assert!(about(&told, "MariaDB").iter().all(|line| !line.contains("proves")), "{told}");
    assert!(about(&told, "MySQL").iter().any(|line| line.contains("nothing proves the server")), "{told}");
    // The line is there to be pasted.
    let line = about(&told, "MySQL").into_iter().find_map(|line| line.split_once("`pinned_certificates: ")).unwrap().1;
    let pinned: Value = serde_json::from_str(line.trim_end_matches('`')).unwrap();

    stage.policy["proven_servers_only"] = json!(true);
    validated(&stage, &["MariaDB"]).await.expect(0);
    let call = validated(&stage, &["MySQL"]).await;
    assert!(call.expect(2).error().contains("`pinned_certificates` of the policy"), "{}", call.error());
    stage.policy["pinned_certificates"] = pinned;
    let told = validated(&stage, &["MySQL"]).await.expect(0).outputs();
    assert!(about(&told, "MySQL").iter().all(|line| !line.contains("proves")), "{told}");
    // Another certificate than the one that is pinned is somebody else's.
    stage.policy["pinned_certificates"] = json!({ "MySQL": ["ab".repeat(32)], "Postgres": ["ab".repeat(32)] });
    let call = validated(&stage, &["MySQL"]).await;
    assert!(call.expect(4).error().contains("is not the pinned one"), "{}", call.error());
    // What would be ignored is refused.
    let call = validated(&stage, &["Postgres"]).await;
    assert!(call.expect(2).error().contains("a PostgreSQL proves itself by the password"), "{}", call.error());

    let call = validated(&stage, &["Legacy"]).await;
    assert!(call.expect(2).error().contains("name the service in `weak_lines` of the policy"), "{}", call.error());
    stage.policy["proven_servers_only"] = json!(false);
    stage.policy["weak_lines"] = json!(["Legacy"]);
    let told = validated(&stage, &["Legacy"]).await.expect(0).outputs();
    assert!(about(&told, "Legacy").iter().any(|line| line.contains("the line is in clear")), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_copy_nobody_could_make_or_that_would_let_productions_password_in_is_refused() {
    let stage = Stage::of(WorldOptions { extra_services: vec![ExtraService::MariaDb], ..WorldOptions::prompt() }).await;
    let hash = "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19";
    stage.world.set_variable("production", Some("MariaDB"), "MARIADB_PASSWORD_HASH", hash).unwrap();
    let call = validated(&stage, &["MariaDB"]).await;
    let told = call.expect(2).error();
    assert!(told.contains("`MARIADB_PASSWORD_HASH` of service `MariaDB` is the hash of a password"), "{told}");
    assert!(!told.contains("2470"), "{told}");
    stage.world.remove_variable("production", "MariaDB".into(), "MARIADB_PASSWORD_HASH").unwrap();
    // The app's own login may read its database, and make none beside it.
    stage.world.remove_variable("production", "MariaDB".into(), "MARIADB_ROOT_PASSWORD").unwrap();
    stage.world.set_variable("production", Some("MariaDB"), "MARIADB_RANDOM_ROOT_PASSWORD", "1").unwrap();
    let call = validated(&stage, &["MariaDB"]).await;
    assert!(call.expect(2).error().contains("`MARIADB_ROOT_PASSWORD`"), "{}", call.error());
}
