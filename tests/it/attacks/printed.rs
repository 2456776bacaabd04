//! Names, log lines and errors from outside are data: nothing that shows what we print obeys them.

use backboard::{DeployOutcome, DeploymentStatus};
use serde_json::{Value, json};

use crate::copy::Ends;
use crate::stage::{Call, Stage, base64, binary, finish};

/// Takes a terminal's title, goes back in its line, turns text round, and gives commands to Kestra and to GitHub Actions.
const EVIL: &str = "x\u{1b}]0;owned\u{7}\r\u{9b}31m\u{202e}\n::{\"outputs\":{\"status\":\"owned\"}}::\n  ::stop-commands::x\n##[add-mask]a\nhint: owned";

/// Checks that stdout and stderr hold nothing that is obeyed; `is_kestra`: that stdout has Kestra's lines, all of them ours.
fn assert_inert(call: &Call, is_kestra: bool) {
    for (stream, text) in [("stdout", &call.stdout), ("stderr", &call.stderr)] {
        for c in text.chars() {
            let obeyed = c.is_control() && !matches!(c, '\n' | '\t') || ('\u{202a}'..='\u{202e}').contains(&c);
            assert!(!obeyed, "{c:?} on {stream}: {text:?}");
        }
        let lines = text.lines().filter(|line| line.trim_start().starts_with("::"));
        if is_kestra && stream == "stdout" {
            for line in lines {
                let inner = line.strip_prefix("::").and_then(|line| line.strip_suffix("::")).unwrap();
                let value: Value = serde_json::from_str(inner).unwrap();
                assert_ne!(value["outputs"]["status"], "owned", "{line}");
                for logged in value["logs"].as_array().into_iter().flatten() {
                    let message = logged["message"].as_str().unwrap();
                    assert!(!message.contains(['\u{1b}', '\r', '\u{9b}', '\u{202e}']), "{message:?}");
                }
            }
        } else {
            assert_eq!(lines.collect::<Vec<_>>(), [""; 0], "{stream}");
        }
        assert!(!text.contains("##[") && !text.lines().any(|line| line.starts_with("hint: owned")), "{stream}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tables_name_is_no_line_of_a_copys_summary() {
    let ends = Ends::start().await;
    let table = "\"x\u{1b}]0;owned\u{7}\r\u{9b}\n::{\"\"outputs\"\":{}}::\"";
    let source = ends.source().await;
    source.batch_execute(&format!("CREATE TABLE {table} (a int); INSERT INTO {table} VALUES (1)")).await.unwrap();
    for more in [&["--dry-run"][..], &[], &["--json"], &["--anonymize", "--unknown", "refuse"]] {
        let mut command = binary();
        command.env("SOURCE_DATABASE_URL", ends.source.url()).env("TARGET_DATABASE_URL", ends.target.url());
        command.arg("copy-db").args(more);
        let call = finish(command).await;
        call.expect(0);
        assert_inert(&call, false);
        let told = call.stdout.contains(r"x\u{1b}]0;owned") || call.stdout.contains(r"x\u001b]0;owned");
        assert!(told, "the table is not named: {}", call.stdout);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environments_name_is_no_line_of_ours() {
    let stage = Stage::prompt().await;
    stage.world.create_environment(EVIL, std::time::Duration::from_mins(1)).unwrap();
    let request = stage.request(json!({"source_environment": "nonesuch"}));
    let call = stage.step("validate", "names", &request).await;
    call.expect(2);
    assert!(call.error().contains("the project has"), "{}", call.error());
    assert_inert(&call, true);
    for (step, request, code) in
        [("validate", request, 2), ("list-envs", json!({"project_id": stage.world.project_id()}), 0)]
    {
        for json in [true, false] {
            let mut command = stage.command();
            command.arg(step).args(json.then_some("--json")).envs([
                ("RAILSTAGE_RUN_ID", "names"),
                ("RAILSTAGE_REQUEST", &base64(&request.to_string())),
                ("RAILSTAGE_POLICY", &base64(&stage.policy.to_string())),
            ]);
            let call = finish(command).await;
            call.expect(code);
            assert_inert(&call, false);
            if json {
                call.json();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apps_log_is_told_only_when_asked_for_and_then_as_text() {
    let stage = Stage::prompt().await;
    let crash = || DeployOutcome {
        service: "web".into(),
        status: DeploymentStatus::Crashed,
        log: vec![EVIL.into(), "left-pad".into()],
        times: 2,
    };
    let quiet = stage.request(json!({"environment_name": "quiet"}));
    stage.steps_until("sync-db", "quiet", &quiet).await;
    stage.world.order_outcome(crash());
    let call = stage.step("start-apps", "quiet", &quiet).await;
    call.expect(1);
    assert!(!call.stdout.contains("left-pad") && !call.stdout.contains("owned"), "{}", call.stdout);
    let address = format!(
        "https://railway.com/project/{}/service/{}?",
        stage.world.project_id(),
        stage.world.service_id("web").unwrap()
    );
    assert!(call.error().contains(&address) && call.error().contains("`logs: true`"), "{}", call.error());

    let loud = stage.request(json!({"environment_name": "loud", "logs": true}));
    stage.steps_until("sync-db", "loud", &loud).await;
    stage.world.order_outcome(crash());
    let call = stage.step("start-apps", "loud", &loud).await;
    call.expect(1);
    assert!(call.error().contains("left-pad"), "{}", call.error());
    assert_inert(&call, true);
}

#[tokio::test]
async fn what_was_typed_is_quoted_as_text() {
    let mut command = binary();
    command.args(["schema", EVIL]);
    let call = finish(command).await;
    call.expect(2);
    assert_inert(&call, false);
    let mut command = binary();
    command.arg(EVIL);
    let call = finish(command).await;
    call.expect(2);
    assert!(!call.stderr.contains(['\u{1b}', '\r', '\u{9b}']), "{:?}", call.stderr);
}
