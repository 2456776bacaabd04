//! What bad input gets: every wrong field at once, by its path, before anything is asked of anyone.

use serde_json::json;

use crate::stage::{base64, binary, finish};

async fn validate(request: &str) -> crate::stage::Call {
    let mut command = binary();
    command.arg("validate").envs([
        ("RAILSTAGE_OUTPUT", "kestra"),
        ("RAILSTAGE_RUN_ID", "run"),
        ("RAILSTAGE_REQUEST", request),
    ]);
    finish(command).await
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let request = json!({
        "project_id": "p", "anonymise": true, "ttl": "P1M", "keep": "maybe", "environment_name": "UPPER",
        "variables": {"web": {"A": {"remov": true}, "B": 3}}, "databases": [{"servce": "x", "rules": [{"table": "t", "colum": "c", "transformer": "emial"}]}], "include_services": "web",
    });
    let call = validate(&base64(&request.to_string())).await;
    call.expect(2);
    let error = call.error();
    for path in [
        "`anonymise`: unknown field; did you mean `anonymize`?",
        "`ttl`: expected an ISO-8601 duration",
        "`keep`: expected true or false",
        "`environment_name`",
        "`variables.web.A`",
        "`variables.web.B`",
        "`databases.0.servce`: unknown field; did you mean `service`?",
        "`databases.0.service`: is missing",
        "`databases.0.rules.0.colum`: unknown field; did you mean `column`?",
        "`databases.0.rules.0.transformer`: expected `keep`",
        "`include_services`: expected a list of text",
    ] {
        assert!(error.contains(path), "{path} is not in\n{error}");
    }
}

#[tokio::test]
async fn no_copy_says_that_it_is_production_and_the_reason_is_told() {
    for word in ["production", " Production"] {
        let call = validate(&base64(&json!({"project_id": "p", "environment_type": word}).to_string())).await;
        call.expect(2);
        let told = "`environment_type`: expected `staging` or `development` or `ephemeral`, found";
        assert!(call.error().contains(told), "{}", call.error());
        assert!(call.error().contains("by that word apps and plugins bill"), "{}", call.error());
    }
}

#[tokio::test]
async fn a_request_that_is_no_json_object_is_refused_in_words() {
    for (request, words) in [
        ("", "there is no request"),
        ("%%%", "RAILSTAGE_REQUEST is not base64"),
        (base64("{").as_str(), "the request is not JSON"),
        (base64("[1]").as_str(), "expected an object"),
        (base64("\"text\"").as_str(), "expected an object"),
    ] {
        let call = validate(request).await;
        call.expect(2);
        assert!(call.error().contains(words), "{request}: {}", call.error());
    }
}

#[tokio::test]
async fn nulls_and_empty_texts_mean_absent() {
    let request = json!({"project_id": "p", "ttl": "", "client_name": null, "custom_domain": ""});
    let call = validate(&base64(&request.to_string())).await;
    // The request is fine; without a policy no project is allowed.
    call.expect(2);
    assert!(call.error().contains("the policy does not allow project `p`"), "{}", call.error());
}

#[tokio::test]
async fn a_wrong_policy_is_refused_by_field() {
    let mut command = binary();
    command.args(["validate", "--run-id", "run", "--policy", "-"]).env("RAILSTAGE_REQUEST", base64("{}"));
    command.stdin(std::process::Stdio::piped());
    let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stdin, b"allowed_project: [p]\nmax_ttl: P1Y\n").await.unwrap();
    drop(stdin);
    let ended = tokio::time::timeout(std::time::Duration::from_mins(1), child.wait_with_output()).await;
    let output = ended.expect("the step ends").unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("did you mean `allowed_projects`") && said.contains("`max_ttl`"), "{said}");
}
