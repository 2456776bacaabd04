//! The socket that `pg_dump` is given: no other account of this machine can connect to it, and no TCP port is ever opened.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use super::closed;
use crate::stage::{base64, eventually};

/// The TCP ports at which a process listens.
fn listening(pid: u32) -> Vec<String> {
    let inode = |entry: std::fs::DirEntry| {
        let target = std::fs::read_link(entry.path()).ok()?;
        Some(target.to_str()?.strip_prefix("socket:[")?.trim_end_matches(']').to_owned())
    };
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let own: BTreeSet<_> = entries.filter_map(inode).collect();
    let table =
        ["tcp", "tcp6"].map(|name| std::fs::read_to_string(format!("/proc/{pid}/net/{name}")).unwrap_or_default());
    let rows =
        table.iter().flat_map(|table| table.lines().skip(1)).map(|row| row.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row[3] == "0A" && own.contains(row[9])).map(|row| row[1].to_owned()).collect()
}

/// Whether another account of this machine gets through.
fn nobody_connects(path: &Path) -> bool {
    let script = "import os, socket, sys\nos.setgroups([])\nos.setgid(65534)\nos.setuid(65534)\ns = socket.socket(socket.AF_UNIX)\ntry:\n    s.connect(sys.argv[1])\nexcept PermissionError:\n    sys.exit(7)\n";
    let tried = std::process::Command::new("python3").args(["-c", script]).arg(path).output().unwrap();
    match tried.status.code() {
        Some(7) => false,
        Some(0) => true,
        _ => panic!("{}", String::from_utf8_lossy(&tried.stderr)),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_account_of_the_machine_gets_to_a_programs_socket_and_no_port_is_opened() {
    assert!(nix::unistd::geteuid().is_root(), "this test becomes another account, for which it must be root");
    let stage = closed().await;
    let request = stage.request(json!({"environment_name": "socket"}));
    stage.steps_until("assign-domain", "socket", &request).await.expect(0);
    // A `pg_dump` that waits for a moment is looked at.
    let folder = tempfile::tempdir().unwrap();
    let real = which("pg_dump");
    let slow = folder.path().join("pg_dump");
    let place = folder.path().join("place");
    let wait = format!("echo \"$PGHOST\" > {}; sleep 3", place.display());
    let script =
        format!("#!/bin/sh\ncase \"$*\" in *--version*) ;; *) {wait} ;; esac\nexec {} \"$@\"\n", real.display());
    std::fs::write(&slow, script).unwrap();
    std::fs::set_permissions(&slow, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = stage.command();
    let path =
        command.as_std().get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, value)| value).unwrap().to_owned();
    let path = format!("{}:{}", folder.path().display(), path.to_string_lossy());
    command
        .arg("sync-db")
        .env("PATH", path)
        .env("RAILSTAGE_OUTPUT", "kestra")
        .env("RAILSTAGE_REQUEST", base64(&request.to_string()))
        .env("RAILSTAGE_POLICY", base64(&stage.policy.to_string()))
        .env("RAILSTAGE_RUN_ID", "socket")
        .stdout(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut found: Option<PathBuf> = None;
    eventually("a program is given its socket", async || {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let told = std::fs::read_to_string(&place).unwrap_or_default();
        found = told.strip_suffix('\n').map(|folder| Path::new(folder).join(".s.PGSQL.5432"));
        found.is_some()
    })
    .await;
    let found = found.unwrap();
    let mode = std::fs::metadata(found.parent().unwrap()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert!(!nobody_connects(&found), "another account got to {}", found.display());
    assert_eq!(listening(child.id().unwrap()), Vec::<String>::new());
    assert!(child.wait().await.unwrap().success());
    assert!(!found.exists());
}

fn which(program: &str) -> PathBuf {
    let folders = backboard::cache::programs().unwrap();
    folders.into_iter().map(|folder| folder.join(program)).find(|path| path.is_file()).expect("a `pg_dump`")
}
