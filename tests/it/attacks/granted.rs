//! Whoever holds a webhook's key asks for more than the owner grants.

use std::collections::BTreeSet;
use std::time::Duration;

use railstage::cli::schema_files;
use railstage::contract::bounds::{BOUNDS, Bound};
use railstage::steps::STEPS;
use serde_json::{Map, Value, json};

use crate::stage::Stage;

/// A world whose owner has named the project and nothing else.
async fn strict() -> Stage {
    let mut stage = Stage::prompt().await;
    // Any rate is as good as another where the line names none.
    stage.policy = json!({"allowed_projects": [stage.world.project_id()], "production_mb_per_s": 50});
    stage.know_relay();
    stage
}

/// Requests that go beyond the strict policy: the field, the line that would grant it, and what is asked for.
fn beyond() -> Vec<(&'static str, &'static str, Value)> {
    let rules = |rule: Value| json!({"databases": [{"service": "Postgres", "rules": [rule]}]});
    let variable = |value: Value| json!({"variables": {"web": {"X": value}}});
    let names = json!({"table": "customers", "column": "name"});
    let rule = |more: Value| {
        let mut rule = names.clone();
        rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        rules(rule)
    };
    vec![
        ("source_environment", "sources: [qa]", json!({"source_environment": "qa"})),
        ("ttl", "min_ttl: PT1M", json!({"ttl": "PT1M"})),
        ("ttl", "max_ttl: P15D", json!({"ttl": "P15D"})),
        ("keep", "may_be_kept: true", json!({"keep": true})),
        ("include_services", "cron_services: [nightly]", json!({"include_services": ["web", "nightly"]})),
        ("variables", "variables: [\"web.X\"]", variable(json!("y"))),
        ("variables", "variables: [\"*.X\"]", json!({"variables": {"*": {"X": {"remove": true}}}})),
        ("sources", "other_code: [\"web=branch:feature\"]", json!({"sources": {"web": {"branch": "feature"}}})),
        ("variables", "may_reference: true", variable(json!("${{Postgres.POSTGRES_PASSWORD}}"))),
        ("variables", "secrets: [MAIL]", variable(json!({"secret": "MAIL"}))),
        ("allow_live", "allow_live: [\"web.STRIPE_KEY\"]", json!({"allow_live": ["web.STRIPE_KEY"]})),
        ("databases.rules", "may_weaken_masking: true", rule(json!({"transformer": "keep"}))),
        ("databases.rules", "may_weaken_masking: true", rule(json!({"transformer": "set", "value": "x"}))),
        ("databases.rules", "may_weaken_masking: true", rule(json!({"transformer": "contacts"}))),
        (
            "databases.rules",
            "may_weaken_masking: true",
            rule(json!({"transformer": "name", "when": {"column": "email", "in": ["boss@example.net"]}})),
        ),
        (
            "databases.keep_queues",
            "may_act: true",
            json!({"databases": [{"service": "Postgres", "keep_queues": ["oban_jobs"]}]}),
        ),
        ("copying.jobs", "production_connections: 3", json!({"copying": {"jobs": 3}})),
        ("copying.max_mb_per_s", "production_mb_per_s: 51", json!({"copying": {"max_mb_per_s": 50.5}})),
        ("copying.attempts", "max_attempts: 4", json!({"copying": {"attempts": 4}})),
        ("copying.max_snapshot_age", "max_snapshot_age: PT2H", json!({"copying": {"max_snapshot_age": "PT2H"}})),
        ("copying.max_write_pause_ms", "max_write_pause_ms: 501", json!({"copying": {"max_write_pause_ms": 501}})),
        ("copying.stall", "max_stall: PT1H", json!({"copying": {"stall": "PT1H"}})),
        ("connect", "private_only: false", json!({"connect": "public"})),
        ("anonymize", "may_be_unmasked: true", json!({"anonymize": false})),
        ("residue", "may_weaken_masking: true", json!({"residue": "warn"})),
        ("keep_users", "keep_users: [anna]", json!({"keep_users": ["administrators", "anna"]})),
        ("unknown", "may_weaken_masking: true", json!({"unknown": "keep"})),
        ("wordpress_url_replace", "may_keep_urls: true", json!({"wordpress_url_replace": false})),
        ("custom_domain", "custom_domains: [a.example.net]", json!({"custom_domain": "a.example.net"})),
        ("enable_basic_auth", "gate: optional", json!({"enable_basic_auth": false})),
        ("basic_auth.secret", "secrets: [DOOR]", json!({"enable_basic_auth": true, "basic_auth": {"secret": "DOOR"}})),
        (
            "files.include",
            "may_include_files: [\"**/*.log\"]",
            json!({"files": [{"service": "media", "include": ["**/*.log"]}]}),
        ),
        ("guard", "may_be_unguarded: true", json!({"guard": false})),
        (
            "after.command",
            "after_commands: [\"web=id; id\"]",
            json!({"after": [{"service": "web", "command": "id; id"}]}),
        ),
        ("logs", "may_print_logs: true", json!({"logs": true})),
        ("on_failure", "may_keep_failed: true", json!({"on_failure": "keep"})),
    ]
}

