//! What the tests of the stand-in share: a GraphQL caller, the real CLI, and waiting for a state.

#![allow(dead_code, reason = "each test program uses its part")]

use anyhow::{Context, Result, ensure};
use backboard::World;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Sends a document with `curl`, as something that is none of our own code.
pub(crate) fn post(world: &World, header: &str, query: &str, variables: Value) -> Result<(u16, String)> {
    let mut body = json!({ "query": query });
    body["variables"] = variables;
    let output = Command::new("curl")
        .args(["--silent", "--noproxy", "*", "--write-out", "\n%{http_code}", "--max-time", "20"])
        .args(["--header", "content-type: application/json", "--header", header, "--data-binary", &body.to_string()])
        .arg(world.graphql_url())
        .output()
        .context("run `curl`")?;
    let text = String::from_utf8(output.stdout)?;
    let (body, status) = text.rsplit_once('\n').context("no status")?;
    Ok((status.parse()?, body.to_owned()))
}

/// The whole answer of a document that is sent with the account token.
pub(crate) fn ask(world: &World, query: &str, variables: Value) -> Result<Value> {
    let (status, body) = post(world, &format!("authorization: Bearer {}", world.token()), query, variables)?;
    ensure!(status == 200, "HTTP {status}: {body}");
    Ok(serde_json::from_str(&body)?)
}

/// The data of an answer without errors.
pub(crate) fn data(world: &World, query: &str, variables: Value) -> Result<Value> {
    let answer = ask(world, query, variables)?;
    ensure!(answer.get("errors").is_none(), "{answer}");
    Ok(answer["data"].clone())
}

pub(crate) fn error_text(answer: &Value) -> &str {
    answer["errors"][0]["message"].as_str().unwrap_or_default()
}

pub(crate) fn create(world: &World, name: &str, skip_initial_deploys: bool) -> Result<Value> {
    ask(
        world,
        "mutation($input: EnvironmentCreateInput!) { environmentCreate(input: $input) { id name sourceEnvironment { id } } }",
        json!({ "input": {
            "projectId": world.project_id(), "name": name, "skipInitialDeploys": skip_initial_deploys,
            "sourceEnvironmentId": world.environment_id("production")?,
        } }),
    )
}

/// Waits until something holds; after half a minute the test has failed.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        ensure!(Instant::now() < deadline, "{what}: not within 30 s");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

pub(crate) fn deployed(world: &World, environment: &str, service: &str, status: &str) -> bool {
    let all = world.environments();
    let found = all.iter().find(|one| one.name == environment || one.id == environment);
    found.and_then(|one| one.deployments.get(service)?.as_deref()) == Some(status)
}

/// Runs the real CLI in this world, at home nowhere.
pub(crate) fn railway(world: &World, arguments: &[&str]) -> Result<Output> {
    railway_at(world, tempfile::tempdir()?.path(), &[], arguments)
}

/// The same in a home of the test's own, with more in its environment.
pub(crate) fn railway_at(
    world: &World,
    home: &Path,
    environment: &[(String, String)],
    arguments: &[&str],
) -> Result<Output> {
    let program = match std::env::var_os("RAILSTAGE_RAILWAY") {
        Some(program) => PathBuf::from(program),
        None => {
            let [railway, _] = backboard::cache::programs()?;
            railway.join("railway")
        }
    };
    Command::new(&program)
        .args(arguments)
        .env_clear()
        .envs(world.cli_env())
        .envs(environment.iter().cloned())
        .env("HOME", home)
        .env("RAILWAY_PROJECT_ID", world.project_id())
        .envs([("RAILWAY_NO_TELEMETRY", "1"), ("RAILWAY_NO_AUTO_UPDATE", "1"), ("CI", "true"), ("NO_COLOR", "1")])
        .current_dir(home)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("run `{}` (tests/setup installs it)", program.display()))
}

/// What the CLI prints as JSON when it succeeds.
pub(crate) fn railway_json(world: &World, arguments: &[&str]) -> Result<Value> {
    let output = railway(world, arguments)?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "railway {arguments:?} ended with {}\n{said}", output.status);
    Ok(serde_json::from_slice(&output.stdout)?)
}
