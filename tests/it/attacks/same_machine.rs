//! Other processes of the worker's own account look for token and passwords in `/proc`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command as Program;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::stage::{Stage, base64};

/// Whom Linux knows as nobody: as root, everything can be read, whatever the kernel thinks of it.
const NOBODY: u32 = 65534;

/// Writes a program that everybody may run.
fn program(folder: &Path, name: &str, script: &str) {
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    folder
}

/// PATH with `first` before all that tests have.
fn path(first: &Path) -> String {
    let programs = backboard::cache::programs().unwrap();
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let all = [first.to_owned()].into_iter().chain(programs).chain(std::env::split_paths(&inherited));
    std::env::join_paths(all).unwrap().into_string().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_program_has_the_token_or_a_password_in_its_environment_or_arguments() {
    let mut stage = Stage::prompt().await;
    let folder = folder();
    let seen = folder.path().join("seen");
    for name in ["railway", "pg_dump", "git"] {
        let real = which(name);
        let script = format!("echo {name} \"$@\" >> {seen}; env >> {seen}; exec {real} \"$@\"", seen = seen.display());
        program(folder.path(), name, &script);
    }
    stage.env.push(("PATH".into(), path(folder.path())));
    let password = stage.world.variable("production", "Postgres", "POSTGRES_PASSWORD").unwrap().unwrap();
    stage.steps_until("sync-db", "seen", &stage.request(json!({"environment_name": "seen"}))).await;
    let login = base64("x-access-token:canary-git-token-31d0");
    stage.world.create_environment("qa", Duration::from_hours(2)).unwrap();
    stage.world.commit("https://git.example.net/acme/site", "main", &[("index.html", "x")], &[]).unwrap();
    stage.world.close_repositories("git.example.net", &login);
    stage.policy["deploy"]["tokens"] = json!(["git.example.net=GIT"]);
    stage.env.push(("RAILSTAGE_SECRET_GIT".into(), "canary-git-token-31d0".into()));
    let site = json!({"environment": "qa", "service": "web", "repository": "https://git.example.net/acme/site"});
    stage.step("deploy", "seen", &stage.request(site)).await.expect(0);
    let seen = std::fs::read_to_string(seen).unwrap();
    for called in
        ["railway api", "pg_dump --schema-only", "git ls-remote", "git fetch", "railway up", "GIT_ALLOW_PROTOCOL=https"]
    {
        assert!(seen.contains(called), "no {called} in {seen}");
    }
    assert!(!seen.contains(&login));
    assert!(!seen.contains(&stage.world.token()) && !seen.contains(&password) && !seen.contains("canary"));
}

/// Where a program is that tests use.
fn which(name: &str) -> String {
    let path = path(Path::new("/nonexistent"));
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.unwrap().to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_environment_is_closed_to_others_of_our_account() {
    let folder = folder();
    let railstage = folder.path().join("railstage");
    std::fs::copy(env!("CARGO_BIN_EXE_railstage"), &railstage).unwrap();
    program(
        folder.path(),
        "railway",
        &format!("touch {0}/began; while [ ! -e {0}/end ]; do sleep 0.05; done; exit 1", folder.path().display()),
    );
    let is_root = nix::unistd::geteuid().is_root();
    let mut call = tokio::process::Command::new(&railstage);
    call.env_clear().kill_on_drop(true).current_dir(folder.path());
    call.args(["list-envs"]).env("PATH", path(folder.path())).env("RAILWAY_API_TOKEN", "canary-token-of-ours");
    call.env("RAILSTAGE_REQUEST", base64("{\"project_id\": \"p\"}"));
    call.env("RAILSTAGE_POLICY", base64("{\"allowed_projects\": [\"p\"]}"));
    call.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut reader = Program::new("cat");
    if is_root {
        call.uid(NOBODY).gid(NOBODY);
        std::os::unix::process::CommandExt::uid(&mut reader, NOBODY);
        std::os::unix::process::CommandExt::gid(&mut reader, NOBODY);
    }
    let mut running = call.spawn().unwrap();
    let give_up = Instant::now() + Duration::from_secs(30);
    while !folder.path().join("began").exists() {
        assert!(Instant::now() < give_up, "it does not begin");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let pid = running.id().unwrap();
    let read = reader.arg(format!("/proc/{pid}/environ")).output().unwrap();
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    std::fs::write(folder.path().join("end"), "").unwrap();
    running.wait().await.unwrap();
    assert!(!read.status.success() && read.stdout.is_empty(), "{}", String::from_utf8_lossy(&read.stdout));
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert!(core.split_whitespace().filter(|word| *word == "0").count() == 2, "{core}");
}
