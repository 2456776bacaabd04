//! Databases that are added beside a site.

use std::time::Duration;

use backboard::{Fault, FaultEffect, WorldOptions};
use serde_json::{Value, json};

use super::{SHOP, deploy, diff, request, with_copy};
use crate::stage::Stage;

/// The services of an environment, each with how its latest deployment stands.
fn services(stage: &Stage, environment: &str) -> Value {
    let states = stage.world.environments();
    json!(states.into_iter().find(|state| state.name == environment).unwrap().deployments)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_added_once_where_it_was_asked_for_and_nowhere_else() {
    let mut stage = with_copy(WorldOptions::prompt()).await;
    let commit = stage.world.commit(SHOP, "main", &[("index.php", "<?php")], &[]).unwrap();
    stage.world.create_environment("qa", Duration::from_hours(2)).unwrap();
    let (production, qa) = (services(&stage, "production"), services(&stage, "qa"));
    let more = json!({
        "repository": SHOP, "ref": commit, "add_databases": ["redis", "postgres", "redis"],
        "variables": {"web": {"CACHE_URL": "${{Redis.REDIS_URL}}"}},
    });
    let asked = request(&stage, "one", "web", more);
    // Cut off when it is there and was never deployed: the next run deploys it, and adds no other.
    let refused = FaultEffect::Error { message: "Problem processing request".into() };
    stage.world.fault(Fault::new("serviceInstanceDeployV2", refused));
    deploy(&stage, "two", &asked).await.expect(4);
    assert_eq!(services(&stage, "one")["Redis"], Value::Null, "it was deployed");
    let told = deploy(&stage, "two", &asked).await.expect(0).outputs();
    assert_eq!(
        (&services(&stage, "one")["Redis"], &told["databases_added"]),
        (&json!("SUCCESS"), &json!([])),
        "{told}"
    );
    let cache = stage.world.variable("one", "web", "CACHE_URL").unwrap().unwrap();
    assert!(
        cache.starts_with("redis://default:canary-added-") && cache.ends_with("@redis.railway.internal:6379"),
        "{cache}"
    );
    assert_eq!(diff(&stage, "web").await.0, json!(0));
    deploy(&stage, "three", &asked).await.expect(0);
    let names = services(&stage, "one").as_object().unwrap().keys().filter(|name| name.contains("Redis")).count();
    assert_eq!(names, 1, "a second one was added");
    assert_eq!(
        (services(&stage, "production"), services(&stage, "qa")),
        (production, qa),
        "another environment has it"
    );

    // In an environment of somebody else's what he has staged is not committed along.
    let site =
        json!({"repository": SHOP, "ref": commit, "add_databases": ["mariadb"], "health": [{"expect_status": 503}]});
    stage.world.stage("qa", &json!({"sharedVariables": {"THEIRS": {"value": "x"}}})).unwrap();
    let call = deploy(&stage, "four", &request(&stage, "qa", "web", site.clone())).await;
    assert!(call.expect(2).error().contains("changes are staged that would be committed along"), "{}", call.error());
    stage.world.stage("qa", &Value::Null).unwrap();
    let told = deploy(&stage, "four", &request(&stage, "qa", "web", site.clone())).await.expect(0).outputs();
    assert_eq!(told["databases_added"], json!(["MariaDB"]), "{told}");
    assert_eq!(stage.world.variable("qa", "web", "THEIRS").unwrap(), None);
    stage.policy["deploy"]["databases"] = json!(["mysql"]);
    let call = deploy(&stage, "five", &request(&stage, "qa", "web", site)).await;
    assert!(call.expect(2).error().contains("`add_databases`: `mariadb`"), "{}", call.error());
}
