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
