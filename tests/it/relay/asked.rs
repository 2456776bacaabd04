//! Which way is taken, as request and policy ask for it, and what is said where there is none.

use backboard::{Deed, WorldOptions};
use serde_json::json;

use super::{closed, count, with_relay};
use crate::stage::{Stage, fingerprint};

fn logins(stage: &Stage) -> usize {
    count(stage, |deed| matches!(deed, Deed::Login { .. }))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_is_the_requests_choice_within_the_policys() {
    let mut stage = with_relay(WorldOptions::prompt()).await;
    let validate = async |stage: &Stage, connect: &str| {
        stage.step("validate", "ways", &stage.request(json!({"connect": connect}))).await
    };
    // A Postgres that has a proxy is proven at it.
    for connect in ["auto", "public"] {
        validate(&stage, connect).await.expect(0);
        assert_eq!(logins(&stage), 0, "{connect}");
    }
    let told = validate(&stage, "private").await.expect(0).outputs();
    assert!(logins(&stage) > 0);
    let way = told["databases"][0]["way"].as_str().unwrap();
    assert!(way.starts_with("through Railway's SSH relay") && way.ends_with(" ms"), "{told}");
    stage.policy["private_only"] = json!(true);
    let before = logins(&stage);
    validate(&stage, "auto").await.expect(0);
    assert!(logins(&stage) > before);
    let refused = validate(&stage, "public").await;
    assert!(refused.expect(2).error().contains("private_only: false"), "{}", refused.error());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_pinned_host_key_nobody_is_called_unasked() {
    let mut stage = closed().await;
    stage.policy["relay_host_keys"] = json!([]);
    let refused = stage.step("validate", "unpinned", &stage.request(json!({}))).await;
    refused.expect(2);
    assert!(refused.error().contains("it has no TCP proxy to port 5432"), "{}", refused.error());
    assert!(refused.error().contains("`relay_host_keys` in the policy"), "{}", refused.error());
    let refused = stage.step("validate", "unpinned", &stage.request(json!({"connect": "private"}))).await;
    refused.expect(2);
    let key = fingerprint(stage.world.relay_host_key());
    assert!(refused.error().contains(&format!("`relay_host_keys: [\"{key}\"]`")), "{}", refused.error());
    assert_eq!(logins(&stage), 0);
    stage.policy["relay_host_keys"] = json!(["ssh-ed25519 AAAA"]);
    let refused = stage.step("validate", "unpinned", &stage.request(json!({}))).await;
    assert!(refused.expect(2).error().contains("is no `SHA256:"), "{}", refused.error());
}
