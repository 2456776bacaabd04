//! Nothing of production's acts live in a copy, by whatever way it would come along.

use serde_json::{Value, json};

use crate::stage::Stage;

const KEY: &str = "sk_live_51c4n4ryXq7Lm2Rz8TvB1k";

fn set(stage: &Stage, service: &str, name: &str, value: &str) {
    let service = (service != "shared").then_some(service);
    stage.world.set_variable("production", service, name, value).unwrap();
}

fn encoded(text: &str) -> String {
    crate::stage::base64(text)
}

/// Refused by the check that comes first and by the step that would do it, with all variables named and no value told.
async fn refused(stage: &Stage, request: &Value, variables: &[&str]) {
    for step in ["validate", "create-env"] {
        let call = stage.step(step, "live", request).await;
        call.expect(2);
        for variable in variables {
            assert!(call.error().contains(&format!("`{variable}`: holds")), "{step}, {variable}: {}", call.error());
            assert!(call.error().contains(&format!("allow_live: [\"{variable}\"]")), "{step}: {}", call.error());
        }
        assert_eq!(call.error().matches("act live;").count(), variables.len(), "{step}: {}", call.error());
        assert!(!call.stdout.contains("c4n4ry"), "{step}: {}", call.stdout);
    }
    assert_eq!(stage.world.environments().len(), 1, "something was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_would_come_along_live_is_refused_whichever_way_it_comes() {
    let mut stage = Stage::prompt().await;
    // What is blanked, switched off or renewed is no refusal: the demo's own key is a secret's.
    stage.step("validate", "live", &stage.request(json!({}))).await.expect(0);

    // Under names that are no secret's, within larger values, in encodings, and by reference.
    set(&stage, "web", "NOTE", &format!("ask Joe before you use {KEY}!"));
    set(&stage, "worker", "SETTINGS", &format!("{{\"pay\": {{\"note\": \"use {KEY} here\"}}}}"));
    set(&stage, "worker", "PACKED", &format!("kept as {} by Joe", encoded(&format!("a=1 {KEY} b=2"))));
    set(&stage, "nightly", "TARGET", "https://hooks.slack.com/services/T00000000/B00000000/c4n4ryInvented");
    set(&stage, "shared", "LABEL", &format!("x {KEY}"));
    set(&stage, "web", "LABEL", "${{shared.LABEL}}");
    set(&stage, "web", "TEST_NOTE", "sk_test_51c4n4ryXq7Lm2Rz8TvB1k and pk_live_51c4n4ryXq7Lm2Rz8TvB1k");
    let plain = stage.request(json!({}));
    let call = stage.step("validate", "live", &plain).await;
    call.expect(2);
    for found in ["web.NOTE", "worker.SETTINGS", "worker.PACKED", "shared.LABEL", "web.LABEL"] {
        assert!(call.error().contains(&format!("`{found}`: holds a live key of Stripe")), "{found}: {}", call.error());
    }
    assert!(!call.error().contains("TEST_NOTE") && !call.error().contains("c4n4ry"), "{}", call.error());
    stage.step("create-env", "live", &plain).await.expect(2);
    assert_eq!(stage.world.environments().len(), 1, "something was made");
    for (service, name) in
        [("web", "NOTE"), ("worker", "SETTINGS"), ("worker", "PACKED"), ("nightly", "TARGET"), ("web", "LABEL")]
    {
        stage.world.remove_variable("production", Some(service), name).unwrap();
    }
    stage.world.remove_variable("production", None, "LABEL").unwrap();

    // By the policy's `inherit_secrets`.
    stage.policy["inherit_secrets"] = json!(["web.STRIPE_SECRET_KEY"]);
    refused(&stage, &stage.request(json!({})), &["web.STRIPE_SECRET_KEY"]).await;
    stage.policy["inherit_secrets"] = json!([]);
    // By the request's own, in clear, from the flow's secrets, and for every app.
    let own = |value: Value| json!({"variables": {"worker": {"PAY": value}}});
    refused(&stage, &stage.request(own(json!("rk_live_51c4n4ryXq7Lm2Rz8TvB1k"))), &["worker.PAY"]).await;
    stage.env.push(("RAILSTAGE_SECRET_MAIL".into(), KEY.into()));
    refused(&stage, &stage.request(own(json!({"secret": "MAIL"}))), &["worker.PAY"]).await;
    let every = stage.request(json!({"variables": {"*": {"PAY": KEY}}}));
    refused(&stage, &every, &["web.PAY", "worker.PAY", "nightly.PAY"]).await;
    // A switch that says live, set by the request or beside a secret that comes along.
    refused(&stage, &stage.request(json!({"variables": {"web": {"PAYPAL_MODE": "live"}}})), &["web.PAYPAL_MODE"]).await;
    set(&stage, "web", "PAYPAL_MODE", "live");
    set(&stage, "web", "PAYPAL_SECRET", "c4n4ryXq7Lm2Rz8TvB1kQ3iT9x");
    stage.step("validate", "live", &stage.request(json!({}))).await.expect(0);
    stage.policy["inherit_secrets"] = json!(["web.PAYPAL_SECRET"]);
    refused(&stage, &stage.request(json!({})), &["web.PAYPAL_MODE"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn past_it_leads_a_blank_a_test_value_or_a_name_that_the_policy_allows() {
    let mut stage = Stage::prompt().await;
    set(&stage, "web", "NOTE", KEY.replace("sk", "x sk").as_str());
    set(&stage, "worker", "NOTE", &format!("y {KEY}"));
    let request = stage.request(json!({
        "environment_name": "past", "allow_live": ["worker.NOTE"],
        "variables": {"web": {"NOTE": {"blank": true}, "PAY": "sk_test_51c4n4ryXq7Lm2Rz8TvB1k"}},
    }));
    let call = stage.step("validate", "past", &request).await;
    call.expect(2);
    assert!(call.error().contains("`allow_live: [\"worker.NOTE\"]` would allow it"), "{}", call.error());
    stage.policy["allow_live"] = json!(["worker.*"]);
    stage.steps_until("check-health", "past", &request).await;
    let value = |service: &str, name: &str| stage.world.variable("past", service, name).unwrap();
    assert_eq!(value("web", "NOTE").as_deref(), Some(""));
    assert_eq!(value("worker", "NOTE").unwrap(), format!("y {KEY}"));
    assert!(value("web", "STRIPE_SECRET_KEY").unwrap().starts_with("sk_test_"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_turns_up_later_keeps_the_apps_from_starting() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "later"}));
    stage.steps_until("sync-db", "later", &request).await;
    let key = stage.world.variable("production", "web", "STRIPE_SECRET_KEY").unwrap().unwrap();
    stage.world.set_variable("later", Some("worker"), "NOTE", &format!("use {key}")).unwrap();
    stage.world.clear_journal();
    let call = stage.step("start-apps", "later", &request).await;
    call.expect(2);
    assert!(call.error().contains("`worker.NOTE`: holds a live key of Stripe"), "{}", call.error());
    assert!(stage.world.journal().iter().all(|entry| entry.operation != "serviceInstanceDeployV2"));
}
