//! A world leaves no process and no folder behind, whichever way it ends.

use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

fn serve(folder: &Path) -> Result<(Child, serde_json::Value)> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_backboard"))
        .args(["serve", "--size", "0", "--data"])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let stdout = child.stdout.take().context("no stdout")?;
    let (said, first_line) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        said.send(BufReader::new(stdout).read_line(&mut line).map(|_| line))
    });
    let line = first_line.recv_timeout(Duration::from_mins(1)).context("backboard says nothing")??;
    Ok((child, serde_json::from_str(&line)?))
}

/// Waits for a world that was told to end.
fn ended(mut child: Child) -> Result<ExitStatus> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() > deadline {
            child.kill()?;
            bail!("backboard does not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The command lines of processes that live in a folder.
fn processes(folder: &Path) -> Vec<String> {
    let needle = folder.display().to_string();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(&needle) && line.contains("postgres -D"))
        .collect()
}

fn wait_until_gone(folder: &Path) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !processes(folder).is_empty() {
        assert!(Instant::now() < deadline, "still there: {:?}", processes(folder));
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn world_folder() -> Result<tempfile::TempDir> {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir()?;
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
    Ok(folder)
}

#[test]
fn sigterm_ends_every_server_and_removes_every_folder() -> Result<()> {
    let folder = world_folder()?;
    let (child, about) = serve(folder.path())?;
    assert!(about["production"]["database_url"].as_str().is_some_and(|url| url.contains("@localhost:")));
    assert_eq!(processes(folder.path()).len(), 1);
    Command::new("kill").arg(child.id().to_string()).status()?;
    assert!(ended(child)?.success());
    assert_eq!(processes(folder.path()), Vec::<String>::new());
    assert_eq!(std::fs::read_dir(folder.path())?.count(), 0);
    Ok(())
}

#[test]
fn servers_die_with_a_killed_world_and_the_next_one_removes_its_folder() -> Result<()> {
    let folder = world_folder()?;
    let (mut child, _) = serve(folder.path())?;
    child.kill()?;
    child.wait()?;
    wait_until_gone(folder.path());
    let (next, _) = serve(folder.path())?;
    assert_eq!(std::fs::read_dir(folder.path())?.count(), 1, "only the second world's own folder is left");
    Command::new("kill").arg(next.id().to_string()).status()?;
    assert!(ended(next)?.success());
    Ok(())
}
