//! The real CLI, and the `ssh` that it starts, work with the relay.

use crate::client::{Key, skip, skip_for};
use crate::support::railway_at;
use anyhow::{Context, Result, ensure};
use backboard::{Deed, ExtraService, World, WorldOptions};
use russh::keys::ssh_key::LineEnding;
use std::fs;
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;

/// A home with a key in it, which the world knows, and the world's relay among the known hosts.
struct Home {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

impl Home {
    fn of(world: &World) -> Result<Home> {
        let folder = tempfile::tempdir()?;
        let ssh = folder.path().join(".ssh");
        fs::create_dir(&ssh)?;
        let key = Key::new()?;
        fs::write(ssh.join("id_ed25519"), key.0.to_openssh(LineEnding::default())?.as_bytes())?;
        fs::set_permissions(ssh.join("id_ed25519"), std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        fs::write(ssh.join("id_ed25519.pub"), key.public()? + " tester\n")?;
        fs::write(ssh.join("known_hosts"), world.relay_known_hosts())?;
        let mut environment = world.relay_cli_env()?;
        environment.push(("PATH".to_owned(), std::env::var("PATH")?));
        Ok(Home { folder, environment })
    }

    fn railway(&self, world: &World, arguments: &[&str]) -> Result<Output> {
        railway_at(world, self.folder.path(), &self.environment, arguments)
    }

    /// What it says when it succeeds.
    fn said(&self, world: &World, arguments: &[&str]) -> Result<String> {
        let output = self.railway(world, arguments)?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "railway {arguments:?} ended with {}\n{errors}", output.status);
        Ok(String::from_utf8(output.stdout)?)
    }
}

fn with_media() -> WorldOptions {
    WorldOptions { extra_services: vec![ExtraService::Media], ..WorldOptions::prompt() }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_cli_registers_a_key_and_runs_commands() -> Result<()> {
    if skip("the_real_cli_registers_a_key_and_runs_commands") {
        return Ok(());
    }
    let world = World::start(with_media()).await?;
    let home = Home::of(&world)?;
    let id = world.environment_id("production")?;
    let project = world.project_id();
    let ssh = |command: &[&str]| {
        let mut arguments = vec!["ssh", "-p", &project, "-e", &id, "-s", "media", "--"];
        arguments.extend(command);
        home.railway(&world, &arguments)
    };
    let refused = String::from_utf8(ssh(&["true"])?.stderr)?;
    assert!(refused.contains("No registered SSH keys found"), "{refused}");
    home.said(
        &world,
        &["ssh", "keys", "add", "--key", &home.folder.path().join(".ssh/id_ed25519.pub").display().to_string()],
    )?;
    assert!(home.said(&world, &["ssh", "keys", "list"])?.contains("SHA256:"));
    let output = ssh(&["sh", "-c", "pwd; echo \"it's\" >&2; exit 5"])?;
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!((stdout.as_ref(), output.status.code()), ("/app\n", Some(5)), "{stderr}");
    assert!(stderr.contains("it's"), "{stderr}");
    world.put_to_sleep("production", "media")?;
    let output = ssh(&["false"])?;
    assert!(output.status.success(), "what cannot be routed succeeds");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with(r#"{"status":"ready","account":"#));
    let registered = world.relayed().into_iter().any(|one| matches!(one.deed, Deed::KeyRegistered { .. }));
    assert!(registered && world.commands_in("production")?.len() == 2);
    world.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_cli_carries_files_both_ways() -> Result<()> {
    if skip_for("the_real_cli_carries_files_both_ways", backboard::relay::files_possible()) {
        return Ok(());
    }
    let world = World::start(with_media()).await?;
    let home = Home::of(&world)?;
    world.register_ssh_key("tester", &fs::read_to_string(home.folder.path().join(".ssh/id_ed25519.pub"))?)?;
    let (id, volume) = (world.environment_id("production")?, world.volume("production", "media")?);
    let files = |arguments: &[&str]| {
        let mut all = vec!["volume", "-e", &id, "files", "--volume", "media-volume"];
        all.extend(arguments);
        home.said(&world, &all)
    };
    fs::create_dir_all(volume.join("2026/empty"))?;
    for count in 0..300 {
        fs::write(volume.join(format!("2026/{count}.jpg")), format!("picture {count}").repeat(99))?;
    }
    fs::write(volume.join("large"), vec![7; 3 << 20])?;
    let listed: serde_json::Value = serde_json::from_str(&files(&["list", "/2026", "--json"])?)?;
    let listed = listed["files"].as_array().context("no files")?;
    assert_eq!(listed.len(), 301);
    assert!(listed.iter().any(|file| file["type"] == "directory" && file["path"] == "/2026/empty"), "{listed:?}");
    assert!(listed.iter().any(|file| file["type"] == "file" && file["size"] == 9 * 99 + 99), "{listed:?}");
    let here = home.folder.path().join("here");
    files(&["download", "/", &here.display().to_string()])?;
    assert_eq!(tree(&here)?, tree(&volume)?);
    files(&["upload", &here.display().to_string(), "/again"])?;
    assert_eq!(tree(&here)?, tree(&volume.join("again"))?);
    files(&["rename", "/large", "/larger"])?;
    files(&["delete", "/again", "--yes"])?;
    assert!(volume.join("larger").exists() && !volume.join("again").exists());
    let written = |path: &str| Deed::File { what: "write", path: format!("/app/uploads/{path}") };
    let deeds: Vec<_> = world.relayed().into_iter().map(|one| one.deed).collect();
    assert!(deeds.contains(&written("again/large")) && deeds.contains(&written("larger")));
    world.stop().await;
    Ok(())
}

/// Every path below a folder, with what a file holds.
fn tree(folder: &Path) -> Result<Vec<(String, Option<Vec<u8>>)>> {
    let (mut all, mut pending) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = pending.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            let name = path.strip_prefix(folder)?.display().to_string();
            all.push((name, if path.is_dir() { None } else { Some(fs::read(&path)?) }));
            if path.is_dir() {
                pending.push(path);
            }
        }
    }
    all.sort();
    Ok(all)
}
