//! Trouble at Railway that passes: whoever waits goes on waiting, and what was not seen is not called left behind.

use backboard::{Fault, FaultEffect};
use serde_json::{Value, json};

use crate::stage::Stage;

const TROUBLE: FaultEffect = FaultEffect::Http { status: 503 };

fn delete(stage: &Stage, name: &str) -> Value {
    json!({"project_id": stage.world.project_id(), "environment": name, "confirm": name})
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_while_deployments_are_waited_for_ends_no_run() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "weather"}));
    stage.steps_until("assign-domain", "weather", &request).await;
    stage.world.fault(Fault::new("environment", TROUBLE).times(7));
    stage.world.fault(Fault::new("environment", FaultEffect::RateLimited { retry_after_secs: 1 }).times(2));
    stage.step("sync-db", "weather", &request).await.expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_after_a_delete_was_accepted_is_waited_out() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "gone-soon"}));
    stage.steps_until("assign-domain", "gone-soon", &request).await;
    stage.world.fault(Fault::new("project", TROUBLE).skip(2).times(8));
    stage.step("delete-env", "-", &delete(&stage, "gone-soon")).await.expect(0);
    assert!(stage.world.environment_id("gone-soon").is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_seen_is_not_called_left_behind() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "unseen"}));
    stage.steps_until("assign-domain", "unseen", &request).await;
    stage.world.fault(Fault::new("environmentDelete", FaultEffect::Error { message: "Internal error".into() }));
    stage.world.fault(Fault::new("project", TROUBLE).skip(2).times(50));
    let call = stage.step("delete-env", "-", &delete(&stage, "unseen")).await;
    stage.world.forget_orders();
    call.expect(4);
    assert!(call.error().contains("is unknown"), "{}", call.error());
}
