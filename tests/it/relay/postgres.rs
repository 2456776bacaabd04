//! A Postgres without Public Access: copied, refreshed, and never opened.

use backboard::Deed;
use serde_json::json;

use super::{assert_gentle, closed, count, opened_proxies};
use crate::copy::run;

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_public_access_is_copied_and_neither_end_is_opened() {
    let stage = closed().await;
    stage.world.clear_journal();
    let request = stage.request(json!({"environment_name": "within", "databases": [{"service": "Postgres"}]}));
    let copied = stage.steps_until("sync-db", "within", &request).await.outputs();
    assert!(copied["databases"][0]["rows"].as_u64().unwrap() > 0, "{copied}");
    for step in ["start-apps", "check-health"] {
        stage.step(step, "within", &request).await.expect(0);
    }
    assert!(!opened_proxies(&stage), "a TCP proxy was asked for");
    assert_gentle(&stage);
    // One connection for each end and step, however many sessions.
    let (logins, forwards) = (
        count(&stage, |deed| matches!(deed, Deed::Login { .. })),
        count(&stage, |deed| matches!(deed, Deed::Forward { .. })),
    );
    assert!(logins <= 5, "{logins} logins");
    assert!(forwards > logins, "{forwards} forwards");
    // One key a step, and none is left.
    let made = count(&stage, |deed| matches!(deed, Deed::KeyRegistered { .. }));
    assert!((2..=4).contains(&made), "{made} keys");
    assert_eq!(count(&stage, |deed| matches!(deed, Deed::KeyRemoved { .. })), made);
    assert!(stage.world.ssh_keys().is_empty(), "{:?}", stage.world.ssh_keys());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_refreshed_without_being_opened() {
    let stage = closed().await;
    let request = stage.request(json!({"environment_name": "again"}));
    stage.steps_until("check-health", "again", &request).await.expect(0);
    stage.shows("again", "ready").await;
    stage.world.clear_journal();
    let refresh = json!({"project_id": stage.world.project_id(), "environment": "again"});
    let refreshed = stage.step("refresh-env", "again-2", &refresh).await;
    let outputs = refreshed.expect(0).outputs();
    assert_eq!(outputs["restarts"], 0, "{outputs}");
    assert!(!opened_proxies(&stage), "a TCP proxy was asked for");
    assert!(stage.world.ssh_keys().is_empty(), "{:?}", stage.world.ssh_keys());
}

/// The official image asks nobody for a password who comes from the container's own loopback.
#[tokio::test(flavor = "multi_thread")]
async fn whom_a_server_trusts_on_its_loopback_is_let_in_there_and_nowhere_else() {
    let stage = closed().await;
    let direct = stage.world.database_url("production").unwrap();
    let (client, connection) = tokio_postgres::connect(&direct, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    run(&client, "ALTER ROLE postgres PASSWORD 'another-one'").await;
    let request = stage.request(json!({"environment_name": "trusted"}));
    stage.step("validate", "trusted", &request).await.expect(0);
    stage.world.set_tcp_proxy("production", true).unwrap();
    let refused = stage.step("validate", "trusted", &request).await;
    assert!(refused.expect(4).error().contains("password authentication failed"), "{}", refused.error());
}