/// The same of requests to deploy.
fn beyond_of_deploy() -> Vec<(&'static str, &'static str, Value)> {
    let deploy = |field: &str, value: &str| json!({"service": "web", "environment": "qa", field: value});
    let image = "ghcr.io/acme/shop:1";
    vec![
        ("environment", "deploy: {environments: [\"qa\"]}", deploy("image", image)),
        ("service", "deploy: {services: [\"web\"]}", deploy("image", image)),
        ("image", "deploy: {images: [\"ghcr.io/acme/shop:1\"]}", deploy("image", image)),
        (
            "add_databases",
            "deploy: {databases: [\"redis\"]}",
            json!({"service": "web", "environment": "qa", "image": image, "add_databases": ["redis"]}),
        ),
        (
            "repository",
            "deploy: {repositories: [\"https://github.com/acme/shop\"]}",
            deploy("repository", "https://github.com/acme/shop"),
        ),
    ]
}

/// The line of the policy that would grant something, by its dotted path.
fn path_of(line: &str) -> String {
    let (name, rest) = line.split_once(':').unwrap();
    let within = rest.trim().strip_prefix('{').and_then(|rest| rest.split_once(':'));
    within.map_or_else(|| name.to_owned(), |(within, _)| format!("{name}.{within}"))
}

/// Names by their dotted paths, of everything that a schema lets a caller say.
fn paths(schema: &Value, at: &str, found: &mut BTreeSet<String>) {
    for (name, field) in schema["properties"].as_object().unwrap_or(&Map::new()) {
        let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
        // What a rule may say is judged as a whole.
        let within =
            [field, &field["items"]].into_iter().find(|within| within["properties"].is_object() && name != "rules");
        match within {
            Some(within) => paths(within, &path, found),
            None => drop(found.insert(path)),
        }
    }
}

