//! A copy's own domain: what its DNS needs, when it leads there, and what becomes of it in the end.

use backboard::{Fault, FaultEffect};
use serde_json::{Value, json};

use crate::stage::{Call, Stage};

const DOMAIN: &str = "staging.example.net";

/// Steps of a clone up to `last` for a copy called `own` with a domain of its own.
async fn copy(stage: &Stage, last: &str) -> Value {
    let request = stage.request(json!({"environment_name": "own", "custom_domain": DOMAIN}));
    stage.steps_until(last, "own", &request).await;
    request
}

async fn check(stage: &Stage) -> Call {
    let request = json!({"project_id": stage.world.project_id(), "environment": "own", "timeout": "PT1S"});
    stage.step("check-domain", "-", &request).await
}

async fn listed(stage: &Stage, verify: bool) -> Value {
    let request = json!({"project_id": stage.world.project_id(), "verify": verify});
    let call = stage.step("list-envs", "-", &request).await;
    call.expect(0);
    let mut outputs = call.outputs();
    let all = outputs["environments"].as_array_mut().unwrap();
    all.iter_mut().find(|one| one["name"] == "own").unwrap().take()
}

fn changes(stage: &Stage, operation: &str) -> usize {
    stage.world.journal().iter().filter(|entry| entry.operation == operation).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_is_pending_until_railway_sees_its_records_and_its_certificate_is_there() {
    let stage = Stage::prompt().await;
    copy(&stage, "assign-domain").await;
    stage.change_record("own", json!({"state": "ready"}));
    let railways = stage.record("own")["domains"][1].as_str().unwrap().to_owned();

    let pending = check(&stage).await;
    pending.expect(5);
    let outputs = pending.outputs();
    let status = &outputs["custom_domain"];
    assert_eq!(outputs["url"], format!("https://{railways}"));
    assert_eq!((&status["verified"], &status["certificate"]), (&json!(false), &json!("validating_ownership")));
    assert_eq!(status["records"].as_array().unwrap().iter().filter(|r| r["status"] == "missing").count(), 2);
    let zone: Vec<_> = outputs["dns_zone"].as_str().unwrap().lines().collect();
    assert!(
        zone[0].starts_with("staging.example.net. 300 IN CNAME ") && zone[0].ends_with(".up.railway.app."),
        "{zone:?}"
    );
    let proof = "_railway-verify.staging.example.net. 300 IN TXT \"railway-verify=";
    assert!(zone[1].starts_with(proof) && zone[1].ends_with('"') && zone.len() == 2, "{zone:?}");
    assert!(pending.error().contains("and is nothing") && pending.error().contains(zone[0]), "{}", pending.error());

    // Somebody's DNS leads elsewhere.
    stage.world.see_dns("own", DOMAIN, "elsewhere.test", false, "VALIDATING_OWNERSHIP").unwrap();
    let elsewhere = check(&stage).await;
    elsewhere.expect(5);
    assert_eq!(elsewhere.outputs()["custom_domain"]["records"][0]["current"], "elsewhere.test");
    assert!(elsewhere.error().contains("and is `elsewhere.test`"), "{}", elsewhere.error());

    // The records are there, and the certificate is not: nobody gets there yet.
    let target = status["records"][0]["value"].as_str().unwrap();
    for certificate in ["ISSUING", "ISSUE_FAILED", "UNSPECIFIED"] {
        stage.world.see_dns("own", DOMAIN, target, true, certificate).unwrap();
        let early = check(&stage).await;
        early.expect(5);
        assert_eq!(early.outputs()["custom_domain"]["records"][1]["status"], "set");
    }
    let one = listed(&stage, true).await;
    assert_eq!((&one["url"], &one["custom_domain"]), (&json!(format!("https://{railways}")), &json!(DOMAIN)));
    assert_eq!(one["custom_domain_status"]["certificate"], "unknown");
    assert_eq!(stage.record("own").get("domain_seen_at"), None);

    stage.world.see_dns("own", DOMAIN, target, true, "VALID").unwrap();
    // A list that asks knows it before the record does.
    let urls = [listed(&stage, false).await["url"].take(), listed(&stage, true).await["url"].take()];
    assert_eq!(urls, [json!(format!("https://{railways}")), json!(format!("https://{DOMAIN}"))]);
    let good = check(&stage).await;
    good.expect(0);
    assert_eq!(good.outputs()["url"], format!("https://{DOMAIN}"));
    assert!(stage.record("own")["domain_seen_at"].is_string());
    assert_eq!(listed(&stage, false).await["url"], format!("https://{DOMAIN}"));

    // What is no more so is told no more.
    stage.world.see_dns("own", DOMAIN, "", false, "VALIDATING_OWNERSHIP").unwrap();
    check(&stage).await.expect(5);
    assert_eq!(stage.record("own").get("domain_seen_at"), None);
    // To a copy that somebody has made his own nothing is written.
    stage.world.add_custom_domain("own", "web", "www.example.net", true).unwrap();
    stage.world.see_dns("own", DOMAIN, target, true, "VALID").unwrap();
    check(&stage).await.expect(0);
    assert_eq!(stage.record("own").get("domain_seen_at"), None);
}

/// Nothing says that Railway gives a domain free with its environment; the stand-in does not.
#[tokio::test(flavor = "multi_thread")]
async fn a_domain_is_free_again_however_its_copy_ends() {
    let stage = Stage::prompt().await;
    // A lost answer, and one that says no: neither keeps a copy from being deleted.
    let lost = || Fault::new("customDomainDelete", FaultEffect::Http { status: 502 }).after_the_deed();
    let refused = || Fault::new("customDomainDelete", FaultEffect::Error { message: "Not now".into() });
    for (end, fault) in [("delete-env", Some(lost())), ("rollback", None), ("sweep-envs", Some(refused()))] {
        let request = copy(&stage, "assign-domain").await;
        let is_refused = end == "sweep-envs";
        if let Some(fault) = fault {
            stage.world.fault(fault);
        }
        let request = match end {
            "rollback" => request,
            "delete-env" => json!({"project_id": stage.world.project_id(), "environment": "own", "confirm": "own"}),
            _ => {
                stage.change_record("own", json!({"state": "ready", "expires_at": "2020-01-01T00:00:00Z"}));
                json!({"dry_run": false})
            }
        };
        let before = changes(&stage, "customDomainDelete");
        let call = stage.step(end, "own", &request).await;
        call.expect(0);
        assert_eq!(stage.environments(), ["production"], "{end}");
        assert!(changes(&stage, "customDomainDelete") > before, "{end}");
        assert_eq!(call.stdout.contains("was not detached before"), is_refused, "{end}: {}", call.stdout);
        let request = stage.request(json!({"environment_name": "own", "custom_domain": DOMAIN}));
        let next = stage.step("validate", "own", &request).await;
        next.expect(if is_refused { 2 } else { 0 });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_copy_of_ours_is_checked_and_every_wrong_field_is_told() {
    let stage = Stage::prompt().await;
    let project = stage.world.project_id();
    let wrong = json!({"project_id": project, "environment": 7, "timeout": "soon", "domain": DOMAIN});
    let refused = stage.step("check-domain", "-", &wrong).await;
    refused.expect(2);
    for field in ["`environment`", "`timeout`", "`domain`: unknown field"] {
        assert!(refused.error().contains(field), "{field}: {}", refused.error());
    }
    let request = |environment: &str, timeout: &str| json!({"project_id": project, "environment": environment, "timeout": timeout});
    let own = stage.request(json!({"environment_name": "plain"}));
    stage.steps_until("assign-domain", "plain", &own).await;
    for (request, words) in [
        (request("production", "PT1S"), "is no copy of ours"),
        (request("nobody", "PT1S"), "has no environment `nobody`"),
        (request("plain", "PT1S"), "has no custom domain"),
        (request("plain", "PT11M"), "`timeout`: PT11M, more than PT10M, is never allowed"),
    ] {
        let refused = stage.step("check-domain", "-", &request).await;
        refused.expect(2);
        assert!(refused.error().contains(words), "{words}: {}", refused.error());
    }
}
