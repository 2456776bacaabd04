//! The real `railway` CLI works in a world, and gets the refusals that Railway gives.

mod support;

use anyhow::Result;
use backboard::{Fault, FaultEffect, World, WorldOptions};
use support::{railway, railway_json};

#[tokio::test(flavor = "multi_thread")]
async fn the_real_cli_reads_production() -> Result<()> {
    let world = World::start(WorldOptions::prompt()).await?;
    let id = world.environment_id("production")?;
    assert_eq!(railway_json(&world, &["whoami", "--json"])?["workspaces"][0]["name"], "Acme");
    assert_eq!(railway_json(&world, &["list", "--json"])?[0]["name"], "acme");
    let listed = railway_json(&world, &["environment", "list", "--json"])?;
    assert_eq!(listed["environments"][0]["id"], id.as_str());
    let config = railway_json(&world, &["environment", "config", "-e", &id, "--json"])?;
    let web = &config["services"][world.service_id("web")?];
    assert_eq!(web["variables"]["DATABASE_URL"]["value"], "${{Postgres.DATABASE_URL}}");
    assert!(web["variables"]["SESSION_SECRET"].get("value").is_none(), "a sealed value is never shown");
    let variables = railway_json(&world, &["variable", "list", "-e", &id, "-s", "Postgres", "--json"])?;
    assert_eq!(variables["DATABASE_PUBLIC_URL"], world.source_database_url()?.as_str());
    let services = railway_json(&world, &["service", "list", "-e", &id, "--json"])?;
    assert_eq!(services.as_array().map(Vec::len), Some(4));
    let domains = railway_json(&world, &["domain", "list", "-e", &id, "-s", "web", "--json"])?;
    assert_eq!(domains["domains"][1]["domain"], "shop.example.com");
    let proxies = railway_json(&world, &["tcp-proxy", "list", "-e", &id, "-s", "Postgres", "--json"])?;
    assert_eq!(proxies["proxies"][0]["applicationPort"], 5432);
    let deployments = railway_json(&world, &["deployment", "list", "-e", &id, "-s", "web", "--json"])?;
    assert_eq!(deployments[0]["meta"]["repo"], "acme/shop");
    railway_json(&world, &["status", "-p", &world.project_id(), "-e", &id, "--json"])?;
    railway_json(&world, &["volume", "-e", &id, "list", "--json"])?;
    assert!(world.mutations_touching(&id).is_empty());
    world.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_cli_makes_changes_and_deletes_an_environment() -> Result<()> {
    let world = World::start(WorldOptions::prompt()).await?;
    let made = railway_json(&world, &["environment", "new", "copy", "--duplicate", "production", "--json"])?;
    let id = made["id"].as_str().unwrap_or_default().to_owned();
    assert_eq!(world.environment_id("copy")?, id);
    railway_json(&world, &["variable", "set", "A=b", "-e", &id, "-s", "web", "--skip-deploys", "--json"])?;
    assert_eq!(world.variable("copy", "web", "A")?.as_deref(), Some("b"));
    let taken = railway(&world, &["environment", "new", "copy", "--json"])?;
    assert_eq!(taken.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&taken.stderr).contains("An environment with that name already exists"));
    let gone = railway_json(&world, &["environment", "delete", &id, "--yes", "--json"])?;
    assert_eq!(gone["id"], id.as_str());
    support::until("the environment is gone", || world.environments().len() == 1).await?;
    world.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_cli_reports_rate_limits_and_html_answers_in_its_own_words() -> Result<()> {
    let world = World::start(WorldOptions::prompt()).await?;
    let said = |arguments: &[&str]| -> Result<String> {
        let output = railway(&world, arguments)?;
        assert_eq!(output.status.code(), Some(1));
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    };
    world.fault(Fault::new("me", FaultEffect::RateLimited { retry_after_secs: 37 }).times(2));
    let limited = said(&["whoami"])?;
    assert!(limited.contains("You are being ratelimited. Try again in 37 seconds"), "{limited}");
    let limited = said(&["api", "query { me { id } }"])?;
    assert!(limited.contains("Railway API request failed with HTTP 429"), "{limited}");
    world.fault(Fault::new("me", FaultEffect::Http { status: 504 }).times(2));
    let broken = said(&["whoami"])?;
    assert!(broken.contains("Failed to fetch: error decoding response body"), "{broken}");
    let broken = said(&["api", "query { me { id } }"])?;
    assert!(broken.contains("Railway API request failed with HTTP 504"), "{broken}");
    let text = "You are creating environments too quickly. This workspace allows 1 environment per 30 seconds.";
    world.fault(Fault::new("environmentCreate", FaultEffect::Error { message: text.to_owned() }));
    let throttled = said(&["environment", "new", "one", "--json"])?;
    assert!(throttled.contains(text), "{throttled}");
    world.stop().await;
    Ok(())
}
