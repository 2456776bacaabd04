//! The flow that plans, and a clone that is bound to its plan.

use backboard::WorldOptions;
use serde_json::{Value, json};

use crate::engine::Engine;

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_a_file_and_its_hash_binds_a_clone() {
    let engine = Engine::start(WorldOptions::prompt()).await;
    engine.world.use_up("production", Some("web"), "CPU_USAGE", 720.0).unwrap();
    let before = engine.world.state_digest("production").unwrap();
    let mut request = engine.request(json!({"environment_name": "planned"}));
    let planning = engine.submit("plan-staging", &[("request", &request.to_string())]).await;
    let execution = engine.ended(&planning).await;
    assert_eq!(execution["state"]["current"], "SUCCESS", "{}", engine.logs(&planning).await);
    let outputs = engine.outputs(&planning).await;
    assert!(outputs["plan"].as_str().unwrap().ends_with("plan.json"), "{outputs}");
    let plan: Value = serde_json::from_str(&engine.file(&execution, "plan", "plan.json").await).unwrap();
    assert_eq!((&plan["plan_hash"], &plan["totals"]), (&outputs["plan_hash"], &outputs["totals"]));
    assert_eq!(outputs["totals"]["usd_per_day"], json!(0.33));
    assert_eq!(plan["domains"][0]["before"].as_array().map(Vec::len), Some(2), "{plan}");
    assert_eq!(engine.environments(), ["production"]);
    assert_eq!(engine.world.state_digest("production").unwrap(), before);
    let logs = engine.logs(&planning).await;
    assert!(logs.contains("+ web") && !format!("{plan}{outputs}{logs}").contains("canary"), "{logs}");

    // By the form as well, whose fields are the request's.
    let form = engine
        .submit("plan-staging", &[("project_id", &engine.world.project_id()), ("environment_name", "planned")])
        .await;
    engine.ended(&form).await;
    assert_eq!(engine.outputs(&form).await["plan_hash"], plan["plan_hash"]);

    request["plan_hash"] = plan["plan_hash"].clone();
    let clone = engine.clone(&request).await;
    assert_eq!(engine.ended(&clone).await["state"]["current"], "SUCCESS", "{}", engine.logs(&clone).await);

    // What a clone would be refused for, a plan is too, and the clone that has not seen it.
    engine.world.set_variable("production", Some("web"), "NOTE", "use sk_live_51c4n4ryXq7Lm2Rz8TvB1k").unwrap();
    request["environment_name"] = json!("moved");
    let refused = engine.clone(&request).await;
    assert_eq!(engine.ended(&refused).await["state"]["current"], "FAILED");
    let told = engine.outputs(&refused).await["error"].to_string();
    for words in [
        "the variables changed since the plan",
        "the request changed since the plan",
        "`web.NOTE`: holds a live key of Stripe",
    ] {
        assert!(told.contains(words), "{words} is not in {told}");
    }
    let planning = engine.submit("plan-staging", &[("request", &engine.request(json!({})).to_string())]).await;
    let execution = engine.ended(&planning).await;
    assert_eq!(execution["state"]["current"], "FAILED");
    assert!(execution["labels"].to_string().contains("refused"), "{}", execution["labels"]);
    let outputs = engine.outputs(&planning).await;
    assert!(
        outputs["error"].as_str().unwrap().contains("`web.NOTE`") && outputs["totals"]["variables_live"] == 1,
        "{outputs}"
    );
    assert_eq!(engine.environments(), ["planned", "production"]);
}
