//! A clock that is wrong: nothing may go at the wrong time because of it.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::json;

use crate::stage::Stage;

const PAST: &str = "2020-01-01T00:00:00Z";

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_by_a_clock_that_is_not_railways_only_tells() {
    let stage = Stage::prompt().await;
    let request = stage.request(json!({"environment_name": "expired"}));
    stage.step("create-env", "run", &request).await.expect(0);
    stage.change_record("expired", json!({"state": "ready", "expires_at": PAST}));
    stage.world.create_environment("rs-0123456789abcdef", Duration::from_hours(2)).unwrap();
    let all = stage.environments();
    let wrong = [
        (Some(SignedDuration::from_mins(-6)), 1, "our clock says"),
        (Some(SignedDuration::from_mins(6)), 1, "our clock says"),
        (Some(SignedDuration::from_hours(24 * 365)), 1, "our clock says"),
        (None, 4, "does not tell what time it is"),
    ];
    for (ahead, code, words) in wrong {
        stage.world.set_clock(ahead);
        let call = stage.step("sweep-envs", "-", &json!({"dry_run": false})).await;
        call.expect(code);
        let error = call.error();
        assert!(error.contains(words) && error.contains("nothing was deleted"), "{error}");
        assert!(error.contains("`expired`") && error.contains("`rs-0123456789abcdef`"), "{error}");
        assert_eq!(
            (&call.outputs()["dry_run"], call.outputs()["deleted"].as_array().unwrap().len()),
            (&json!(true), 2)
        );
        assert_eq!(stage.environments(), all, "{ahead:?}");
        // Who only asks is told, and warned.
        let dry = stage.step("sweep-envs", "-", &json!({})).await;
        dry.expect(0);
        assert_eq!(dry.outputs()["deleted"].as_array().unwrap().len(), 2);
        assert!(dry.stdout.contains("nothing is deleted: "), "{}", dry.stdout);
    }
    stage.world.set_clock(Some(SignedDuration::from_mins(4)));
    stage.step("sweep-envs", "-", &json!({"dry_run": false})).await.expect(0);
    assert_eq!(stage.environments(), ["production"]);
}
