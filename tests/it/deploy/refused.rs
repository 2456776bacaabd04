//! What is refused before anything is changed.

use std::time::Duration;

use serde_json::json;

use super::{COMMIT, deploy, request, with_copy};
use crate::stage::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_field_is_told_at_once_and_nothing_is_changed() {
    let stage = with_copy(backboard::WorldOptions::prompt()).await;
    stage.world.create_environment("qa", Duration::from_hours(2)).unwrap();
    let mut strict = Stage::prompt().await;
    strict.policy = json!({"allowed_projects": [strict.world.project_id()]});
    let asked = json!({
        "repository": "https://github.com/acme/shop", "image": "ghcr.io/acme/shop:1", "logs": true,
        "variables": {"web": {"A": "b"}, "worker": {"A": "b"}}, "health": [{"timeout": "PT1H"}],
    });
    let call = deploy(&strict, "bad", &request(&strict, "production", "web", asked)).await;
    for words in [
        "`repository`: exactly one of",
        "`deploy: {repositories: [\"https://github.com/acme/shop\"]}` would allow it",
        "`deploy: {images: [\"ghcr.io/acme/shop:1\"]}` would allow it",
        "`deploy: {services: [\"web\"]}` would allow it",
        "`variables`: `worker` is not deployed",
        "`variables: [\"web.A\"]` would allow it",
        "`may_print_logs: true` would allow it",
        "`health.timeout`",
    ] {
        assert!(call.expect(2).error().contains(words), "no {words} in {}", call.error());
    }
    for wrong in [
        "http://github.com/acme/shop",
        "https://me:secret@github.com/acme/shop",
        "https://github.com/acme/../evil/shop",
        "https://github.com/acme/shop?x=1",
        "https://github.com/acme/%2e%2e/shop",
        "ssh://github.com/acme/shop",
        "https://github.com",
        "--upload-pack=touch /tmp/x",
        "file:///etc",
    ] {
        let call = deploy(&stage, "bad", &request(&stage, "one", "web", json!({"repository": wrong}))).await;
        assert!(call.expect(2).error().contains("`repository`: expected"), "{wrong}: {}", call.error());
    }
    for wrong in ["-x", "a/../b", "--exec=x", "x y", "x\ny", "^x", ""] {
        let asked = json!({"repository": "https://github.com/acme/shop", "ref": wrong, "image": "-"});
        let call = deploy(&stage, "bad", &request(&stage, "one", "web", asked)).await;
        assert!(call.expect(2).error().contains("`ref`: expected") || wrong.is_empty(), "{wrong}: {}", call.error());
    }
    let states = || stage.world.environments().into_iter().map(|e| e.digest).collect::<Vec<_>>();
    let before = states();
    let of_shop = json!({"repository": "https://github.com/acme/shop", "ref": COMMIT});
    let of_production = stage.world.environments().into_iter().find(|e| e.name == "production").unwrap();
    for (environment, service, more, words) in [
        ("gone", "web", of_shop.clone(), "has no environment `gone`"),
        ("one", "wbe", of_shop.clone(), "`service`: there is no service `wbe` in `one`; it has"),
        ("one", "Postgres", of_shop.clone(), "to deploy the database service `Postgres` is never allowed"),
        ("one", "web", json!({"image": "ghcr.io/acme/shop:1"}), "`image`: service `web` is built from a repository"),
        ("one", "web", json!({"rollback_to": of_production.id}), "has no deployment"),
        ("one", "web", json!({"image": "evil.example/shop"}), "`deploy: {images: [\"evil.example/shop\"]}`"),
        ("one", "web", json!({"repository": "https://evil.example/acme/shop"}), "`deploy: {repositories: "),
        ("one", "web", json!({"rollback_to": "1", "variables": {"web": {"A": "b"}}}), "brings its own"),
        ("one", "web", json!({"image": "ghcr.io/acme/shop:1", "ref": "main"}), "`ref`: is of a repository"),
        ("one", "web", json!({"repository": "https://github.com/acme/shop", "confirm": "two"}), "`confirm`: expected"),
    ] {
        let call = deploy(&stage, "bad", &request(&stage, environment, service, more)).await;
        assert!(call.expect(2).error().contains(words), "no {words} in {}", call.error());
    }
    // Nobody else's deployment is brought back, and no app runs with a variable that names production's database.
    let proxy = stage.world.source_database_url().unwrap();
    let mut aimed = of_shop.clone();
    aimed["variables"] = json!({"web": {"DATABASE_URL": proxy}});
    let call = deploy(&stage, "bad", &request(&stage, "one", "web", aimed)).await;
    assert!(call.expect(2).error().contains("`DATABASE_URL` of service `web` names"), "{}", call.error());
    for state in ["cloning", "failed", "rolling_back"] {
        stage.change_record("one", json!({"state": state}));
        let call = deploy(&stage, "bad", &request(&stage, "one", "web", of_shop.clone())).await;
        assert!(call.expect(2).error().contains("only a copy that is ready is deployed into"), "{}", call.error());
    }
    stage.change_record(
        "one",
        json!({"state": "ready", "refreshing": {"run": "theirs", "give_up_at": "2999-01-01T00:00:00Z"}}),
    );
    let call = deploy(&stage, "bad", &request(&stage, "one", "web", of_shop.clone())).await;
    assert!(call.expect(2).error().contains("is being refreshed by run `theirs`"), "{}", call.error());
    stage.change_record("one", json!({"refreshing": null}));
    // Whoever has given it a domain of his own has made it his production.
    stage.world.add_custom_domain("one", "web", "theirs.example.net", true).unwrap();
    let call = deploy(&stage, "bad", &request(&stage, "one", "web", of_shop.clone())).await;
    assert!(call.expect(2).error().contains("which is production or as good as that"), "{}", call.error());
    let signed = stage.world.shared_variable("one", "RAILSTAGE").unwrap().unwrap();
    for value in ["nonsense", &format!("{signed}x")] {
        stage.write_record("one", value);
        let mut asked = of_shop.clone();
        asked["confirm"] = json!("one");
        let call = deploy(&stage, "bad", &request(&stage, "one", "web", asked)).await;
        assert!([2].contains(&call.code), "{}", call.stdout);
    }
    stage.write_record("one", &signed);
    let after = states();
    assert_eq!(before.len(), after.len());
    assert!(stage.world.journal().iter().all(|entry| entry.operation != "deploymentRollback"));
}
