//! Much that flows: both ways, slowly, from or to a container that ends.

use crate::client::{Client, Key, hear, hear_half, skip};
use crate::logged_in;
use crate::support::{ask, create, data, deployed, error_text, post, until};
use anyhow::{Context, Result};
use backboard::{ExtraService, World, WorldOptions};
use russh::ChannelMsg;
use serde_json::json;
use std::fs;
use std::time::Duration;

fn with_media() -> WorldOptions {
    WorldOptions { extra_services: vec![ExtraService::Media], ..WorldOptions::prompt() }
}

/// The most memory that this process has had at once, in MiB.
fn peak_mib() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? / 1024)
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_megabytes_go_in_while_nobody_reads_them_and_memory_stays_flat() -> Result<()> {
    if skip("fifty_megabytes_go_in_while_nobody_reads_them_and_memory_stays_flat") {
        return Ok(());
    }
    let (world, client) = logged_in(with_media(), "media").await?;
    let channel = client.command("sleep 1; sha256sum").await?;
    fs::write("/proc/self/clear_refs", "5")?;
    let before = peak_mib()?;
    let block = vec![b'x'; 1 << 20];
    let (from, to) = channel.split();
    let sent = async {
        for _ in 0..50 {
            to.data_bytes(block.clone()).await?;
        }
        to.eof().await
    };
    let (sent, said) = tokio::join!(sent, hear_half(from));
    sent?;
    let said = said?;
    assert_eq!(said.status, Some(0));
    let whole = std::process::Command::new("sh")
        .args(["-c", "head -c 52428800 /dev/zero | tr '\\0' x | sha256sum"])
        .output()?;
    assert_eq!(said.stdout, String::from_utf8(whole.stdout)?);
    let grown = peak_mib()? - before;
    assert!(grown < 40, "{grown} MiB more");
    world.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_hears_that_its_client_has_gone_and_one_that_reads_nothing_does_not_hold_it() -> Result<()> {
    if skip("a_command_hears_that_its_client_has_gone_and_one_that_reads_nothing_does_not_hold_it") {
        return Ok(());
    }
    let (world, client) = logged_in(with_media(), "media").await?;
    let volume = world.volume("production", "media")?;
    let channel = client.command("cat >/dev/null; echo gone >/app/uploads/gone").await?;
    channel.data_bytes("some").await?;
    drop((channel, client));
    until("the command has ended", || volume.join("gone").exists()).await?;
    let (media, key) = (world.instance_id("production", "media")?, registered(&world)?);
    let client = Client::login(&world, &media, &key).await?;
    let channel = client.command("exec <&-; exit 6").await?;
    // As much as goes without anybody who takes it.
    channel.data_bytes(vec![0; 1 << 20]).await.ok();
    assert_eq!(hear(channel).await?.status, Some(6));
    world.stop().await;
    Ok(())
}

fn registered(world: &World) -> Result<Key> {
    let key = Key::new()?;
    key.register(world, "another")?;
    Ok(key)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_in_a_container_ends_with_it_and_says_nothing_of_how() -> Result<()> {
    if skip("what_runs_in_a_container_ends_with_it_and_says_nothing_of_how") {
        return Ok(());
    }
    let (world, client) = logged_in(with_media(), "media").await?;
    let mut channel = client.command("touch /tmp/mine /app/uploads/kept; echo up; exec sleep 1000").await?;
    while !matches!(channel.wait().await.context("it ended")?, ChannelMsg::Data { .. }) {}
    world.restart_container("production", "media")?;
    let said = tokio::time::timeout(Duration::from_secs(5), hear(channel)).await??;
    assert_eq!(said.status, None);
    assert_eq!(client.run("ls /tmp /app/uploads").await?.stdout, "/app/uploads:\nkept\n\n/tmp:\n");
    world.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copys_volume_is_empty_and_goes_with_it_and_a_service_on_hold_does_not_serve() -> Result<()> {
    if skip("a_copys_volume_is_empty_and_goes_with_it_and_a_service_on_hold_does_not_serve") {
        return Ok(());
    }
    let (world, client) = logged_in(with_media(), "media").await?;
    fs::write(world.volume("production", "media")?.join("a"), "a")?;
    create(&world, "copy", true)?;
    let hold = json!({ "deploy": { "startCommand": "/bin/sh -c 'while :; do sleep 1000; done'" } });
    world.change_service("copy", "media", &hold)?;
    world.limit_volume("copy", "media", 2 << 20)?;
    world.deploy("copy", "media")?;
    until("it is held", || deployed(&world, "copy", "media", "SUCCESS")).await?;
    let inside = Client::login(&world, &world.instance_id("copy", "media")?, &registered(&world)?).await?;
    let said = inside.run("ls /app/uploads; tr '\\0' ' ' </proc/1/cmdline").await?;
    assert_eq!(said.stdout, "/bin/sh -c while :; do sleep 1000; done ");
    let full = inside.run("head -c 3000000 /dev/zero >/app/uploads/large").await?;
    assert!(full.status != Some(0) && full.stderr.contains("No space left on device"), "{full:?}");
    let state = world.environments().into_iter().find(|one| one.name == "copy").context("no copy")?;
    assert!(!state.direct_urls.contains_key("media"), "no app runs");
    assert_eq!(client.run("ls /app/uploads").await?.stdout, "a\n");
    let volume = world.volume("copy", "media")?;
    data(&world, "mutation($id: String!) { environmentDelete(id: $id) }", json!({ "id": state.id }))?;
    until("the volume is gone", || !volume.exists()).await?;
    let said = inside.run("ls").await;
    assert!(said.is_err() || said.is_ok_and(|said| said.stdout.starts_with('{')), "the instance is gone");
    world.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_belong_to_the_account_or_to_the_workspace_and_to_no_projects_token() -> Result<()> {
    let world = World::start(WorldOptions::prompt()).await?;
    let key = Key::new()?;
    key.register(&world, "mine")?;
    let create = "mutation($input: SshPublicKeyCreateInput!) { sshPublicKeyCreate(input: $input) { workspaceId } }";
    let again = ask(&world, create, json!({ "input": { "name": "again", "publicKey": key.public()? } }))?;
    assert_eq!(error_text(&again), "SSH key is already registered");
    let broken = ask(&world, create, json!({ "input": { "name": "broken", "publicKey": "ssh-ed25519 AAAA" } }))?;
    assert_eq!(error_text(&broken), "Invalid SSH public key");
    let list = "query { sshPublicKeys(first: 10) { edges { node { name createdAt } } } }";
    let workspace = format!("authorization: Bearer {}", world.workspace_token());
    let (_, theirs) = post(&world, &workspace, list, json!({}))?;
    assert!(theirs.contains(r#""edges":[]"#), "{theirs}");
    let input = json!({ "input": { "name": "theirs", "publicKey": Key::new()?.public()? } });
    let (_, made) = post(&world, &workspace, create, input)?;
    assert!(made.contains(r#""workspaceId":"6f1e"#), "{made}");
    assert!(!data(&world, list, json!({}))?.to_string().contains("theirs"));
    let project = format!("project-access-token: {}", world.project_token("production")?);
    let (_, refused) = post(&world, &project, list, json!({}))?;
    assert!(refused.contains("Not Authorized"), "{refused}");
    world.stop().await;
    Ok(())
}
