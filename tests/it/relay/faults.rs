//! A relay that is cut, slow, full, not ready, or not Railway's.

use backboard::{Fault, RelayFault};
use serde_json::json;

use super::{assert_gentle, closed};

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_in_the_middle_begins_the_copy_anew() {
    let stage = closed().await;
    let request = stage.request(json!({"environment_name": "cut"}));
    stage.steps_until("assign-domain", "cut", &request).await.expect(0);
    let production = stage.world.environment_id("production").unwrap();
    stage.world.fault(Fault::relay(RelayFault::CutAfter { bytes: 60_000 }).at(&production));
    let copied = stage.step("sync-db", "cut", &request).await;
    let outputs = copied.expect(0).outputs();
    assert!(stage.world.waiting_faults().is_empty(), "the connection was never cut");
    assert!(outputs["databases"][0]["attempts"].as_u64().unwrap_or(2) > 1, "{outputs}");
    assert!(stage.world.ssh_keys().is_empty(), "{:?}", stage.world.ssh_keys());
    assert_gentle(&stage);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_revoked_in_the_middle_fails_the_step_and_leaves_nothing() {
    let stage = closed().await;
    let request = stage.request(json!({"environment_name": "revoked"}));
    stage.steps_until("assign-domain", "revoked", &request).await.expect(0);
    let production = stage.world.environment_id("production").unwrap();
    stage.world.fault(Fault::relay(RelayFault::KeyRevoked { after_bytes: 60_000 }).at(&production));
    let failed = stage.step("sync-db", "revoked", &request).await;
    failed.expect(4);
    assert!(failed.error().contains("does not accept the key of this step"), "{}", failed.error());
    stage.step("rollback", "revoked", &request).await.expect(0);
    assert!(stage.world.ssh_keys().is_empty(), "{:?}", stage.world.ssh_keys());
    assert_eq!(stage.environments(), ["production"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_says_success_before_it_can_run_anything_is_waited_for() {
    let stage = closed().await;
    stage.world.fault(Fault::relay(RelayFault::NotReady).times(2));
    stage.world.fault(Fault::relay(RelayFault::KeyLate { secs: 2.0 }));
    stage.world.fault(Fault::relay(RelayFault::TooMany));
    stage.step("validate", "early", &stage.request(json!({}))).await.expect(0);
    assert!(stage.world.waiting_faults().is_empty());
    assert_gentle(&stage);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_host_key_is_refused_and_told_nothing() {
    let stage = closed().await;
    stage.world.fault(Fault::relay(RelayFault::HostKeyChanged));
    let refused = stage.step("validate", "changed", &stage.request(json!({}))).await;
    refused.expect(4);
    assert!(refused.error().contains("`relay_host_keys` of the policy does not name"), "{}", refused.error());
    assert!(refused.error().contains("in between"), "{}", refused.error());
    let told = stage.world.relayed().into_iter().any(|done| matches!(done.deed, backboard::Deed::Login { .. }));
    assert!(!told, "somebody else was told who we are");
    assert!(stage.world.ssh_keys().is_empty(), "{:?}", stage.world.ssh_keys());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_leads_nowhere_is_told() {
    let stage = closed().await;
    stage.world.fault(Fault::relay(RelayFault::ForwardRefused).times(100));
    let refused = stage.step("validate", "refused", &stage.request(json!({}))).await;
    refused.expect(4);
    assert!(refused.error().contains("does not lead to port 5432"), "{}", refused.error());
    stage.world.forget_orders();
}
