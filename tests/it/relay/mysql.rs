//! MySQL and MariaDB through the relay, which proves them where nothing else does.

use backboard::{ExtraService, WorldOptions};
use serde_json::json;

use super::{assert_gentle, opened_proxies, with_relay};

#[tokio::test(flavor = "multi_thread")]
async fn servers_without_public_access_are_copied_and_neither_end_is_opened() {
    let extra_services = vec![ExtraService::MariaDb, ExtraService::Mysql];
    let stage = with_relay(WorldOptions { extra_services, ..WorldOptions::prompt() }).await;
    let closed = json!({"networking": {"tcpProxies": {"3306": null}}});
    for service in ["MariaDB", "MySQL"] {
        stage.world.change_service("production", service, &closed).unwrap();
    }
    for service in ["MariaDB", "MySQL"] {
        let table = "CREATE TABLE ways (id INT PRIMARY KEY, way TEXT); INSERT INTO ways VALUES (1, 'in'), (2, 'out')";
        stage.world.sql("production", service, table).unwrap();
    }
    stage.world.clear_journal();
    let databases = json!([{"service": "MariaDB"}, {"service": "MySQL"}]);
    let request = stage.request(json!({"environment_name": "two", "databases": databases}));
    let copied = stage.steps_until("sync-db", "two", &request).await.expect(0).outputs();
    for database in copied["databases"].as_array().unwrap() {
        assert!(database["rows"] == 2, "{copied}");
    }
    assert!(!opened_proxies(&stage), "a TCP proxy was asked for");
    assert_gentle(&stage);
    assert!(stage.world.ssh_keys().is_empty(), "{:?}", stage.world.ssh_keys());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nothing_proves_at_a_proxy_is_reached_through_the_relay() {
    let extra_services = vec![ExtraService::Mysql, ExtraService::OldMariaDb];
    let mut stage = with_relay(WorldOptions { extra_services, ..WorldOptions::prompt() }).await;
    stage.policy["proven_servers_only"] = json!(true);
    // One has no TLS at all, and no certificate of the other is pinned.
    let databases = json!([{"service": "MySQL"}, {"service": "Legacy"}]);
    let validate = async |connect: &str| {
        stage.step("validate", "proven", &stage.request(json!({"databases": databases, "connect": connect}))).await
    };
    let told = validate("auto").await.expect(0).outputs();
    assert!(!told["findings"].to_string().contains("nothing proves"), "{told}");
    assert!(!told["findings"].to_string().contains("in clear"), "{told}");
    validate("public").await.expect(2);
}
