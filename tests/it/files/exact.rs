//! A copied volume is what its source is.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::time::Duration;

use serde_json::json;

use super::{assert_only_read, request, source, target, tree, with_media};

#[tokio::test(flavor = "multi_thread")]
async fn every_name_mode_owner_time_link_and_byte_comes_along() {
    let Some(stage) = with_media().await else { return };
    tree::fill(&source(&stage));
    let before = tree::of(&source(&stage));
    let copied = stage.steps_until("sync-files", "exact", &request(&stage, &json!({}))).await;
    let outputs = copied.outputs();
    let (there, files) = (tree::of(&target(&stage)), &outputs["services"][0]);
    assert_eq!(there, before);
    assert_eq!(tree::of(&source(&stage)), before, "production was written");
    assert_only_read(&stage);
    assert!(files["files"].as_u64().unwrap() >= 17 && files["unchanged"] == 0, "{files}");
    let sparse = fs::metadata(target(&stage).join("sparse.img")).unwrap();
    assert!(sparse.blocks() * 512 < 8 << 20, "what is empty takes room: {} bytes", sparse.blocks() * 512);
    assert!(stage.world.ssh_keys().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_copied_and_what_leads_out_stays_behind_by_name() {
    let Some(stage) = with_media().await else { return };
    let volume = source(&stage);
    fs::write(volume.join("kept"), "kept").unwrap();
    symlink("/etc/passwd", volume.join("out")).unwrap();
    symlink("../../secrets", volume.join("out-too")).unwrap();
    nix::unistd::mkfifo(&volume.join("pipe"), nix::sys::stat::Mode::S_IRUSR).unwrap();
    let copied = stage.steps_until("sync-files", "out", &request(&stage, &json!({}))).await.outputs();
    let files = &copied["services"][0];
    assert_eq!(files["leading_out"], json!(["out", "out-too"]), "{files}");
    assert_eq!(files["special"], json!(["pipe"]), "{files}");
    assert_eq!(tree::of(&target(&stage)).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_written_while_it_is_read_is_told_or_whole() {
    let Some(stage) = with_media().await else { return };
    let volume = source(&stage);
    for n in 0..300 {
        fs::write(volume.join(format!("{n}.txt")), format!("{n}")).unwrap();
    }
    let request = request(&stage, &json!({}));
    stage.steps_until("sync-db", "moving", &request).await;
    let writing = tokio::spawn(async move {
        for n in 0usize.. {
            fs::write(volume.join("log.txt"), format!("line {n}\n").repeat(n % 50)).unwrap();
            drop(fs::remove_file(volume.join(format!("{}.txt", n % 300))));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let copied = stage.step("sync-files", "moving", &request).await;
    writing.abort();
    let _ = writing.await;
    let outputs = copied.expect(0).outputs();
    let files = &outputs["services"][0];
    // Those that went meanwhile are in neither, and those that are there came whole.
    let (here, there) = (tree::of(&source(&stage)), tree::of(&target(&stage)));
    for (path, told) in &here {
        let name = String::from_utf8_lossy(path);
        assert!(there.get(path) == Some(told) || name == "log.txt", "{name}: {files}");
    }
    assert_only_read(&stage);
}
