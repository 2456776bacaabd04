//! The gate before a copy: who sees the copy, what the app behind it gets, and that nothing of it is left or gets elsewhere.

use std::time::Duration;

use backboard::{Fault, FaultEffect, Fetched, WorldOptions};
use serde_json::{Value, json};

use crate::stage::{Stage, base64, finish};

/// Calls of the `railway` program that a clone with a gate may take in one process, polls aside.
const MOST_CALLS: u64 = 22;

/// Where what of a gate is looked up.
struct Gate {
    service: String,
    user: String,
    password: String,
    bypass: String,
}

fn gate(stage: &Stage, copy: &str, told: &Value) -> Gate {
    let text = |field: &str| told[field].as_str().unwrap_or_else(|| panic!("no `{field}` in {told}")).to_owned();
    let service = text("service");
    let value = |name: &str| stage.world.variable(copy, &service, name).unwrap().expect("a variable of the gate");
    let (password, bypass) = (value(&text("in_variable")), value(&text("program_variable")));
    Gate { user: text("user"), password, bypass, service }
}

impl Gate {
    fn login(&self) -> String {
        format!("Basic {}", base64(&format!("{}:{}", self.user, self.password)))
    }
}

async fn get(stage: &Stage, host: &str, headers: &[(&str, &str)]) -> Fetched {
    fetch(stage, host, ("GET", "/"), headers).await
}

/// Whatever is asked, the answer keeps search engines away.
async fn fetch(stage: &Stage, host: &str, (method, path): (&str, &str), headers: &[(&str, &str)]) -> Fetched {
    let fetched = stage.world.fetch_with(host, method, path, headers).await.unwrap();
    assert_eq!(fetched.header("x-robots-tag"), "noindex, nofollow", "{fetched:?}");
    fetched
}

/// Who sees the page of a gated copy, and what the app behind its gate gets to know.
async fn who_gets_in(stage: &Stage, host: &str, gate: &Gate) {
    // Without the password nobody sees anything, whatever the path.
    for path in ["/", "/wp-login.php", "/.well-known/acme-challenge/x", "/health"] {
        let refused = fetch(stage, host, ("GET", path), &[]).await;
        assert_eq!((refused.status, &*refused.header("www-authenticate")), (401, "Basic realm=\"staging copy\""));
        assert!(!refused.body.contains("Acme"));
    }
    let wrong = format!("Basic {}", base64(&format!("{}:wrong-password", gate.user)));
    let cookie = "__Host-railstage-gate=";
    for (name, value) in [
        ("authorization", &*wrong),
        ("authorization", "Bearer canary-of-the-app"),
        ("cookie", cookie),
        ("x-railstage-gate", ""),
        ("x-railstage-gate", "*"),
    ] {
        assert_eq!(get(stage, host, &[(name, value)]).await.status, 401, "{name}: {value}");
    }
    // With it, the page; the app does not see the password, and knows that it was asked over TLS.
    let seen = get(stage, host, &[("authorization", &gate.login())]).await;
    assert_eq!(seen.status, 200, "{seen:?}");
    assert!(seen.body.contains("Acme Outfitters") && seen.body.contains(host), "{}", seen.body);
    assert!(!seen.header("x-app-saw").contains("authorization"), "{seen:?}");
    // A browser has a cookie from then on, and may use the app's own login; it may go on to send the gate's.
    let given = seen.header("set-cookie");
    let cookie = given.split(';').next().unwrap();
    assert!(given.contains("Secure; HttpOnly") && cookie.starts_with("__Host-railstage-gate="), "{given}");
    let cookies = format!("a=1; {cookie}; b=2");
    let program = get(stage, host, &[("cookie", &cookies), ("authorization", "Bearer canary-of-the-app")]).await;
    assert_eq!((&*program.body, &*program.header("x-app-cookies")), ("hello, program", "a=1; b=2"));
    let again = get(stage, host, &[("cookie", &cookies), ("authorization", &gate.login())]).await;
    assert_eq!(again.status, 200, "{again:?}");
    // So does a program that knows the word.
    let hook = [("x-railstage-gate", &*gate.bypass), ("authorization", "Bearer canary-of-the-app")];
    let hook = fetch(stage, host, ("POST", "/wp-json/hook"), &hook).await;
    assert!(hook.body == "hello, program" && !hook.header("x-app-saw").contains("railstage"), "{hook:?}");
    // A browser's question before its request is answered by the app, and says nothing else.
    let asked = [("origin", "https://other.example"), ("access-control-request-method", "POST")];
    let answer = fetch(stage, host, ("OPTIONS", "/"), &asked).await;
    assert_eq!(answer.header("access-control-allow-origin"), "https://other.example");
    assert!(answer.status == 204 && answer.body.is_empty() && answer.header("set-cookie").is_empty(), "{answer:?}");
}

