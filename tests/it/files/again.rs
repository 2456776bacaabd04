//! Runs that come twice, or beside each other, and volumes that are not what they were when they were listed.

use std::fs;

use backboard::{Fault, RelayFault};
use serde_json::json;

use super::{assert_only_read, request, source, target, tree, with_media};
use crate::asked;
use crate::stage::{Stage, eventually};

fn copy(stage: &Stage) -> String {
    stage.world.environments().into_iter().find(|one| one.name != "production").unwrap().id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_after_one_that_broke_off_sends_what_is_not_there_and_no_more() {
    let Some(stage) = with_media().await else { return };
    let volume = source(&stage);
    for n in 0..24u8 {
        fs::write(volume.join(format!("{n}.bin")), vec![n; 1 << 20]).unwrap();
    }
    let request = request(&stage, &json!({}));
    stage.steps_until("sync-db", "again", &request).await;
    // What came last is damaged on its way, so that the step fails when all the rest is there.
    stage.world.fault(Fault::relay(RelayFault::Damaged).at(&copy(&stage)));
    stage.step("sync-files", "again", &request).await.expect(1);
    let there = fs::read_dir(target(&stage)).unwrap().count();
    assert!(there > 2, "{there} files have come");
    fs::write(volume.join("3.bin"), "another one").unwrap();
    fs::remove_file(volume.join("4.bin")).unwrap();
    let same = fs::metadata(volume.join("5.bin")).unwrap().modified().unwrap();
    // Nothing but its bytes tells.
    fs::write(target(&stage).join("5.bin"), vec![55; 1 << 20]).unwrap();
    fs::File::options().append(true).open(target(&stage).join("5.bin")).unwrap().set_modified(same).unwrap();
    let (there, here) = (tree::of(&target(&stage)), tree::of(&volume));
    let differing: u64 =
        here.iter().filter(|(path, told)| there.get(*path) != Some(told)).map(|(_, told)| told.3).sum();
    let fed = stage.world.fed(&copy(&stage), "media").unwrap();
    let outputs = stage.step("sync-files", "again", &request).await.expect(0).outputs();
    let fed = stage.world.fed(&copy(&stage), "media").unwrap() - fed;
    assert!((differing..differing + 300_000).contains(&fed), "{fed} bytes for {differing}: {outputs}");
    assert_eq!(outputs["services"][0]["bytes"], differing, "{outputs}");
    assert_eq!(tree::of(&target(&stage)), tree::of(&volume));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_whose_first_name_goes_while_it_is_sent_comes_under_its_other_one() {
    let Some(stage) = with_media().await else { return };
    let volume = source(&stage);
    fs::write(volume.join("first"), "one file").unwrap();
    fs::hard_link(volume.join("first"), volume.join("second")).unwrap();
    // Large files come first, so that there is time.
    fs::File::create(volume.join("large")).unwrap().set_len(400 << 20).unwrap();
    let request = request(&stage, &json!({}));
    stage.steps_until("sync-db", "names", &request).await;
    let (first, large) = (volume.join("first"), target(&stage).join("large"));
    let going = async {
        eventually("the large file is begun", async || large.exists()).await;
        fs::remove_file(first).unwrap();
    };
    let (copied, ()) = tokio::join!(stage.step("sync-files", "names", &request), going);
    let outputs = copied.expect(0).outputs();
    assert_eq!(outputs["services"][0]["vanished"], json!(["first"]), "{outputs}");
    assert_eq!(fs::read(target(&stage).join("second")).unwrap(), b"one file");
    assert!(!target(&stage).join("first").exists());
    assert_only_read(&stage);
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_of_one_run_that_come_at_once_do_the_work_once() {
    let Some(stage) = with_media().await else { return };
    tree::fill(&source(&stage));
    let request = request(&stage, &json!({}));
    stage.steps_until("sync-db", "twice", &request).await;
    let deployed = || stage.world.journal().iter().filter(|one| one.operation == "serviceInstanceDeployV2").count();
    let before = deployed();
    let (one, other, database) = tokio::join!(
        stage.step("sync-files", "twice", &request),
        stage.step("sync-files", "twice", &request),
        stage.step("sync-db", "twice", &request),
    );
    for call in [&one, &other, &database] {
        call.expect(0);
    }
    assert_eq!(one.outputs()["services"][0]["files"], other.outputs()["services"][0]["files"]);
    // Whoever came second was told what the record has: nothing was sent twice.
    let fed = stage.world.fed(&copy(&stage), "media").unwrap();
    assert!(fed < 100_000_000, "{fed} bytes were fed");
    assert_eq!(deployed(), before, "it was deployed again");
    assert_eq!(tree::of(&target(&stage)), tree::of(&source(&stage)));
    assert!(stage.world.ssh_keys().is_empty(), "{:?}", stage.world.ssh_keys());
    stage.step("start-apps", "twice", &request).await.expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_more_than_four_gibibytes_comes_whole() {
    if !asked::all() {
        return;
    }
    let Some(stage) = with_media().await else { return };
    let file = fs::File::create(source(&stage).join("video.mp4")).unwrap();
    file.set_len((4 << 30) + 12_345).unwrap();
    for (at, bytes) in [(0, &b"begin"[..]), ((4 << 30) - 2, b"across"), ((4 << 30) + 12_340, b"end")] {
        std::os::unix::fs::FileExt::write_all_at(&file, bytes, at).unwrap();
    }
    let mut command = {
        let request = request(&stage, &json!({}));
        stage.steps_until("sync-db", "huge", &request).await;
        stage.step_command("sync-files", "huge", &request)
    };
    let ended = tokio::time::timeout(std::time::Duration::from_mins(20), command.output()).await.unwrap().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
    assert!(tree::of(&target(&stage)) == tree::of(&source(&stage)), "it is another one");
}
