//! What must hold for each step in the table.

use backboard::WorldOptions;
use railstage::steps::{STEPS, StepDef};
use serde_json::{Value, json};

use crate::stage::{Stage, base64, binary, finish};

/// Of a clone's request what this step takes, and for what else it cannot do without, an environment that is no copy.
fn request_for(step: &StepDef, of_a_clone: &Value) -> Value {
    let schema = (step.input_schema)().to_value();
    let takes = |name: &str| schema["properties"].get(name).is_some();
    let mut request = of_a_clone.clone();
    request.as_object_mut().unwrap().retain(|name, _| takes(name));
    for name in schema["required"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap()) {
        request.as_object_mut().unwrap().entry(name).or_insert_with(|| json!("production"));
    }
    // One of two fields is needed here, of which no schema says so.
    if takes("environment") && takes("ttl") {
        request["ttl"] = json!("P1D");
    }
    if takes("rollback_to") {
        request["rollback_to"] = json!("1");
    }
    request
}

#[tokio::test]
async fn every_step_explains_itself() {
    for step in STEPS {
        let mut command = binary();
        command.args([step.name, "--help"]);
        let call = finish(command).await;
        call.expect(0);
        assert!(call.stdout.starts_with(step.about), "{}: {}", step.name, call.stdout);
        assert!(!step.about.ends_with('.'), "{}", step.name);
    }
}

#[tokio::test]
async fn every_step_refuses_an_unknown_field_but_a_rollback_has_nothing_to_do_then() {
    for step in STEPS {
        let mut command = binary();
        command.arg(step.name).envs([
            ("RAILSTAGE_OUTPUT", "kestra"),
            ("RAILSTAGE_RUN_ID", "run"),
            ("RAILSTAGE_REQUEST", &base64(r#"{"no_such_field": 1}"#)),
        ]);
        let call = finish(command).await;
        if step.name.starts_with("rollback") {
            call.expect(0);
        } else {
            call.expect(2);
            assert!(call.error().contains("`no_such_field`: unknown field"), "{}: {}", step.name, call.error());
        }
    }
}

#[tokio::test]
async fn every_step_says_what_to_do_without_a_token_or_a_program() {
    let stage = Stage::prompt().await;
    for step in STEPS.iter().filter(|step| step.asks_railway) {
        let request = request_for(step, &stage.request(json!({})));
        let mut without_token = stage.command();
        without_token.env_remove("RAILWAY_API_TOKEN");
        let mut without_program = stage.command();
        without_program.env("PATH", "/nonexistent");
        for (mut command, words) in [(without_token, "RAILWAY_API_TOKEN"), (without_program, "is not on PATH")] {
            command.arg(step.name).envs([
                ("RAILSTAGE_OUTPUT", "kestra"),
                ("RAILSTAGE_RUN_ID", "run"),
                ("RAILSTAGE_REQUEST", &base64(&request.to_string())),
                ("RAILSTAGE_POLICY", &base64(&stage.policy.to_string())),
            ]);
            let call = finish(command).await;
            let expected = if step.name == "sweep-envs" { [3, 6] } else { [3, 3] };
            assert!(expected.contains(&call.code), "{}: {} {}", step.name, call.code, call.stdout);
            assert!(call.error().contains(words), "{}: {}", step.name, call.error());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_ever_printed() {
    let mut stage = Stage::of(WorldOptions::prompt()).await;
    let secrets =
        ["canary-literal-7d1f", "canary-flow-secret-93ac", "canary-masking-key-0b52", "canary-record-key-9e44"];
    stage.world.set_variable("production", Some("web"), "MAIL_PASSWORD", secrets[0]).unwrap();
    stage.env.push(("RAILSTAGE_SECRET_MAIL".into(), secrets[1].into()));
    stage.env.push(("RAILSTAGE_MASKING_KEY".into(), secrets[2].into()));
    stage.env.push(("RAILSTAGE_RECORD_KEY".into(), secrets[3].into()));
    stage.env.push(("RAILSTAGE_LOG".into(), "debug".into()));
    let request = stage.request(json!({"variables": {"web": {"SMTP_KEY": {"secret": "MAIL"}}}}));
    let mut printed = String::new();
    for step in STEPS {
        let call = stage.step(step.name, "canaries", &request_for(step, &request)).await;
        printed.push_str(&call.stdout);
        printed.push_str(&call.stderr);
    }
    let copy = stage.world.environments().into_iter().find(|e| e.name != "production").expect("the copy");
    assert_eq!(stage.world.variable(&copy.id, "web", "SMTP_KEY").unwrap().as_deref(), Some(secrets[1]));
    let database_password =
        |environment: &str| stage.world.variable(environment, "Postgres", "POSTGRES_PASSWORD").unwrap().unwrap();
    let (production, own) = (database_password("production"), database_password(&copy.id));
    assert_ne!(production, own, "the copy holds production's database password");
    for secret in [secrets[0], secrets[1], secrets[2], secrets[3], &stage.world.token(), &production, &own] {
        assert!(!printed.contains(secret), "a secret was printed: {}", &secret[..6]);
    }
}
