//! The relay: who may come, what runs where, what leads where, and what goes wrong on order.

mod cli;
mod client;
mod faults;
mod flows;
#[path = "../support/mod.rs"]
mod support;

use anyhow::Result;
use backboard::{Deed, World, WorldOptions};
use client::{Client, Key, skip};

#[tokio::test(flavor = "multi_thread")]
async fn only_a_key_that_is_registered_comes_in() -> Result<()> {
    let world = World::start(WorldOptions::prompt()).await?;
    let key = Key::new()?;
    let web = world.instance_id("production", "web")?;
    assert!(Client::login(&world, &web, &key).await.is_err(), "it is not registered");
    let id = key.register(&world, "ours")?;
    assert_eq!(world.ssh_keys(), ["ours"]);
    Client::login(&world, &web, &key).await?;
    assert!(Client::login(&world, &web, &Key::new()?).await.is_err(), "another key");
    Key::remove(&world, &id)?;
    assert!(Client::login(&world, &web, &key).await.is_err(), "it is registered no more");
    let deeds: Vec<_> = world.relayed().into_iter().map(|one| one.deed).collect();
    assert!(matches!(&deeds[0], Deed::Refused { user, .. } if *user == web), "{deeds:?}");
    assert!(matches!(&deeds[1], Deed::KeyRegistered { name, .. } if name == "ours"), "{deeds:?}");
    assert!(matches!(&deeds[2], Deed::Login { user, .. } if *user == web), "{deeds:?}");
    assert!(matches!(&deeds[4], Deed::KeyRemoved { .. }), "{deeds:?}");
    world.stop().await;
    Ok(())
}

/// A world with a client that is logged in as production's app.
pub(crate) async fn logged_in(options: WorldOptions, service: &str) -> Result<(World, Client)> {
    let world = World::start(options).await?;
    let key = Key::new()?;
    key.register(&world, "ours")?;
    let client = Client::login(&world, &world.instance_id("production", service)?, &key).await?;
    Ok((world, client))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_runs_in_its_container_and_says_how_it_ended() -> Result<()> {
    if skip("a_command_runs_in_its_container_and_says_how_it_ended") {
        return Ok(());
    }
    let media = WorldOptions { extra_services: vec![backboard::ExtraService::Media], ..WorldOptions::prompt() };
    let (world, client) = logged_in(media, "media").await?;
    std::fs::write(world.volume("production", "media")?.join("a b.txt"), "here")?;
    let said = client.run("cat '/app/uploads/a b.txt'; echo no >&2; exit 7").await?;
    assert_eq!((said.stdout.as_str(), said.stderr.as_str(), said.status), ("here", "no\n", Some(7)));
    let said = client.run("pwd; echo $RAILWAY_ENVIRONMENT_NAME; ls /work /home 2>/dev/null; kill -9 $$").await?;
    assert_eq!((said.stdout.as_str(), said.status), ("/app\nproduction\n", Some(137)));
    let said = client.run("touch /usr/mine || echo kept; echo new >/app/uploads/new").await?;
    assert_eq!(said.stdout, "kept\n");
    assert_eq!(std::fs::read_to_string(world.volume("production", "media")?.join("new"))?, "new\n");
    assert_eq!(world.commands_in("production")?.len(), 3);
    world.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forward_leads_to_the_database_itself_and_to_nothing_else() -> Result<()> {
    let (world, client) = logged_in(WorldOptions::prompt(), "Postgres").await?;
    world.set_tcp_proxy("production", false)?;
    let mut stream = client.forward("127.0.0.1", 5432).await?.into_stream();
    let mut config: tokio_postgres::Config = world.database_url("production")?.parse()?;
    config.ssl_mode(tokio_postgres::config::SslMode::Disable);
    let (database, connection) = config.connect_raw(&mut stream, tokio_postgres::NoTls).await?;
    let asked = async {
        let row = database.query_one("SELECT count(*) FROM pg_class", &[]).await?;
        anyhow::Ok(row.get::<_, i64>(0))
    };
    let count = tokio::select! { count = asked => count?, ended = connection => { ended?; 0 } };
    assert!(count > 100);
    for (host, port) in [("127.0.0.1", 5433), ("localhost", 5432), ("postgres.railway.internal", 5432)] {
        assert!(client.forward(host, port).await.is_err(), "{host}:{port}");
    }
    world.stop().await;
    Ok(())
}
