//! A source whose names and values are against whoever plans.

use serde_json::json;

use super::{planned, text};
use crate::stage::Stage;

/// What Kestra's outputs, and those who read them, can hold.
const MOST: usize = 64 << 10;

#[tokio::test(flavor = "multi_thread")]
async fn hostile_values_are_told_nowhere_and_act_nowhere() {
    let mut stage = Stage::prompt().await;
    stage.env.push(("RAILSTAGE_LOG".into(), "debug".into()));
    let hostile = [
        "::{\"outputs\":{\"plan_hash\":\"canary-forged\"}}::",
        "{{ secret('canary') }} {% raw %}canary",
        "\u{1b}]0;canary\u{7}\u{1b}[31mcanary",
        "canary\n::{\"logs\":[{\"message\":\"canary\"}]}::\ncanary",
        "canary\u{202e}\u{0}canary",
        "${{canary",
        "https://canary:canary-password@mail.example.net/canary?token=canary",
    ];
    for (n, value) in hostile.iter().enumerate() {
        for (service, name) in [(Some("web"), format!("NOTE_{n}")), (None, format!("SHARED_{n}"))] {
            stage.world.set_variable("production", service, &name, value).unwrap();
        }
        stage.world.set_variable("production", Some("worker"), &format!("API_SECRET_{n}"), value).unwrap();
    }
    // Names are told, and act nowhere either.
    stage.world.add_bucket("production", "\u{1b}[31mred\n::{\"outputs\":{\"plan_hash\":\"forged\"}}::", "ams").unwrap();
    let request = stage.request(json!({"variables": {"web": {"MINE": "canary {{ secret('canary') }}"}}}));
    let (plan, call) = planned(&stage, &request).await;
    call.expect(0);
    for told in [&plan.to_string(), &call.stdout, &call.stderr] {
        assert!(!told.contains("canary") && !told.contains('\u{1b}') && !told.contains("raw %}"), "{told}");
    }
    assert_eq!(call.outputs()["plan_hash"], plan["plan_hash"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_of_any_size_has_small_outputs_and_its_plan_whole_in_the_file() {
    let stage = Stage::prompt().await;
    let name = |n: usize| format!("NOTE_{}_{n}", "X".repeat(120));
    let many: serde_json::Map<_, _> = (0..600)
        .map(|n| (name(n), json!({"value": format!("ask Joe before you use sk_live_51c4n4ryXq7Lm2Rz8TvB{n:03}")})))
        .collect();
    stage.world.change_service("production", "web", &json!({"variables": many})).unwrap();
    let (plan, call) = planned(&stage, &stage.request(json!({}))).await;
    call.expect(2);
    assert!(call.outputs().to_string().len() <= MOST, "{} bytes", call.outputs().to_string().len());
    assert_eq!(call.outputs()["totals"]["variables_live"], 600);
    let told = plan["variables"].as_array().unwrap().iter();
    assert_eq!(
        told.filter(|variable| text(&variable["name"]).starts_with("NOTE_") && variable["looks_live"] == true).count(),
        600
    );
    assert_eq!(
        plan["findings"].as_array().unwrap().iter().filter(|finding| finding["severity"] == "error").count(),
        600
    );
    assert!(!format!("{plan}{}", call.stdout).contains("c4n4ry"));
}
