//! Containers that have little, or may do little.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;

use serde_json::{Value, json};

use super::{assert_only_read, request, source, target, tree, with_media};
use crate::stage::Stage;

/// The user of an image that is not root's.
const SOMEBODY: u32 = 33;

/// Has production's container, and the copy's, be of another image.
async fn of_image(stage: &Stage, user: Option<u32>, only_busybox: bool) {
    stage.world.set_image("media", user, only_busybox).unwrap();
    stage.deploy("production", "media").await;
    stage.world.clear_journal();
}

#[tokio::test(flavor = "multi_thread")]
async fn busybox_is_enough_on_both_sides_of_a_copy() {
    let Some(stage) = with_media().await else { return };
    of_image(&stage, None, true).await;
    tree::fill(&source(&stage));
    let before = tree::of(&source(&stage));
    stage.steps_until("start-apps", "busybox", &request(&stage, &json!({}))).await;
    assert_eq!(without_times_of_links(&tree::of(&target(&stage))), without_times_of_links(&before));
    assert!(tree::of(&source(&stage)) == before, "production was written");
    assert_only_read(&stage);
}

/// Which busybox's `tar` leaves as they come.
fn without_times_of_links(tree: &tree::Tree) -> tree::Tree {
    let mut tree = tree.clone();
    for told in tree.values_mut().filter(|(mode, ..)| mode & 0o170_000 == 0o120_000) {
        told.2 = 0;
    }
    tree
}

/// Files of several people, all of which the container's user may read.
fn fill_readably(volume: &Path) {
    for (path, user) in [("own.txt", SOMEBODY), ("roots.txt", 0), ("folder/deep/others.txt", 1234)] {
        let file = volume.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, path.repeat(1000)).unwrap();
        chown(&file, Some(user), Some(user)).unwrap();
    }
    fs::hard_link(volume.join("roots.txt"), volume.join("again.txt")).unwrap();
    std::os::unix::fs::symlink("own.txt", volume.join("link")).unwrap();
    fs::write(volume.join("large.bin"), vec![7; 9 << 20]).unwrap();
    fs::set_permissions(volume.join("own.txt"), fs::Permissions::from_mode(0o664)).unwrap();
}

/// A tree without whose it is.
fn without_owners(tree: &tree::Tree) -> Value {
    let told = tree.iter().map(|(path, (mode, _, time, size, holds, names))| {
        (String::from_utf8_lossy(path).into_owned(), json!([mode, time, size, holds, names]))
    });
    told.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_is_not_roots_has_files_of_its_own_and_says_so() {
    let Some(stage) = with_media().await else { return };
    of_image(&stage, Some(SOMEBODY), false).await;
    fill_readably(&source(&stage));
    let before = tree::of(&source(&stage));
    let request = request(&stage, &json!({}));
    stage.steps_until("assign-domain", "somebody", &request).await;
    // A volume is root's, unless somebody has made it the user's: then not even the first file can be written.
    stage.step("sync-db", "somebody", &request).await.expect(0);
    let refused = stage.step("sync-files", "somebody", &request).await;
    assert!(refused.expect(1).error().contains("Permission denied"), "{}", refused.error());
    chown(target(&stage), Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    let copied = stage.step("sync-files", "somebody", &request).await;
    let files = copied.expect(0).outputs()["services"][0].clone();
    assert_eq!(files["with_owners"], false, "{files}");
    let there = tree::of(&target(&stage));
    assert_eq!(without_owners(&there), without_owners(&before));
    for path in ["own.txt", "roots.txt", "folder/deep/others.txt", "large.bin"] {
        assert_eq!(fs::metadata(target(&stage).join(path)).unwrap().uid(), SOMEBODY, "{path}");
    }
    assert!(tree::of(&source(&stage)) == before, "production was written");
    stage.step("start-apps", "somebody", &request).await.expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_the_containers_user_may_not_read_is_named_and_can_be_left_out() {
    let Some(stage) = with_media().await else { return };
    of_image(&stage, Some(SOMEBODY), false).await;
    fill_readably(&source(&stage));
    fs::set_permissions(source(&stage).join("roots.txt"), fs::Permissions::from_mode(0o600)).unwrap();
    let asked = request(&stage, &json!({}));
    stage.steps_until("sync-db", "secret", &asked).await;
    chown(target(&stage), Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    let failed = stage.step("sync-files", "secret", &asked).await;
    let error = failed.expect(1).error();
    assert!(error.contains("again.txt") || error.contains("roots.txt"), "{error}");
    assert!(error.contains("exclude"), "{error}");
    stage.step("rollback", "secret", &asked).await.expect(0);
    let without = json!({"files": [{"service": "media", "exclude": ["roots.txt", "again.txt"]}]});
    let asked = request(&stage, &without);
    stage.steps_until("sync-db", "without", &asked).await;
    chown(target(&stage), Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    stage.step("sync-files", "without", &asked).await.expect(0);
    assert!(target(&stage).join("own.txt").exists() && !target(&stage).join("roots.txt").exists());
}
