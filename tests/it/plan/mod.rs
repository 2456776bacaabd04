//! Plans: what they announce is what a clone does.

mod bound;
mod buckets;
mod hostile;
mod standing;

use std::collections::BTreeSet;

use backboard::{DeployOutcome, DeploymentStatus, ExtraService, OperationKind, WorldOptions};
use serde_json::{Value, json};
use wildmatch::WildMatch;

use crate::stage::{Call, Stage, base64, eventually, finish};

/// A plan as it stands in its file, and the call that made it.
pub(crate) async fn planned(stage: &Stage, request: &Value) -> (Value, Call) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut command = stage.command();
    command.arg("plan").arg("--file").arg(file.path()).envs([
        ("RAILSTAGE_OUTPUT", "kestra"),
        ("RAILSTAGE_REQUEST", &base64(&request.to_string())),
        ("RAILSTAGE_POLICY", &base64(&stage.policy.to_string())),
    ]);
    let call = finish(command).await;
    let text = std::fs::read_to_string(file.path()).unwrap();
    (serde_json::from_str(&text).unwrap_or_default(), call)
}

fn hash(plan: &Value) -> Value {
    assert!(plan["plan_hash"].is_string(), "{plan}");
    plan["plan_hash"].clone()
}

fn list<'a>(plan: &'a Value, name: &str) -> &'a [Value] {
    plan[name].as_array().unwrap_or_else(|| panic!("no {name} in {plan}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A name in which `xxxxx` stands for five characters.
fn fits(planned: &str, made: &str) -> bool {
    WildMatch::new(&planned.replace("xxxxx", "?????")).matches(made)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_announces_field_by_field_what_the_clone_then_does() {
    let extra_services = vec![ExtraService::Redis, ExtraService::Media];
    let mut stage = Stage::of(WorldOptions { extra_services, ..WorldOptions::prompt() }).await;
    stage.policy["secrets"] = json!(["MAIL"]);
    stage.policy["allow_live"] = json!(["worker.*"]);
    let key = "y sk_live_51c4n4ryXq7Lm2Rz8TvB1k";
    stage.world.set_variable("production", Some("worker"), "NOTE", key).unwrap();
    stage.world.add_bucket("production", "uploads", "ams").unwrap();
    stage.env.push(("RAILSTAGE_SECRET_MAIL".into(), "canary-flow-secret-93ac".into()));
    let request = stage.request(json!({
        "client_name": "Acme", "allow_empty_volumes": ["media"], "exclude_services": ["Redis"],
        "allow_live": ["worker.NOTE"], "sources": {"worker": {"branch": "feature/cart"}},
        "databases": [{"service": "Postgres", "exclude_table_data": ["shop_visits"]}],
        "variables": {"web": {"DEBUG": "1", "WP_SITEURL": {"remove": true}, "SMTP_URL": {"blank": true}, "SMTP_KEY": {"secret": "MAIL"}}},
    }));
    let before = stage.world.written_variables("production", None).unwrap();
    let (plan, call) = planned(&stage, &request).await;
    call.expect(0);

    let mut outputs = Vec::new();
    for step in ["validate", "create-env", "assign-domain", "sync-db", "start-apps", "check-health"] {
        let mut bound = request.clone();
        bound["plan_hash"] = hash(&plan);
        let call = stage.step(step, "announced", &bound).await;
        call.expect(0);
        assert!(!call.stdout.contains("since the plan"), "{step}: {}", call.stdout);
        outputs.push(call.outputs());
    }
    let [_, created, domains, synced, started, _] = &outputs[..] else { panic!("six steps") };
    assert!(fits(text(&plan["environment_name"]), text(&created["environment_name"])), "{created}");
    let copy = text(&created["environment_id"]);

    // Services.
    let state = stage.world.environments().into_iter().find(|e| e.id == copy).unwrap();
    for service in list(&plan, "services") {
        let name = text(&service["service"]);
        assert_eq!(service["runs"] == true, state.deployments[name].is_some(), "{service}");
        let is_up = started["started"].as_array().unwrap().iter().find(|up| up["service"] == name);
        assert_eq!(
            is_up.map(|up| &up["commit"]),
            (service["role"] == "app").then_some(&service["commit"]),
            "{service}"
        );
        let code = if service["role"] == "app" { &is_up.unwrap()["other_code"] } else { &Value::Null };
        assert_eq!(&service["other_code"], code, "{service}");
        assert_eq!((&service["health"], &service["deployment_under_way"]), (&json!("up"), &json!(false)));
        let deploys = |environment: &str| stage.world.auto_deploys(environment, name).unwrap();
        assert_eq!(service["auto_deploy_off"] == true, deploys("production") && !deploys(copy), "{service}");
        let has_schedule = name == "nightly";
        assert_eq!(service["cron_schedule"].is_string() && service["runs"] == false, has_schedule, "{service}");
    }
    // Variables: each that source or copy has, and what became of it.
    let mut told = BTreeSet::new();
    for variable in list(&plan, "variables") {
        let (service, name) = (text(&variable["service"]), text(&variable["name"]));
        let of = |environment: &str| {
            let service = (service != "shared").then_some(service);
            stage.world.written_variables(environment, service).unwrap().remove(name)
        };
        let (old, new) = (of("production"), of(copy));
        let change = match (&old, &new) {
            (None, None) => "sealed",
            (Some(_), None) => "removed",
            (None, Some(_)) => "added",
            (Some(old), Some(new)) if old == new => "same",
            (_, Some(new)) if new.is_empty() => "blanked",
            _ => "changed",
        };
        let announced = text(&variable["change"]).replace("fresh", "changed");
        assert_eq!(announced, change, "{service}.{name}");
        let acts_live = new.is_some_and(|new| new.contains("sk_live_"));
        assert_eq!((&variable["looks_live"], &variable["live_allowed"]), (&json!(false), &json!(acts_live)), "{name}");
        told.insert((service.to_owned(), name.to_owned()));
    }
    for service in ["web", "worker", "nightly", "Postgres", "Redis", "media"] {
        for environment in ["production", copy] {
            for (name, _) in stage.world.written_variables(environment, Some(service)).unwrap() {
                assert!(told.contains(&(service.to_owned(), name.clone())), "nobody spoke of {service}.{name}");
            }
        }
    }
    assert!(before.keys().all(|name| told.contains(&("shared".to_owned(), name.clone()))));
    let changes: BTreeSet<_> = list(&plan, "variables").iter().map(|v| text(&v["change"])).collect();
    let all = ["same", "changed", "added", "removed", "blanked", "fresh", "sealed"];
    assert_eq!(changes, all.into_iter().collect(), "not every sort was tried");
    // Domains and URLs.
    let hosts: Vec<_> = state.domains.keys().collect();
    for domain in list(&plan, "domains").iter().filter(|domain| domain["after"].is_string()) {
        assert!(hosts.iter().any(|host| fits(text(&domain["after"]), host)), "{domain} is not in {hosts:?}");
    }
    let rewritten = domains["rewritten"].as_array().unwrap();
    assert_eq!(list(&plan, "rewritten").len(), rewritten.len());
    for (announced, done) in list(&plan, "rewritten").iter().zip(rewritten) {
        assert_eq!(announced["old"], done["old"]);
        assert!(fits(text(&announced["new"]), text(&done["new"])), "{announced} {done}");
    }
    // Buckets: the source's, each with an instance of the copy's own.
    assert_eq!(list(&plan, "buckets"), [json!({"bucket": "uploads", "region": "ams", "filled": false})]);
    assert_eq!(created["not_copied"], json!([]));
    // Volumes and data.
    let filled: Vec<_> = list(&plan, "volumes").iter().filter(|v| v["filled"] == true).map(|v| &v["service"]).collect();
    assert_eq!(filled, ["Postgres"]);
    assert_data(&plan["databases"][0], &synced["databases"][0]);
}

/// That what a plan announced of a database is what was done.
fn assert_data(announced: &Value, done: &Value) {
    assert_eq!(announced["service"], done["service"]);
    let tables = announced["tables"].as_array().unwrap();
    let copied = tables.iter().filter(|table| table["excluded_by"].is_null());
    assert_eq!(json!(copied.count()), done["tables"]);
    let emptied: BTreeSet<_> =
        done["masking"]["emptied"].as_array().unwrap().iter().map(|line| text(&line["table"])).collect();
    for table in tables.iter().filter(|table| !table["excluded_by"].is_null()) {
        let (name, why) = (text(&table["table"]), text(&table["excluded_by"]));
        let is_asked = why.contains("exclude_table_data") && name.starts_with("public.shop_visits");
        assert!(is_asked || emptied.contains(name), "{table}");
    }
    let columns = done["masking"]["columns"].as_array().unwrap();
    let is_masked =
        |column: &str| columns.iter().any(|line| text(&line["column"]) == column && line["treatment"] == "masked");
    assert!(is_masked("public.wp_users.user_email"), "{}", done["masking"]);
    let announced_columns: BTreeSet<_> = tables
        .iter()
        .filter(|table| table["excluded_by"].is_null())
        .flat_map(|table| table["masked"].as_object().unwrap().keys().map(|c| format!("{}.{c}", text(&table["table"]))))
        .collect();
    let masked = columns.iter().filter(|line| line["treatment"] == "masked");
    let masked: BTreeSet<_> = masked.map(|line| text(&line["column"]).to_owned()).collect();
    // What a net holds for is announced, whether it then finds anything or not.
    assert!(announced_columns.is_superset(&masked), "{:?}", masked.difference(&announced_columns));
    let queues = |of: &Value| of["queues"].as_array().unwrap().iter().map(|q| q["table"].clone()).collect::<Vec<_>>();
    assert_eq!(queues(announced), queues(done), "{done}");
    assert_eq!((&announced["masked"], &announced["rewritten"]), (&json!(done["masked"] != "no"), &json!(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_changes_nothing_and_tells_no_value() {
    let mut stage = Stage::prompt().await;
    stage.env.push(("RAILSTAGE_LOG".into(), "debug".into()));
    stage.world.set_variable("production", Some("web"), "NOTE", "canary-plain-note").unwrap();
    let before = stage.world.state_digest("production").unwrap();
    stage.world.clear_journal();
    let request = stage.request(json!({"variables": {"web": {"MINE": "canary-asked-value"}}}));
    let (plan, call) = planned(&stage, &request).await;
    call.expect(0);
    assert!(stage.world.journal().iter().all(|entry| entry.kind == OperationKind::Query));
    assert_eq!((stage.world.environments().len(), stage.world.state_digest("production").unwrap()), (1, before));
    for told in [&plan.to_string(), &call.stdout, &call.stderr] {
        for value in ["canary", "sk_live", "sk_test", "people.example.net"] {
            assert!(!told.contains(value), "{value} was told");
        }
    }
    // What a person reads has a sign for each thing, and outputs stay small.
    let logs: String = call.lines("logs").iter().map(|log| text(&log[0]["message"]).to_owned() + "\n").collect();
    for line in
        ["+ web", "- nightly", "~ web.WP_HOME", "⚷ web.STRIPE_SECRET_KEY", "- web.SESSION_SECRET", "+ Postgres", "= "]
    {
        let line = line.replace("⚷ web.STRIPE_SECRET_KEY", "~ web.STRIPE_SECRET_KEY");
        assert!(logs.contains(&format!("  {line}")), "{line} is not in\n{logs}");
    }
    assert!(logs.contains("⚷ Postgres.POSTGRES_PASSWORD") && logs.contains("`⚷` gets a secret of its own"), "{logs}");
    assert!(call.outputs().to_string().len() <= 64 << 10);
}

/// What binds a clone to a plan, each changed behind its back, and how the part is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_not_well_is_a_finding() {
    let stage = Stage::prompt().await;
    let status = DeploymentStatus::Crashed;
    stage.world.order_outcome(DeployOutcome { service: "worker".into(), status, log: Vec::new(), times: 1 });
    stage.world.deploy("production", "worker").unwrap();
    let is_down = || {
        let production = stage.world.environments().into_iter().find(|e| e.name == "production").unwrap();
        production.deployments["worker"].as_deref() == Some("CRASHED")
    };
    eventually("the worker is down", async || is_down()).await;
    // What production used in its first day: two vCPU for half of it, by services that would run and by one that would not.
    for (service, minutes) in [("web", 720.0), ("Postgres", 720.0), ("nightly", 5000.0)] {
        stage.world.use_up("production", Some(service), "CPU_USAGE", minutes).unwrap();
    }
    stage.world.use_up("production", None, "DISK_USAGE_GB", 288_000.0).unwrap();
    let (plan, call) = planned(&stage, &stage.request(json!({}))).await;
    call.expect(0);
    // 20 dollars for a vCPU and 0.15 for a GB of disk in a month of 43,200 minutes.
    let cost = &plan["cost"];
    assert_eq!(cost["usd_per_day"], json!(1.66), "{cost}");
    assert_eq!((&plan["totals"]["usd_per_day"], cost["prices_as_of"].is_string()), (&cost["usd_per_day"], true));
    let mut costs: Vec<_> =
        list(cost, "services").iter().map(|one| (text(&one["service"]), one["usd_per_day"].as_f64())).collect();
    // Railway gives services in no order.
    costs.sort_by_key(|(service, _)| *service);
    assert_eq!(costs, [("Postgres", Some(0.33)), ("web", Some(0.33)), ("worker", None)]);
    let worker = list(&plan, "services").iter().find(|service| service["service"] == "worker").unwrap();
    assert_eq!(worker["health"], "down");
    let findings = plan["findings"].to_string();
    assert!(findings.contains("is down in the source"), "{findings}");
    // A person at a terminal reads the plan itself.
    let mut command = stage.command();
    let policy = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(policy.path(), stage.policy.to_string()).unwrap();
    command
        .args(["plan", "--project-id", &stage.world.project_id(), "--client-name", "Acme", "--policy"])
        .arg(policy.path());
    let call = finish(command).await;
    call.expect(0);
    for words in [
        "a clone would copy `production`",
        "staging-acme-xxxxx",
        "+ worker at",
        "the source's is down",
        "⚷ Postgres.POSTGRES_PASSWORD",
    ] {
        assert!(call.stdout.contains(words), "{words} is not in {}", call.stdout);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_tells_what_a_clone_would_be_refused_for_and_how_long_the_last_copy_took() {
    let stage = Stage::prompt().await;
    stage.world.set_variable("production", Some("web"), "NOTE", "sk_live_51Canary0variable0note").unwrap();
    let (plan, call) = planned(&stage, &stage.request(json!({"exclude_services": ["wrker"]}))).await;
    call.expect(2);
    assert!(plan["cost"]["usd_per_day"].is_null(), "{}", plan["cost"]);
    let words = "no service `wrker`";
    assert!(call.error().contains(words), "{}", call.error());
    assert!(plan["findings"].to_string().contains(words), "{plan}");
    assert!(
        call.outputs()["totals"]["errors"].as_u64().unwrap() >= 1 && plan["totals"]["errors"].as_u64().unwrap() >= 1
    );
    assert_eq!(plan["seconds"]["from"], "sizes");

    let request = stage.request(json!({"environment_name": "earlier"}));
    stage.steps_until("check-health", "earlier", &request).await;
    let (plan, call) = planned(&stage, &stage.request(json!({}))).await;
    call.expect(0);
    assert_eq!(plan["seconds"]["from"], "earlier_copies");
    assert_eq!(plan["seconds"]["expected"], stage.record("earlier")["databases"][0]["seconds"]);
}
