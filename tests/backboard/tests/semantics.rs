//! What Railway does when an environment is copied, changed, deployed and deleted.

mod support;

use anyhow::Result;
use backboard::{DeployOutcome, DeploymentStatus, ExtraService, Fault, FaultEffect, World, WorldOptions};
use serde_json::json;
use std::time::Duration;
use support::{ask, create, data, deployed, error_text, post, until};

const CONFIG: &str = "query($id: String!) { environment(id: $id) { config(decryptVariables: true) } }";

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_has_services_and_literals_but_no_sealed_values_domains_proxies_or_data() -> Result<()> {
    let world = World::start(WorldOptions::prompt()).await?;
    let (web, postgres) = (world.service_id("web")?, world.service_id("Postgres")?);
    world.set_variable("production", None, "RAILSTAGE", "{\"of\":\"production\"}")?;
    let made = create(&world, "copy", true)?;
    let production = world.environment_id("production")?;
    assert_eq!(made["data"]["environmentCreate"]["sourceEnvironment"]["id"], production.as_str());
    let id = world.environment_id("copy")?;
    let config = data(&world, CONFIG, json!({ "id": id }))?["environment"]["config"].clone();
    let service = &config["services"][&web];
    assert_eq!(service["variables"]["STRIPE_SECRET_KEY"]["value"], "sk_live_51Canary0variable0web");
    assert!(service["variables"].get("SESSION_SECRET").is_none());
    assert_eq!(service["networking"]["serviceDomains"], json!({ "web-copy.up.railway.app": { "port": 8080 } }));
    assert!(service["networking"].get("customDomains").is_none());
    assert!(config["services"][&postgres]["networking"].get("tcpProxies").is_none());
    assert_eq!(config["sharedVariables"]["RAILSTAGE"]["value"], "{\"of\":\"production\"}");
    let nightly = &config["services"][world.service_id("nightly")?];
    assert_eq!(nightly["deploy"]["cronSchedule"], "0 3 * * *");
    let password = |environment| world.variable(environment, "Postgres", "POSTGRES_PASSWORD");
    assert_eq!(password("copy")?, password("production")?);
    let public = world.variable("copy", "Postgres", "DATABASE_PUBLIC_URL")?.unwrap_or_default();
    assert!(public.ends_with("@:/railway"), "{public}");
    assert!(world.database_url("copy").is_err(), "nothing is deployed");
    assert!(world.mutations_touching(&production).is_empty());
    world.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_skip_initial_deploys_a_copy_starts_its_apps_on_an_empty_database() -> Result<()> {
    let world = World::start(WorldOptions::prompt()).await?;
    create(&world, "copy", false)?;
    until("web is deployed", || deployed(&world, "copy", "web", "SUCCESS")).await?;
    until("Postgres is deployed", || deployed(&world, "copy", "Postgres", "SUCCESS")).await?;
    let page = world.fetch("web-copy.up.railway.app", "/").await?;
    assert_eq!(page.status, 503);
    assert!(page.body.contains("The database is empty"), "{}", page.body);
    let production = world.fetch("shop.example.com", "/").await?;
    assert!(production.body.contains("Acme Outfitters"), "{}", production.body);
    let redirected = world.fetch("web-production.up.railway.app", "/a").await?;
    assert_eq!(redirected.status, 404, "nobody has that domain");
    world.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn staged_changes_are_committed_without_deploys_and_a_commit_deploys_what_it_changes() -> Result<()> {
    let world = World::start(WorldOptions::prompt()).await?;
    create(&world, "copy", true)?;
    let (id, postgres) = (world.environment_id("copy")?, world.service_id("Postgres")?);
    let changes = json!({ "services": { &postgres: {
        "networking": { "tcpProxies": { "5432": {} } }, "variables": { "POSTGRES_PASSWORD": { "value": "fresh" } } } } });
    let staged = "mutation($id: String!, $input: EnvironmentConfig!) { \
        a: environmentStageChanges(environmentId: $id, input: $input, merge: true) { id status } \
        b: environmentPatchCommitStaged(environmentId: $id, skipDeploys: true) }";
    let answer = data(&world, staged, json!({ "id": id, "input": changes }))?;
    assert_eq!(answer["a"]["status"], "STAGED");
    assert!(!deployed(&world, "copy", "Postgres", "INITIALIZING"));
    let commit = "mutation($id: String!, $patch: EnvironmentConfig!) { environmentPatchCommit(environmentId: $id, patch: $patch) }";
    data(&world, commit, json!({ "id": id, "patch": changes }))?;
    assert!(world.database_url("copy").is_err(), "an equal patch changes nothing, so nothing is deployed");
    let change = json!({ "services": { &postgres: { "variables": { "MORE": { "value": "1" } } } } });
    data(&world, commit, json!({ "id": id, "patch": change }))?;
    until("Postgres is deployed", || deployed(&world, "copy", "Postgres", "SUCCESS")).await?;
    let url = world.variable("copy", "Postgres", "DATABASE_PUBLIC_URL")?.unwrap_or_default();
    assert!(url.starts_with("postgresql://postgres:fresh@localhost:"), "{url}");
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    let tables: i64 = client.query_one("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", &[]).await?.get(0);
    assert_eq!(tables, 0);
    let identity = "SELECT system_identifier FROM pg_control_system()";
    let copy: i64 = client.query_one(identity, &[]).await?.get(0);
    let (source, connection) = tokio_postgres::connect(&world.source_database_url()?, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    assert_ne!(source.query_one(identity, &[]).await?.get::<_, i64>(0), copy, "each cluster is its own");
    world.set_tcp_proxy("copy", false)?;
    until("the proxy refuses", || std::net::TcpStream::connect(("127.0.0.1", port_of(&url))).is_err()).await?;
    world.stop().await;
    Ok(())
}

fn port_of(url: &str) -> u16 {
    url.rsplit_once(':').and_then(|(_, rest)| rest.split('/').next()?.parse().ok()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_unique_and_stay_reserved_for_a_while_after_a_slow_deletion() -> Result<()> {
    let options = WorldOptions {
        delete_time: Duration::from_millis(100),
        name_reserved: Duration::from_millis(300),
        ..WorldOptions::prompt()
    };
    let world = World::start(options).await?;
    create(&world, "copy", true)?;
    let taken = "An environment with that name already exists";
    assert_eq!(error_text(&create(&world, "copy", true)?), taken);
    create(&world, "other", true)?;
    let rename = "mutation($id: String!) { environmentRename(id: $id, input: { name: \"copy\" }) { name } }";
    assert_eq!(error_text(&ask(&world, rename, json!({ "id": world.environment_id("other")? }))?), taken);
    let delete = "mutation($id: String!) { environmentDelete(id: $id) }";
    let id = world.environment_id("copy")?;
    data(&world, delete, json!({ "id": id }))?;
    assert_eq!(error_text(&ask(&world, delete, json!({ "id": id }))?), "Environment not found");
    until("it is gone", || world.environment_id("copy").is_err()).await?;
    assert_eq!(error_text(&create(&world, "copy", true)?), taken);
    until("the name is free", || create(&world, "copy", true).is_ok_and(|answer| answer.get("errors").is_none()))
        .await?;
    world.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_lag_behind_writes() -> Result<()> {
    let world = World::start(WorldOptions { lag: Duration::from_secs(2), ..WorldOptions::prompt() }).await?;
    create(&world, "copy", true)?;
    let id = world.environment_id("copy")?;
    assert_eq!(error_text(&ask(&world, CONFIG, json!({ "id": id }))?), "Environment not found");
    let seen = || ask(&world, CONFIG, json!({ "id": id })).is_ok_and(|answer| answer.get("errors").is_none());
    until("it is seen", seen).await?;
    let instances =
        "query($id: String!) { environment(id: $id) { serviceInstances { edges { node { serviceName } } } } }";
    let count = || -> Result<usize> {
        let answer = data(&world, instances, json!({ "id": id }))?;
        Ok(answer["environment"]["serviceInstances"]["edges"].as_array().map_or(0, Vec::len))
    };
    assert!(count()? < 4, "the instances come one by one");
    until("all instances are seen", || count().is_ok_and(|count| count == 4)).await?;
    world.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_field_of_a_mutation_leaves_the_earlier_ones_done() -> Result<()> {
    let world = World::start(WorldOptions::prompt()).await?;
    create(&world, "copy", true)?;
    let (id, web) = (world.environment_id("copy")?, world.service_id("web")?);
    let text = "mutation($p: String!, $e: String!, $s: String!) { \
        first: variableUpsert(input: { projectId: $p, environmentId: $e, serviceId: $s, name: \"A\", value: \"1\", skipDeploys: true }) \
        second: serviceInstanceDeployV2(environmentId: $e, serviceId: $p) \
        third: variableUpsert(input: { projectId: $p, environmentId: $e, serviceId: $s, name: \"B\", value: \"2\", skipDeploys: true }) }";
    let answer = ask(&world, text, json!({ "p": world.project_id(), "e": id, "s": web }))?;
    assert!(answer["data"].is_null());
    assert_eq!(answer["errors"][0]["path"], json!(["second"]));
    assert_eq!(world.variable("copy", "web", "A")?.as_deref(), Some("1"));
    world.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_after_the_deed_leaves_it_done_and_in_the_journal() -> Result<()> {
    let world = World::start(WorldOptions::prompt()).await?;
    world.fault(Fault::new("environmentCreate", FaultEffect::Timeout { secs: 0.1 }).after_the_deed());
    assert!(create(&world, "late", true).is_err_and(|error| error.to_string().starts_with("HTTP 504")));
    world.fault(Fault::new("environmentCreate", FaultEffect::Http { status: 500 }));
    assert!(create(&world, "never", true).is_err());
    assert!(world.environment_id("late").is_ok() && world.environment_id("never").is_err());
    let journal = world.journal();
    let outcomes: Vec<&str> = journal.iter().map(|entry| entry.outcome.as_str()).collect();
    assert_eq!(outcomes, ["504", "500"]);
    world.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_fails_when_told_to_and_says_why_in_its_log() -> Result<()> {
    let world = World::start(WorldOptions::prompt()).await?;
    create(&world, "copy", true)?;
    world.order_outcome(DeployOutcome {
        service: "web".to_owned(),
        status: DeploymentStatus::Crashed,
        log: vec!["PHP Fatal error: out of memory".to_owned()],
        times: 1,
    });
    let deploy = "mutation($e: String!, $s: String!) { \
        serviceInstanceDeployV2(environmentId: $e, serviceId: $s, commitSha: \"c0ffee\") }";
    let variables = json!({ "e": world.environment_id("copy")?, "s": world.service_id("web")? });
    let id = data(&world, deploy, variables)?["serviceInstanceDeployV2"].clone();
    until("web has crashed", || deployed(&world, "copy", "web", "CRASHED")).await?;
    let look = "query($id: String!) { deployment(id: $id) { status meta } deploymentLogs(deploymentId: $id, limit: 1) { message } }";
    let seen = data(&world, look, json!({ "id": id }))?;
    assert_eq!(seen["deployment"]["meta"]["commitHash"], "c0ffee");
    assert_eq!(seen["deploymentLogs"][0]["message"], "PHP Fatal error: out of memory");
    world.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn productions_page_shows_its_own_data_and_lives_at_its_own_address() -> Result<()> {
    let world = World::start(WorldOptions::prompt()).await?;
    let page = world.fetch("shop.example.com", "/").await?;
    assert_eq!(page.status, 200);
    for part in ["<h1 id=\"title\">Acme Outfitters", "<b id=\"customers\">12", "<b id=\"orders\">40"] {
        assert!(page.body.contains(part), "{part} is not in {}", page.body);
    }
    assert!(!page.body.contains("environment-type"), "production has no banner");
    let domains = &world.environments()[0].domains;
    let other = domains.keys().find(|domain| domain.ends_with(".up.railway.app")).cloned().unwrap_or_default();
    let redirect = world.fetch(&other, "/cart/").await?;
    assert_eq!((redirect.status, redirect.location.as_deref()), (301, Some("https://shop.example.com/cart/")));
    world.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_cannot_be_deployed_in_a_copy() -> Result<()> {
    let options = WorldOptions { extra_services: vec![ExtraService::Upload], ..WorldOptions::prompt() };
    let world = World::start(options).await?;
    create(&world, "copy", true)?;
    let deploy = "mutation($e: String!, $s: String!) { serviceInstanceDeployV2(environmentId: $e, serviceId: $s) }";
    let variables = json!({ "e": world.environment_id("copy")?, "s": world.service_id("uploaded")? });
    assert_eq!(error_text(&ask(&world, deploy, variables)?), "Deployment not found");
    world.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_modelled_and_who_is_not_known_is_said() -> Result<()> {
    let world = World::start(WorldOptions::prompt()).await?;
    let project = json!({ "id": world.project_id() });
    let answer = ask(&world, "query($id: String!) { project(id: $id) { subscriptionType } }", project)?;
    assert_eq!(error_text(&answer), "backboard does not model Project.subscriptionType");
    let (_, body) = post(&world, "authorization: Bearer nobody", "query { me { id } }", json!({}))?;
    assert!(body.contains("Not Authorized"), "{body}");
    let header = format!("project-access-token: {}", world.project_token("production")?);
    let (_, body) = post(&world, &header, "query { me { id } }", json!({}))?;
    assert!(body.contains("Not Authorized"), "{body}");
    let (_, body) = post(&world, &header, "query { projectToken { environment { name } } }", json!({}))?;
    assert!(body.contains("production"), "{body}");
    world.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_deleted_without_an_environment_is_noted_against_every_one() -> Result<()> {
    let world = World::start(WorldOptions::prompt()).await?;
    create(&world, "copy", true)?;
    let digest = world.state_digest("production")?;
    let delete = "mutation($id: String!) { serviceDelete(id: $id) }";
    data(&world, delete, json!({ "id": world.service_id("worker")? }))?;
    assert_eq!(world.mutations_touching(&world.environment_id("production")?).len(), 1);
    assert_ne!(world.state_digest("production")?, digest);
    world.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[should_panic(expected = "faults that never struck")]
async fn a_fault_that_never_strikes_fails_its_test() {
    let world = World::start(WorldOptions::prompt()).await.expect("start a world");
    world.fault(Fault::new("environmentDelete", FaultEffect::Http { status: 500 }));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[should_panic(expected = "outcomes that no deployment had")]
async fn an_outcome_that_no_deployment_has_fails_its_test() {
    let world = World::start(WorldOptions::prompt()).await.expect("start a world");
    let (service, status) = ("web".to_owned(), DeploymentStatus::Failed);
    world.order_outcome(DeployOutcome { service, status, log: Vec::new(), times: 1 });
}