/// Which services each environment has.
fn instances(stage: &Stage, environment: &str) -> Vec<String> {
    let all = stage.world.environments();
    let one = all.into_iter().find(|one| one.name == environment).expect("the environment");
    one.deployments.into_keys().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_a_gated_copy_without_the_password_and_nothing_of_its_gate_is_left() {
    let mut stage = Stage::of(WorldOptions { lag: Duration::from_millis(150), ..WorldOptions::prompt() }).await;
    // The databases of a copy can be copied only where they stay public.
    stage.policy["may_be_public"] = json!(true);
    let production = stage.world.environment_id("production").unwrap();
    let (digest, services) = (stage.world.state_digest("production").unwrap(), stage.world.services());
    stage.world.set_variable("production", Some("worker"), "SITE", "https://${{web.RAILWAY_PUBLIC_DOMAIN}}/x").unwrap();
    // A second app that is public, at another port.
    let at_9090 = json!({"networking": {"serviceDomains": {"worker-production-0001.up.railway.app": {"port": 9090}}}});
    stage.world.change_service("production", "worker", &at_9090).unwrap();
    stage.world.set_variable("production", Some("worker"), "PORT", "9090").unwrap();
    stage.world.clear_journal();
    let digest_with_site = stage.world.state_digest("production").unwrap();
    assert_ne!(digest, digest_with_site);
    let policy = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(policy.path(), stage.policy.to_string()).unwrap();
    let mut command = stage.command();
    command.args([
        "clone",
        "--json",
        "--environment-name",
        "one",
        "--enable-basic-auth",
        "--web-service",
        "web",
        "--project-id",
    ]);
    command.arg(stage.world.project_id()).arg("--policy").arg(policy.path());
    let call = finish(command).await;
    let report = call.expect(0).json();
    assert!(report["railway_calls"].as_u64().unwrap() <= MOST_CALLS, "{}", report["railway_calls"]);
    let gate = gate(&stage, "one", &report["steps"]["check_health"]["gate"]);
    assert!(
        gate.password.len() >= 24 && ![&call.stdout, &call.stderr].iter().any(|said| said.contains(&gate.password))
    );
    let host = report["url"].as_str().unwrap().strip_prefix("https://").unwrap();

    who_gets_in(&stage, host, &gate).await;

    // The other app has a host of its own.
    let copy = stage.world.environments().into_iter().find(|one| one.name == "one").unwrap();
    let of_worker = copy.domains.keys().find(|host| host.starts_with("worker-one-")).expect("the worker's host");
    assert_eq!(get(&stage, of_worker, &[]).await.status, 401);
    let page = get(&stage, of_worker, &[("authorization", &gate.login())]).await;
    assert!(page.header("location") == format!("https://{host}/") || page.body.contains("worker in one"), "{page:?}");

    // No app has a host past the gate; what named one names the gate's.
    assert!(copy.domains.values().all(|service| *service == gate.service), "{:?}", copy.domains);
    let site = stage.world.variable("one", "worker", "SITE").unwrap().unwrap();
    assert_eq!(site, format!("https://{host}/x"));
    // Production has what it had.
    assert_eq!(stage.world.state_digest("production").unwrap(), digest_with_site);
    assert!(!instances(&stage, "production").contains(&gate.service));
    assert!(stage.world.mutations_touching(&production).is_empty());
    assert_eq!(stage.world.services().len(), services.len() + 1);

    // A copy of it has no gate of another's, be it behind one of its own or behind none.
    stage.policy["sources"] = json!(["production", "one"]);
    for (name, is_gated) in [("two", true), ("three", false)] {
        let mut asked = json!({"environment_name": name, "source_environment": "one", "enable_basic_auth": is_gated});
        asked["web_service"] = json!("web");
        if is_gated {
            asked["custom_domain"] = json!("two.example.net");
        }
        let call = stage.steps_until("check-health", name, &stage.request(asked)).await;
        assert!(!instances(&stage, name).contains(&gate.service), "{:?}", instances(&stage, name));
        let told = call.outputs()["gate"].take();
        assert_eq!(!told.is_null(), is_gated, "{told}");
        if is_gated {
            let own = self::gate(&stage, name, &told);
            assert_ne!(own.password, gate.password);
            // The domain that was asked for is the gate's as well.
            let domain = "two.example.net";
            stage.world.see_dns(name, domain, "copy.up.railway.app", true, "VALID").unwrap();
            assert_eq!(get(&stage, domain, &[("authorization", &gate.login())]).await.status, 401);
            let seen = get(&stage, domain, &[("authorization", &own.login())]).await;
            assert!(seen.status == 200 && seen.body.contains(domain), "{seen:?}");
        }
        let diff = json!({"project_id": stage.world.project_id(), "environment": name});
        let told = stage.step("diff-env", "-", &diff).await;
        assert!(!told.expect(0).stdout.contains(&gate.service), "{}", told.stdout);
    }
    for name in ["three", "two", "one"] {
        let delete = json!({"project_id": stage.world.project_id(), "environment": name, "confirm": name});
        stage.step("delete-env", "-", &delete).await.expect(0);
    }
    assert_eq!(stage.world.services(), services);
}

/// A row of the project is no environment's, so nothing but its name tells whose it is, and a rollback must find it however far its run came.
#[tokio::test(flavor = "multi_thread")]
async fn the_row_of_a_gate_goes_with_its_copy_however_the_run_ended_and_no_other_does() {
    let stage = Stage::prompt().await;
    let services = stage.world.services();
    let request = stage.request(json!({"environment_name": "one", "enable_basic_auth": true}));
    // Nobody knows whether the row was made: it was, and is not made twice. Then the run dies before anything says whose it is.
    stage.world.fault(Fault::new("serviceCreate", FaultEffect::Timeout { secs: 3.0 }).after_the_deed());
    stage.world.fault(Fault::new("environmentStageChanges", FaultEffect::Error { message: "Internal error".into() }));
    stage.step("create-env", "one", &request).await.expect(4);
    assert_eq!(stage.world.services().len(), services.len() + 1);
    stage.step("rollback", "one", &request).await.expect(0);
    assert_eq!(stage.world.services(), services);
    assert_eq!(stage.environments(), ["production"]);
    // Its environment is deleted, and the run that does it is killed: the next rollback finds the row by its name.
    stage.step("create-env", "two", &request).await.expect(0);
    let row = stage.world.services().pop().unwrap();
    stage.world.forget_environment("one").unwrap();
    let call = stage.step("rollback", "two", &request).await;
    assert_eq!(call.expect(0).outputs()["removed"], json!([format!("service `{row}`")]));
    assert_eq!(stage.world.services(), services);
    // What somebody has put elsewhere is his, and is told.
    stage.step("create-env", "three", &request).await.expect(0);
    let row = stage.world.services().pop().unwrap();
    stage.world.add_instance("production", &row).unwrap();
    let call = stage.step("rollback", "three", &request).await;
    call.expect(6);
    assert!(call.error().contains(&format!("service `{row}` is left: it is in environment `production`")));
    assert!(stage.environments() == ["production"] && stage.world.services().contains(&row));

    // The sweep takes what is old, called as a gate and in no environment; not what a run may be about to use.
    let hour = Duration::from_hours(1);
    let (old, young, other) = ("rs-0123456789abcdef-gate", "rs-fedcba9876543210-gate", "rs-0123-gate");
    for (name, age) in [(old, 2 * hour), (young, Duration::ZERO), (other, 2 * hour)] {
        stage.world.add_service_row(name, age).unwrap();
    }
    for (dry_run, is_left) in [(true, true), (false, false)] {
        let sweep = json!({"project_id": stage.world.project_id(), "dry_run": dry_run});
        let call = stage.step("sweep-envs", "-", &sweep).await;
        assert_eq!(call.expect(0).outputs()["gates"], json!([old]));
        assert_eq!(stage.world.services().iter().any(|name| name == old), is_left);
    }
    for name in [young, other, &row] {
        assert!(stage.world.services().iter().any(|service| service == name), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_cannot_be_is_refused_with_all_that_is_wrong_before_anything_is_made() {
    let mut stage = Stage::prompt().await;
    stage.policy["secrets"] = json!(["DOOR", "SHORT"]);
    stage.env.extend([
        ("RAILSTAGE_SECRET_DOOR".to_owned(), "canary-of-the-door".to_owned()),
        ("RAILSTAGE_SECRET_SHORT".to_owned(), "canary".to_owned()),
    ]);
    let label =
        stage.world.environments()[0].domains.iter().find(|(host, _)| host.starts_with("web-")).unwrap().0.clone();
    let no_port = json!({"networking": {"serviceDomains": {label: {"port": null}}, "customDomains": {"shop.example.com": {"port": null}}}});
    stage.world.change_service("production", "web", &no_port).unwrap();
    let gated = |secret: &str| json!({"environment_name": "one", "enable_basic_auth": true, "basic_auth": {"user": "acme", "secret": secret}});
    for step in ["validate", "create-env"] {
        let call = stage.step(step, "one", &stage.request(gated("SHORT"))).await;
        call.expect(2);
        for told in ["`enable_basic_auth`: nothing says at which port service `web` listens", "`basic_auth.secret`: "] {
            assert!(call.error().contains(told), "{step}: {}", call.error());
        }
        let call = stage.step(step, "one", &stage.request(json!({"basic_auth": {"user": "acme"}}))).await;
        assert!(call.expect(2).error().contains("set `enable_basic_auth`"), "{}", call.error());
    }
    for (field, value) in [("user", json!("a:b")), ("user", json!("{env.PATH}")), ("secret", json!(1))] {
        let asked = stage.request(json!({"enable_basic_auth": true, "basic_auth": {field: value}}));
        stage.step("validate", "one", &asked).await.expect(2);
    }
    // What an owner asks of every copy no request leaves out.
    stage.policy["gate"] = json!("required");
    for step in ["validate", "create-env"] {
        let call = stage.step(step, "one", &stage.request(json!({}))).await;
        assert!(call.expect(2).error().contains("its line `gate: optional` would allow it"), "{}", call.error());
    }
    assert_eq!(stage.environments(), ["production"]);
    // A port that is set will do, and the secret is the password.
    stage.world.set_variable("production", Some("web"), "PORT", "8080").unwrap();
    let call = stage.step("create-env", "one", &stage.request(gated("DOOR"))).await;
    call.expect(0);
    let row = stage.world.services().pop().unwrap();
    let value = |name: &str| stage.world.variable("one", &row, name).unwrap().unwrap();
    assert_eq!((&*value("RAILSTAGE_GATE_USER"), &*value("RAILSTAGE_GATE_PASSWORD")), ("acme", "canary-of-the-door"));
    assert!(!value("RAILSTAGE_GATE_CONFIG").contains("canary-of-the-door"));
}
