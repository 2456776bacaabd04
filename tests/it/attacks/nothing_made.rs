//! A clone that made nothing says so: one error, the code of who can mend it, and no word of something left behind.

use serde_json::json;

use crate::stage::{Stage, finish};

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_that_cannot_begin_ends_with_one_error_and_no_rollback() {
    let stage = Stage::prompt().await;
    let unknown = "00000000-0000-4000-8000-000000000000";
    let project = stage.world.project_id();
    let policy = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(policy.path(), json!({"allowed_projects": [project, unknown]}).to_string()).unwrap();
    let pg_dump = backboard::postgres::PgBin::find().unwrap().program("pg_dump");
    let without_railway = pg_dump.parent().unwrap().to_str().unwrap();
    for (what, project, change, code) in [
        ("no token", project.as_str(), ("RAILWAY_API_TOKEN", ""), 3),
        ("a wrong token", &project, ("RAILWAY_API_TOKEN", "canary-wrong-token"), 3),
        ("no programs", &project, ("PATH", "/nonexistent"), 3),
        ("no railway", &project, ("PATH", without_railway), 3),
        ("an unknown project", unknown, ("LANG", "C"), 2),
    ] {
        for as_json in [false, true] {
            let mut command = stage.command();
            command.args(["clone", "--project-id", project, "--policy"]).arg(policy.path()).env(change.0, change.1);
            if as_json {
                command.arg("--json");
            }
            let call = finish(command).await;
            assert_eq!(call.code, code, "{what}: {}", call.stderr);
            let errors = call.stderr.lines().filter(|line| line.starts_with("error: ")).count();
            assert_eq!(errors, 1, "{what}: {}", call.stderr);
            let told = format!("{}{}", call.stdout, call.stderr);
            assert!(!told.contains("rollback") && !told.contains("left behind"), "{what}: {told}");
            if as_json {
                assert_eq!(call.json()["exit_code"], code, "{what}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_that_cannot_look_does_not_say_that_something_is_left() {
    let stage = Stage::prompt().await;
    let mut stranger = Stage { world: stage.world, env: Vec::new(), policy: stage.policy };
    stranger.env.push(("RAILWAY_API_TOKEN".into(), "canary-wrong-token".into()));
    let call = stranger.step("rollback", "nothing", &stranger.request(json!({}))).await;
    call.expect(3);
    assert!(!call.error().contains("left behind"), "{}", call.error());
    assert_eq!((&call.outputs()["exit_code"], &call.outputs()["step"]), (&json!(3), &json!("rollback")));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_error_says_the_same_twice() {
    let mut stage = Stage::prompt().await;
    let unknown = "00000000-0000-4000-8000-000000000000";
    stage.policy["allowed_projects"] = json!([stage.world.project_id(), unknown]);
    for request in
        [json!({"project_id": unknown}), stage.request(json!({"variables": {"web": {"KEY": {"secret": "MAIL"}}}}))]
    {
        let call = stage.step("validate", "twice", &request).await;
        call.expect(2);
        let error = call.error();
        for words in ["Railway says", "`variables`:"] {
            assert!(error.matches(words).count() <= 1, "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_token_suffices_for_a_whole_clone() {
    let mut stage = Stage::prompt().await;
    stage.env.push(("RAILWAY_API_TOKEN".into(), stage.world.workspace_token()));
    let request = stage.request(json!({"environment_name": "workspace"}));
    stage.steps_until("check-health", "workspace", &request).await;
    stage.step("sweep-envs", "-", &json!({"dry_run": false})).await.expect(0);
}
