//! Buckets: a copy has instances of its own, empty, and whoever refers to one gets the copy's.

use serde_json::{Value, json};

use super::{hash, list, planned, text};
use crate::stage::Stage;

const LOGIN: &[(&str, &str)] = &[
    ("S3_BUCKET", "BUCKET"),
    ("AWS_ACCESS_KEY_ID", "ACCESS_KEY_ID"),
    ("AWS_SECRET_ACCESS_KEY", "SECRET_ACCESS_KEY"),
    ("AWS_ENDPOINT_URL", "ENDPOINT"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_is_planned_empty_and_the_copy_has_one_of_its_own() {
    let stage = Stage::prompt().await;
    let id = stage.world.add_bucket("production", "uploads", "ams").unwrap();
    for (name, of) in LOGIN {
        stage.world.set_variable("production", Some("web"), name, &format!("${{{{uploads.{of}}}}}")).unwrap();
    }
    let request = stage.request(json!({"environment_name": "stored"}));
    let (plan, call) = planned(&stage, &request).await;
    call.expect(0);
    assert_eq!(plan["buckets"], json!([{"bucket": "uploads", "region": "ams", "filled": false}]));
    assert_eq!(plan["totals"]["buckets"], 1);
    assert!(call.stdout.contains("  - uploads in ams, empty"), "{}", call.stdout);
    let found = list(&plan, "findings").iter().find(|finding| finding["subject"] == "bucket `uploads`").unwrap();
    assert!(found["severity"] == "warning" && text(&found["message"]).contains("comes up empty"), "{found}");

    let mut bound = request.clone();
    bound["plan_hash"] = hash(&plan);
    let other = stage.world.add_bucket("production", "thumbs", "ams").unwrap();
    for step in ["validate", "create-env"] {
        let call = stage.step(step, "stored", &bound).await;
        call.expect(2);
        assert!(call.error().contains("`plan_hash`: the volumes and buckets changed"), "{step}: {}", call.error());
    }
    stage.world.delete_bucket("production", &other).unwrap();
    stage.steps_until("check-health", "stored", &bound).await;
    for (name, of) in LOGIN {
        let [there, here] = ["production", "stored"].map(|e| stage.world.variable(e, "web", name).unwrap().unwrap());
        assert!(!here.is_empty() && (here == there) == (*of == "ENDPOINT"), "{name}: {here} {there}");
    }
    assert!(stage.world.variable("stored", "web", "AWS_SECRET_ACCESS_KEY").unwrap().unwrap().starts_with("tsec_"));

    let of_bucket = async || -> Value {
        let request = json!({"project_id": stage.world.project_id(), "environment": "stored"});
        let outputs = stage.step("diff-env", "-", &request).await.outputs();
        let mut all = outputs["differences"].as_array().unwrap().clone();
        all.retain(|difference| difference["what"] == "bucket");
        Value::Array(all)
    };
    assert_eq!(of_bucket().await, json!([]));
    stage.world.delete_bucket("stored", &id).unwrap();
    let gone = of_bucket().await;
    assert_eq!((&gone[0]["name"], &gone[0]["change"]), (&json!("uploads"), &json!("removed")), "{gone}");
    assert_eq!((&gone[0]["there"], &gone[0]["because"]), (&json!("region ams"), &Value::Null), "{gone}");
}
