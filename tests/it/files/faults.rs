//! What goes wrong while files are copied.

use std::fs;
use std::time::Duration;

use backboard::{Fault, RelayFault};
use serde_json::{Value, json};

use super::{assert_only_read, request, source, target, tree, with_media};
use crate::stage::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_cut_costs_time_alone() {
    let Some(stage) = with_media().await else { return };
    tree::fill(&source(&stage));
    let request = request(&stage, &json!({}));
    stage.steps_until("sync-db", "cut", &request).await;
    let production = stage.world.environment_id("production").unwrap();
    stage.world.fault(Fault::relay(RelayFault::CutAfter { bytes: 3_000_000 }).at(&production));
    let copied = stage.step("sync-files", "cut", &request).await;
    copied.expect(0);
    assert!(stage.world.waiting_faults().is_empty(), "the connection was never cut");
    assert_eq!(tree::of(&target(&stage)), tree::of(&source(&stage)));
    assert_only_read(&stage);
    assert!(stage.world.ssh_keys().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_byte_that_changes_on_its_way_is_found_and_its_file_is_named() {
    let Some(stage) = with_media().await else { return };
    fs::write(source(&stage).join("photo.jpg"), vec![7; 3 << 20]).unwrap();
    let request = request(&stage, &json!({}));
    stage.steps_until("sync-db", "damaged", &request).await;
    let copy = stage.world.environments().into_iter().find(|one| one.name != "production").unwrap();
    stage.world.fault(Fault::relay(RelayFault::Damaged).at(&copy.id));
    let failed = stage.step("sync-files", "damaged", &request).await;
    failed.expect(1);
    assert!(failed.error().contains("`photo.jpg`") && failed.error().contains("digest"), "{}", failed.error());
    stage.step("sync-files", "damaged", &request).await.expect(0);
    assert_eq!(tree::of(&target(&stage)), tree::of(&source(&stage)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_without_room_is_told_before_and_a_key_that_is_revoked_ends_the_step() {
    let Some(stage) = with_media().await else { return };
    tree::fill(&source(&stage));
    let request = request(&stage, &json!({}));
    stage.steps_until("assign-domain", "full", &request).await;
    let copy = stage.world.environments().into_iter().find(|one| one.name != "production").unwrap();
    stage.world.limit_volume(&copy.id, "media", 2 << 20).unwrap();
    stage.step("sync-db", "full", &request).await.expect(0);
    let failed = stage.step("sync-files", "full", &request).await;
    assert!(failed.code == 1 && failed.error().contains("do not fit"), "{}", failed.error());
    stage.world.fault(Fault::relay(RelayFault::KeyRevoked { after_bytes: 20_000 }).at(&copy.id));
    let failed = stage.step("sync-files", "full", &request).await;
    assert_ne!(failed.code, 0);
    stage.step("rollback", "full", &request).await.expect(0);
    assert!(stage.world.ssh_keys().is_empty(), "{:?}", stage.world.ssh_keys());
    assert_eq!(stage.environments(), ["production"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_sleeps_is_woken_by_its_domain_once() {
    let Some(stage) = with_media().await else { return };
    fs::write(source(&stage).join("photo.jpg"), vec![7; 3000]).unwrap();
    stage.world.add_custom_domain("production", "media", "media.example.net", true).unwrap();
    let request = request(&stage, &json!({"web_service": "web"}));
    stage.steps_until("sync-db", "asleep", &request).await;
    stage.world.put_to_sleep("production", "media").unwrap();
    let copied = stage.step("sync-files", "asleep", &request).await;
    copied.expect(0);
    assert_eq!(copied.stdout.matches("may be asleep: visiting https://").count(), 1, "{}", copied.stdout);
    assert_eq!(tree::of(&target(&stage)), tree::of(&source(&stage)));
}

/// Has the container of an environment start anew while files are read and written, three times.
async fn copied_over_restarts(stage: &Stage, run_id: &str, environment: &str, request: &Value) {
    let copy = stage.world.environments().into_iter().find(|one| one.name != "production").unwrap().id;
    let step = stage.step("sync-files", run_id, request);
    let mut restarts = 0;
    let watched = async {
        for bytes in [1_000, 6_000_000, 30_000_000] {
            while stage.world.fed(&copy, "media").unwrap() < bytes {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            stage.world.restart_container(environment, "media").unwrap();
            restarts += 1;
        }
        std::future::pending::<()>().await;
    };
    let copied = tokio::select! {
        copied = step => copied,
        () = watched => unreachable!("it waits for the step"),
    };
    copied.expect(0);
    assert_eq!(restarts, 3, "it was done before its container had started anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_that_start_again_in_the_middle_cost_time_alone() {
    let Some(stage) = with_media().await else { return };
    tree::fill(&source(&stage));
    let before = tree::of(&source(&stage));
    for of_copy in [false, true] {
        let (run_id, request) = (if of_copy { "copys" } else { "sources" }, request(&stage, &json!({})));
        stage.steps_until("sync-db", run_id, &request).await;
        let copy = stage.world.environments().into_iter().find(|one| one.name != "production").unwrap().id;
        copied_over_restarts(&stage, run_id, if of_copy { &copy } else { "production" }, &request).await;
        assert_eq!(tree::of(&target(&stage)), before, "{run_id}");
        assert!(tree::of(&source(&stage)) == before, "production was written");
        assert_only_read(&stage);
        assert!(stage.world.ssh_keys().is_empty());
        stage.step("rollback", run_id, &request).await.expect(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_that_is_full_before_all_is_there_is_told_and_nothing_of_the_copy_stays() {
    let Some(stage) = with_media().await else { return };
    // Each takes a page, which no sum of sizes tells.
    for n in 0..3000 {
        fs::write(source(&stage).join(format!("{n}.txt")), format!("{n}")).unwrap();
    }
    let request = request(&stage, &json!({}));
    stage.steps_until("assign-domain", "small", &request).await;
    let copy = stage.world.environments().into_iter().find(|one| one.name != "production").unwrap();
    stage.world.limit_volume(&copy.id, "media", 4 << 20).unwrap();
    stage.step("sync-db", "small", &request).await.expect(0);
    let failed = stage.step("sync-files", "small", &request).await;
    let error = failed.expect(1).error();
    assert!(error.contains("is full") && error.contains("larger"), "{error}");
    stage.step("rollback", "small", &request).await.expect(0);
    assert_eq!(stage.environments(), ["production"]);
    assert!(stage.world.ssh_keys().is_empty(), "{:?}", stage.world.ssh_keys());
}
