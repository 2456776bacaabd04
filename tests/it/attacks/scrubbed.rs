//! The scrubber knows production's secrets before anything can quote them, and leaves names alone.

use backboard::{DeployOutcome, DeploymentStatus};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::stage::Stage;

const SECRET: &str = "canary \"quoted\" s\\cret/+é";

/// The secret as programs may write it into a log, and a piece of each spelling that must not be printed.
fn spellings() -> Vec<(String, String)> {
    let json = json!(SECRET).to_string();
    let form: String = SECRET
        .bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect();
    let longer = STANDARD.encode(format!("user:{SECRET}, and more"));
    vec![
        (SECRET.to_owned(), "s\\cret".to_owned()),
        (json.clone(), "s\\\\cret".to_owned()),
        (form.clone(), "s%5Ccret".to_owned()),
        (form.to_lowercase(), "s%5ccret".to_owned()),
        (form.replace("%20", "+"), "s%5Ccret".to_owned()),
        (STANDARD.encode(SECRET), STANDARD.encode(SECRET)[4..24].to_owned()),
        (longer.clone(), longer[8..28].to_owned()),
        ("postgres://admin:hunter2pw@db.example/x".to_owned(), "hunter2pw".to_owned()),
        ("https://ghp-canary-0000@github.com/x".to_owned(), "ghp-canary".to_owned()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn productions_secrets_are_in_no_spelling_of_an_apps_log() {
    let stage = Stage::prompt().await;
    stage.world.set_variable("production", Some("web"), "APP_SECRET", SECRET).unwrap();
    let request = stage.request(json!({"environment_name": "spelled", "logs": true}));
    stage.steps_until("sync-db", "spelled", &request).await;
    let log = spellings().into_iter().map(|(text, _)| format!("at {text} it fell")).collect();
    stage.world.order_outcome(DeployOutcome {
        service: "web".into(),
        status: DeploymentStatus::Crashed,
        log,
        times: 2,
    });
    let call = stage.step("start-apps", "spelled", &request).await;
    call.expect(1);
    assert!(call.error().contains("it fell"), "{}", call.error());
    let error = call.error();
    for (spelling, piece) in spellings() {
        assert!(!error.contains(&piece) && !call.stdout.contains(&piece), "{spelling}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_are_the_same_when_names_are_secrets() {
    let told = async |named_like_secrets: bool| {
        let stage = Stage::prompt().await;
        let copy = "staging-canary-1";
        if named_like_secrets {
            // What somebody may have set to the name of an environment, a host, a service or a table.
            for (n, name) in
                [copy, "production", "shop.example.com", "Postgres", "public.shop_visits", "railway"].iter().enumerate()
            {
                stage.world.set_variable("production", Some("web"), &format!("TOKEN_{n}"), name).unwrap();
            }
        }
        let request = stage.request(json!({"environment_name": copy}));
        let mut outputs = Vec::new();
        for step in ["validate", "create-env", "assign-domain", "sync-db", "start-apps", "check-health", "list-envs"] {
            let request =
                if step == "list-envs" { json!({"project_id": stage.world.project_id()}) } else { request.clone() };
            let call = stage.step(step, "names", &request).await;
            call.expect(0);
            outputs.push(names_in(&call.outputs()));
        }
        outputs
    };
    let (plain, scrubbed) = (told(false).await, told(true).await);
    assert_eq!(plain, scrubbed);
    assert!(plain.iter().flatten().any(|(_, name)| name == "staging-canary-1"), "{plain:?}");
}

/// Every name, id, host and URL in outputs by its place; what differs from world to world is only known by its length.
fn names_in(outputs: &Value) -> Vec<(String, String)> {
    fn walk(place: &str, value: &Value, found: &mut Vec<(String, String)>) {
        match value {
            Value::Object(fields) => {
                fields.iter().for_each(|(name, value)| walk(&format!("{place}.{name}"), value, found));
            }
            Value::Array(all) => all.iter().for_each(|value| walk(place, value, found)),
            Value::String(text) => {
                let field = place.rsplit('.').next().unwrap();
                let is_name = ["name", "id", "host", "url", "service", "table", "database"]
                    .iter()
                    .any(|end| field.ends_with(end));
                let shown = if text.contains("***") {
                    "***".to_owned()
                } else if field.ends_with("id") || field.ends_with("url") {
                    text.len().to_string()
                } else {
                    text.clone()
                };
                // What is a secret, and so is told as one, differs by design.
                let is_told = place.contains(".findings.") || place.contains(".secrets.");
                if is_name && !is_told && !place.contains("slowest_tables") {
                    found.push((place.to_owned(), shown));
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk("", outputs, &mut found);
    // Lists of what was done at the same time come in any order.
    found.sort();
    found
}
