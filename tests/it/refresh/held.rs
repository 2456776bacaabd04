//! A copy while it is refreshed: nobody deletes it, closes it, gives it another end, or brings other data.

use backboard::WorldOptions;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{page, rename_the_shop, request, settings, with_copy};

/// A refresh by another run, given up at `hours` from now.
fn refreshing(hours: i64) -> Value {
    json!({"run": "theirs", "give_up_at": (Timestamp::now() + SignedDuration::from_hours(hours)).to_string()})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_held_while_it_is_refreshed_and_free_once_that_is_given_up() {
    let (stage, copy) = with_copy(WorldOptions::prompt()).await;
    let delete = json!({"project_id": stage.world.project_id(), "environment": copy.name, "confirm": copy.name});
    stage.change_record(copy.name, json!({"refreshing": refreshing(1), "expires_at": "2020-01-01T00:00:00Z"}));
    stage.world.set_tcp_proxy(copy.name, true).unwrap();
    stage.world.clear_journal();

    let refused = stage.step("refresh-env", "ours", &request(&stage, &copy, json!({}))).await;
    refused.expect(2);
    assert!(refused.error().contains("is being refreshed by run `theirs`"), "{}", refused.error());
    let extend = json!({"project_id": stage.world.project_id(), "environment": copy.name, "ttl": "P1D"});
    for (step, request) in [("delete-env", &delete), ("extend-env", &extend)] {
        let refused = stage.step(step, "-", request).await;
        refused.expect(2);
        assert!(refused.error().contains("is being refreshed by run `theirs`"), "{step}: {}", refused.error());
    }
    let swept = stage.step("sweep-envs", "-", &json!({"dry_run": false})).await;
    swept.expect(0);
    let outputs = swept.outputs();
    assert_eq!((&outputs["deleted"], &outputs["closed"]), (&json!([]), &json!([])));
    assert!(outputs["spared"].to_string().contains("is being refreshed"), "{outputs}");
    // Nor is anything written into its record because its end is near.
    let near = (Timestamp::now() + SignedDuration::from_hours(20)).to_string();
    stage.change_record(copy.name, json!({"expires_at": near}));
    let swept = stage.step("sweep-envs", "-", &json!({"dry_run": false})).await;
    swept.expect(0);
    assert_eq!(swept.outputs()["warned"], json!([]));
    let listed = stage.step("list-envs", "-", &json!({"project_id": stage.world.project_id()})).await;
    let environments = listed.outputs()["environments"].take();
    let ours = environments.as_array().unwrap().iter().find(|environment| environment["name"] == copy.name).unwrap();
    assert_eq!(ours["refreshing"]["run"], "theirs");
    assert!(listed.stdout.contains("staging (being refreshed"), "{}", listed.stdout);
    let mutations: Vec<_> = stage.world.journal().into_iter().filter(backboard::Entry::is_mutation).collect();
    assert!(mutations.is_empty(), "{mutations:?}");

    // Whoever was killed holds it no longer than he may.
    stage.change_record(copy.name, json!({"refreshing": refreshing(-1)}));
    let swept = stage.step("sweep-envs", "-", &json!({"dry_run": false})).await;
    swept.expect(0);
    assert_eq!(
        (&swept.outputs()["warned"][0]["mark"], &swept.outputs()["closed"]),
        (&json!("P1D"), &json!([copy.name]))
    );
    stage.world.set_tcp_proxy(copy.name, true).unwrap();
    let later = (Timestamp::now() + SignedDuration::from_hours(9)).to_string();
    stage.change_record(copy.name, json!({"refreshing": refreshing(-1), "expires_at": later}));
    rename_the_shop(&stage, "The New Shop").await;
    stage.step("refresh-env", "ours", &request(&stage, &copy, json!({}))).await.expect(0);
    assert!(page(&stage, &copy).await.contains("The New Shop"));
    assert_eq!(settings(&stage, copy.name)["Postgres.RAILWAY_TCP_PROXY_PORT"], json!(""));
    stage.change_record(copy.name, json!({"refreshing": refreshing(-1)}));
    stage.step("delete-env", "-", &delete).await.expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_refreshes_at_once_one_brings_its_data_and_the_other_is_told() {
    let (stage, copy) = with_copy(WorldOptions::default()).await;
    rename_the_shop(&stage, "The New Shop").await;
    let asked = request(&stage, &copy, json!({}));
    let (a, b) = tokio::join!(stage.step("refresh-env", "run-a", &asked), stage.step("refresh-env", "run-b", &asked));
    let mut codes = [a.code, b.code];
    codes.sort_unstable();
    assert_eq!(codes, [0, 2], "{}\n{}", a.stdout, b.stdout);
    // It is told while the first is at work, or, where both had begun before either could see it, once that is done.
    let (other, first) = if a.code == 2 { (a, "run-b") } else { (b, "run-a") };
    let told = ["is being refreshed by run `FIRST`", "run `FIRST` has refreshed the copy"];
    let names = |words: &str| other.error().contains(&words.replace("FIRST", first));
    assert!(told.into_iter().any(names), "{}", other.error());
    assert!(page(&stage, &copy).await.contains("The New Shop"));
    let record = stage.record(copy.name);
    assert_eq!((&record["state"], &record["refreshing"]), (&json!("ready"), &Value::Null));
}

/// Kestra starts a task again when it has lost a worker, whose process may live on.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_of_one_refresh_one_works_and_the_other_finds_its_work_done() {
    let (stage, copy) = with_copy(WorldOptions::default()).await;
    rename_the_shop(&stage, "The New Shop").await;
    let asked = request(&stage, &copy, json!({}));
    let (a, b) = tokio::join!(stage.step("refresh-env", "one", &asked), stage.step("refresh-env", "one", &asked));
    a.expect(0);
    b.expect(0);
    let restarts = [&a, &b].map(|call| call.outputs()["restarts"].as_u64().unwrap());
    assert_eq!(restarts.iter().sum::<u64>(), 1, "{restarts:?}");
    assert!(page(&stage, &copy).await.contains("The New Shop"));
    assert_eq!(stage.record(copy.name)["lease"], Value::Null);
}