#[test]
fn every_field_of_every_request_has_a_bound() {
    let mut fields = BTreeSet::new();
    for step in STEPS {
        paths((step.input_schema)().as_value(), "", &mut fields);
    }
    assert_eq!(BOUNDS.iter().map(|(field, _)| (*field).to_owned()).collect::<BTreeSet<_>>(), fields);
    let (_, policy) = schema_files::files().into_iter().find(|(name, _)| name == "policy.json").unwrap();
    let policy: Value = serde_json::from_str(&policy).unwrap();
    let all = beyond().into_iter().chain(beyond_of_deploy());
    let tried: BTreeSet<_> = all.map(|(field, line, _)| (field, path_of(line))).collect();
    // These are tried where they have tests of their own: ownership, and the limit.
    let elsewhere = ["allowed_projects", "protected_environments", "max_copies_per_project", "max_runs_per_hour"];
    for (field, bound) in BOUNDS {
        let Bound::Lines(lines) = bound else { continue };
        for line in lines.iter().filter(|line| !elsewhere.contains(line)) {
            let at = format!("/properties/{}", line.replace('.', "/properties/"));
            assert!(policy.pointer(&at).is_some_and(Value::is_object), "no line `{line}`");
            assert!(tried.contains(&(*field, (*line).to_owned())), "nobody tries to get beyond `{line}` by `{field}`");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_owner_has_not_granted_is_refused_with_the_line_that_would_grant_it() {
    let mut stage = strict().await;
    stage.world.create_environment("qa", Duration::from_hours(24)).unwrap();
    for (field, line, asked) in beyond() {
        // A gate may be left out unless the owner says otherwise.
        stage.policy["gate"] = json!(if field == "enable_basic_auth" { "required" } else { "optional" });
        // So may any way be taken to a database.
        stage.policy["private_only"] = json!(field == "connect");
        // By the check that comes first, and by the step that would do it.
        for step in ["validate", "create-env"] {
            let call = stage.step(step, "greedy", &stage.request(asked.clone())).await;
            call.expect(2);
            let told = format!("`{line}` would allow it");
            assert!(call.error().contains(&format!("`{field}`: ")), "{step}: {}", call.error());
            assert!(call.error().contains(&told), "{step} does not say {told}: {}", call.error());
        }
    }
    for (field, line, asked) in beyond_of_deploy() {
        // Where a service may be deployed is judged once it is known that it may be.
        let mut stage = strict().await;
        stage.world.create_environment("qa", Duration::from_hours(24)).unwrap();
        if field == "environment" {
            stage.policy["deploy"] = json!({"services": ["*"], "images": ["*"]});
        }
        let call = stage.step("deploy", "greedy", &stage.request(asked)).await;
        let told = format!("`{line}` would allow it");
        assert!(
            call.expect(2).error().contains(&format!("`{field}`: ")) && call.error().contains(&told),
            "{}",
            call.error()
        );
    }
    assert_eq!(stage.world.environments().len(), 2, "something was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_databases_variables_are_never_a_callers_and_every_service_means_every_app() {
    let stage = Stage::prompt().await;
    let asked = stage.request(json!({"variables": {"Postgres": {"POSTGRES_USER": "me"}}}));
    for step in ["validate", "create-env"] {
        let call = stage.step(step, "greedy", &asked).await;
        call.expect(2);
        assert!(
            call.error().contains("variable of the database service `Postgres` is never allowed"),
            "{}",
            call.error()
        );
    }
    let asked = stage.request(json!({"variables": {"*": {"PGDATA": "/tmp"}}}));
    stage.step("create-env", "all", &asked).await.expect(0);
    let copy = stage.world.environments().into_iter().find(|e| e.name != "production").unwrap();
    let of = |service: &str| stage.world.variable(&copy.id, service, "PGDATA").unwrap();
    assert_eq!(of("web").as_deref(), Some("/tmp"));
    assert_ne!(of("Postgres").as_deref(), Some("/tmp"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_copy_is_called_as_if_it_were_being_made() {
    let stage = strict().await;
    let call =
        stage.step("create-env", "sly", &stage.request(json!({"environment_name": "rs-0123456789abcdef"}))).await;
    call.expect(2);
    assert!(call.error().contains("never allowed"), "{}", call.error());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_in_the_making_stays_within_a_policy_that_became_stricter() {
    let mut stage = Stage::prompt().await;
    let asked = stage.request(json!({"anonymize": false, "on_failure": "keep"}));
    stage.step("create-env", "narrowed", &asked).await.expect(0);
    stage.policy = json!({"allowed_projects": [stage.world.project_id()]});
    for step in ["assign-domain", "sync-db", "start-apps", "check-health"] {
        let call = stage.step(step, "narrowed", &asked).await;
        call.expect(2);
        assert!(call.error().contains("may_be_unmasked"), "{step}: {}", call.error());
    }
    // What was made is taken back all the same, and not kept.
    stage.step("rollback", "narrowed", &asked).await.expect(0);
    assert_eq!(stage.world.environments().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_is_not_swept_is_named_by_every_sweep() {
    let mut stage = Stage::prompt().await;
    stage.policy["unswept_projects"] = json!([stage.world.project_id()]);
    let call = stage.step("sweep-envs", "-", &json!({"dry_run": false})).await;
    call.expect(0);
    assert_eq!(call.outputs()["unswept"], json!([stage.world.project_id()]));
    assert!(call.stdout.contains("is not swept"), "{}", call.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_contradicts_itself_is_refused() {
    let mut stage = Stage::prompt().await;
    stage.policy = json!({"min_ttl": "P9D", "max_ttl": "P1D", "longest_run": "PT10M", "variables": ["X"]});
    let call = stage.step("list-envs", "-", &json!({"project_id": "p"})).await;
    call.expect(2);
    for line in ["`min_ttl`", "`longest_run`", "`variables`"] {
        assert!(call.error().contains(line), "{}", call.error());
    }
}
