//! `backboard serve`: a world as a process, until it is told to stop. `backboard data`: what MariaDB and MySQL begin with.

use anyhow::Result;
use backboard::mysql::MysqlHome;
use backboard::{ExtraService, SiteFiles, World, WorldOptions, wordpress};
use clap::{Parser, Subcommand};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::signal::unix::{SignalKind, signal};

#[derive(Parser)]
#[command(about = "A loopback stand-in for Railway's backend", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start a world, print one line of JSON about it, run until SIGTERM or SIGINT
    Serve(Serve),
    /// Make, once, the data directory that each MariaDB and MySQL begins with, and print the paths of them all, a line each
    Data,
}

#[derive(clap::Args)]
struct Serve {
    /// Size of production's database, such as 0, 100M or 1G
    #[arg(long, default_value = "100M", value_parser = bytes)]
    size: u64,
    /// How long a deployment takes, in seconds
    #[arg(long, default_value_t = 3.0)]
    deploy_secs: f64,
    /// How long it takes where the service's image is there from an earlier one (default: as long)
    #[arg(long)]
    redeploy_secs: Option<f64>,
    /// How long reads lag behind writes, in seconds
    #[arg(long, default_value_t = 0.15)]
    lag_secs: f64,
    /// Give production a WordPress on MariaDB beside its shop, with its files on a volume
    #[arg(long)]
    wordpress: bool,
    /// Give production an app with a volume
    #[arg(long)]
    media: bool,
    /// How far away the SSH relay is, in milliseconds there and back
    #[arg(long, default_value_t = 0)]
    relay_round_trip_ms: u64,
    /// Folder for the database clusters (default: the temporary folder)
    #[arg(long)]
    data: Option<PathBuf>,
    /// Stop at the end of standard input, too
    #[arg(long)]
    until_stdin_ends: bool,
}

fn bytes(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.char_indices().find(|(_, c)| !c.is_ascii_digit()) {
        Some((at, _)) => text.split_at(at),
        None => (text, ""),
    };
    let factor = match unit {
        "" => 1,
        "k" | "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return Err(format!("`{unit}` is none of K, M, G")),
    };
    let number: u64 = digits.parse().map_err(|_| format!("`{text}` is not a size such as 100M"))?;
    number.checked_mul(factor).ok_or_else(|| format!("`{text}` is too large"))
}

#[tokio::main]
async fn main() -> Result<()> {
    let serve = match Cli::parse().command {
        Command::Serve(serve) => serve,
        Command::Data => {
            for home in MysqlHome::all()? {
                println!("{}", home.data_directory()?.display());
            }
            return Ok(());
        }
    };
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let extra_services = extra_services(&serve);
    let options = WorldOptions {
        fixture_bytes: serve.size,
        deploy_time: Duration::from_secs_f64(serve.deploy_secs),
        redeploy_time: serve.redeploy_secs.map(Duration::from_secs_f64),
        lag: Duration::from_secs_f64(serve.lag_secs),
        data_dir: serve.data,
        extra_services,
        site_files: serve.wordpress.then_some(SiteFiles::InHtml),
        ..WorldOptions::default()
    };
    let world = tokio::select! {
        world = World::start(options) => world?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    use_for_a_week(&world)?;
    world.set_relay_round_trip(Duration::from_millis(serve.relay_round_trip_ms));
    let page = "<!doctype html><title>Spring sale</title><h1 id=\"title\">Spring sale</h1>";
    world.commit(REPOSITORY, "main", &[("index.html", page)], &[])?;
    println!("{}", about(&world)?);
    let stdin_ends = async {
        if !serve.until_stdin_ends {
            std::future::pending::<()>().await;
        }
        let (mut stdin, mut sink) = (tokio::io::stdin(), [0; 256]);
        while stdin.read(&mut sink).await.is_ok_and(|read| read > 0) {}
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = stdin_ends => {}
    }
    // Whoever ordered a fault over HTTP may leave it unused.
    world.forget_orders();
    world.stop().await;
    // A read of standard input that nobody ends would hold the process.
    std::process::exit(0);
}

fn extra_services(serve: &Serve) -> Vec<ExtraService> {
    let wordpress = serve.wordpress.then_some([ExtraService::MariaDb, ExtraService::WordPress]);
    wordpress.into_iter().flatten().chain(serve.media.then_some(ExtraService::Media)).collect()
}

/// What production used, at a tenth of a vCPU for each service, so that there is a price to tell.
fn use_for_a_week(world: &World) -> Result<()> {
    for service in ["web", "worker", "Postgres"] {
        world.use_up("production", Some(service), "CPU_USAGE", 1008.0)?;
    }
    Ok(())
}

/// A site that somebody may deploy.
const REPOSITORY: &str = "https://git.example.com/acme/sale";

fn about(world: &World) -> Result<serde_json::Value> {
    let environments = world.environments();
    let mariadb_url = environments.iter().find_map(|one| one.database_urls.get("MariaDB"));
    Ok(json!({
        "graphql_url": world.graphql_url(),
        "control_url": world.control_url(),
        "proxy_url": world.proxy_url(),
        "ca_file": world.ca_file(),
        "token": world.token(),
        "project_id": world.project_id(),
        "repository": REPOSITORY,
        "relay": {
            "port": world.relay_port(),
            "host_key": world.relay_host_key(),
            "cli_env": world.relay_cli_env().ok().map(BTreeMap::from_iter),
            "known_hosts": world.relay_known_hosts(),
        },
        "environments": environments,
        "production": {
            "environment_id": world.environment_id("production")?,
            "database_url": world.source_database_url()?,
            "superuser_url": world.database_url("production")?,
            "site_url": "https://shop.example.com",
            "mariadb_url": mariadb_url,
            "wordpress_url": mariadb_url.map(|_| format!("https://{}", wordpress::HOST)),
            "picture": wordpress::PICTURE,
            "private_files": wordpress::PRIVATE,
        },
    }))
}
