//! The flows that list, delete and clean up.

use std::time::Duration;

use backboard::WorldOptions;
use serde_json::{Value, json};

use crate::engine::Engine;

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_listed_its_domain_checked_deployed_into_and_deleted_by_flows() {
    let engine = Engine::start(WorldOptions::prompt()).await;
    let clone =
        engine.clone(&engine.request(json!({"environment_name": "one", "custom_domain": "one.example.net"}))).await;
    engine.ended(&clone).await;
    let made = engine.outputs(&clone).await;
    let project = engine.world.project_id();
    let check = async || {
        let inputs = [("project_id", project.as_str()), ("environment", "one"), ("timeout", "PT1S")];
        let run = engine.submit("check-domain-staging", &inputs).await;
        (engine.ended(&run).await, engine.outputs(&run).await)
    };
    let (pending, told) = check().await;
    assert_eq!(pending["state"]["current"], "FAILED");
    assert!(pending["labels"].to_string().contains(r#"{"key":"domain","value":"pending"}"#), "{}", pending["labels"]);
    assert_eq!((&told["url"], &told["dns_zone"]), (&made["railway_url"], &made["dns_zone"]));
    assert!(told["error"].as_str().unwrap().contains("does not lead to `one` yet"), "{told}");
    let target = told["custom_domain"]["records"][0]["value"].as_str().unwrap();
    engine.world.see_dns("one", "one.example.net", target, true, "VALID").unwrap();
    let (good, told) = check().await;
    assert_eq!((&good["state"]["current"], &told["url"]), (&json!("SUCCESS"), &json!("https://one.example.net")));
    let listing = engine.submit("list-staging", &[("project_id", &project)]).await;
    engine.ended(&listing).await;
    let environments = engine.outputs(&listing).await["environments"].take();
    let one = ["name", "state", "url"].map(|field| environments[1][field].clone());
    assert_eq!(one, ["one", "ready", "https://one.example.net"].map(|text| json!(text)));
    deploy_and_take_back(&engine, &made).await;

    let refused = engine
        .submit("delete-staging", &[("project_id", &project), ("environment", "production"), ("confirm", "production")])
        .await;
    assert_eq!(engine.ended(&refused).await["state"]["current"], "FAILED");
    let deletion =
        engine.submit("delete-staging", &[("project_id", &project), ("environment", "one"), ("confirm", "one")]).await;
    assert_eq!(engine.ended(&deletion).await["state"]["current"], "SUCCESS");
    assert_eq!(engine.environments(), ["production"]);
}

/// A site from a git repository takes the place of the copy's, by the webhook, and is taken back, by the form.
async fn deploy_and_take_back(engine: &Engine, made: &Value) {
    let site = "https://git.example.net/acme/site";
    let commit = engine.world.commit(site, "main", &[("index.html", "Spring sale")], &[]).unwrap();
    let host = made["url"].as_str().unwrap().strip_prefix("https://").unwrap();
    let more = json!({"environment": "one", "service": "web", "repository": site, "ref": "main"});
    let (status, started) = engine.fire_at("deploy-to-railway", engine.request(more).to_string()).await;
    assert_eq!(status, 200, "{started}");
    let id = started["id"].as_str().unwrap();
    assert_eq!(engine.ended(id).await["state"]["current"], "SUCCESS", "{}", engine.logs(id).await);
    let deployed = engine.outputs(id).await;
    assert_eq!(
        (&deployed["status"], &deployed["commit"], &deployed["how"]),
        (&json!("ok"), &json!(commit), &json!("upload"))
    );
    assert_eq!(deployed["account"]["copies"][0]["deed"], "deployed", "{deployed}");
    assert_eq!(engine.world.fetch(host, "/").await.unwrap().body, "Spring sale");

    let project = engine.world.project_id();
    let of = [("project_id", project.as_str()), ("environment", "one"), ("service", "web")];
    let back = ("rollback_to", deployed["previous_deployment_id"].as_str().unwrap());
    let id = engine.submit("deploy-to-railway", &[&of[..], &[back]].concat()).await;
    assert_eq!(engine.ended(&id).await["state"]["current"], "SUCCESS", "{}", engine.logs(&id).await);
    assert!(engine.world.fetch(host, "/").await.unwrap().body.contains("customers"));

    let elsewhere = [of[0], ("environment", "production"), of[2], ("repository", site), ("confirm", "production")];
    let id = engine.submit("deploy-to-railway", &elsewhere).await;
    assert_eq!(engine.ended(&id).await["state"]["current"], "FAILED");
    let refused = engine.outputs(&id).await;
    assert_eq!((&refused["exit_code"], &refused["needs_person"]), (&json!(2), &json!(false)), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schedule_deletes_and_a_start_by_hand_only_tells() {
    let engine = Engine::start(WorldOptions::prompt()).await;
    engine.world.create_environment("rs-0123456789abcdef", Duration::from_hours(2)).unwrap();
    let dry = engine.submit("cleanup-staging", &[]).await;
    assert_eq!(engine.ended(&dry).await["state"]["current"], "SUCCESS");
    assert_eq!(engine.outputs(&dry).await["deleted"][0]["name"], "rs-0123456789abcdef");
    assert_eq!(engine.environments(), ["production", "rs-0123456789abcdef"]);
    drop(engine);

    let every_three_seconds = |flow: &str, text: String| match flow {
        "cleanup-staging" => text.replace("cron: \"*/15 * * * *\"", "cron: \"*/3 * * * * *\"\n    withSeconds: true"),
        _ => text,
    };
    let engine = Engine::start_with(WorldOptions::prompt(), every_three_seconds).await;
    engine.world.create_environment("rs-0123456789abcdef", Duration::from_hours(2)).unwrap();
    let end = tokio::time::Instant::now() + Duration::from_mins(1);
    while engine.environments().len() > 1 {
        assert!(tokio::time::Instant::now() < end, "the schedule deleted nothing");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_compared_with_its_source_by_a_flow() {
    let engine = Engine::start(WorldOptions::prompt()).await;
    let clone = engine.clone(&engine.request(json!({"environment_name": "one"}))).await;
    engine.ended(&clone).await;
    let project = engine.world.project_id();
    let compare = async |more: &[(&str, &str)]| {
        let inputs = [&[("project_id", project.as_str())], more].concat();
        let run = engine.submit("diff-staging", &inputs).await;
        let state = engine.ended(&run).await["state"]["current"].as_str().unwrap().to_owned();
        (state, engine.outputs(&run).await)
    };
    let (state, fresh) = compare(&[("environment", "one")]).await;
    assert_eq!((state.as_str(), &fresh["same"], &fresh["drift"]), ("SUCCESS", &json!(true), &json!(0)));
    engine.world.set_variable("one", Some("web"), "EXTRA", "canary-extra").unwrap();
    let (_, drifted) = compare(&[("environment", "one"), ("against", "production")]).await;
    assert_eq!((&drifted["same"], &drifted["drift"]), (&json!(false), &json!(1)));
    assert_eq!(drifted["differences"][0]["name"], "EXTRA");
    let (state, refused) = compare(&[("environment", "production")]).await;
    assert_eq!(state, "FAILED");
    assert!(refused["error"].as_str().unwrap().contains("no copy of ours"), "{refused}");
}
