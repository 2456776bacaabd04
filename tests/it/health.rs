//! What counts as a healthy copy, and what is only told.

use serde_json::{Value, json};
use tokio_postgres::NoTls;

use crate::stage::{Call, Stage};

/// A copy called `one` whose apps are up.
async fn started(stage: &Stage, more: Value) -> Value {
    let mut request = stage.request(json!({"environment_name": "one"}));
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    stage.steps_until("start-apps", "one", &request).await;
    request
}

/// Changes what the copy's pages show.
async fn change(stage: &Stage, sql: &str) {
    let url = stage.world.database_url("one").unwrap();
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
}

async fn check(stage: &Stage, request: &Value) -> Call {
    stage.step("check-health", "one", request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_names_production_in_a_link_is_told_with_its_places_and_fails_nothing() {
    let stage = Stage::prompt().await;
    let request = started(&stage, json!({})).await;
    let logo = "https://shop.example.com/uploads/logo.png?token=canary-token";
    change(&stage, &format!("UPDATE wp_options SET option_value = '{logo}' WHERE option_name = 'blogname'")).await;
    let call = check(&stage, &request).await;
    call.expect(0);
    let visit = call.outputs()["visits"][0].take();
    assert_eq!((&visit["content"], &visit["service"]), (&json!("copy"), &json!("web")));
    assert_eq!(visit["production"]["all"], json!(2), "{visit}");
    assert_eq!(visit["production"]["first"][0]["link"], "https://shop.example.com/uploads/logo.png");
    assert!(call.stdout.contains("names production in 2 links"), "{}", call.stdout);
    assert!(!call.stdout.contains("canary-token"), "{}", call.stdout);
    assert_eq!(stage.record("one")["state"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_production_fails() {
    let stage = Stage::prompt().await;
    let request = started(&stage, json!({"health": [{"expect_status": 301}]})).await;
    change(&stage, "UPDATE wp_options SET option_value = 'https://shop.example.com' WHERE option_name = 'siteurl'")
        .await;
    let call = check(&stage, &request).await;
    call.expect(1);
    assert!(call.error().contains("redirects to production, `shop.example.com`"), "{}", call.error());
    assert_eq!(stage.record("one")["state"], "cloning");
}

/// What a copy was copied from is not production where that is a copy itself, and with `www.` a site is the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_what_the_source_was_copied_from_fails_as_well_with_www_and_without() {
    let mut stage = Stage::prompt().await;
    stage.policy["sources"] = json!(["production", "first"]);
    stage.policy["may_be_public"] = json!(true);
    let first = stage.request(json!({"environment_name": "first"}));
    stage.steps_until("check-health", "first", &first).await;
    let more = json!({"source_environment": "first", "health": [{"expect_status": 301}]});
    let request = started(&stage, more).await;
    for host in ["shop.example.com", "www.shop.example.com"] {
        let update =
            format!("UPDATE wp_options SET option_value = 'https://{host}' WHERE option_name IN ('siteurl', 'home')");
        change(&stage, &update).await;
        let call = check(&stage, &request).await;
        call.expect(1);
        assert!(call.error().contains(&format!("redirects to production, `{host}`")), "{}", call.error());
    }
    assert_eq!(stage.record("one")["state"], "cloning");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_without_the_copys_own_content_fails_where_production_shows_some() {
    let stage = Stage::prompt().await;
    let request = started(&stage, json!({"health": [{"timeout": "PT3S"}]})).await;
    // No site any more, and the app still answers with 200.
    change(&stage, "ALTER TABLE wp_options RENAME TO wp_optionz").await;
    let call = check(&stage, &request).await;
    call.expect(5);
    assert!(call.error().contains("a page without any link of its own"), "{}", call.error());
    assert_eq!(stage.record("one")["state"], "cloning");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_says_what_healthy_is_of_more_than_one_service() {
    let stage = Stage::prompt().await;
    let domain = json!({"networking": {"serviceDomains": {"worker-production-ab12.up.railway.app": {"port": 8080}}}});
    stage.world.change_service("production", "worker", &domain).unwrap();
    let health = json!([
        {"service": "worker", "path": "/health?deep=1", "contains": "Acme Outfitters"},
        {"service": "web", "path": "/shop", "expect_status": 200},
    ]);
    let request = started(&stage, json!({"health": health, "web_service": "web"})).await;
    let call = check(&stage, &request).await;
    call.expect(0);
    let outputs = call.outputs();
    let visits = outputs["visits"].as_array().unwrap();
    let seen: Vec<_> =
        visits.iter().map(|v| (v["service"].as_str().unwrap(), v["http_status"].as_u64().unwrap())).collect();
    assert_eq!(seen, [("web", 200), ("worker", 200)]);
    assert!(visits[0]["url"].as_str().unwrap().ends_with("/shop"), "{visits:?}");
    assert!(visits[1]["url"].as_str().unwrap().ends_with("/health?deep=1"), "{visits:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_in_time_fails_and_the_page_is_not_told() {
    let stage = Stage::prompt().await;
    let health = json!([{"contains": "canary-not-there", "timeout": "PT2S"}]);
    let request = started(&stage, json!({"health": health})).await;
    let call = check(&stage, &request).await;
    call.expect(5);
    assert!(call.error().contains("HTTP status 200, without what `health.contains` asks for"), "{}", call.error());
    assert!(!call.stdout.contains("latest order by"), "{}", call.stdout);
    assert_eq!(stage.record("one")["state"], "cloning");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_leads_out_of_the_copy_or_waits_too_long_is_refused_before_anything_is_made() {
    let stage = Stage::prompt().await;
    for (check, words) in [
        (json!({"path": "//evil.test/"}), "`health.0.path`"),
        (json!({"path": "/\\evil.test/"}), "`health.0.path`"),
        (json!({"path": "evil.test"}), "`health.0.path`"),
        (json!({"path": "/a b"}), "`health.0.path`"),
        (json!({"expect_status": 42}), "`health.0.expect_status`"),
        (json!({"timeout": "PT11M"}), "PT11M, more than PT10M, is never allowed"),
        (json!({"service": "worker"}), "there is no app `worker` with a public domain"),
        (json!({"service": "Postgres"}), "there is no app `Postgres` with a public domain"),
    ] {
        let request = stage.request(json!({"environment_name": "one", "health": [check]}));
        let call = stage.step("validate", "one", &request).await;
        call.expect(2);
        assert!(call.error().contains(words), "{}", call.error());
    }
    assert_eq!(stage.environments(), ["production"]);
}
