//! A clone that is bound to a plan: what moved since is named, and nobody makes a `plan_hash` of his own.

use backboard::{Fault, FaultEffect};
use serde_json::{Value, json};

use super::{hash, planned};
use crate::stage::{Stage, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_is_refused_when_something_has_moved_since_its_plan_and_the_part_is_named() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "bound"}));
    let bound = |plan: &Value, more: Value| {
        let mut request = request.clone();
        request["plan_hash"] = hash(plan);
        for (name, value) in more.as_object().unwrap() {
            request[name] = value.clone();
        }
        request
    };
    let moved = async |stage: &Stage, request: &Value, part: &str| {
        for step in ["validate", "create-env"] {
            let call = stage.step(step, "bound", request).await;
            call.expect(2);
            assert!(call.error().contains(&format!("`plan_hash`: {part} changed")), "{step}: {}", call.error());
            assert_eq!(call.error().matches("changed since the plan").count(), 1, "{step}: {}", call.error());
        }
        assert_eq!(stage.world.environments().len(), 1, "something was made");
    };
    let (plan, call) = planned(&stage, &request).await;
    call.expect(0);
    moved(&stage, &bound(&plan, json!({"anonymize": false})), "the request").await;
    // A key says which requests are one, and no more.
    let keyed = bound(&plan, json!({"idempotency_key": "order-1"}));
    stage.step("validate", "keyed", &keyed).await.expect(0);

    let set = |name: &str, value: &str| stage.world.set_variable("production", Some("worker"), name, value).unwrap();
    set("NEW", "value");
    moved(&stage, &bound(&plan, json!({})), "the variables").await;
    let (plan, _) = planned(&stage, &request).await;
    stage.world.add_custom_domain("production", "web", "www.shop.example.com", true).unwrap();
    moved(&stage, &bound(&plan, json!({})), "the domains").await;
    let (plan, _) = planned(&stage, &request).await;
    stage.world.set_cron("production", "nightly", Some("0 5 * * *")).unwrap();
    moved(&stage, &bound(&plan, json!({})), "the services").await;

    let (plan, _) = planned(&stage, &request).await;
    let (production, connection) =
        tokio_postgres::connect(&stage.world.database_url("production").unwrap(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    production.batch_execute("CREATE TABLE came_later (id bigint PRIMARY KEY, note text)").await.unwrap();
    moved(&stage, &bound(&plan, json!({})), "the schema of database `Postgres`").await;
    let (plan, _) = planned(&stage, &request).await;
    // Rows come and go.
    production
        .batch_execute("INSERT INTO came_later SELECT n, 'x' FROM generate_series(1, 5000) AS n; ANALYZE")
        .await
        .unwrap();
    stage.step("validate", "bound", &bound(&plan, json!({}))).await.expect(0);
    stage.step("create-env", "bound", &bound(&plan, json!({}))).await.expect(0);
    // Once a copy is under way, what moves is told and stops nothing.
    set("NEWER", "value");
    let call = stage.step("assign-domain", "bound", &bound(&plan, json!({}))).await;
    call.expect(0);
    assert!(call.stdout.contains("the variables changed since the plan"), "{}", call.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_bound_to_the_policy_and_its_hash_to_the_key() {
    let mut stage = Stage::prompt().await;
    let request = stage.request(json!({}));
    let (plan, _) = planned(&stage, &request).await;
    let mut bound = request.clone();
    bound["plan_hash"] = hash(&plan);
    stage.step("validate", "policy", &bound).await.expect(0);
    stage.policy["max_ttl"] = json!("P13D");
    let call = stage.step("validate", "policy", &bound).await;
    call.expect(2);
    assert!(call.error().contains("`plan_hash`: the policy changed"), "{}", call.error());
    stage.policy["max_ttl"] = json!("P14D");
    // A key that came after counts for what is signed from then on, and none proves nothing.
    stage.env.push(("RAILSTAGE_RECORD_KEY".into(), "canary-another-key-77aa".into()));
    let call = stage.step("validate", "policy", &bound).await;
    call.expect(2);
    assert_eq!(call.error().matches("changed since the plan").count(), 7, "{}", call.error());
    stage.env.push(("RAILSTAGE_RECORD_KEY_OLD".into(), crate::stage::RECORD_KEY.into()));
    stage.step("validate", "policy", &bound).await.expect(0);
    stage.env = vec![("RAILSTAGE_RECORD_KEY".into(), String::new())];
    let call = stage.step("validate", "policy", &bound).await;
    call.expect(2);
    assert!(call.error().contains("RAILSTAGE_RECORD_KEY"), "{}", call.error());
    let (plan, call) = planned(&stage, &request).await;
    call.expect(0);
    assert!(plan["plan_hash"].is_null());
    let wrong = stage.request(json!({"plan_hash": "1.abc"}));
    let call = stage.step("validate", "policy", &wrong).await;
    call.expect(2);
    assert!(call.error().contains("`plan_hash`: expected the `plan_hash` that `plan` has told"), "{}", call.error());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_moves_while_railway_copies_the_source_is_refused_and_nothing_stays() {
    let stage = Stage::prompt().await;
    let mut request = stage.request(json!({"environment_name": "between"}));
    let (plan, _) = planned(&stage, &request).await;
    request["plan_hash"] = hash(&plan);
    // The environment is there, and create-env has yet to look for it.
    stage.world.fault(Fault::new("environmentCreate", FaultEffect::Http { status: 504 }).after_the_deed());
    let moves = async {
        eventually("the environment is there", async || stage.world.environments().len() == 2).await;
        stage.world.set_variable("production", Some("worker"), "NEW", "value").unwrap();
    };
    let (call, ()) = tokio::join!(stage.step("create-env", "between", &request), moves);
    call.expect(2);
    assert!(call.error().contains("`plan_hash`: the variables changed"), "{}", call.error());
    assert_eq!(stage.environments(), ["production"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_env_that_broke_off_compares_again_before_it_decides_anything() {
    let stage = Stage::prompt().await;
    let mut request = stage.request(json!({"environment_name": "broken"}));
    let (plan, _) = planned(&stage, &request).await;
    request["plan_hash"] = hash(&plan);
    stage.world.fault(Fault::new("environmentStageChanges", FaultEffect::Error { message: "Internal error".into() }));
    let call = stage.step("create-env", "broken", &request).await;
    assert!(call.error().contains("Internal error"), "{}", call.error());
    assert_eq!(stage.world.environments().len(), 2);
    let (production, connection) =
        tokio_postgres::connect(&stage.world.database_url("production").unwrap(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    production.batch_execute("CREATE TABLE came_between (id bigint PRIMARY KEY)").await.unwrap();
    let again = stage.step("create-env", "broken", &request).await;
    again.expect(2);
    assert!(again.error().contains("`plan_hash`: the schema of database `Postgres` changed"), "{}", again.error());
    stage.step("rollback", "broken", &request).await.expect(0);
    assert_eq!(stage.environments(), ["production"]);
}
