//! What goes wrong while files are copied.

use std::fs;

use backboard::{Fault, RelayFault};
use serde_json::json;

use super::{assert_only_read, request, source, target, tree, with_media};

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_cut_and_a_container_that_starts_again_cost_time_alone() {
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
