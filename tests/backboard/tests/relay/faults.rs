//! What goes wrong on order, and what it looks like to a client.

use crate::client::{Client, Key, hear, skip};
use crate::logged_in;
use anyhow::Result;
use backboard::{Deed, ExtraService, Fault, RelayFault, World, WorldOptions};
use std::time::{Duration, Instant};

async fn world_with_key() -> Result<(World, Key, String)> {
    let options = WorldOptions { extra_services: vec![ExtraService::Media], ..WorldOptions::prompt() };
    let world = World::start(options).await?;
    let key = Key::new()?;
    let media = world.instance_id("production", "media")?;
    Ok((world, key, media))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_accepted_only_seconds_after_it_was_registered() -> Result<()> {
    let (world, key, media) = world_with_key().await?;
    world.fault(Fault::relay(RelayFault::KeyLate { secs: 0.7 }));
    let registered = Instant::now();
    key.register(&world, "late")?;
    assert!(Client::login(&world, &media, &key).await.is_err());
    while Client::login(&world, &media, &key).await.is_err() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(registered.elapsed() >= Duration::from_millis(690));
    assert!(matches!(&world.relayed()[1].deed, Deed::Refused { user, .. } if *user == media));
    world.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn success_is_told_before_anything_can_run() -> Result<()> {
    if skip("success_is_told_before_anything_can_run") {
        return Ok(());
    }
    let (world, key, media) = world_with_key().await?;
    key.register(&world, "ours")?;
    world.fault(Fault::relay(RelayFault::NotReady).at(&world.environment_id("production")?).times(2));
    let client = Client::login(&world, &media, &key).await?;
    for _ in 0..2 {
        let said = client.run("echo MARKER; exit 3").await?;
        assert!(said.status == Some(0) && said.stdout.starts_with('{'), "{said:?}");
    }
    assert_eq!(client.run("echo MARKER; exit 3").await?.status, Some(3));
    world.fault(Fault::relay(RelayFault::NoShell));
    assert_eq!(client.run("true").await?.status, Some(127));
    world.put_to_sleep("production", "media")?;
    assert!(client.run("false").await?.stdout.starts_with('{'));
    let stranger = Client::login(&world, &uuid::Uuid::new_v4().to_string(), &key).await?;
    assert!(stranger.run("false").await?.stdout.starts_with('{'));
    let ran: Vec<bool> = world
        .relayed()
        .iter()
        .filter_map(|one| if let Deed::Command { ran, .. } = one.deed { Some(ran) } else { None })
        .collect();
    assert_eq!(ran, [false, false, true, false, false, false]);
    world.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_sleeps_is_woken_by_its_domain() -> Result<()> {
    if skip("a_service_that_sleeps_is_woken_by_its_domain") {
        return Ok(());
    }
    let (world, client) = logged_in(WorldOptions::prompt(), "web").await?;
    assert_eq!(client.run("exit 4").await?.status, Some(4));
    world.put_to_sleep("production", "web")?;
    assert_eq!(client.run("exit 4").await?.status, Some(0));
    world.fetch("shop.example.com", "/").await?;
    assert_eq!(client.run("exit 4").await?.status, Some(4));
    world.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_cut_after_so_many_bytes_and_a_key_is_revoked_with_it() -> Result<()> {
    if skip("a_connection_is_cut_after_so_many_bytes_and_a_key_is_revoked_with_it") {
        return Ok(());
    }
    let (world, key, media) = world_with_key().await?;
    key.register(&world, "ours")?;
    world.fault(Fault::relay(RelayFault::CutAfter { bytes: 1 << 20 }));
    let client = Client::login(&world, &media, &key).await?;
    let heard = hear(client.command("head -c 3000000 /dev/zero").await?).await?;
    assert!((900_000..1 << 20).contains(&heard.stdout.len()) && heard.status.is_none(), "{}", heard.stdout.len());
    world.fault(Fault::relay(RelayFault::KeyRevoked { after_bytes: 1 << 20 }));
    let client = Client::login(&world, &media, &key).await?;
    let heard = hear(client.command("head -c 3000000 /dev/zero").await?).await?;
    assert!(heard.status.is_none() && world.ssh_keys().is_empty());
    assert!(Client::login(&world, &media, &key).await.is_err(), "it is revoked");
    world.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relay_may_be_far_away_or_narrow() -> Result<()> {
    if skip("the_relay_may_be_far_away_or_narrow") {
        return Ok(());
    }
    let (world, key, media) = world_with_key().await?;
    key.register(&world, "ours")?;
    let timed = async |fault: Option<RelayFault>, command: &str| {
        if let Some(fault) = fault {
            world.fault(Fault::relay(fault));
        }
        let client = Client::login(&world, &media, &key).await?;
        let begun = Instant::now();
        assert_eq!(client.run(command).await?.status, Some(0));
        anyhow::Ok(begun.elapsed())
    };
    // To open a channel is one round trip, a command and its end another.
    let far = timed(Some(RelayFault::RoundTrip { millis: 100 }), "true").await?;
    assert!((200..600).contains(&far.as_millis()), "{far:?}");
    // What is under way at once is not counted one after the other.
    let much = timed(Some(RelayFault::RoundTrip { millis: 100 }), "head -c 20000000 /dev/zero").await?;
    assert!(much < Duration::from_secs(5), "{much:?}");
    let narrow = timed(Some(RelayFault::Throttled { bytes_per_sec: 1_000_000 }), "head -c 700000 /dev/zero").await?;
    assert!((600..3000).contains(&narrow.as_millis()), "{narrow:?}");
    world.set_relay_round_trip(Duration::from_millis(100));
    let begun = Instant::now();
    timed(None, "true").await?;
    assert!(begun.elapsed() > Duration::from_millis(500), "the handshake has its round trips, too");
    world.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relay_shows_another_key_or_is_full_or_opens_no_way() -> Result<()> {
    let (world, client) = logged_in(WorldOptions::prompt(), "Postgres").await?;
    world.fault(Fault::relay(RelayFault::ForwardRefused));
    let refused = client.forward("127.0.0.1", 5432).await;
    assert!(format!("{refused:?}").contains("AdministrativelyProhibited"), "{refused:?}");
    client.forward("127.0.0.1", 5432).await?;
    let key = Key::new()?;
    key.register(&world, "second")?;
    let postgres = world.instance_id("production", "Postgres")?;
    world.fault(Fault::relay(RelayFault::HostKeyChanged));
    let changed = Client::login(&world, &postgres, &key).await.err();
    assert!(format!("{changed:?}").contains("Unknown server key"), "{changed:?}");
    world.fault(Fault::relay(RelayFault::TooMany));
    let full = match Client::login(&world, &postgres, &key).await {
        Ok(client) => client.forward("127.0.0.1", 5432).await.is_err(),
        Err(_) => true,
    };
    assert!(full);
    Client::login(&world, &postgres, &key).await?;
    world.stop().await;
    Ok(())
}
