//! A caller who asks for a domain that leads elsewhere already.

use serde_json::json;

use crate::stage::Stage;

const DOMAIN: &str = "staging.example.net";

fn changes(stage: &Stage, operation: &str) -> usize {
    stage.world.journal().iter().filter(|entry| entry.operation == operation).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_of_another_environment_is_refused_before_anything_is_made_and_again_at_the_deed() {
    let stage = Stage::prompt().await;
    let site = "shop.example.com";
    for (domain, words) in [
        (site, "leads to environment `production`"),
        ("taken.example.net", "Railway does not give `taken.example.net`"),
        ("web.up.railway.app", "one of Railway's own"),
    ] {
        stage.world.take_domain("taken.example.net");
        let request = stage.request(json!({"environment_name": "own", "custom_domain": domain, "ttl": "P900D"}));
        let refused = stage.step("validate", "own", &request).await;
        refused.expect(2);
        for word in [words, "`ttl`"] {
            assert!(refused.error().contains(word), "{word}: {}", refused.error());
        }
    }
    // It comes to production after all was checked.
    let request = stage.request(json!({"environment_name": "own", "custom_domain": DOMAIN}));
    stage.steps_until("create-env", "own", &request).await;
    stage.world.add_custom_domain("production", "web", DOMAIN, true).unwrap();
    let late = stage.step("assign-domain", "own", &request).await;
    late.expect(2);
    assert!(late.error().contains("leads to environment `production`"), "{}", late.error());
    assert_eq!(changes(&stage, "customDomainCreate"), 0);
    assert_eq!(stage.world.owner_of_domain(DOMAIN).as_deref(), Some("production"));
    stage.step("rollback", "own", &request).await.expect(0);
    assert_eq!((changes(&stage, "customDomainDelete"), stage.environments()), (0, vec!["production".to_owned()]));
    assert_eq!(stage.world.owner_of_domain(DOMAIN).as_deref(), Some("production"));
}

/// Both were checked before either had it, and the second looks at what was before.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_runs_that_ask_for_one_domain_one_gets_it_and_keeps_it_when_the_other_is_taken_back() {
    let stage = Stage::prompt().await;
    let request = |name: &str| stage.request(json!({"environment_name": name, "custom_domain": DOMAIN}));
    for name in ["one", "two"] {
        stage.steps_until("create-env", name, &request(name)).await;
    }
    let (one, two) = (request("one"), request("two"));
    let (first, second) =
        tokio::join!(stage.step("assign-domain", "one", &one), stage.step("assign-domain", "two", &two));
    let (winner, loser, refused) = if first.code == 0 { ("one", "two", second) } else { ("two", "one", first) };
    refused.expect(2);
    assert!(refused.error().contains("`custom_domain`: "), "{}", refused.error());
    assert_eq!(stage.world.owner_of_domain(DOMAIN).as_deref(), Some(winner));
    stage.step("rollback", loser, &request(loser)).await.expect(0);
    assert_eq!(stage.world.owner_of_domain(DOMAIN).as_deref(), Some(winner));
    assert_eq!((changes(&stage, "customDomainDelete"), stage.environments().len()), (0, 2));
}
